/*
 * two_ends.c - a ring in plain memory, and both of its ends.
 */
#include "two_ends.h"

#include <check.h>
#include <string.h>

static struct io_uring_buf slots[TWO_ENDS_MAX];
static struct readbuf_published published[TWO_ENDS_MAX];
static char memory[TWO_ENDS_MAX]; /* only addresses are taken */

void two_ends_open(struct two_ends *t, uint32_t entries)
{
    memset(slots, 0, sizeof(slots));
    t->shared = (void *)slots;
    t->log = published;
    t->entries = entries;
    ck_assert_int_eq(readbuf_publisher_init(&t->publisher, t->shared,
                                            entries, t->log),
                     0);
    simkernel_register(&t->kernel, t->shared, entries);
}

struct readbuf_descriptor two_ends_buffer(uint16_t bid)
{
    return (struct readbuf_descriptor){&memory[bid], 100u + bid, bid};
}

bool two_ends_is_buffer(const struct io_uring_buf *picked)
{
    return picked->bid < TWO_ENDS_MAX &&
           picked->addr == (uintptr_t)&memory[picked->bid] &&
           picked->len == 100u + picked->bid;
}

int two_ends_give(struct two_ends *t, uint16_t bid)
{
    struct readbuf_descriptor buffer = two_ends_buffer(bid);

    return readbuf_publish(&t->publisher, &buffer, 1);
}

int two_ends_give_first(struct two_ends *t, uint32_t count)
{
    static struct readbuf_descriptor batch[TWO_ENDS_MAX];

    for (uint32_t i = 0; i < count; i++)
        batch[i] = two_ends_buffer((uint16_t)i);
    return readbuf_publish(&t->publisher, batch, count);
}

int two_ends_pick(struct two_ends *t)
{
    struct io_uring_buf picked;

    if (simkernel_pick(&t->kernel, &picked) < 0)
        return -1;
    readbuf_publisher_taken(&t->publisher, 1);
    return two_ends_is_buffer(&picked) ? picked.bid : -2;
}

void two_ends_go_to(struct two_ends *t, uint16_t tail)
{
    unsigned wrong = 0;

    for (int i = 0; i < 65536 && t->shared->tail != tail; i++)
        wrong += two_ends_give(t, 0) != 0 || two_ends_pick(t) != 0;
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(t->shared->tail, tail);
}
