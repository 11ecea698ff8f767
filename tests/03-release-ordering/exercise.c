/*
 * exercise.c - grades exercise 2 of chapter 3: what a simulated kernel
 * sees after each buffer that is given back. No kernel needed.
 */
#include "exercise.h"

#include "simkernel.h"
#include "support.h"

#include <errno.h>
#include <string.h>

enum { ENTRIES = 16, EIGHT = EXERCISE_MAGAZINE };

static struct io_uring_buf slots[ENTRIES];
static char memory[ENTRIES]; /* only addresses are taken */

static struct io_uring_buf_ring *shared = (void *)slots;
static struct readbuf_publisher publisher;
static struct simkernel kernel;
static struct exercise_magazine magazine;
static uint64_t consumed; /* as the publisher's user knows it */

/* Stores of the tail so far. */
unsigned exercise_commits;

/* Out of order, so that an order of your own making shows. */
static const uint16_t order[EIGHT] = {3, 0, 6, 1, 7, 2, 5, 4};

static void open_ring(void)
{
    readbuf_publisher_init(&publisher, shared, ENTRIES);
    simkernel_register(&kernel, shared, ENTRIES);
}

static struct exercise_buffer describe(uint16_t bid)
{
    return (struct exercise_buffer){&memory[bid], 100u + bid, bid};
}

static int give(uint16_t bid)
{
    struct exercise_buffer buffer = describe(bid);

    return exercise_return(&magazine, &publisher, consumed, &buffer);
}

static void sees(unsigned expected, const char *when, const char *hint)
{
    unsigned seen = simkernel_available(&kernel);

    ck_assert_msg(seen == expected,
                  "%s the kernel sees %u buffers, not %u; hint: %s",
                  when, seen, expected, hint);
}

/* The kernel picks this buffer, whole; the publisher is not told. */
static void picks(uint16_t bid)
{
    struct exercise_buffer buffer = describe(bid);
    struct io_uring_buf picked;

    ck_assert_int_eq(simkernel_pick(&kernel, &picked), 0);
    ck_assert_msg(picked.bid == bid,
                  "the kernel picks buffer %u, not %u; hint: the one "
                  "that came first is published first",
                  picked.bid, bid);
    ck_assert_msg(picked.addr == (uintptr_t)buffer.address &&
                      picked.len == buffer.length,
                  "buffer %u has another address or length; hint: keep "
                  "the whole descriptor",
                  bid);
}

static void picks_in_order(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        picks(order[i]);
}

/* These are accepted, and the kernel still sees `seen`. */
static void holds_back(unsigned first, unsigned end, unsigned seen)
{
    for (unsigned i = first; i < end; i++) {
        int ret = give(order[i]);

        ck_assert_msg(ret == 0,
                      "buffer %u of eight was refused (%d); hint: to "
                      "hold one back needs no room in the ring",
                      i + 1, ret);
        sees(seen, "before the eighth",
             "hold them back until there are eight");
    }
}

static void stored(unsigned expected, unsigned before)
{
    ck_assert_msg(exercise_commits - before == expected,
                  "the tail was stored %u times, not %u; hint: one "
                  "publication is one store of the tail",
                  exercise_commits - before, expected);
}

/* There is room for it and the seven that are held. */
static void eighth_publishes(unsigned seen)
{
    unsigned before = exercise_commits;
    int ret = give(order[EIGHT - 1]);

    ck_assert_msg(ret == 0,
                  "with room for eight the eighth gave %d; hint: what "
                  "was consumed makes room, and what was refused takes "
                  "none",
                  ret);
    sees(seen, "after the eighth", "the eighth goes with the others");
    stored(1, before);
}

static void flushes(unsigned seen, unsigned stores, const char *hint)
{
    unsigned before = exercise_commits;
    int ret = exercise_flush(&magazine, &publisher, consumed);

    ck_assert_msg(ret == 0, "a flush gave %d; hint: %s", ret, hint);
    sees(seen, "after a flush", hint);
    stored(stores, before);
}

START_TEST(eight_are_published_together)
{
    open_ring();
    for (int lap = 0; lap < 5; lap++) {
        holds_back(0, EIGHT - 1, 0);
        eighth_publishes(EIGHT);
        picks_in_order(EIGHT);
        consumed += EIGHT;
        flushes(0, 0, "what was published is held no more");
    }
}
END_TEST

START_TEST(a_flush_publishes_what_is_held)
{
    const char *hint = "a flush publishes what is held, once";

    open_ring();
    for (unsigned count = 1; count < EIGHT; count++) {
        holds_back(0, count, 0);
        flushes(count, 1, hint);
        flushes(count, 0, hint);
        picks_in_order(count);
        consumed += count;
    }
}
END_TEST

/* A tail that nobody would store: who stores any, overwrites it. */
START_TEST(a_flush_of_none_stores_nothing)
{
    const uint16_t odd = 0x5a5a;
    int ret;

    open_ring();
    shared->tail = odd;
    ret = exercise_flush(&magazine, &publisher, consumed);
    ck_assert_msg(ret == 0 && shared->tail == odd,
                  "a flush of none gave %d and left the tail %s; hint: "
                  "nothing to publish, nothing to store",
                  ret, shared->tail == odd ? "alone" : "stored");
}
END_TEST

/*
 * The ring was full and the kernel has picked eight, but three are
 * known so far.
 */
static void open_with_room_for_three(void)
{
    open_ring();
    for (uint16_t bid = 0; bid < ENTRIES; bid++) {
        struct exercise_buffer buffer = describe(bid);

        readbuf_publisher_fill(&publisher, buffer.address,
                               buffer.length, bid);
    }
    readbuf_publisher_commit(&publisher);
    for (uint16_t bid = 0; bid < EIGHT; bid++)
        picks(bid);
    consumed += 3;
}

/* The other eight that the ring was full of. */
static void pick_the_rest(void)
{
    for (uint16_t bid = EIGHT; bid < ENTRIES; bid++)
        picks(bid);
}

/* The first `count` of the order are held, and no more. */
static void still_holds(unsigned count)
{
    ck_assert_msg(
        magazine.count >= count,
        "%u are held after a refusal, %u were before; hint: a "
        "refused publication loses nothing",
        magazine.count, count);
    ck_assert_msg(magazine.count == count,
                  "%u are held after a refusal, %u were before; hint: "
                  "the caller brings the refused one again, and then "
                  "it is there twice",
                  magazine.count, count);
    for (unsigned i = 0; i < count; i++)
        ck_assert_msg(magazine.held[i].bid == order[i],
                      "held[%u] is buffer %u after a refusal, and was "
                      "%u; hint: a refused publication loses nothing",
                      i, magazine.held[i].bid, order[i]);
}

static void refused(int ret, unsigned held)
{
    ck_assert_msg(ret != 0,
                  "without room 0 came back, not -ENOSPC; hint: say so "
                  "when the level leaves no room for all");
    sees(EIGHT, "after a refusal",
         "with one publication it is all or none");
    ck_assert_msg(ret == -ENOSPC,
                  "without room %d came back, not -ENOSPC; hint: the "
                  "error for no room is -ENOSPC",
                  ret);
    ck_assert_msg(publisher.filled == ENTRIES,
                  "the ring was filled to %llu by a refusal; hint: "
                  "what was refused is not filled in either",
                  (unsigned long long)publisher.filled);
    still_holds(held);
}

START_TEST(a_refused_eighth_can_come_again)
{
    open_with_room_for_three();
    holds_back(0, EIGHT - 1, EIGHT);
    for (int i = 0; i < 2; i++)
        refused(give(order[EIGHT - 1]), EIGHT - 1);
    consumed += 5;
    eighth_publishes(ENTRIES);
    pick_the_rest();
    picks_in_order(EIGHT);
}
END_TEST

START_TEST(a_refused_flush_can_be_repeated)
{
    open_with_room_for_three();
    holds_back(0, 4, EIGHT);
    refused(exercise_flush(&magazine, &publisher, consumed), 4);
    consumed += 5;
    flushes(EIGHT + 4, 1, "a refused publication loses nothing");
    pick_the_rest();
    picks_in_order(4);
}
END_TEST

static void bad_is_refused(struct exercise_buffer bad)
{
    unsigned count = magazine.count;
    int ret = exercise_return(&magazine, &publisher, consumed, &bad);

    ck_assert_msg(ret == -EINVAL,
                  "address %p, length %u gave %d, not -EINVAL; hint: "
                  "one bad buffer would keep seven good ones from "
                  "being published",
                  bad.address, bad.length, ret);
    sees(0, "before the eighth",
         "hold them back until there are eight");
    still_holds(count);
}

/* Each place in the magazine is tried, the last among them. */
START_TEST(a_bad_buffer_is_refused_at_once)
{
    open_ring();
    for (unsigned i = 0; i < EIGHT; i++) {
        bad_is_refused((struct exercise_buffer){NULL, 100, 8});
        bad_is_refused((struct exercise_buffer){memory, 0, 8});
        ck_assert_int_eq(give(order[i]), 0);
    }
    sees(EIGHT, "after eight good ones among bad ones",
         "the good ones go on");
    picks_in_order(EIGHT);
}
END_TEST

SUITE("exercise 3", eight_are_published_together,
      a_flush_publishes_what_is_held, a_flush_of_none_stores_nothing,
      a_refused_eighth_can_come_again, a_refused_flush_can_be_repeated,
      a_bad_buffer_is_refused_at_once)
