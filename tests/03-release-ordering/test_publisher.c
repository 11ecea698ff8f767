/*
 * test_publisher.c - what the kernel is shown, when, and what is
 * remembered of it. No kernel needed.
 */
#include "faults.h"
#include "support.h"
#include "two_ends.h"

#include <assert.h>
#include <errno.h>
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
    ck_assert_int_eq(two_ends_give(&t, 3), 0);
    ck_picks((const int[]){3}, 1);
}
END_TEST

START_TEST(a_batch_is_seen_in_its_order)
{
    static const uint16_t order[] = {2, 0, 3};
    struct readbuf_descriptor batch[3];

    two_ends_open(&t, 4);
    for (int i = 0; i < 3; i++)
        batch[i] = two_ends_buffer(order[i]);
    ck_assert_int_eq(readbuf_publish(&t.publisher, batch, 3), 0);
    ck_assert_uint_eq(t.shared->tail, 3);
    ck_picks((const int[]){2, 0, 3}, 3);
}
END_TEST

START_TEST(a_batch_of_none_changes_nothing)
{
    two_ends_open(&t, 4);
    two_ends_go_to(&t, 5);
    ck_assert_int_eq(readbuf_publish(&t.publisher, NULL, 0), 0);
    ck_assert_uint_eq(t.shared->tail, 5);
}
END_TEST

START_TEST(added_is_invisible_until_the_commit)
{
    struct readbuf_descriptor first = two_ends_buffer(1);
    struct readbuf_descriptor second = two_ends_buffer(0);

    two_ends_open(&t, 4);
    readbuf_publisher_lock(&t.publisher);
    ck_assert_int_eq(readbuf_publisher_add(&t.publisher, &first), 0);
    ck_assert_int_eq(readbuf_publisher_add(&t.publisher, &second), 0);
    ck_assert_uint_eq(simkernel_available(&t.kernel), 0);
    readbuf_publisher_commit(&t.publisher);
    ck_assert_uint_eq(simkernel_available(&t.kernel), 2);
    readbuf_publisher_unlock(&t.publisher);
    ck_picks((const int[]){1, 0}, 2);
}
END_TEST

/* Fill a ring of `entries` by two batches, then empty it. */
static void fill_and_empty(uint32_t entries)
{
    unsigned wrong = 0;

    two_ends_open(&t, entries);
    for (int lap = 0; lap < 3; lap++) {
        ck_assert_int_eq(two_ends_give_first(&t, entries), 0);
        ck_assert_uint_eq(simkernel_available(&t.kernel), entries);
        ck_assert_int_eq(two_ends_give(&t, 0), -ENOSPC);
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
    ck_assert_int_eq(two_ends_give_first(&t, entries), 0);
    for (uint32_t i = 0; i < 65536 + entries; i++) {
        uint16_t bid = (uint16_t)(i & (entries - 1));

        wrong += two_ends_give(&t, bid) != -ENOSPC;
        wrong += two_ends_pick(&t) != bid;
        wrong += two_ends_give(&t, bid) != 0;
        wrong += t.shared->tail != (uint16_t)(entries + i + 1);
    }
    ck_assert_uint_eq(wrong, 0);
    readbuf_publisher_destroy(&t.publisher);
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
        wrong += two_ends_give(&t, (uint16_t)(i % 8)) != 0;
        wrong += t.shared->tail != (uint16_t)(i + 1);
        wrong += two_ends_pick(&t) != (int)(i % 8);
        wrong += two_ends_pick(&t) != -1;
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* -------------------------------------------------- how it is written
 */

/*
 * The word that is the tail and entry zero's resv is given a value
 * which nobody would store, and must still have it after each add.
 */
START_TEST(only_the_commit_stores_the_tail)
{
    const uint16_t odd = 0x5a5a;

    two_ends_open(&t, 4);
    for (uint16_t i = 0; i < 12; i++) {
        struct readbuf_descriptor buffer = two_ends_buffer(i % 4);
        uint16_t tail = t.shared->tail;

        ck_assert_uint_eq(tail, i);
        readbuf_publisher_lock(&t.publisher);
        t.shared->tail = odd;
        ck_assert_int_eq(readbuf_publisher_add(&t.publisher, &buffer),
                         0);
        ck_assert_uint_eq(t.shared->tail, odd);
        t.shared->tail = tail;
        readbuf_publisher_commit(&t.publisher);
        readbuf_publisher_unlock(&t.publisher);
        ck_assert_int_eq(two_ends_pick(&t), i % 4);
    }
}
END_TEST

START_TEST(the_resv_of_other_entries_is_left_alone)
{
    two_ends_open(&t, 4);
    for (int i = 1; i < 4; i++)
        t.shared->bufs[i].resv = 0x5a5a;
    ck_assert_int_eq(two_ends_give_first(&t, 4), 0);
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
    ck_assert_int_eq(two_ends_give(&t, 0), 0);
    ck_assert_int_eq(two_ends_pick(&t), 0);
    use_up(&t.shared->bufs[0]);
    ck_assert_int_eq(two_ends_give(&t, 0), 0);
    ck_assert_int_eq(two_ends_pick(&t), 0);
}
END_TEST

/* ------------------------------------------------------- what is not
 */

/* All that a refusal might have changed. */
struct state {
    struct io_uring_buf slots[8];
    struct readbuf_published log[8];
    uint64_t tail;
    uint16_t last, taken, available;
};

/* Also called with a lock held: check's assertions take locks too. */
static struct state look(void)
{
    struct state s;

    memset(&s, 0, sizeof(s));
    assert(t.entries <= 8);
    memcpy(s.slots, t.shared->bufs, t.entries * sizeof(s.slots[0]));
    memcpy(s.log, t.log, t.entries * sizeof(s.log[0]));
    s.tail = (uint16_t)t.publisher.tail;
    s.last = t.publisher.last;
    s.taken = t.publisher.taken;
    s.available = simkernel_available(&t.kernel);
    return s;
}

static void ck_refused(int error,
                       const struct readbuf_descriptor *descriptors,
                       uint32_t count)
{
    struct state before = look(), after;

    ck_assert_int_eq(readbuf_publish(&t.publisher, descriptors, count),
                     error);
    after = look();
    ck_assert_mem_eq(&before, &after, sizeof(before));
}

static void ck_add_refused(int error,
                           const struct readbuf_descriptor *descriptor)
{
    struct state before, after;

    readbuf_publisher_lock(&t.publisher);
    before = look();
    ck_assert_int_eq(readbuf_publisher_add(&t.publisher, descriptor),
                     error);
    after = look();
    ck_assert_mem_eq(&before, &after, sizeof(before));
    readbuf_publisher_unlock(&t.publisher);
}

/* Buffers 1 to 7 are known, 5 to 7 still in the ring of eight. */
static void open_half_full(void)
{
    two_ends_open(&t, 8);
    for (uint16_t bid = 1; bid < 8; bid++)
        ck_assert_int_eq(two_ends_give(&t, bid), 0);
    for (int bid = 1; bid < 5; bid++)
        ck_assert_int_eq(two_ends_pick(&t), bid);
}

/* A bad descriptor alone, and at each place of a batch of three. */
static void ck_bad(struct readbuf_descriptor bad)
{
    open_half_full();
    ck_add_refused(-EINVAL, &bad);
    ck_refused(-EINVAL, &bad, 1);
    for (int place = 0; place < 3; place++) {
        struct readbuf_descriptor batch[] = {
            two_ends_buffer(1), two_ends_buffer(2), two_ends_buffer(3)};

        batch[place] = bad;
        ck_refused(-EINVAL, batch, 3);
    }
    ck_assert_int_eq(two_ends_give(&t, 4), 0);
    ck_picks((const int[]){5, 6, 7, 4}, 4);
}

START_TEST(an_address_of_null_is_refused)
{
    struct readbuf_descriptor bad = two_ends_buffer(0);

    bad.address = NULL;
    ck_bad(bad);
}
END_TEST

START_TEST(a_length_of_zero_is_refused)
{
    struct readbuf_descriptor bad = two_ends_buffer(0);

    bad.length = 0;
    ck_bad(bad);
}
END_TEST

START_TEST(a_bid_out_of_range_is_refused)
{
    struct readbuf_descriptor bad = two_ends_buffer(0);

    bad.bid = 8;
    ck_bad(bad);
    bad.bid = 65535;
    ck_bad(bad);
}
END_TEST

START_TEST(the_last_bid_and_a_length_of_one_are_taken)
{
    struct readbuf_descriptor good = two_ends_buffer(7);
    struct io_uring_buf picked;

    two_ends_open(&t, 8);
    good.length = 1;
    ck_assert_int_eq(readbuf_publish(&t.publisher, &good, 1), 0);
    ck_assert_int_eq(simkernel_pick(&t.kernel, &picked), 0);
    ck_assert_uint_eq(picked.bid, 7);
    ck_assert_uint_eq(picked.len, 1);
}
END_TEST

START_TEST(more_than_the_ring_holds_is_refused)
{
    struct readbuf_descriptor batch[5];

    two_ends_open(&t, 4);
    for (uint16_t i = 0; i < 5; i++)
        batch[i] = two_ends_buffer(i % 4);
    ck_refused(-ENOSPC, batch, 5);
    ck_assert_int_eq(readbuf_publish(&t.publisher, batch, 4), 0);
}
END_TEST

START_TEST(more_than_there_is_room_for_is_refused)
{
    struct readbuf_descriptor batch[6];

    open_half_full();
    for (uint16_t i = 0; i < 6; i++)
        batch[i] = two_ends_buffer(i % 5);
    ck_refused(-ENOSPC, batch, 6);
    ck_assert_int_eq(readbuf_publish(&t.publisher, batch, 5), 0);
    ck_refused(-ENOSPC, batch, 1);
    ck_add_refused(-ENOSPC, batch);
}
END_TEST

/* Picked is not enough: the publisher has to be told. */
START_TEST(there_is_room_for_what_is_known_to_be_taken)
{
    struct io_uring_buf picked[3];

    two_ends_open(&t, 4);
    ck_assert_int_eq(two_ends_give_first(&t, 4), 0);
    ck_assert_uint_eq(simkernel_pick_bundle(&t.kernel, picked, 3), 3);
    ck_assert_int_eq(two_ends_give(&t, 0), -ENOSPC);
    readbuf_publisher_taken(&t.publisher, 2);
    ck_assert_int_eq(two_ends_give_first(&t, 3), -ENOSPC);
    ck_assert_int_eq(two_ends_give_first(&t, 2), 0);
    ck_assert_int_eq(two_ends_give(&t, 2), -ENOSPC);
}
END_TEST

/* ------------------------------------------------ what is remembered
 */

static bool consumed(uint16_t bid)
{
    return readbuf_publisher_consumed(&t.publisher, bid, t.kernel.head);
}

static uint16_t after(uint16_t bid)
{
    return readbuf_publisher_after(&t.publisher, bid);
}

START_TEST(consumed_once_the_head_has_passed)
{
    two_ends_open(&t, 4);
    two_ends_go_to(&t, 65534);
    ck_assert_int_eq(two_ends_give_first(&t, 4), 0);
    for (uint16_t bid = 0; bid < 4; bid++) {
        ck_assert(!consumed(bid));
        ck_assert_int_eq(two_ends_pick(&t), bid);
        ck_assert(consumed(bid));
    }
    ck_assert_int_eq(two_ends_give(&t, 2), 0);
    ck_assert(!consumed(2));
    ck_assert(consumed(1));
}
END_TEST

/* A slow reader has buffer 1 while buffer 0 goes round and round. */
START_TEST(consumed_however_often_others_went_round)
{
    unsigned wrong = 0;

    two_ends_open(&t, 4);
    ck_assert_int_eq(two_ends_give(&t, 1), 0);
    ck_assert_int_eq(two_ends_pick(&t), 1);
    for (int i = 0; i < 200000; i++) {
        wrong += two_ends_give(&t, 0) != 0 || consumed(0);
        wrong += two_ends_pick(&t) != 0 || !consumed(0);
        wrong += !consumed(1);
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* The bundle's slots have new tenants, and still it can be walked. */
START_TEST(a_bundle_is_walked_after_its_slots_were_used_again)
{
    struct io_uring_buf bundle[3], single[1];
    uint16_t bid;

    two_ends_open(&t, 4);
    two_ends_go_to(&t, 65535);
    ck_assert_int_eq(two_ends_give_first(&t, 4), 0);
    ck_assert_uint_eq(simkernel_pick_bundle(&t.kernel, bundle, 3), 3);
    ck_assert_int_eq(simkernel_pick(&t.kernel, single), 0);
    readbuf_publisher_taken(&t.publisher, 4);
    for (int i = 0; i < 5; i++) {
        ck_assert_int_eq(two_ends_give(&t, single[0].bid), 0);
        ck_assert_int_eq(two_ends_pick(&t), single[0].bid);
    }
    bid = bundle[0].bid;
    ck_assert_uint_eq(bid = after(bid), bundle[1].bid);
    ck_assert_uint_eq(bid = after(bid), bundle[2].bid);
    ck_assert_uint_eq(after(bid), single[0].bid);
}
END_TEST

START_TEST(what_was_only_added_comes_after_too)
{
    struct readbuf_descriptor last = two_ends_buffer(3);

    two_ends_open(&t, 4);
    ck_assert_int_eq(two_ends_give(&t, 1), 0);
    readbuf_publisher_lock(&t.publisher);
    ck_assert_int_eq(readbuf_publisher_add(&t.publisher, &last), 0);
    readbuf_publisher_commit(&t.publisher);
    readbuf_publisher_unlock(&t.publisher);
    ck_assert_int_eq(two_ends_pick(&t), 1);
    ck_assert_uint_eq(after(1), 3);
}
END_TEST

/*
 * The naive model: every publication there ever was, in a list.
 */
enum { EVER = 66000 }; /* so that every counter wraps */

static struct {
    uint16_t list[EVER + 64];
    uint32_t given, picked; /* so many of the list */
    uint32_t place[64];     /* by bid: where it is in the list */
    uint16_t hand[64];      /* buffers we hold, in no order */
    uint32_t held;
} model;

static uint32_t seed, first_seed;

static uint32_t random_below(uint32_t limit)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % limit;
}

/* Give back some of what we hold, in any order; how much is wrong. */
static unsigned model_give(void)
{
    uint32_t count = random_below(model.held + 1);
    struct readbuf_descriptor batch[64];

    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = random_below(model.held);
        uint16_t bid = model.hand[which];

        model.hand[which] = model.hand[--model.held];
        model.place[bid] = model.given;
        model.list[model.given++] = bid;
        batch[i] = two_ends_buffer(bid);
    }
    return readbuf_publish(&t.publisher, batch, count) != 0;
}

/* Pick a bundle: it must be the next ones of the list. */
static unsigned model_pick(void)
{
    struct io_uring_buf bundle[64];
    unsigned most = random_below(t.entries + 1), wrong = 0;
    unsigned count = simkernel_pick_bundle(&t.kernel, bundle, most);

    readbuf_publisher_taken(&t.publisher, count);
    for (unsigned i = 0; i < count; i++) {
        wrong += !two_ends_is_buffer(&bundle[i]);
        wrong += bundle[i].bid != model.list[model.picked++];
        wrong += i > 0 && after(bundle[i - 1].bid) != bundle[i].bid;
        model.hand[model.held++] = bundle[i].bid;
    }
    return wrong + (count < most && model.picked != model.given);
}

/* Ask about everything that was ever given. */
static unsigned model_compare(void)
{
    unsigned wrong = 0;

    for (uint32_t i = 0; i < model.held; i++) {
        uint16_t bid = model.hand[i];
        uint32_t place = model.place[bid];

        if (place != UINT32_MAX && place + 1 < model.given)
            wrong += after(bid) != model.list[place + 1];
    }
    for (uint16_t bid = 0; bid < t.entries; bid++)
        if (model.place[bid] != UINT32_MAX)
            wrong += consumed(bid) != (model.place[bid] < model.picked);
    return wrong + (t.shared->tail != (uint16_t)model.given);
}

static void ck_model(uint32_t entries)
{
    memset(&model, 0, sizeof(model));
    memset(model.place, 0xff, sizeof(model.place));
    two_ends_open(&t, entries);
    for (uint16_t bid = 0; bid < entries; bid++)
        model.hand[model.held++] = bid;
    for (int step = 0; model.given < EVER; step++) {
        unsigned wrong = random_below(2) ? model_give() : model_pick();

        wrong += model_compare();
        if (wrong > 0)
            ck_abort_msg("SEED=%u, %u entries, step %d: %u wrong",
                         first_seed, entries, step, wrong);
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

/* --------------------------------------------------------- the lock
 */

static struct state when_taken, when_leaving;

static void look_when_taken(void)
{
    when_taken = look();
}

static void look_when_leaving(void)
{
    when_leaving = look();
}

/* Before the lock was taken nothing had happened, after it was left
 * nothing did. */
START_TEST(a_publication_is_all_under_the_lock)
{
    struct readbuf_descriptor batch[] = {two_ends_buffer(1),
                                         two_ends_buffer(0)};
    struct state before, after;

    open_half_full();
    before = look();
    faults_lock_hooks(look_when_taken, look_when_leaving);
    ck_assert_int_eq(readbuf_publish(&t.publisher, batch, 2), 0);
    after = look();
    ck_assert_mem_eq(&before, &when_taken, sizeof(before));
    ck_assert_mem_eq(&after, &when_leaving, sizeof(after));
    ck_assert_mem_ne(&before, &after, sizeof(after));
}
END_TEST

/* What another thread does right before the lock is ours. */
static void publish_meanwhile(void)
{
    struct readbuf_descriptor other = two_ends_buffer(1);

    if (readbuf_publisher_add(&t.publisher, &other) != 0)
        abort();
    readbuf_publisher_commit(&t.publisher);
}

START_TEST(a_publication_meanwhile_consumes_none)
{
    two_ends_open(&t, 4);
    ck_assert_int_eq(two_ends_give(&t, 0), 0);
    faults_lock_hooks(publish_meanwhile, NULL);
    ck_assert(!consumed(0));
    ck_assert_uint_eq(simkernel_available(&t.kernel), 2);
}
END_TEST

SUITE("publisher", a_fresh_ring_is_empty, one_is_seen,
      a_batch_is_seen_in_its_order, a_batch_of_none_changes_nothing,
      added_is_invisible_until_the_commit,
      every_size_is_filled_to_its_last_entry,
      a_full_ring_goes_through_all_65536_tails,
      an_almost_empty_ring_goes_through_all_65536_tails,
      only_the_commit_stores_the_tail,
      the_resv_of_other_entries_is_left_alone,
      address_and_length_are_written_again,
      an_address_of_null_is_refused, a_length_of_zero_is_refused,
      a_bid_out_of_range_is_refused,
      the_last_bid_and_a_length_of_one_are_taken,
      more_than_the_ring_holds_is_refused,
      more_than_there_is_room_for_is_refused,
      there_is_room_for_what_is_known_to_be_taken,
      consumed_once_the_head_has_passed,
      consumed_however_often_others_went_round,
      a_bundle_is_walked_after_its_slots_were_used_again,
      what_was_only_added_comes_after_too,
      random_use_agrees_with_a_naive_model,
      a_publication_is_all_under_the_lock,
      a_publication_meanwhile_consumes_none)
