/*
 * pool.h - the inside of a pool.
 *
 *     application                                     kernel
 *         |  loan is odd             loan is even        |
 *         |                                              |
 *     handle <--- record <---------- completion <--- picks
 *         |                                              ^
 *         +---> record ---> gate ---> slot ---> tail ----+
 *                                |
 *                                +--> reserve, if the ring is full
 *
 * At every moment each buffer is in one place: in the ring; consumed
 * and not reported; lent; left at the gate; in reserve. Counted by two
 * numbers that only go up and one that stands, they are all there:
 *
 *     level    = published - consumed      (see publisher.h)
 *     held     = count - level - reserve   (lent, or at the gate)
 */
#ifndef READBUF_POOL_H
#define READBUF_POOL_H

#include "depot.h"
#include "gate.h"
#include "ledger.h"
#include "order.h"
#include "origin.h"
#include "publisher.h"
#include "readbuf.h"
#include "registration.h"
#include "selection.h"
#include "slab.h"

/*
 * What a later stage does in a way of its own. None of it is called on
 * the way back of a buffer.
 *
 * short_way: a completion with bytes and a buffer fills that buffer
 *     alone and ends its stay in the ring, so that the short way in
 *     serves; others go to `take`.
 * take: the buffer of a completion, as readbuf_pool_take returns it.
 *     The decoding thread.
 * room: how many bytes the kernel may still write into a buffer that
 *     it has. The decoding thread.
 * dry: the kernel found too few buffers; true if it has more now. The
 *     decoding thread.
 * shut: the ring is unregistered, and the pool closed. Inside.
 */
struct readbuf_ways {
    bool short_way;
    int (*take)(struct readbuf_pool *pool,
                struct readbuf_completion completion,
                struct readbuf *out);
    uint32_t (*room)(const struct readbuf_pool *pool, uint16_t bid);
    bool (*dry)(struct readbuf_pool *pool);
    void (*shut)(struct readbuf_pool *pool);
};

/*
 * A pool. Each group of members has its own cache lines, so that a
 * thread that decodes and one that gives back take turns at none, but
 * for those of the records.
 */
struct readbuf_pool {
    /* Written by nobody once the pool is made. First: see origin.h. */
    _Alignas(64) struct readbuf_origin origin;
    uint32_t apart; /* from a buffer's first loan to the next's */
    size_t count;
    struct readbuf_record *records; /* the ledger's */
    struct readbuf_slab slab;
    struct readbuf_ledger *ledger;
    const struct readbuf_ways *ways;
    struct readbuf_ring ring; /* ... or closed */

    /* Written by the thread that decodes completions. */
    _Alignas(64) _Atomic uint64_t consumed; /* descriptors, reported */
    _Atomic uint32_t early; /* buffers lent that the kernel goes on to
                               fill: none in a plain pool */

    /* Written by whoever is inside. */
    _Alignas(64) struct readbuf_publisher publisher;
    struct readbuf_record *last; /* of the buffer published last */
    struct readbuf_depot depot;
    bool closed; /* unregistered */

    /* Written by everybody. */
    _Alignas(64) struct readbuf_gate gate;
    _Atomic uint32_t references;
};

#define READBUF_LINE(member) \
    (offsetof(struct readbuf_pool, member) / 64)
_Static_assert(READBUF_LINE(ring) < READBUF_LINE(consumed) &&
                   READBUF_LINE(early) < READBUF_LINE(publisher) &&
                   READBUF_LINE(closed) < READBUF_LINE(gate),
               "who writes what has lines of its own");

/* How a pool is to be made. */
struct readbuf_plan {
    uint32_t count;      /* buffers, a power of two */
    uint32_t size;       /* bytes of each */
    uint32_t entries;    /* of the ring, a power of two */
    uint32_t window;     /* buffers in the ring: entries at most */
    unsigned ring_flags; /* READBUF_RING_* */
    bool huge_pages;
    const struct readbuf_ways *ways;
};

/*
 * A pool in which buffers are filled one at a time and whole, and the
 * window is as large as the pool. With a smaller one buffers wait in
 * the reserve that nobody asks for: then `dry` has to.
 */
extern const struct readbuf_ways readbuf_ways_plain;

/*
 * Make a pool by a valid plan, inside `bytes` of memory that begin with
 * it: a later stage's struct holds a pool as its first member, and
 * finds the rest zeroed. Errors as readbuf_pool_create.
 */
int readbuf_pool_build(struct readbuf_pool **pool, size_t bytes,
                       struct io_uring *ring,
                       const struct readbuf_plan *plan);

static inline bool readbuf_is_lent(uint64_t state)
{
    return readbuf_state_loan(state) % 2 != 0;
}

/* Kept out of the short ways, so that these stay short. */
#define READBUF_RARE __attribute__((noinline, cold))

/*
 * Inside: how many descriptors the ring holds, and more than it can if
 * there are too many.
 */
static inline uint32_t
readbuf_pool_level(const struct readbuf_pool *pool)
{
    return readbuf_publisher_level(
        &pool->publisher,
        atomic_load_explicit(&pool->consumed, memory_order_acquire));
}

/*
 * Inside: a buffer that is nobody's goes to the ring, unseen until a
 * commit, and is the kernel's.
 */
static inline void readbuf_pool_fill(struct readbuf_pool *pool,
                                     struct readbuf_record *record,
                                     uint32_t bid, void *address)
{
    uint32_t loan = readbuf_state_loan(
        atomic_load_explicit(&record->state, memory_order_relaxed));
    uint64_t position = readbuf_publisher_fill(
        &pool->publisher, address, pool->origin.size, (uint16_t)bid);

    atomic_store_explicit(&record->state, readbuf_state(loan, 0),
                          memory_order_release);
    readbuf_order_note(pool->last, record, bid, position);
    pool->last = record;
}

/*
 * Inside: see to a chain that was left at the gate (number + 1, or 0)
 * and to what comes meanwhile, to the reserve and to the tail, then
 * leave. Afterwards the pool may be gone. Returns 0.
 */
READBUF_RARE int readbuf_pool_leave(struct readbuf_pool *pool,
                                    uint32_t first);

/* The same, after readbuf_gate_exit said that there is more to do. */
READBUF_RARE int readbuf_pool_turn(struct readbuf_pool *pool);

/* What a plain pool does with any completion. */
int readbuf_pool_take_plain(struct readbuf_pool *pool,
                            struct readbuf_completion completion,
                            struct readbuf *out);

#endif
