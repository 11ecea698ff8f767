/*
 * publisher.h - show descriptors to the kernel, in an order it can
 * trust.
 *
 *                  consumed                  tail
 *                      v                       v
 *     slot   ... 2   3 | 0   1   2   3         0   1 ...
 *                      | full of descriptors | not yet written
 *                      | the kernel may read | the publisher may write
 *
 * Both counts run on; only `count & mask` is a slot. The publisher
 * fills slots behind the tail, then moves the tail with one
 * store-release. The kernel loads the tail with acquire and reads what
 * is before it. That pair is the whole protocol.
 *
 * One publisher at a time: fill and commit may be called by any thread,
 * one after the other. Who takes turns is not decided here (see
 * gate.h). No call fails or makes a system call.
 */
#ifndef READBUF_PUBLISHER_H
#define READBUF_PUBLISHER_H

#include "compat.h"

#include <assert.h>
#include <stdatomic.h>

/* The application's end of one ring. */
struct readbuf_publisher {
    struct io_uring_buf_ring *shared;
    uint32_t entries;        /* a power of two */
    _Atomic uint64_t filled; /* descriptors, ever; the kernel is shown
                               the low 16 bits, by a commit */
    _Atomic uint32_t shown;  /* how many of them by the last commit */
};

/*
 * Begin publishing to an empty ring of `entries` descriptors (a power
 * of two, up to 32768). The ring stays the caller's.
 */
void readbuf_publisher_init(struct readbuf_publisher *publisher,
                            struct io_uring_buf_ring *shared,
                            uint32_t entries);

/*
 * How many descriptors were filled ever. Any thread, which then also
 * sees what had been consumed before the last of them was filled.
 */
static inline uint64_t
readbuf_publisher_filled(const struct readbuf_publisher *publisher)
{
    return atomic_load_explicit(&publisher->filled,
                                memory_order_acquire);
}

/*
 * How many descriptors are in the ring, if `consumed` of those ever
 * filled are known to have left it; the kernel may have taken more than
 * that. Room for another is where the level is below the entries.
 */
static inline uint32_t
readbuf_publisher_level(const struct readbuf_publisher *publisher,
                        uint64_t consumed)
{
    return (uint32_t)(readbuf_publisher_filled(publisher) - consumed);
}

/*
 * How many were published ever, modulo 2^32, as the kernel was shown
 * them. Any thread; a count that has not changed means a ring to which
 * no buffer was added.
 */
static inline uint32_t
readbuf_publisher_shown(const struct readbuf_publisher *publisher)
{
    return atomic_load_explicit(&publisher->shown,
                                memory_order_acquire);
}

/*
 * Write one descriptor, of a buffer of `length` bytes, where the kernel
 * does not look yet. The level is below the entries. Returns how many
 * were filled ever, with this one.
 *
 * Everything but `resv`. In slot 0 that field is the tail, and a store
 * to it, even of the right value, is a second publication. Address and
 * length are written every time, since the kernel may have edited them.
 */
static inline uint64_t
readbuf_publisher_fill(struct readbuf_publisher *publisher,
                       void *address, uint32_t length, uint16_t bid)
{
    uint64_t filled = readbuf_publisher_filled(publisher);
    struct io_uring_buf *slot =
        &publisher->shared->bufs[filled & (publisher->entries - 1)];

    assert(address != NULL);
    atomic_store_explicit(&publisher->filled, filled + 1,
                          memory_order_release);
    slot->addr = (uintptr_t)address;
    slot->len = length;
    slot->bid = bid;
    return filled + 1;
}

/* Show the kernel everything that was filled. */
static inline void
readbuf_publisher_commit(struct readbuf_publisher *publisher)
{
    uint64_t tail = readbuf_publisher_filled(publisher);

    __atomic_store_n(&publisher->shared->tail, (uint16_t)tail,
                     __ATOMIC_RELEASE);
    atomic_store_explicit(&publisher->shown, (uint32_t)tail,
                          memory_order_release);
}

#endif
