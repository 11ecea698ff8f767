/*
 * pool.h - the inside of a pool.
 *
 *     application                                     kernel
 *         |  loan is odd             loan is even        |
 *         |                                              |
 *     handle <--- readbuf_complete --- completion <--- picks
 *         |                                              ^
 *         +---- readbuf_release ---> publisher ----------+
 *
 * For every buffer there is one number, its loan (see ledger.h). A
 * handle remembers the odd number it was lent under; when that is not
 * the number any more, the handle is stale.
 */
#ifndef READBUF_POOL_H
#define READBUF_POOL_H

#include "ledger.h"
#include "origin.h"
#include "publisher.h"
#include "readbuf.h"
#include "registration.h"
#include "slab.h"

/*
 * A pool. What a completion or a release changes comes first, what is
 * settled when the pool is made comes last.
 */
struct readbuf_pool {
    /* First: see origin.h. The pool begins with a cache line. */
    _Alignas(64) struct readbuf_origin origin;
    uint32_t count;
    struct readbuf_ledger *ledger;
    struct readbuf_slab slab;
    struct readbuf_publisher publisher;

    /*
     * Buffers lent and buffers that came back. Each has one writer at a
     * time (the decoding thread; the holder of the lock), so neither
     * needs an atomic increment, and what is out is their difference.
     */
    _Atomic uint32_t lent;
    _Atomic uint32_t returned;
    bool closed; /* unregistered; under the lock */

    struct readbuf_ring ring; /* of this, a read needs the group */
    _Atomic uint32_t references;
};

#ifdef __x86_64__
_Static_assert(offsetof(struct readbuf_pool, ring) <= 128,
               "what a read changes fits in two lines of 64");
#endif

/* Buffer `bid` as the kernel is to see it. */
struct readbuf_descriptor
readbuf_pool_describe(const struct readbuf_pool *pool, uint16_t bid);

/* Free everything. The ring is unregistered and no buffer is out. */
void readbuf_pool_destroy(struct readbuf_pool *pool);

#endif
