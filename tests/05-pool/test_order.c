/*
 * test_order.c - what was published when, asked long after. A ring and
 * its records alone: no pool, and no kernel needed.
 */
#include "order.h"
#include "publisher.h"
#include "simkernel.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 32768 };

static struct io_uring_buf slots[MOST];
static struct readbuf_record records[MOST], *last;
static char memory[MOST]; /* only addresses are taken */
static struct readbuf_publisher publisher;
static struct simkernel kernel;
static uint64_t known; /* to be consumed */

/* Published, in a ring that has room. */
static void give(uint16_t bid)
{
    if (readbuf_publisher_level(&publisher, known) >= kernel.entries)
        abort();
    readbuf_publisher_fill(&publisher, &memory[bid], 1, bid);
    readbuf_order_note(last, &records[bid], bid,
                       readbuf_publisher_filled(&publisher));
    last = &records[bid];
    readbuf_publisher_commit(&publisher);
}

/* As many as there are entries, in the order that is not noted. */
static void open_full(uint32_t entries)
{
    memset(slots, 0, sizeof(slots));
    memset(records, 0, sizeof(records));
    known = 0;
    readbuf_publisher_init(&publisher, (void *)slots, entries);
    simkernel_register(&kernel, (void *)slots, entries);
    for (uint32_t bid = 0; bid < entries; bid++)
        readbuf_publisher_fill(&publisher, &memory[bid], 1,
                               (uint16_t)bid);
    readbuf_publisher_commit(&publisher);
    last = &records[entries - 1];
}

/* The kernel takes one, and nobody is told. */
static int take(void)
{
    struct io_uring_buf picked;

    return simkernel_pick(&kernel, &picked) < 0 ? -1 : picked.bid;
}

static int pick(void)
{
    int bid = take();

    known += bid >= 0;
    return bid;
}

static uint16_t after(uint16_t bid)
{
    return readbuf_order_after(records, bid);
}

static bool consumed(uint16_t bid)
{
    return readbuf_order_consumed(records, bid, known, kernel.head);
}

/* Buffer 0 goes round until the tail is this. */
static void go_to(uint16_t tail)
{
    unsigned wrong = 0;

    while ((uint16_t)publisher.filled != tail) {
        give(0);
        wrong += pick() != 0;
    }
    ck_assert_uint_eq(wrong, 0);
}

START_TEST(the_first_order_is_known_without_being_noted)
{
    open_full(4);
    for (uint16_t bid = 0; bid < 4; bid++) {
        ck_assert(!consumed(bid));
        ck_assert_int_eq(pick(), bid);
        ck_assert(consumed(bid));
        if (bid < 3)
            ck_assert_uint_eq(after(bid), bid + 1);
    }
    give(2);
    ck_assert_uint_eq(after(3), 2);
    ck_assert_uint_eq(after(0), 1);
}
END_TEST

START_TEST(consumed_once_the_head_has_passed)
{
    open_full(4);
    for (int bid = 0; bid < 4; bid++)
        ck_assert_int_eq(pick(), bid);
    go_to(65534);
    for (uint16_t bid = 0; bid < 4; bid++)
        give(bid);
    for (uint16_t bid = 0; bid < 4; bid++) {
        ck_assert(!consumed(bid));
        ck_assert_int_eq(pick(), bid);
        ck_assert(consumed(bid));
    }
    give(2);
    ck_assert(!consumed(2));
    ck_assert(consumed(1));
}
END_TEST

/* A slow reader has buffer 1 while buffer 0 goes round and round. */
START_TEST(a_buffer_may_be_out_for_many_laps)
{
    unsigned wrong = 0;

    open_full(2);
    ck_assert_int_eq(pick(), 0);
    ck_assert_int_eq(pick(), 1);
    for (int i = 0; i < 200000; i++) {
        give(0);
        wrong += consumed(0);
        wrong += pick() != 0 || !consumed(0);
        wrong += !consumed(1);
    }
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/* The head knows of what no completion has reported yet. */
START_TEST(consumed_before_it_is_reported)
{
    open_full(MOST);
    for (int bid = 0; bid < MOST - 1; bid++)
        ck_assert_int_eq(take(), bid);
    ck_assert(consumed(0));
    ck_assert(consumed(MOST - 2));
    ck_assert(!consumed(MOST - 1));
    ck_assert_int_eq(take(), MOST - 1);
    ck_assert(consumed(0));
    ck_assert(consumed(MOST - 1));
    known += MOST;
    give(5);
    ck_assert(!consumed(5));
    ck_assert_int_eq(take(), 5);
    ck_assert(consumed(5));
}
END_TEST

/* The bundle's slots have new tenants, and still it can be walked. */
START_TEST(a_bundle_is_walked_after_its_slots_were_used_again)
{
    open_full(4);
    for (int bid = 0; bid < 4; bid++)
        ck_assert_int_eq(pick(), bid);
    go_to(65535);
    give(3);
    give(0);
    give(2);
    give(1);
    ck_assert_int_eq(pick(), 3);
    ck_assert_int_eq(pick(), 0);
    ck_assert_int_eq(pick(), 2);
    ck_assert_int_eq(pick(), 1);
    for (int i = 0; i < 5; i++) {
        give(1);
        ck_assert_int_eq(pick(), 1);
    }
    ck_assert_uint_eq(after(3), 0);
    ck_assert_uint_eq(after(0), 2);
    ck_assert_uint_eq(after(2), 1);
}
END_TEST

START_TEST(what_was_only_filled_comes_after_too)
{
    open_full(4);
    for (int bid = 0; bid < 4; bid++)
        ck_assert_int_eq(pick(), bid);
    give(1);
    readbuf_publisher_fill(&publisher, memory, 1, 3);
    readbuf_order_note(last, &records[3], 3,
                       readbuf_publisher_filled(&publisher));
    readbuf_publisher_commit(&publisher);
    ck_assert_int_eq(pick(), 1);
    ck_assert_uint_eq(after(1), 3);
}
END_TEST

/*
 * The naive model: every publication there ever was, in a list.
 */
enum { EVER = 66000 }; /* so that every counter of 16 bits wraps */

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

/* Give back some of what we hold, in any order. */
static void model_give(void)
{
    uint32_t count = random_below(model.held + 1);

    known = model.picked;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t which = random_below(model.held);
        uint16_t bid = model.hand[which];

        model.hand[which] = model.hand[--model.held];
        model.place[bid] = model.given;
        model.list[model.given++] = bid;
        give(bid);
    }
}

/* Pick some: they must be the next ones of the list. */
static bool model_pick(void)
{
    unsigned most = random_below(kernel.entries + 1);

    for (unsigned i = 0; i < most; i++) {
        int bid = take();

        if (bid == -1)
            return model.picked == model.given;
        if (bid != model.list[model.picked++])
            return false;
        model.hand[model.held++] = (uint16_t)bid;
    }
    return true;
}

/* Ask about everything, with some of it reported. */
static bool model_agrees(void)
{
    known += random_below((uint32_t)(model.picked - known) + 1);
    for (uint32_t i = 0; i < model.held; i++) {
        uint16_t bid = model.hand[i];
        uint32_t next = model.place[bid] + 1;

        if (next < model.given && after(bid) != model.list[next])
            return false;
    }
    for (uint16_t bid = 0; bid < kernel.entries; bid++)
        if (consumed(bid) != (model.place[bid] < model.picked))
            return false;
    return true;
}

static void ck_model(uint32_t entries)
{
    memset(&model, 0, sizeof(model));
    open_full(entries);
    for (uint16_t bid = 0; bid < entries; bid++) {
        model.place[bid] = model.given;
        model.list[model.given++] = bid;
    }
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

SUITE("order", the_first_order_is_known_without_being_noted,
      consumed_once_the_head_has_passed,
      a_buffer_may_be_out_for_many_laps, consumed_before_it_is_reported,
      a_bundle_is_walked_after_its_slots_were_used_again,
      what_was_only_filled_comes_after_too,
      random_use_agrees_with_a_naive_model)
