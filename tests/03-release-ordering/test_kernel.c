/*
 * test_kernel.c - what the kernel makes of a tail, right or wrong.
 *
 * Without the layer under test, which would refuse most of this.
 */
#include "by_hand.h"
#include "elsewhere.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>

enum { ENTRIES = 4, GROUP = BY_HAND_GROUP, QUEUE = 64 };

static struct io_uring ring;
static struct io_uring_buf_ring *shared;
static char memory[ENTRIES][BY_HAND_LENGTH];

/* An empty ring with `flags` (of the registration). */
static void open_ring(uint16_t flags)
{
    shared = by_hand_memory(ENTRIES * sizeof(struct io_uring_buf));
    ck_assert_int_eq(
        by_hand_register(
            ring.ring_fd,
            (struct readbuf_buf_reg){.ring_addr = (uintptr_t)shared,
                                     .ring_entries = ENTRIES,
                                     .bgid = GROUP,
                                     .flags = flags}),
        0);
}

static void give(uint16_t bid)
{
    by_hand_give(shared, ENTRIES, memory[bid], bid);
}

static void give_all(void)
{
    for (uint16_t bid = 0; bid < ENTRIES; bid++)
        give(bid);
}

/* One read must be given `bid`, or for -1 no buffer at all. */
static void ck_pick(int bid)
{
    struct support_cqe cqe = by_hand_read(&ring, GROUP, "x");

    if (bid < 0)
        ck_assert_int_eq(cqe.res, -ENOBUFS);
    else
        ck_assert_uint_eq(by_hand_bid(cqe), (unsigned)bid);
}

static void ck_pick_all(void)
{
    for (int bid = 0; bid < ENTRIES; bid++)
        ck_pick(bid);
}

/*
 * claim: tail-shows-descriptors (5.19)
 * A descriptor is not there until the tail has moved past it: a read
 * before that fails with `ENOBUFS`.
 */
START_TEST(a_descriptor_is_shown_by_the_tail)
{
    NEED_RING(&ring, 4, 0);
    NEED_FEATURE(rings);
    open_ring(0);
    io_uring_buf_ring_add(shared, memory[0], BY_HAND_LENGTH, 0,
                          ENTRIES - 1, 0);
    ck_pick(-1);
    io_uring_buf_ring_advance(shared, 1);
    ck_pick(0);
}
END_TEST

/*
 * claim: tail-not-checked (5.19)
 * The kernel does not compare the tail with the size of the ring: one
 * that was advanced by twice the entries makes it hand out every
 * descriptor twice.
 */
START_TEST(a_tail_too_far_ahead_hands_out_twice)
{
    NEED_RING(&ring, 4, 0);
    NEED_FEATURE(rings);
    open_ring(0);
    give_all();
    io_uring_buf_ring_advance(shared, ENTRIES);
    ck_pick_all();
    ck_pick_all();
    ck_pick(-1);
}
END_TEST

/* A full submission queue of reads; how many were given a buffer. */
static unsigned count_some_picks(int fd)
{
    struct io_uring_cqe *cqe;
    unsigned count = 0;

    for (int i = 0; i < QUEUE; i++)
        by_hand_prepare(&ring, fd, GROUP);
    ck_assert_int_eq(io_uring_submit_and_wait(&ring, QUEUE), QUEUE);
    while (io_uring_peek_cqe(&ring, &cqe) == 0) {
        count += cqe->res == BY_HAND_LENGTH;
        io_uring_cqe_seen(&ring, cqe);
    }
    return count;
}

/* How many reads are given a buffer before one is not. */
static unsigned count_picks(void)
{
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    unsigned count = 0, more;

    ck_assert_int_ge(zero, 0);
    do {
        more = count_some_picks(zero);
        count += more;
    } while (more == QUEUE && count < 70000);
    close(zero);
    return count;
}

/*
 * claim: tail-behind-head (5.19)
 * A tail that is one behind the head looks like 65535 buffers, and as
 * many reads are given the old ones, over and over.
 */
START_TEST(a_tail_behind_the_head_looks_like_65535)
{
    NEED_RING(&ring, QUEUE, 0);
    NEED_FEATURE(rings);
    open_ring(0);
    give_all();
    ck_pick_all();
    io_uring_buf_ring_advance(shared, -1);
    ck_pick_all();
    ck_assert_uint_eq(count_picks(), 65535 - ENTRIES);
    ck_pick(-1);
}
END_TEST

/*
 * claim: whole-struct-moves-tail (5.19)
 * A descriptor that is stored into entry zero as a whole, with 0 in
 * `resv`, sets the tail to 0 before it is advanced, and a read at that
 * moment is given a buffer that nobody gave back.
 */
START_TEST(storing_entry_zero_whole_moves_the_tail)
{
    NEED_RING(&ring, 4, 0);
    NEED_FEATURE(rings);
    open_ring(0);
    give_all();
    ck_pick_all();
    ck_pick(-1);
    *(volatile struct io_uring_buf *)&shared->bufs[0] =
        (struct io_uring_buf){.addr = (uintptr_t)memory[3],
                              .len = BY_HAND_LENGTH,
                              .bid = 3};
    ck_pick(3); /* the one given back, too early */
    ck_pick(1);
}
END_TEST

/*
 * claim: added-twice (5.19)
 * A buffer that was added twice is picked twice, and the second read
 * overwrites what the first one brought.
 */
START_TEST(a_buffer_added_twice_is_overwritten)
{
    struct support_cqe first, second;

    NEED_RING(&ring, 4, 0);
    NEED_FEATURE(rings);
    open_ring(0);
    give(2);
    give(2);
    first = by_hand_read(&ring, GROUP, "first");
    ck_assert_str_eq(memory[2], "first");
    second = by_hand_read(&ring, GROUP, "other");
    ck_assert_uint_eq(by_hand_bid(first), 2);
    ck_assert_uint_eq(by_hand_bid(second), 2);
    ck_assert_str_eq(memory[2], "other");
}
END_TEST

/*
 * claim: incremental-rewrites-entry (6.12)
 * In an incremental ring the kernel rewrites the entry that we wrote:
 * what was read moves its address on and makes its length shorter, and
 * a buffer that is used up leaves a length of 0.
 */
START_TEST(an_incremental_ring_rewrites_its_entries)
{
    const volatile struct io_uring_buf *entry;

    NEED_RING(&ring, 4, 0);
    NEED_FEATURE(incremental);
    open_ring(READBUF_PBUF_RING_INC);
    entry = &shared->bufs[0];
    give(0);
    ck_assert_int_eq(by_hand_read(&ring, GROUP, "abc").res, 3);
    ck_assert_uint_eq(entry->addr, (uintptr_t)&memory[0][3]);
    ck_assert_uint_eq(entry->len, BY_HAND_LENGTH - 3);
    ck_assert_int_eq(
        by_hand_read(&ring, GROUP, "twenty-nine bytes are the rest")
            .res,
        BY_HAND_LENGTH - 3);
    ck_assert_uint_eq(entry->len, 0);
}
END_TEST

/*
 * claim: incremental-tail-alone (6.12)
 * A used-up entry of an incremental ring that is given again by moving
 * the tail alone still has its length of 0, and the next read gets 0
 * bytes as if the file had ended.
 */
START_TEST(a_used_up_entry_is_no_buffer)
{
    struct support_cqe cqe;

    NEED_RING(&ring, 4, 0);
    NEED_FEATURE(incremental);
    open_ring(READBUF_PBUF_RING_INC);
    for (uint16_t bid = 0; bid < ENTRIES; bid++) {
        give(bid);
        ck_assert_int_eq(
            by_hand_read(&ring, GROUP,
                         "thirty-two bytes fill the buffer")
                .res,
            BY_HAND_LENGTH);
    }
    io_uring_buf_ring_advance(shared, 1);
    cqe = by_hand_read(&ring, GROUP, "there are bytes to be read");
    ck_assert_int_eq(cqe.res, 0);
}
END_TEST

/* From a thread that does not own the io_uring. */
static int submit_and_give(void *uring)
{
    const struct io_uring *not_ours = uring;
    int ret =
        io_uring_enter((unsigned)not_ours->ring_fd, 1, 0, 0, NULL);

    give(3);
    return ret;
}

/*
 * claim: adding-from-any-thread (6.0)
 * A thread that may not submit, since the io_uring was set up with
 * `IORING_SETUP_SINGLE_ISSUER` and belongs to another, can still add a
 * buffer: that takes stores to memory and no system call.
 */
START_TEST(any_thread_can_add)
{
    NEED_RING(&ring, 4, IORING_SETUP_SINGLE_ISSUER);
    NEED_FEATURE(rings);
    open_ring(0);
    ck_assert_int_eq(elsewhere(submit_and_give, &ring), -EEXIST);
    ck_pick(3);
}
END_TEST

SUITE("kernel", a_descriptor_is_shown_by_the_tail,
      a_tail_too_far_ahead_hands_out_twice,
      a_tail_behind_the_head_looks_like_65535,
      storing_entry_zero_whole_moves_the_tail,
      a_buffer_added_twice_is_overwritten,
      an_incremental_ring_rewrites_its_entries,
      a_used_up_entry_is_no_buffer, any_thread_can_add)
