/*
 * test_publisher.c - what the kernel is shown, when, and how it is
 * counted. No kernel needed.
 */
#include "child.h"
#include "support.h"
#include "two_ends.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct two_ends t;

static void ck_picks(const int *bids, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        ck_assert_int_eq(two_ends_pick(&t), bids[i]);
    ck_assert_int_eq(two_ends_pick(&t), -1);
}

/* ------------------------------------------------------- what is seen
 */

START_TEST(a_fresh_ring_is_empty)
{
    two_ends_open(&t, 4);
    ck_assert_uint_eq(simkernel_available(&t.kernel), 0);
    ck_assert_int_eq(two_ends_pick(&t), -1);
}
END_TEST

START_TEST(one_is_seen)
{
    two_ends_open(&t, 4);
    two_ends_give(&t, 3);
    ck_picks((const int[]){3}, 1);
}
END_TEST

START_TEST(many_are_seen_in_the_order_of_filling)
{
    static const uint16_t order[] = {2, 0, 3};

    two_ends_open(&t, 4);
    for (int i = 0; i < 3; i++)
        two_ends_fill(&t, order[i]);
    readbuf_publisher_commit(&t.publisher);
    ck_assert_uint_eq(t.shared->tail, 3);
    ck_picks((const int[]){2, 0, 3}, 3);
}
END_TEST

START_TEST(a_commit_of_none_changes_nothing)
{
    two_ends_open(&t, 4);
    two_ends_go_to(&t, 5);
    readbuf_publisher_commit(&t.publisher);
    ck_assert_uint_eq(t.shared->tail, 5);
    ck_assert_uint_eq(readbuf_publisher_shown(&t.publisher), 5);
    ck_assert_int_eq(two_ends_pick(&t), -1);
}
END_TEST

START_TEST(filled_is_invisible_until_the_commit)
{
    two_ends_open(&t, 4);
    two_ends_fill(&t, 1);
    two_ends_fill(&t, 0);
    ck_assert_uint_eq(simkernel_available(&t.kernel), 0);
    ck_assert_uint_eq(readbuf_publisher_shown(&t.publisher), 0);
    readbuf_publisher_commit(&t.publisher);
    ck_assert_uint_eq(simkernel_available(&t.kernel), 2);
    ck_assert_uint_eq(readbuf_publisher_shown(&t.publisher), 2);
    ck_picks((const int[]){1, 0}, 2);
}
END_TEST

/* Fill a ring of `entries` to the last, then empty it, three times. */
static void fill_and_empty(uint32_t entries)
{
    unsigned wrong = 0;

    two_ends_open(&t, entries);
    for (int lap = 0; lap < 3; lap++) {
        two_ends_give_first(&t, entries);
        ck_assert_uint_eq(simkernel_available(&t.kernel), entries);
        for (uint32_t i = 0; i < entries; i++)
            wrong += two_ends_pick(&t) != (int)i;
        ck_assert_int_eq(two_ends_pick(&t), -1);
    }
    ck_assert_uint_eq(wrong, 0);
}

START_TEST(every_size_is_filled_to_its_last_entry)
{
    for (uint32_t entries = 1; entries <= TWO_ENDS_MAX; entries *= 2)
        fill_and_empty(entries);
}
END_TEST

/*
 * A ring that stays full: each pick makes room for one, which goes to
 * the end of the line.
 */
static void go_round_full(uint32_t entries)
{
    unsigned wrong = 0;

    two_ends_open(&t, entries);
    two_ends_give_first(&t, entries);
    for (uint32_t i = 0; i < 65536 + entries; i++) {
        uint16_t bid = (uint16_t)(i & (entries - 1));

        wrong += two_ends_level(&t) != entries;
        wrong += two_ends_pick(&t) != bid;
        two_ends_give(&t, bid);
        wrong += t.shared->tail != (uint16_t)(entries + i + 1);
    }
    ck_assert_uint_eq(wrong, 0);
}

START_TEST(a_full_ring_goes_through_all_65536_tails)
{
    static const uint32_t sizes[] = {1, 4, 256, TWO_ENDS_MAX};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        go_round_full(sizes[i]);
}
END_TEST

START_TEST(an_almost_empty_ring_goes_through_all_65536_tails)
{
    unsigned wrong = 0;

    two_ends_open(&t, 8);
    for (uint32_t i = 0; i < 65536 + 8; i++) {
        two_ends_give(&t, (uint16_t)(i % 8));
        wrong += t.shared->tail != (uint16_t)(i + 1);
        wrong += two_ends_level(&t) != 1;
        wrong += two_ends_pick(&t) != (int)(i % 8);
        wrong += two_ends_pick(&t) != -1;
        wrong += two_ends_level(&t) != 0;
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* A pool may have more buffers than its ring has slots. */
START_TEST(bids_may_be_larger_than_the_ring)
{
    two_ends_open(&t, 2);
    two_ends_give(&t, TWO_ENDS_MAX - 1);
    two_ends_give(&t, 2);
    ck_picks((const int[]){TWO_ENDS_MAX - 1, 2}, 2);
}
END_TEST

/* ---------------------------------------------------- what is counted
 */

START_TEST(the_level_is_what_is_not_known_to_be_consumed)
{
    struct io_uring_buf picked[3];

    two_ends_open(&t, 4);
    ck_assert_uint_eq(two_ends_level(&t), 0);
    two_ends_fill(&t, 0);
    ck_assert_uint_eq(two_ends_level(&t), 1);
    two_ends_fill(&t, 1);
    two_ends_fill(&t, 2);
    two_ends_fill(&t, 3);
    readbuf_publisher_commit(&t.publisher);
    ck_assert_uint_eq(two_ends_level(&t), 4);
    ck_assert_uint_eq(simkernel_pick_bundle(&t.kernel, picked, 3), 3);
    ck_assert_uint_eq(two_ends_level(&t), 4);
    ck_assert_uint_eq(readbuf_publisher_level(&t.publisher, 2), 2);
    ck_assert_uint_eq(readbuf_publisher_level(&t.publisher, 3), 1);
}
END_TEST

/* Counted for a while, the counts have more than sixteen bits. */
START_TEST(what_was_shown_goes_on_past_the_tail)
{
    two_ends_open(&t, 4);
    two_ends_go_to(&t, 65535);
    two_ends_give(&t, 0);
    ck_assert_uint_eq(t.shared->tail, 0);
    ck_assert_uint_eq(readbuf_publisher_shown(&t.publisher), 65536);
    ck_assert_uint_eq(readbuf_publisher_level(&t.publisher, 65535), 1);
}
END_TEST

/* ... and one of them more than thirty-two. */
START_TEST(the_level_is_right_when_four_billion_were_published)
{
    two_ends_open(&t, 4);
    t.publisher.filled = UINT64_C(0x100000000) - 2;
    t.consumed = t.publisher.filled;
    t.kernel.head = 65534;
    two_ends_give_first(&t, 4);
    ck_assert_uint_eq(readbuf_publisher_shown(&t.publisher), 2);
    ck_assert_uint_eq(two_ends_level(&t), 4);
    ck_assert_uint_eq(simkernel_available(&t.kernel), 4);
}
END_TEST

/* -------------------------------------------------- how it is written
 */

/*
 * The word that is the tail and entry zero's resv is given a value
 * which nobody would store, and must still have it after each filling.
 */
START_TEST(only_the_commit_stores_the_tail)
{
    const uint16_t odd = 0x5a5a;

    two_ends_open(&t, 4);
    for (uint16_t i = 0; i < 12; i++) {
        uint16_t tail = t.shared->tail;

        ck_assert_uint_eq(tail, i);
        t.shared->tail = odd;
        two_ends_fill(&t, i % 4);
        ck_assert_uint_eq(t.shared->tail, odd);
        t.shared->tail = tail;
        readbuf_publisher_commit(&t.publisher);
        ck_assert_int_eq(two_ends_pick(&t), i % 4);
    }
}
END_TEST

START_TEST(the_resv_of_other_entries_is_left_alone)
{
    two_ends_open(&t, 4);
    for (int i = 1; i < 4; i++)
        t.shared->bufs[i].resv = 0x5a5a;
    two_ends_give_first(&t, 4);
    for (int i = 1; i < 4; i++)
        ck_assert_uint_eq(t.shared->bufs[i].resv, 0x5a5a);
}
END_TEST

/* What a kernel leaves of the entry of a buffer used in pieces. */
static void use_up(struct io_uring_buf *slot)
{
    slot->addr += slot->len - 1;
    slot->len = 0;
}

START_TEST(address_and_length_are_written_again)
{
    two_ends_open(&t, 1);
    two_ends_give(&t, 0);
    ck_assert_int_eq(two_ends_pick(&t), 0);
    use_up(&t.shared->bufs[0]);
    two_ends_give(&t, 0);
    ck_assert_int_eq(two_ends_pick(&t), 0);
}
END_TEST

START_TEST(the_largest_bid_and_the_extreme_lengths_are_taken)
{
    static const uint32_t lengths[] = {1, UINT32_MAX};
    struct io_uring_buf picked;
    char byte;

    two_ends_open(&t, 8);
    for (int i = 0; i < 2; i++) {
        readbuf_publisher_fill(&t.publisher, &byte, lengths[i],
                               UINT16_MAX);
        readbuf_publisher_commit(&t.publisher);
        ck_assert_int_eq(simkernel_pick(&t.kernel, &picked), 0);
        ck_assert_uint_eq(picked.addr, (uintptr_t)&byte);
        ck_assert_uint_eq(picked.len, lengths[i]);
        ck_assert_uint_eq(picked.bid, UINT16_MAX);
    }
}
END_TEST

/* --------------------------------------------------- who stops whom */

static void fill_without_an_address(void)
{
    readbuf_publisher_fill(&t.publisher, NULL, 1, 0);
}

static void begin_with(uint32_t entries)
{
    readbuf_publisher_init(&t.publisher, t.shared, entries);
}

static void begin_with_none(void)
{
    begin_with(0);
}

static void begin_with_three(void)
{
    begin_with(3);
}

static void begin_with_too_many(void)
{
    begin_with(65536);
}

static void begin_where_somebody_was(void)
{
    t.shared->tail = 1;
    begin_with(4);
}

static void is_stopped(void (*body)(void), const char *words)
{
    struct child child;

    two_ends_open(&t, 4);
    child = child_run(body);
    ck_assert(WIFSIGNALED(child.status));
    ck_assert_int_eq(WTERMSIG(child.status), SIGABRT);
    ck_assert_msg(strstr(child.words, words) != NULL, "%s",
                  child.words);
}

START_TEST(a_caller_that_is_wrong_is_stopped)
{
    is_stopped(fill_without_an_address, "address != NULL");
    is_stopped(begin_with_none, "entries > 0");
    is_stopped(begin_with_three, "entries - 1");
    is_stopped(begin_with_too_many, "entries <= 32768");
    is_stopped(begin_where_somebody_was, "tail == 0");
}
END_TEST

/* ------------------------------------------------------- all of it */

/*
 * The naive model: every publication there ever was, in a list.
 */
enum { EVER = 66000 }; /* so that every counter of 16 bits wraps */

static struct {
    uint16_t list[EVER + 64];
    uint32_t given, picked; /* so many of the list */
    uint16_t hand[64];      /* buffers we hold, in no order */
    uint32_t held;
} model;

static uint32_t seed, first_seed;

static uint32_t random_below(uint32_t limit)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % limit;
}

/* Give back some of what we hold, in any order. */
static void model_give(void)
{
    uint32_t count = random_below(model.held + 1);

    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = random_below(model.held);
        uint16_t bid = model.hand[which];

        model.hand[which] = model.hand[--model.held];
        model.list[model.given++] = bid;
        two_ends_fill(&t, bid);
    }
    readbuf_publisher_commit(&t.publisher);
}

/* Pick some: they must be the next ones of the list. */
static bool model_pick(void)
{
    unsigned most = random_below(t.entries + 1);

    for (unsigned i = 0; i < most; i++) {
        int bid = two_ends_pick(&t);

        if (bid == -1)
            return model.picked == model.given;
        if (bid != model.list[model.picked++])
            return false;
        model.hand[model.held++] = (uint16_t)bid;
    }
    return true;
}

static bool model_agrees(void)
{
    return t.shared->tail == (uint16_t)model.given &&
           readbuf_publisher_shown(&t.publisher) == model.given &&
           two_ends_level(&t) == model.given - model.picked;
}

static void ck_model(uint32_t entries)
{
    memset(&model, 0, sizeof(model));
    two_ends_open(&t, entries);
    for (uint16_t bid = 0; bid < entries; bid++)
        model.hand[model.held++] = bid;
    for (int step = 0; model.given < EVER; step++) {
        bool right = true;

        if (random_below(2))
            model_give();
        else
            right = model_pick();
        if (!right || !model_agrees())
            ck_abort_msg("SEED=%u, %u entries, step %d", first_seed,
                         entries, step);
    }
}

/* The environment's SEED, or one that differs from run to run. */
START_TEST(random_use_agrees_with_a_naive_model)
{
    const char *given = getenv("SEED");

    seed = given != NULL ? (uint32_t)strtoul(given, NULL, 10)
                         : (uint32_t)getpid();
    first_seed = seed;
    printf("random use: SEED=%u\n", seed);
    fflush(stdout);
    for (uint32_t entries = 1; entries <= 16; entries *= 2)
        ck_model(entries);
}
END_TEST

SUITE("publisher", a_fresh_ring_is_empty, one_is_seen,
      many_are_seen_in_the_order_of_filling,
      a_commit_of_none_changes_nothing,
      filled_is_invisible_until_the_commit,
      every_size_is_filled_to_its_last_entry,
      a_full_ring_goes_through_all_65536_tails,
      an_almost_empty_ring_goes_through_all_65536_tails,
      bids_may_be_larger_than_the_ring,
      the_level_is_what_is_not_known_to_be_consumed,
      what_was_shown_goes_on_past_the_tail,
      the_level_is_right_when_four_billion_were_published,
      only_the_commit_stores_the_tail,
      the_resv_of_other_entries_is_left_alone,
      address_and_length_are_written_again,
      the_largest_bid_and_the_extreme_lengths_are_taken,
      a_caller_that_is_wrong_is_stopped,
      random_use_agrees_with_a_naive_model)
