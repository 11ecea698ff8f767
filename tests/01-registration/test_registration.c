/*
 * test_registration.c - register, unregister, head; and every step of
 * them made to fail. After a failure no memory is mapped, no group is
 * taken, and neither `*ring` nor errno was touched.
 */
#include "by_hand.h"
#include "elsewhere.h"
#include "faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

enum { GROUP = BY_HAND_GROUP, ENTRIES = 4 };

/* Registers, and checks what must hold if that fails. */
static int try_register(int ring_fd, uint32_t entries, uint16_t group,
                        unsigned flags)
{
    const size_t mapped = faults_mapped();
    struct readbuf_ring ring, before;
    int ret;

    memset(&ring, 0xa5, sizeof(ring));
    before = ring;
    errno = 4711;
    ret = readbuf_ring_register(&ring, ring_fd, entries, group, flags);
    ck_assert_int_eq(errno, 4711);
    if (ret < 0) {
        ck_assert_mem_eq(&ring, &before, sizeof(ring));
        ck_assert_uint_eq(faults_mapped(), mapped);
    }
    return ret;
}

struct arguments {
    int ring_fd;
    uint32_t entries;
    uint16_t group;
    unsigned flags;
};

static int call_register(void *arg)
{
    const struct arguments *a = arg;

    return try_register(a->ring_fd, a->entries, a->group, a->flags);
}

static int call_unregister(void *arg)
{
    int ret;

    errno = 4711;
    ret = readbuf_ring_unregister(arg);
    ck_assert_int_eq(errno, 4711);
    return ret;
}

/*
 * The kernel was asked if the answer is the filter's. The descriptor is
 * open, which is all that is looked at before.
 */
static int answer(struct arguments arguments)
{
    arguments.ring_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(arguments.ring_fd, 0);
    return elsewhere_refused(IORING_REGISTER_PBUF_RING, EXDEV,
                             call_register, &arguments);
}

static void ck_register(const struct io_uring *uring,
                        struct readbuf_ring *ring, unsigned flags)
{
    ck_assert_int_eq(readbuf_ring_register(ring, uring->ring_fd,
                                           ENTRIES, GROUP, flags),
                     0);
}

/* The ring hands a buffer out. */
static void ck_works(struct io_uring *uring,
                     const struct readbuf_ring *ring)
{
    char buffer[BY_HAND_LENGTH] = {0};

    by_hand_give(ring->shared, ring->entries, buffer, 3);
    ck_assert_uint_eq(
        by_hand_bid(by_hand_read(uring, ring->group, "data")), 3);
    ck_assert_mem_eq(buffer, "data", 4);
}

/* ------------------------------------------------------- register */

START_TEST(registers_an_empty_ring)
{
    const size_t bytes = ENTRIES * sizeof(struct io_uring_buf);
    static const struct io_uring_buf zero[ENTRIES];
    struct io_uring uring;
    struct readbuf_ring ring = {0};

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    errno = 4711;
    ck_assert_int_eq(
        readbuf_ring_register(&ring, uring.ring_fd, ENTRIES, GROUP, 0),
        0);
    ck_assert_int_eq(errno, 4711);
    ck_assert_ptr_nonnull(ring.shared);
    ck_assert_uint_eq(ring.bytes, bytes);
    ck_assert_int_eq(ring.ring_fd, uring.ring_fd);
    ck_assert_uint_eq(ring.entries, ENTRIES);
    ck_assert_uint_eq(ring.group, GROUP);
    ck_assert_uint_eq(ring.flags, 0);
    ck_assert_mem_eq(ring.shared, zero, sizeof(zero));
    ck_assert_int_eq(by_hand_read(&uring, GROUP, "none").res, -ENOBUFS);
    ck_works(&uring, &ring);
}
END_TEST

START_TEST(registers_the_smallest_and_the_largest)
{
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    ck_assert_int_eq(try_register(uring.ring_fd, 1, 0, 0), 0);
    ck_assert_int_eq(
        try_register(uring.ring_fd, READBUF_RING_ENTRIES_MAX, 65535, 0),
        0);
}
END_TEST

START_TEST(registers_an_incremental_ring)
{
    struct io_uring uring;
    struct readbuf_ring ring;
    char buffer[BY_HAND_LENGTH] = {0};

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(incremental);
    ck_register(&uring, &ring, READBUF_RING_INCREMENTAL);
    ck_assert_uint_eq(ring.flags, READBUF_RING_INCREMENTAL);
    by_hand_give(ring.shared, ENTRIES, buffer, 0);
    ck_assert_uint_ne(by_hand_read(&uring, GROUP, "piece").flags &
                          READBUF_CQE_F_BUF_MORE,
                      0);
}
END_TEST

START_TEST(registers_kernel_rings_of_mappable_groups)
{
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(kernel_rings);
    for (uint16_t group = 0; group < 2048; group += 2047) {
        struct readbuf_ring ring;

        ck_assert_int_eq(readbuf_ring_register(&ring, uring.ring_fd,
                                               ENTRIES, group,
                                               READBUF_RING_KERNEL),
                         0);
        ck_assert_uint_eq(ring.flags, READBUF_RING_KERNEL);
        ck_works(&uring, &ring);
    }
}
END_TEST

/*
 * Kernels of 6.7 to 6.9 hand out the pages of an earlier ring as they
 * were left: on these it is the layer that must wipe the tail.
 */
START_TEST(a_kernel_ring_is_empty_again)
{
    struct io_uring uring;
    struct readbuf_ring ring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(kernel_rings);
    for (int round = 0; round < 2; round++) {
        ck_register(&uring, &ring, READBUF_RING_KERNEL);
        ck_assert_uint_eq(ring.shared->tail, 0);
        ck_assert_int_eq(by_hand_read(&uring, GROUP, "none").res,
                         -ENOBUFS);
        ck_works(&uring, &ring);
        ck_assert_int_eq(readbuf_ring_unregister(&ring), 0);
    }
}
END_TEST

/* The same on any kernel: the mapping comes with something in it. */
static void ck_empty_in_dirty_memory(const struct io_uring *uring,
                                     struct readbuf_ring *ring,
                                     unsigned flags)
{
    faults_mmap_dirty();
    ck_register(uring, ring, flags);
    faults_none();
    ck_assert_uint_ne(ring->shared->bufs[1].bid, 0); /* it was dirty */
    ck_assert_uint_eq(ring->shared->tail, 0);
}

START_TEST(a_ring_in_dirty_memory_is_empty)
{
    struct io_uring uring;
    struct readbuf_ring ring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    ck_empty_in_dirty_memory(&uring, &ring, 0);
    ck_assert_int_eq(by_hand_read(&uring, GROUP, "none").res, -ENOBUFS);
    ck_works(&uring, &ring);
}
END_TEST

START_TEST(a_kernel_ring_in_dirty_memory_is_empty)
{
    struct io_uring uring;
    struct readbuf_ring ring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(kernel_rings);
    ck_empty_in_dirty_memory(&uring, &ring, READBUF_RING_KERNEL);
    ck_assert_int_eq(by_hand_read(&uring, GROUP, "none").res, -ENOBUFS);
    ck_works(&uring, &ring);
}
END_TEST

/* ----------------------------------------- refused by the layer */

START_TEST(bad_entries_are_refused_before_the_kernel_is_asked)
{
    static const uint32_t bad[] = {0,     3,     6,     32767,
                                   32769, 65536, 65540, UINT32_MAX};

    for (unsigned flags = 0; flags <= READBUF_RING_KERNEL; flags++) {
        struct arguments a = {-1, 4, 0, flags};

        ck_assert_int_eq(answer(a), -EXDEV);
        for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
            a.entries = bad[i];
            ck_assert_int_eq(answer(a), -EINVAL);
        }
    }
}
END_TEST

START_TEST(bad_flags_are_refused_before_the_kernel_is_asked)
{
    for (unsigned bit = 2; bit < 32; bit++)
        ck_assert_int_eq(
            answer((struct arguments){-1, 4, 0, 1u << bit}), -EINVAL);
    for (unsigned good = 0; good < 4; good++)
        ck_assert_int_eq(answer((struct arguments){-1, 4, 0, good}),
                         -EXDEV);
}
END_TEST

START_TEST(high_kernel_groups_are_refused_before_the_kernel_is_asked)
{
    const unsigned flags = READBUF_RING_KERNEL;

    ck_assert_int_eq(answer((struct arguments){-1, 4, 2047, flags}),
                     -EXDEV);
    ck_assert_int_eq(answer((struct arguments){-1, 4, 2048, flags}),
                     -EINVAL);
    ck_assert_int_eq(answer((struct arguments){-1, 4, 32768, flags}),
                     -EINVAL);
    ck_assert_int_eq(answer((struct arguments){-1, 4, 65535, flags}),
                     -EINVAL);
    ck_assert_int_eq(answer((struct arguments){-1, 4, 65535, 0}),
                     -EXDEV);
}
END_TEST

/* ------------------------------------------- every step can fail */

START_TEST(no_memory_leaves_nothing)
{
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    faults_mmap_after(0, ENOMEM);
    ck_assert_int_eq(try_register(uring.ring_fd, ENTRIES, GROUP, 0),
                     -ENOMEM);
    ck_assert_int_eq(by_hand_unregister(uring.ring_fd, GROUP), -ENOENT);
    ck_assert_int_eq(try_register(uring.ring_fd, ENTRIES, GROUP, 0), 0);
}
END_TEST

START_TEST(a_refused_registration_leaves_nothing)
{
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    ck_assert_int_eq(
        answer((struct arguments){uring.ring_fd, ENTRIES, GROUP, 0}),
        -EXDEV);
    ck_assert_int_eq(by_hand_unregister(uring.ring_fd, GROUP), -ENOENT);
    ck_assert_int_eq(try_register(uring.ring_fd, ENTRIES, GROUP, 0), 0);
    ck_assert_int_eq(try_register(uring.ring_fd, ENTRIES, GROUP, 0),
                     -EEXIST);
}
END_TEST

START_TEST(a_refused_kernel_ring_leaves_nothing)
{
    const unsigned flags = READBUF_RING_KERNEL;
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(kernel_rings);
    ck_assert_int_eq(answer((struct arguments){uring.ring_fd, ENTRIES,
                                               GROUP, flags}),
                     -EXDEV);
    ck_assert_int_eq(by_hand_unregister(uring.ring_fd, GROUP), -ENOENT);
    ck_assert_int_eq(try_register(uring.ring_fd, ENTRIES, GROUP, flags),
                     0);
    ck_assert_int_eq(try_register(uring.ring_fd, ENTRIES, GROUP, flags),
                     -EEXIST);
}
END_TEST

START_TEST(a_kernel_ring_that_cannot_be_mapped_is_taken_back)
{
    const unsigned flags = READBUF_RING_KERNEL;
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(kernel_rings);
    faults_mmap_after(0, EAGAIN);
    ck_assert_int_eq(try_register(uring.ring_fd, ENTRIES, GROUP, flags),
                     -EAGAIN);
    ck_assert_int_eq(by_hand_unregister(uring.ring_fd, GROUP), -ENOENT);
    ck_assert_int_eq(try_register(uring.ring_fd, ENTRIES, GROUP, flags),
                     0);
}
END_TEST

static int call_register_unmapped(void *arg)
{
    faults_mmap_after(0, EAGAIN);
    return call_register(arg);
}

START_TEST(the_first_error_is_reported_when_undoing_fails_too)
{
    struct arguments arguments = {-1, ENTRIES, GROUP,
                                  READBUF_RING_KERNEL};
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(kernel_rings);
    arguments.ring_fd = uring.ring_fd;
    ck_assert_int_eq(elsewhere_refused(IORING_UNREGISTER_PBUF_RING,
                                       EXDEV, call_register_unmapped,
                                       &arguments),
                     -EAGAIN);
}
END_TEST

START_TEST(a_closed_io_uring_is_refused)
{
    struct io_uring uring;
    int fd;

    NEED_RING(&uring, 2, 0);
    fd = uring.ring_fd;
    io_uring_queue_exit(&uring);
    ck_assert_int_eq(try_register(fd, ENTRIES, GROUP, 0), -EBADF);
    ck_assert_int_eq(try_register(fd, ENTRIES, 0, READBUF_RING_KERNEL),
                     -EBADF);
}
END_TEST

/* ----------------------------------------------------- unregister */

static void unregisters(const struct io_uring *uring, unsigned flags)
{
    const size_t mapped = faults_mapped();
    struct readbuf_ring ring = {0};

    ck_register(uring, &ring, flags);
    ck_assert_uint_eq(faults_mapped(), mapped + ring.bytes);
    ck_assert_int_eq(call_unregister(&ring), 0);
    ck_assert_uint_eq(faults_mapped(), mapped);
    ck_assert_ptr_null(ring.shared);
    ck_assert_uint_eq(ring.group, GROUP);
    ck_assert_int_eq(by_hand_unregister(uring->ring_fd, GROUP),
                     -ENOENT);
}

START_TEST(unregister_frees_memory_and_group)
{
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    unregisters(&uring, 0);
}
END_TEST

START_TEST(unregister_frees_a_kernel_ring)
{
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(kernel_rings);
    unregisters(&uring, READBUF_RING_KERNEL);
}
END_TEST

START_TEST(unregister_twice_is_enoent)
{
    struct io_uring uring;
    struct readbuf_ring ring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    ck_register(&uring, &ring, 0);
    ck_assert_int_eq(call_unregister(&ring), 0);
    ck_assert_int_eq(call_unregister(&ring), -ENOENT);
}
END_TEST

START_TEST(all_zero_is_not_registered)
{
    struct readbuf_ring ring = {0};
    uint16_t head = 4711;

    ck_assert_int_eq(call_unregister(&ring), -ENOENT);
    ck_assert_int_eq(readbuf_ring_head(&ring, &head), -ENOENT);
    ck_assert_uint_eq(head, 4711);
}
END_TEST

/* After a refused unregister everything is as before it. */
static void ck_kept(struct io_uring *uring, struct readbuf_ring *ring,
                    const struct readbuf_ring *before, size_t mapped)
{
    ck_assert_mem_eq(ring, before, sizeof(*ring));
    ck_assert_uint_eq(faults_mapped(), mapped);
    ck_works(uring, ring);
    ck_assert_int_eq(readbuf_ring_unregister(ring), 0);
}

START_TEST(unregister_from_another_thread_keeps_all)
{
    struct io_uring uring;
    struct readbuf_ring ring = {0}, before;
    size_t mapped;

    NEED_RING(&uring, 2, IORING_SETUP_SINGLE_ISSUER);
    NEED_FEATURE(rings);
    ck_register(&uring, &ring, 0);
    before = ring;
    mapped = faults_mapped();
    ck_assert_int_eq(elsewhere(call_unregister, &ring), -EEXIST);
    ck_kept(&uring, &ring, &before, mapped);
}
END_TEST

static void refused_unregister(struct io_uring *uring, unsigned flags)
{
    struct readbuf_ring ring = {0}, before;
    size_t mapped;

    ck_register(uring, &ring, flags);
    before = ring;
    mapped = faults_mapped();
    ck_assert_int_eq(elsewhere_refused(IORING_UNREGISTER_PBUF_RING,
                                       EXDEV, call_unregister, &ring),
                     -EXDEV);
    ck_kept(uring, &ring, &before, mapped);
}

START_TEST(a_refused_unregister_keeps_all)
{
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    refused_unregister(&uring, 0);
}
END_TEST

START_TEST(a_refused_unregister_keeps_a_kernel_ring)
{
    struct io_uring uring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(kernel_rings);
    refused_unregister(&uring, READBUF_RING_KERNEL);
}
END_TEST

START_TEST(unregister_after_the_io_uring_keeps_the_memory)
{
    struct io_uring uring;
    struct readbuf_ring ring = {0}, before;
    size_t mapped;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    ck_register(&uring, &ring, 0);
    before = ring;
    mapped = faults_mapped();
    io_uring_queue_exit(&uring);
    ck_assert_int_eq(call_unregister(&ring), -EBADF);
    ck_assert_mem_eq(&ring, &before, sizeof(ring));
    ck_assert_uint_eq(faults_mapped(), mapped);
    ck_assert_uint_eq(ring.shared->tail, 0);
}
END_TEST

/* ----------------------------------------------------------- head */

START_TEST(head_counts_what_was_consumed)
{
    struct io_uring uring;
    struct readbuf_ring ring;
    uint16_t head = 4711;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(status);
    ck_register(&uring, &ring, 0);
    for (uint16_t count = 0; count < 2 * ENTRIES; count++) {
        ck_assert_int_eq(readbuf_ring_head(&ring, &head), 0);
        ck_assert_uint_eq(head, count);
        ck_works(&uring, &ring);
    }
}
END_TEST

START_TEST(head_counts_modulo_2_to_the_16)
{
    enum { BATCH = 1024 };
    struct io_uring uring;
    struct readbuf_ring ring;
    char byte;
    uint16_t head = 4711;
    FILE *zero = fopen("/dev/zero", "re");

    ck_assert_ptr_nonnull(zero);
    NEED_RING(&uring, BATCH, 0);
    NEED_FEATURE(status);
    ck_assert_int_eq(
        readbuf_ring_register(&ring, uring.ring_fd, BATCH, GROUP, 0),
        0);
    for (int batch = 0; batch <= 65536 / BATCH; batch++) {
        for (int i = 0; i < BATCH; i++) {
            io_uring_buf_ring_add(ring.shared, &byte, 1, 0, BATCH - 1,
                                  i);
            by_hand_prepare(&uring, fileno(zero), GROUP);
        }
        io_uring_buf_ring_advance(ring.shared, BATCH);
        ck_assert_int_eq(io_uring_submit_and_wait(&uring, BATCH),
                         BATCH);
        io_uring_cq_advance(&uring, BATCH);
    }
    ck_assert_int_eq(readbuf_ring_head(&ring, &head), 0);
    ck_assert_uint_eq(head, BATCH);
    fclose(zero);
}
END_TEST

static int call_head(void *arg)
{
    uint16_t head = 4711;
    int ret;

    errno = 4711;
    ret = readbuf_ring_head(arg, &head);
    ck_assert_int_eq(errno, 4711);
    ck_assert_uint_eq(head, 4711);
    return ret;
}

START_TEST(a_refused_head_is_untouched)
{
    struct io_uring uring;
    struct readbuf_ring ring;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    ck_register(&uring, &ring, 0);
    ck_assert_int_eq(elsewhere_refused(READBUF_REGISTER_PBUF_STATUS,
                                       EXDEV, call_head, &ring),
                     -EXDEV);
}
END_TEST

SUITE("registration", registers_an_empty_ring,
      registers_the_smallest_and_the_largest,
      registers_an_incremental_ring,
      registers_kernel_rings_of_mappable_groups,
      a_kernel_ring_is_empty_again, a_ring_in_dirty_memory_is_empty,
      a_kernel_ring_in_dirty_memory_is_empty,
      bad_entries_are_refused_before_the_kernel_is_asked,
      bad_flags_are_refused_before_the_kernel_is_asked,
      high_kernel_groups_are_refused_before_the_kernel_is_asked,
      no_memory_leaves_nothing, a_refused_registration_leaves_nothing,
      a_refused_kernel_ring_leaves_nothing,
      a_kernel_ring_that_cannot_be_mapped_is_taken_back,
      the_first_error_is_reported_when_undoing_fails_too,
      a_closed_io_uring_is_refused, unregister_frees_memory_and_group,
      unregister_frees_a_kernel_ring, unregister_twice_is_enoent,
      all_zero_is_not_registered,
      unregister_from_another_thread_keeps_all,
      a_refused_unregister_keeps_all,
      a_refused_unregister_keeps_a_kernel_ring,
      unregister_after_the_io_uring_keeps_the_memory,
      head_counts_what_was_consumed, head_counts_modulo_2_to_the_16,
      a_refused_head_is_untouched)
