/*
 * test_kernel.c - what the kernel says about rings, errno by errno.
 *
 * Nothing here goes through the layer but the bare system call. The
 * claims are the book's: chapter 1 prints each, word for word.
 */
#include "by_hand.h"
#include "elsewhere.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

enum { GROUP = BY_HAND_GROUP, PAGE = 4096 };

/*
 * Linux 6.14 turned rings into memory regions. The same release began
 * to report that reads have attributes; there is no nearer sign of it
 * that isn't the fact under test itself.
 */
#define FEAT_RW_ATTR (1u << 16)
#define NEED_REGIONS(ring)                                     \
    do {                                                       \
        if (!((ring)->features & FEAT_RW_ATTR))                \
            SKIP("rings are memory regions since Linux 6.14"); \
    } while (0)

static uint64_t kernel_offset(uint16_t group)
{
    return READBUF_OFF_PBUF_RING | (uint64_t)group
                                       << READBUF_OFF_PBUF_SHIFT;
}

/* A ring of four in memory of our own. */
static struct io_uring_buf_ring *empty_ring(const struct io_uring *ring,
                                            uint16_t group)
{
    struct io_uring_buf_ring *shared = by_hand_memory(PAGE);

    ck_assert_int_eq(by_hand_ring(ring->ring_fd, shared, 4, group), 0);
    return shared;
}

/* Let the kernel allocate a ring of four. */
static int kernel_ring(const struct io_uring *ring, uint16_t group)
{
    return by_hand_register(
        ring->ring_fd,
        (struct readbuf_buf_reg){.ring_entries = 4,
                                 .bgid = group,
                                 .flags = READBUF_PBUF_RING_MMAP});
}

/* MAP_FAILED, with errno, where the kernel doesn't want to. */
static struct io_uring_buf_ring *kernel_map(const struct io_uring *ring,
                                            uint16_t group)
{
    return mmap(NULL, 4 * sizeof(struct io_uring_buf),
                PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                ring->ring_fd, (off_t)kernel_offset(group));
}

static int status_of(const struct io_uring *ring, uint32_t group,
                     uint32_t *head)
{
    struct readbuf_buf_status status = {.buf_group = group};
    int ret = readbuf_sys_register(
        ring->ring_fd, READBUF_REGISTER_PBUF_STATUS, &status);

    *head = status.head;
    return ret;
}

/* Buffers of the older kind: `count` of them, into a group. */
static void provide_legacy(struct io_uring *ring, void *memory,
                           int count)
{
    io_uring_prep_provide_buffers(io_uring_get_sqe(ring), memory, 16,
                                  count, GROUP, 0);
    ck_assert_int_ge(support_complete(ring).res, 0);
}

static void remove_legacy(struct io_uring *ring, int count)
{
    io_uring_prep_remove_buffers(io_uring_get_sqe(ring), count, GROUP);
    ck_assert_int_eq(support_complete(ring).res, count);
}

/* ------------------------------------------------- the arguments */

/*
 * claim: register-entries (5.19)
 * A ring has a power of two of entries, from 1 to 32768, and every
 * other number is refused with `EINVAL`.
 */
START_TEST(entries_are_a_power_of_two)
{
    static const uint32_t bad[] = {0,     3,     6,      32767,
                                   32769, 65536, 131072, UINT32_MAX};
    struct io_uring ring;
    void *memory;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    memory = by_hand_memory(32768 * sizeof(struct io_uring_buf));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        ck_assert_int_eq(
            by_hand_ring(ring.ring_fd, memory, bad[i], GROUP), -EINVAL);
    for (uint32_t entries = 1; entries <= 32768; entries *= 2) {
        ck_assert_int_eq(
            by_hand_ring(ring.ring_fd, memory, entries, GROUP), 0);
        ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP), 0);
    }
}
END_TEST

/*
 * claim: register-inside-a-page (5.19)
 * Ring memory that does not start at the start of a page is refused
 * with `EINVAL`.
 */
START_TEST(memory_starts_at_a_page)
{
    struct io_uring ring;
    char *memory;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    memory = by_hand_memory(2 * PAGE);
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, memory + 1, 4, GROUP),
                     -EINVAL);
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, memory + 16, 4, GROUP),
                     -EINVAL);
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, memory, 4, GROUP), 0);
}
END_TEST

/*
 * claim: register-bad-memory (5.19)
 * Ring memory that is `NULL`, unmapped, read-only, the kernel's, or
 * mapped for a part of its length only is refused with `EFAULT`.
 */
START_TEST(memory_is_there_and_writable)
{
    const uint32_t two_pages = 2 * PAGE / sizeof(struct io_uring_buf);
    struct io_uring ring;
    char *memory;
    int fd;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    fd = ring.ring_fd;
    memory = by_hand_memory(3 * PAGE);
    ck_assert_int_eq(by_hand_ring(fd, NULL, 4, GROUP), -EFAULT);
    ck_assert_int_eq(
        by_hand_register(
            fd,
            (struct readbuf_buf_reg){.ring_addr = 0xffff800000000000ull,
                                     .ring_entries = 4,
                                     .bgid = GROUP}),
        -EFAULT);
    ck_assert_int_eq(mprotect(memory, PAGE, PROT_READ), 0);
    ck_assert_int_eq(by_hand_ring(fd, memory, 4, GROUP), -EFAULT);
    ck_assert_int_eq(munmap(memory, PAGE), 0);
    ck_assert_int_eq(by_hand_ring(fd, memory, 4, GROUP), -EFAULT);
    ck_assert_int_eq(munmap(memory + 2 * PAGE, PAGE), 0);
    ck_assert_int_eq(by_hand_ring(fd, memory + PAGE, two_pages, GROUP),
                     -EFAULT);
    ck_assert_int_eq(by_hand_ring(fd, memory + PAGE, 4, GROUP), 0);
}
END_TEST

/*
 * claim: register-wrapping-memory (6.14)
 * Ring memory that runs past the highest address there is gets refused
 * with `EOVERFLOW`.
 */
START_TEST(memory_does_not_wrap)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    NEED_REGIONS(&ring);
    ck_assert_int_eq(
        by_hand_register(
            ring.ring_fd,
            (struct readbuf_buf_reg){.ring_addr = 0xfffffffffffff000ull,
                                     .ring_entries = 1024,
                                     .bgid = GROUP}),
        -EOVERFLOW);
}
END_TEST

/*
 * claim: register-unknown-bits (5.19)
 * A flag that the kernel does not know, a reserved word that is not
 * zero, and a `min_left` without the incremental flag are refused with
 * `EINVAL`.
 */
START_TEST(unknown_bits_are_refused)
{
    struct io_uring ring;
    struct readbuf_buf_reg good = {.ring_entries = 4, .bgid = GROUP},
                           bad;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    good.ring_addr = (uintptr_t)by_hand_memory(PAGE);
    bad = good;
    bad.flags = 1u << 15;
    ck_assert_int_eq(by_hand_register(ring.ring_fd, bad), -EINVAL);
    bad = good;
    bad.min_left = 1;
    ck_assert_int_eq(by_hand_register(ring.ring_fd, bad), -EINVAL);
    for (size_t i = 0; i < sizeof(bad.resv) / sizeof(bad.resv[0]);
         i++) {
        bad = good;
        bad.resv[i] = 1;
        ck_assert_int_eq(by_hand_register(ring.ring_fd, bad), -EINVAL);
    }
    ck_assert_int_eq(by_hand_register(ring.ring_fd, good), 0);
}
END_TEST

/*
 * claim: register-bad-call (5.19)
 * A bad pointer to the argument is answered with `EFAULT`, a missing
 * argument or a count other than 1 with `EINVAL`, a file that is no
 * io_uring with `EOPNOTSUPP`, and a closed file descriptor with
 * `EBADF`.
 */
START_TEST(bad_calls_are_refused)
{
    const unsigned opcode = IORING_REGISTER_PBUF_RING;
    struct readbuf_buf_reg reg = {.ring_entries = 4, .bgid = GROUP};
    struct io_uring ring;
    int fd, other;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    fd = ring.ring_fd;
    reg.ring_addr = (uintptr_t)by_hand_memory(PAGE);
    ck_assert_int_eq(
        readbuf_sys_register(fd, opcode, (void *)(uintptr_t)8),
        -EFAULT);
    ck_assert_int_eq(readbuf_sys_register(fd, opcode, NULL), -EINVAL);
    for (unsigned count = 0; count < 4; count += 2) {
        ck_assert_int_eq((int)syscall(__NR_io_uring_register, fd,
                                      opcode, &reg, count),
                         -1);
        ck_assert_int_eq(errno, EINVAL);
    }
    other = open("/dev/null", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(other, 0);
    ck_assert_int_eq(by_hand_register(other, reg), -EOPNOTSUPP);
    close(other);
    ck_assert_int_eq(by_hand_register(other, reg), -EBADF);
    ck_assert_int_eq(by_hand_register(fd, reg), 0);
}
END_TEST

/* ----------------------------------------------------- the group */

/*
 * claim: register-taken-group (5.19)
 * Registering a group id that is already a ring is refused with
 * `EEXIST`.
 */
START_TEST(a_taken_group_is_refused)
{
    struct io_uring ring;
    char *memory;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    memory = by_hand_memory(2 * PAGE);
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, memory, 4, GROUP), 0);
    ck_assert_int_eq(
        by_hand_ring(ring.ring_fd, memory + PAGE, 4, GROUP), -EEXIST);
    ck_assert_int_eq(
        by_hand_ring(ring.ring_fd, memory + PAGE, 4, GROUP + 1), 0);
}
END_TEST

/*
 * claim: register-legacy-group (5.19)
 * A group that holds buffers of the older `IORING_OP_PROVIDE_BUFFERS`
 * is refused as a ring with `EEXIST` until its last buffer is gone.
 */
START_TEST(a_legacy_group_is_refused_until_empty)
{
    struct io_uring ring;
    char *memory;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    memory = by_hand_memory(2 * PAGE);
    provide_legacy(&ring, memory + PAGE, 2);
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, memory, 4, GROUP),
                     -EEXIST);
    remove_legacy(&ring, 1);
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, memory, 4, GROUP),
                     -EEXIST);
    remove_legacy(&ring, 1);
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, memory, 4, GROUP), 0);
}
END_TEST

/*
 * claim: register-groups-of-one-io-uring (5.19)
 * Group ids run from 0 to 65535 and belong to one io_uring: the same
 * id can be a ring of another.
 */
START_TEST(groups_belong_to_one_io_uring)
{
    struct io_uring ring, second;

    NEED_RING(&ring, 2, 0);
    NEED_RING(&second, 2, 0);
    NEED_FEATURE(rings);
    empty_ring(&ring, 0);
    empty_ring(&ring, 65535);
    empty_ring(&second, 65535);
}
END_TEST

static int call_register(void *arg)
{
    const struct io_uring *ring = arg;

    return by_hand_ring(ring->ring_fd, by_hand_memory(PAGE), 4,
                        GROUP + 1);
}

static int call_unregister(void *arg)
{
    const struct io_uring *ring = arg;

    return by_hand_unregister(ring->ring_fd, GROUP);
}

/*
 * claim: register-other-thread (6.1)
 * With `IORING_SETUP_SINGLE_ISSUER`, registering and unregistering from
 * any thread but the one that owns the io_uring is refused with
 * `EEXIST`.
 */
START_TEST(single_issuer_refuses_other_threads)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, IORING_SETUP_SINGLE_ISSUER);
    NEED_FEATURE(rings);
    empty_ring(&ring, GROUP);
    ck_assert_int_eq(elsewhere(call_register, &ring), -EEXIST);
    ck_assert_int_eq(elsewhere(call_unregister, &ring), -EEXIST);
    ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP), 0);
}
END_TEST

/*
 * claim: register-any-io-uring (5.19)
 * An io_uring that is still disabled (`IORING_SETUP_R_DISABLED`) or
 * that polls for completions (`IORING_SETUP_IOPOLL`) takes rings too.
 */
START_TEST(disabled_and_polling_take_rings)
{
    struct io_uring disabled, polling;

    NEED_RING(&disabled, 2, IORING_SETUP_R_DISABLED);
    NEED_RING(&polling, 2, IORING_SETUP_IOPOLL);
    NEED_FEATURE(rings);
    empty_ring(&disabled, GROUP);
    empty_ring(&polling, GROUP);
}
END_TEST

/* ---------------------------------------------------- the memory */

/*
 * claim: register-dirty-tail (5.19)
 * The kernel takes the tail as it finds it: whatever descriptors it
 * counts are handed out, although nobody added them to this ring.
 */
START_TEST(a_dirty_tail_counts)
{
    struct io_uring ring;
    struct io_uring_buf_ring *shared;
    struct support_cqe cqe;
    char buffer[3][BY_HAND_LENGTH];

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    shared = by_hand_memory(PAGE);
    for (uint16_t bid = 0; bid < 3; bid++)
        io_uring_buf_ring_add(shared, buffer[bid], BY_HAND_LENGTH, bid,
                              3, bid);
    shared->tail = 3;
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, shared, 4, GROUP), 0);
    for (uint16_t bid = 0; bid < 3; bid++) {
        cqe = by_hand_read(&ring, GROUP, "old");
        ck_assert_int_eq(cqe.res, 3);
        ck_assert_uint_eq(by_hand_bid(cqe), bid);
    }
    ck_assert_int_eq(by_hand_read(&ring, GROUP, "new").res, -ENOBUFS);
}
END_TEST

/* What is left of an id when it is registered again. */
static void use_twice(struct io_uring *ring, uint16_t group)
{
    char buffer[BY_HAND_LENGTH] = {0};
    struct support_cqe cqe;

    for (uint16_t round = 0; round < 2; round++) {
        struct io_uring_buf_ring *shared = empty_ring(ring, group);

        by_hand_give(shared, 4, buffer, round);
        cqe = by_hand_read(ring, group, "four");
        ck_assert_int_eq(cqe.res, 4);
        ck_assert_uint_eq(by_hand_bid(cqe), round);
        ck_assert_int_eq(by_hand_read(ring, group, "five").res,
                         -ENOBUFS);
        ck_assert_int_eq(by_hand_unregister(ring->ring_fd, group), 0);
    }
}

START_TEST(a_high_group_starts_at_head_zero_again)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    use_twice(&ring, GROUP);
}
END_TEST

/*
 * claim: register-starts-at-zero (6.9)
 * A group id that is registered again starts with a head of zero,
 * however many descriptors were consumed under that id before.
 */
START_TEST(a_low_group_starts_at_head_zero_again)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    empty_ring(&ring, 8);
    if (by_hand_unregister(ring.ring_fd, 7) == -EINVAL)
        SKIP("this kernel keeps the groups below 64 in an array, with "
             "their heads");
    use_twice(&ring, 7);
}
END_TEST

/*
 * claim: register-same-memory-twice (5.19)
 * The same memory can be registered as two rings, and each hands out
 * the same buffers on its own.
 */
START_TEST(the_same_memory_twice_hands_out_twice)
{
    struct io_uring ring;
    struct io_uring_buf_ring *shared;
    char buffer[BY_HAND_LENGTH] = {0};

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    shared = empty_ring(&ring, GROUP);
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, shared, 4, GROUP + 1),
                     0);
    by_hand_give(shared, 4, buffer, 5);
    ck_assert_uint_eq(by_hand_bid(by_hand_read(&ring, GROUP, "one")),
                      5);
    ck_assert_uint_eq(
        by_hand_bid(by_hand_read(&ring, GROUP + 1, "two")), 5);
}
END_TEST

/*
 * claim: register-pins-memory (5.19)
 * The kernel keeps the pages it was given, so a descriptor written to
 * new memory at the same address is never seen and a read fails with
 * `ENOBUFS`.
 */
START_TEST(remapped_memory_is_not_seen)
{
    struct io_uring ring;
    struct io_uring_buf_ring *shared;
    char buffer[BY_HAND_LENGTH] = {0};

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    shared = empty_ring(&ring, GROUP);
    by_hand_give(shared, 4, buffer, 0);
    ck_assert_int_eq(by_hand_read(&ring, GROUP, "seen").res, 4);
    ck_assert_ptr_eq(mmap(shared, PAGE, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                          0),
                     shared);
    shared->tail = 1;
    by_hand_give(shared, 4, buffer, 1);
    ck_assert_int_eq(by_hand_read(&ring, GROUP, "lost").res, -ENOBUFS);
}
END_TEST

/* How the child below ends, besides well and with EXIT_FAILURE. */
enum { NO_IO_URING = 2, NO_ROOM, NOT_COUNTED };

/* With a limit of the size of the largest ring, or below. */
static void ring_over_the_limit(void)
{
    const size_t bytes = 32768 * sizeof(struct io_uring_buf);
    struct rlimit limit;
    struct io_uring ring;
    int ret, tries = 0;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        _exit(EXIT_FAILURE);
    if (limit.rlim_max == RLIM_INFINITY || limit.rlim_max > bytes)
        limit.rlim_max = bytes;
    limit.rlim_cur = limit.rlim_max;
    if (memory == MAP_FAILED || setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        _exit(EXIT_FAILURE);
    if (support_ring(&ring, 2, 0) != NULL)
        _exit(NO_IO_URING);
    do
        ret = by_hand_ring(ring.ring_fd, memory, 4, GROUP);
    while (support_locked_for_now(ret, &tries));
    if (ret != 0)
        _exit(ret == -ENOMEM ? NO_ROOM : EXIT_FAILURE);
    ret = by_hand_ring(ring.ring_fd, memory, 32768, GROUP + 1);
    if (ret != -ENOMEM)
        _exit(ret == 0 ? NOT_COUNTED : EXIT_FAILURE);
}

/*
 * claim: register-locked-memory (6.14)
 * From Linux 6.14 to 7.1, without `CAP_IPC_LOCK`, the memory of a ring
 * counts against the limit of locked memory, and what does not fit is
 * refused with `ENOMEM`.
 */
START_TEST(ring_memory_counts_as_locked)
{
    struct io_uring ring;
    int status;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    status = support_as_nobody(ring_over_the_limit);
    if (status == NO_IO_URING)
        SKIP("io_uring is refused to an unprivileged user here");
    if (status == NO_ROOM)
        SKIP("the limit of locked memory has no room for a ring");
    if (status == NOT_COUNTED)
        SKIP("this kernel does not count rings as locked memory");
    ck_assert_int_eq(status, 0);
}
END_TEST

/* --------------------------------------------- the kernel's memory */

/*
 * claim: kernel-ring-address (6.14)
 * When the kernel is asked to allocate the ring, it ignores the address
 * in the registration.
 */
START_TEST(a_kernel_ring_ignores_the_address)
{
    struct readbuf_buf_reg reg = {.ring_addr = 16,
                                  .ring_entries = 4,
                                  .bgid = GROUP,
                                  .flags = READBUF_PBUF_RING_MMAP};
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(kernel_rings);
    NEED_REGIONS(&ring);
    ck_assert_int_eq(by_hand_register(ring.ring_fd, reg), 0);
}
END_TEST

/*
 * claim: kernel-ring-offset (6.4)
 * A ring that the kernel allocated starts zeroed and is mapped from the
 * io_uring at offset `0x80000000 | bgid << 16`.
 */
START_TEST(a_kernel_ring_is_mapped_by_its_group)
{
    static const struct io_uring_buf zero[4];
    struct io_uring ring;
    char buffer[BY_HAND_LENGTH] = {0};

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(kernel_rings);
    for (uint16_t group = 0; group < 2048; group += 2047) {
        struct io_uring_buf_ring *shared;

        ck_assert_int_eq(kernel_ring(&ring, group), 0);
        shared = kernel_map(&ring, group);
        ck_assert_ptr_ne(shared, MAP_FAILED);
        ck_assert_mem_eq(shared, zero, sizeof(zero));
        by_hand_give(shared, 4, buffer, 9);
        ck_assert_uint_eq(
            by_hand_bid(by_hand_read(&ring, group, "data")), 9);
    }
}
END_TEST

/* Mapping that group fails as it does on this kernel. */
static void ck_not_mapped(const struct io_uring *ring, uint16_t group)
{
    ck_assert_ptr_eq(kernel_map(ring, group), MAP_FAILED);
    ck_assert(errno == ENOMEM || errno == EINVAL);
}

/*
 * claim: kernel-ring-not-there (6.4)
 * Mapping the offset of a group that is unknown, or whose ring lies in
 * our own memory, fails with `ENOMEM`, from Linux 7.2 on with `EINVAL`.
 */
START_TEST(only_kernel_rings_can_be_mapped)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(kernel_rings);
    ck_not_mapped(&ring, GROUP);
    empty_ring(&ring, GROUP);
    ck_not_mapped(&ring, GROUP);
}
END_TEST

/*
 * claim: kernel-ring-high-group (6.4)
 * The kernel allocates a ring for a group of 2048 or more without
 * complaint, but its offset cannot be mapped, and that of group 32768
 * maps the ring of group 0.
 */
START_TEST(a_high_kernel_group_is_not_mapped)
{
    static const uint16_t lost[] = {2048, 4095, 32767, 65535};
    struct io_uring ring;
    struct io_uring_buf_ring *zero, *wrong;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(kernel_rings);
    for (size_t i = 0; i < sizeof(lost) / sizeof(lost[0]); i++) {
        ck_assert_int_eq(kernel_ring(&ring, lost[i]), 0);
        ck_not_mapped(&ring, lost[i]);
    }
    ck_assert_int_eq(kernel_ring(&ring, 0), 0);
    ck_assert_int_eq(kernel_ring(&ring, 32768), 0);
    zero = kernel_map(&ring, 0);
    wrong = kernel_map(&ring, 32768);
    ck_assert_ptr_ne(zero, MAP_FAILED);
    ck_assert_ptr_ne(wrong, MAP_FAILED);
    zero->bufs[1].addr = 0x5eed;
    ck_assert_uint_eq(wrong->bufs[1].addr, 0x5eed);
}
END_TEST

/*
 * claim: kernel-ring-stale-mapping (6.10)
 * A mapping of a ring that the kernel allocated outlives the ring, but
 * what is written to it reaches nobody, even when the same group is
 * registered again.
 */
START_TEST(a_stale_mapping_reaches_nobody)
{
    struct io_uring ring;
    struct io_uring_buf_ring *stale, *fresh;
    char buffer[BY_HAND_LENGTH] = {0};

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(kernel_rings);
    if (!support_features()->bundles)
        SKIP("kernels before 6.10 use the pages of a ring again");
    ck_assert_int_eq(kernel_ring(&ring, GROUP), 0);
    stale = kernel_map(&ring, GROUP);
    ck_assert_ptr_ne(stale, MAP_FAILED);
    ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP), 0);
    by_hand_give(stale, 4, buffer, 1);
    ck_assert_int_eq(kernel_ring(&ring, GROUP), 0);
    by_hand_give(stale, 4, buffer, 2);
    ck_assert_int_eq(by_hand_read(&ring, GROUP, "lost").res, -ENOBUFS);
    fresh = kernel_map(&ring, GROUP);
    ck_assert_ptr_ne(fresh, MAP_FAILED);
    by_hand_give(fresh, 4, buffer, 3);
    ck_assert_uint_eq(by_hand_bid(by_hand_read(&ring, GROUP, "seen")),
                      3);
}
END_TEST

/* -------------------------------------------------- taking it back */

/*
 * claim: unregister-unknown-group (6.9)
 * Unregistering a group id that is no ring is refused with `ENOENT`,
 * also the second time.
 */
START_TEST(unregister_unknown_group)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP), -ENOENT);
    empty_ring(&ring, GROUP);
    ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP), 0);
    ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP), -ENOENT);
}
END_TEST

/*
 * claim: unregister-bad-call (5.19)
 * Unregistering a group of the older kind, or with a flag or a reserved
 * word that is not zero, is refused with `EINVAL`.
 */
START_TEST(unregister_bad_calls)
{
    const unsigned opcode = IORING_UNREGISTER_PBUF_RING;
    struct readbuf_buf_reg flag = {.bgid = GROUP + 1, .flags = 1},
                           word = {.bgid = GROUP + 1, .resv = {0, 1}};
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    empty_ring(&ring, GROUP + 1);
    provide_legacy(&ring, by_hand_memory(PAGE), 1);
    ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP), -EINVAL);
    ck_assert_int_eq(readbuf_sys_register(ring.ring_fd, opcode, &flag),
                     -EINVAL);
    ck_assert_int_eq(readbuf_sys_register(ring.ring_fd, opcode, &word),
                     -EINVAL);
    ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP + 1), 0);
}
END_TEST

/* A receive that waits, for data nobody has sent yet. */
static void arm(struct io_uring *ring, int fd)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

    io_uring_prep_recv(sqe, fd, NULL, BY_HAND_LENGTH, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    ck_assert_int_eq(io_uring_submit(ring), 1);
    ck_assert_uint_eq(io_uring_cq_ready(ring), 0);
}

/*
 * claim: unregister-armed-request (5.19)
 * A request that waits for data outlives the ring: when data comes it
 * fails with `ENOBUFS`, or picks from a new ring if the same group id
 * was registered again.
 */
START_TEST(an_armed_request_outlives_its_ring)
{
    struct io_uring ring;
    struct io_uring_buf_ring *shared;
    struct support_cqe cqe;
    char buffer[2][BY_HAND_LENGTH] = {{0}};
    int pair[2];

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    for (int again = 0; again < 2; again++) {
        shared = empty_ring(&ring, GROUP);
        by_hand_give(shared, 4, buffer[0], 1);
        arm(&ring, pair[0]);
        ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP), 0);
        if (again) {
            shared = empty_ring(&ring, GROUP);
            by_hand_give(shared, 4, buffer[1], 2);
        }
        ck_assert_int_eq(send(pair[1], "data", 4, 0), 4);
        cqe = support_complete(&ring);
        if (again) {
            ck_assert_int_eq(cqe.res, 4);
            ck_assert_uint_eq(by_hand_bid(cqe), 2);
            ck_assert_mem_eq(buffer[1], "data", 4);
        } else {
            ck_assert_int_eq(cqe.res, -ENOBUFS);
            ck_assert_uint_eq(cqe.flags & IORING_CQE_F_BUFFER, 0);
            ck_assert_int_eq(recv(pair[0], buffer[1], 4, 0), 4);
        }
    }
}
END_TEST

/* Whether the kernel consumes a descriptor within 30 seconds. */
static bool consumes_one(const struct io_uring *ring)
{
    struct timespec start, now;
    uint32_t head = 0;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        ck_assert_int_eq(status_of(ring, GROUP, &head), 0);
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (head == 0 && now.tv_sec - start.tv_sec < 30);
    return head == 1;
}

/*
 * claim: unregister-picked-buffer (5.19)
 * Unregistering waits for nobody: a request that picked a buffer before
 * still writes into that buffer afterwards.
 */
START_TEST(a_picked_buffer_is_written_later)
{
    struct io_uring ring;
    struct io_uring_buf_ring *shared;
    struct support_cqe cqe;
    char buffer[BY_HAND_LENGTH] = "mine";
    int ends[2];

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(status);
    ck_assert_int_eq(pipe(ends), 0);
    shared = empty_ring(&ring, GROUP);
    by_hand_give(shared, 4, buffer, 6);
    by_hand_prepare(&ring, ends[0], GROUP)->flags |= IOSQE_ASYNC;
    ck_assert_int_eq(io_uring_submit(&ring), 1);
    if (!consumes_one(&ring))
        SKIP("a worker of this kernel picks no buffer before the data");
    ck_assert_int_eq(by_hand_unregister(ring.ring_fd, GROUP), 0);
    ck_assert_int_eq(write(ends[1], "LATE", 4), 4);
    cqe = support_complete(&ring);
    ck_assert_int_eq(cqe.res, 4);
    ck_assert_uint_eq(by_hand_bid(cqe), 6);
    ck_assert_str_eq(buffer, "LATE");
}
END_TEST

/*
 * claim: status-head (6.8)
 * `IORING_REGISTER_PBUF_STATUS` tells how many descriptors of a ring
 * the kernel has consumed.
 */
START_TEST(status_tells_the_head)
{
    struct io_uring ring;
    struct io_uring_buf_ring *shared;
    char buffer[BY_HAND_LENGTH] = {0};
    uint32_t head;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(status);
    shared = empty_ring(&ring, GROUP);
    for (uint16_t count = 0; count < 6; count++) {
        ck_assert_int_eq(status_of(&ring, GROUP, &head), 0);
        ck_assert_uint_eq(head, count);
        by_hand_give(shared, 4, buffer, 0);
        ck_assert_int_eq(by_hand_read(&ring, GROUP, "x").res, 1);
    }
}
END_TEST

/*
 * claim: status-bad-call (6.8)
 * Asking for the head of an unknown group is refused with `ENOENT`, and
 * for that of an older group, or with a reserved word that is not zero,
 * with `EINVAL`.
 */
START_TEST(status_bad_calls)
{
    struct readbuf_buf_status bad = {.buf_group = GROUP + 1,
                                     .resv = {[7] = 1}};
    struct io_uring ring;
    uint32_t head;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(status);
    ck_assert_int_eq(status_of(&ring, GROUP, &head), -ENOENT);
    provide_legacy(&ring, by_hand_memory(PAGE), 1);
    ck_assert_int_eq(status_of(&ring, GROUP, &head), -EINVAL);
    empty_ring(&ring, GROUP + 1);
    ck_assert_int_eq(readbuf_sys_register(ring.ring_fd,
                                          READBUF_REGISTER_PBUF_STATUS,
                                          &bad),
                     -EINVAL);
    ck_assert_int_eq(status_of(&ring, GROUP + 1, &head), 0);
}
END_TEST

SUITE("kernel", entries_are_a_power_of_two, memory_starts_at_a_page,
      memory_is_there_and_writable, memory_does_not_wrap,
      unknown_bits_are_refused, bad_calls_are_refused,
      a_taken_group_is_refused, a_legacy_group_is_refused_until_empty,
      groups_belong_to_one_io_uring,
      single_issuer_refuses_other_threads,
      disabled_and_polling_take_rings, a_dirty_tail_counts,
      a_high_group_starts_at_head_zero_again,
      a_low_group_starts_at_head_zero_again,
      the_same_memory_twice_hands_out_twice,
      remapped_memory_is_not_seen, ring_memory_counts_as_locked,
      a_kernel_ring_ignores_the_address,
      a_kernel_ring_is_mapped_by_its_group,
      only_kernel_rings_can_be_mapped,
      a_high_kernel_group_is_not_mapped, a_stale_mapping_reaches_nobody,
      unregister_unknown_group, unregister_bad_calls,
      an_armed_request_outlives_its_ring,
      a_picked_buffer_is_written_later, status_tells_the_head,
      status_bad_calls)
