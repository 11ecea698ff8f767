/*
 * depot.h - buffers that are neither in the ring nor lent.
 *
 * The ring holds up to `window` buffers. What comes back beyond that is
 * kept in reserve, on a stack: the buffer that was used last goes out
 * first, with its bytes still in the processor's cache. And a buffer
 * that was never used is not even on the stack. It is counted, so that
 * making a pool of many writes down none of them.
 *
 * Written by whoever is inside the gate; `all` may be read by any
 * thread.
 */
#ifndef READBUF_DEPOT_H
#define READBUF_DEPOT_H

#include <assert.h>
#include <stdatomic.h>
#include <stdint.h>

struct readbuf_depot {
    uint32_t window;      /* buffers that the ring may hold */
    uint32_t count;       /* buffers that there are */
    uint16_t *reserve;    /* a stack, with room for all */
    uint32_t kept;        /* how many are on it */
    _Atomic uint32_t all; /* ... and how many were never used: those
                             from `count` - (`all` - `kept`) on */
};

/* How many buffers wait here. */
static inline uint32_t
readbuf_depot_level(const struct readbuf_depot *depot)
{
    return atomic_load_explicit(&depot->all, memory_order_acquire);
}

static inline void readbuf_depot_put(struct readbuf_depot *depot,
                                     uint32_t bid)
{
    uint32_t all = readbuf_depot_level(depot);

    assert(all < depot->count);
    depot->reserve[depot->kept++] = (uint16_t)bid;
    atomic_store_explicit(&depot->all, all + 1, memory_order_release);
}

/* The one used last, or one that never was. The level is not 0. */
static inline uint16_t readbuf_depot_get(struct readbuf_depot *depot)
{
    uint32_t all = readbuf_depot_level(depot);

    assert(all > 0);
    atomic_store_explicit(&depot->all, all - 1, memory_order_relaxed);
    if (depot->kept > 0)
        return depot->reserve[--depot->kept];
    return (uint16_t)(depot->count - all);
}

#endif
