/*
 * two_ends.c - a ring in plain memory, and both of its ends.
 */
#include "two_ends.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

static struct io_uring_buf slots[TWO_ENDS_MAX];
static _Atomic uint16_t links[TWO_ENDS_MAX];
static char memory[TWO_ENDS_MAX]; /* only addresses are taken */

void two_ends_open(struct two_ends *t, uint32_t entries)
{
    memset(slots, 0, sizeof(slots));
    memset(t, 0, sizeof(*t));
    memset(&t->publisher, 0xa5, sizeof(t->publisher));
    t->shared = (void *)slots;
    t->links = links;
    t->entries = entries;
    readbuf_publisher_init(&t->publisher, t->shared, entries);
    simkernel_register(&t->kernel, t->shared, entries);
}

static uint32_t length_of(uint16_t bid)
{
    return 100u + bid;
}

bool two_ends_is_buffer(const struct io_uring_buf *picked)
{
    return picked->bid < TWO_ENDS_MAX &&
           picked->addr == (uintptr_t)&memory[picked->bid] &&
           picked->len == length_of(picked->bid);
}

/* Whoever fills knows of all that made room for it. */
void two_ends_fill(struct two_ends *t, uint16_t bid)
{
    if (two_ends_level(t) >= t->entries)
        abort();
    readbuf_publisher_fill(&t->publisher, &memory[bid], length_of(bid),
                           bid);
}

void two_ends_give(struct two_ends *t, uint16_t bid)
{
    two_ends_fill(t, bid);
    readbuf_publisher_commit(&t->publisher);
}

void two_ends_give_first(struct two_ends *t, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        two_ends_fill(t, (uint16_t)i);
    readbuf_publisher_commit(&t->publisher);
}

int two_ends_pick(struct two_ends *t)
{
    struct io_uring_buf picked;

    if (simkernel_pick(&t->kernel, &picked) < 0)
        return -1;
    atomic_fetch_add_explicit(&t->consumed, 1, memory_order_relaxed);
    return two_ends_is_buffer(&picked) ? picked.bid : -2;
}

uint32_t two_ends_level(const struct two_ends *t)
{
    return readbuf_publisher_level(
        &t->publisher,
        atomic_load_explicit(&t->consumed, memory_order_relaxed));
}

void two_ends_go_to(struct two_ends *t, uint16_t tail)
{
    unsigned wrong = 0;

    for (int i = 0; i < 65536 && t->shared->tail != tail; i++) {
        two_ends_give(t, 0);
        wrong += two_ends_pick(t) != 0;
    }
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(t->shared->tail, tail);
}

/*
 * Links are stored and loaded relaxed, as by the pool: what orders them
 * is the gate, and ThreadSanitizer would take anything stronger for it.
 */
static void set_link(struct two_ends *t, uint16_t bid, uint32_t next)
{
    atomic_store_explicit(&t->links[bid], (uint16_t)next,
                          memory_order_relaxed);
}

void two_ends_publish_and_leave(struct two_ends *t, uint32_t top)
{
    uint32_t came;

    do {
        while (top != 0) {
            uint16_t bid = (uint16_t)(top - 1);

            top = atomic_load_explicit(&t->links[bid],
                                       memory_order_relaxed);
            two_ends_fill(t, bid);
        }
        readbuf_publisher_commit(&t->publisher);
        came = readbuf_gate_leave(
            &t->gate, readbuf_publisher_shown(&t->publisher));
        top = came >> READBUF_GATE_SHIFT;
    } while (came != 0);
}

/*
 * Once inside, the chain is ended anew: the gate has written its last
 * link if it tried to leave the chain first.
 */
void two_ends_return(struct two_ends *t, const uint16_t *bids,
                     uint32_t count)
{
    uint16_t last = bids[count - 1];

    for (uint32_t i = 0; i + 1 < count; i++)
        set_link(t, bids[i], bids[i + 1] + UINT32_C(1));
    if (!readbuf_gate_pass(&t->gate, bids[0], &t->links[last]))
        return;
    set_link(t, last, 0);
    two_ends_publish_and_leave(t, bids[0] + UINT32_C(1));
}
