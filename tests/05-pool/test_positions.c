/*
 * test_positions.c - what was published when, in rings that are older
 * than any test can make them, and that began with some of the buffers.
 */
#include "order.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST = 64, EVER = 70000 }; /* so that a head wraps */

/* All there is to this: records, and the ring in which they are. */
static struct {
    struct readbuf_record records[MOST];
    uint16_t last;
    uint64_t tail; /* published ever */
    uint32_t count;

    uint64_t origin;     /* position of the list's first */
    uint16_t list[EVER]; /* as published */
    uint64_t head;       /* consumed by the kernel, ever */
    uint64_t place[MOST];
    bool held[MOST]; /* consumed, and not published since */
} t;

static uint16_t listed(uint64_t position)
{
    return t.list[position - t.origin];
}

/* A new pool of `count`: buffers below `window` are in the ring. */
static void open_ring(uint32_t count, uint32_t window)
{
    memset(&t, 0, sizeof(t));
    t.count = count;
    t.tail = window;
    t.last = (uint16_t)(window - 1);
    for (uint16_t bid = 0; bid < count; bid++) {
        t.held[bid] = bid >= window;
        t.place[bid] = bid < window ? bid : UINT64_MAX;
    }
    for (uint16_t bid = 0; bid < window; bid++)
        t.list[bid] = bid;
}

/* ... which is as old as that many publications more. */
static void grow_old(uint64_t positions)
{
    for (uint16_t bid = 0; bid < t.count; bid++) {
        if (t.held[bid] || positions == 0)
            continue;
        t.place[bid] += positions;
        t.records[bid].position = t.place[bid] + 1;
    }
    t.origin += positions;
    t.tail += positions;
    t.head += positions;
}

/* A position is counted from 1. */
static void publish(uint16_t bid)
{
    t.held[bid] = false;
    t.place[bid] = t.tail;
    t.list[t.tail++ - t.origin] = bid;
    readbuf_order_note(&t.records[t.last], &t.records[bid], bid,
                       t.tail);
    t.last = bid;
}

static uint16_t consume(void)
{
    uint16_t bid = listed(t.head++);

    t.held[bid] = true;
    return bid;
}

/* Told that `reported` were: what of a head of sixteen bits? */
static bool is_consumed(uint16_t bid, uint64_t reported)
{
    return readbuf_order_consumed(t.records, bid, reported,
                                  (uint16_t)t.head);
}

static uint16_t after(uint16_t bid)
{
    return readbuf_order_after(t.records, bid);
}

/* Everything that may be asked, with reports that lag behind. */
static void ck_order(uint64_t lag)
{
    uint64_t reported =
        t.head - t.origin < lag ? t.origin : t.head - lag;

    for (uint16_t bid = 0; bid < t.count; bid++) {
        uint64_t place = t.place[bid];

        if (place == UINT64_MAX)
            continue;
        if (is_consumed(bid, reported) != (place < t.head))
            ck_abort_msg("buffer %u at %llu, head %llu", bid,
                         (unsigned long long)place,
                         (unsigned long long)t.head);
        if (t.held[bid] && place + 1 < t.tail &&
            after(bid) != listed(place + 1))
            ck_abort_msg("after %u is %u, not %u", bid,
                         listed(place + 1), after(bid));
    }
}

START_TEST(never_used_buffers_come_after_the_window)
{
    open_ring(8, 4);
    for (uint16_t bid = 4; bid < 8; bid++) {
        consume();
        publish(bid);
        ck_order(0);
        ck_assert_uint_eq(after((uint16_t)(bid - 4)), bid - 3);
    }
}
END_TEST

static uint64_t state;

static uint32_t random_below(uint32_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 11) % limit;
}

/* Some of those that are held, in any order. */
static void publish_some(void)
{
    for (uint32_t i = random_below(t.count + 1); i > 0; i--) {
        uint16_t bid = (uint16_t)random_below(t.count);

        if (t.held[bid])
            publish(bid);
    }
}

static void consume_some(void)
{
    for (uint32_t i = random_below(t.count + 1); i > 0; i--)
        if (t.head < t.tail)
            consume();
}

/* A ring that is `old` when it begins. */
static void ck_random(uint32_t count, uint64_t old, uint32_t ever)
{
    open_ring(count, count - random_below(count));
    grow_old(old);
    while (t.tail - t.origin + count < ever) {
        if (random_below(2))
            publish_some();
        else
            consume_some();
        ck_order(random_below(3) ? random_below(8) : 32767);
    }
}

/* SEED=N repeats a failure. */
START_TEST(random_use_agrees_with_a_list)
{
    const char *given = getenv("SEED");
    unsigned long long seed = given != NULL
                                  ? strtoull(given, NULL, 10)
                                  : (unsigned long long)getpid();

    state = seed * UINT64_C(0x9e3779b97f4a7c15) | 1;
    printf("random use: SEED=%llu\n", seed);
    fflush(stdout);
    ck_random(4, 0, EVER);
    for (uint32_t count = 1; count <= MOST; count *= 2) {
        ck_random(count, 0, 4000);
        ck_random(count, 65000, 4000);
        ck_random(count, UINT64_C(0xffffffff) - 1000, 4000);
        ck_random(count, UINT64_C(1) << 48, 4000);
    }
}
END_TEST

SUITE("positions", never_used_buffers_come_after_the_window,
      random_use_agrees_with_a_list)
