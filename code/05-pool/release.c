/*
 * release.c - a buffer comes back.
 *
 * The short way is straight: handle, record, gate, slot, tail, out. A
 * handle that is stale, or a part of a buffer, and a gate with somebody
 * inside go the long way.
 */
#include "pool.h"

#include <errno.h>

/* Not a bid: released, but others hold parts of the buffer. */
enum { HELD_BY_OTHERS = READBUF_RING_ENTRIES_MAX };

/* Nobody's any more, and not yet the kernel's. */
static inline void empty(struct readbuf *buf)
{
    buf->data = NULL;
    buf->len = 0;
    buf->loan = 0;
}

/*
 * From us to nobody: the loan becomes even. Whether the handle of a
 * whole buffer is stale is decided here and nowhere else, and of
 * several threads that release copies of it one gets past. What was
 * done to the bytes is released where the buffer becomes the kernel's,
 * by whoever is inside then.
 */
static inline bool give_up(struct readbuf *buf, size_t bid)
{
    struct readbuf_pool *pool = buf->pool;
    uint32_t loan = buf->loan - (uint32_t)bid * pool->apart;
    uint64_t state = loan;

    if (bid >= pool->count || buf->loan % 2 == 0 ||
        !atomic_compare_exchange_strong_explicit(
            &pool->records[bid].state, &state,
            readbuf_state(loan + 1, READBUF_NOBODYS),
            memory_order_relaxed, memory_order_relaxed))
        return false;
    readbuf_own_kernel(buf->data, pool->origin.size);
    empty(buf);
    return true;
}

/*
 * One hold less. The last one makes the loan even, in the same step, so
 * that of all who hold parts exactly one finds himself the last.
 */
static READBUF_RARE int32_t give_up_part(struct readbuf *buf,
                                         uint32_t bid)
{
    struct readbuf_pool *pool = buf->pool;
    _Atomic uint64_t *record = &pool->records[bid].state;
    uint32_t loan = buf->loan + 1 - bid * pool->apart;
    uint64_t next,
        state = atomic_load_explicit(record, memory_order_relaxed);

    do {
        uint32_t holds = readbuf_state_holds(state);

        if (readbuf_state_loan(state) != loan || holds == 0)
            return -ESTALE;
        next = holds > 1 ? readbuf_state(loan, holds - 1)
                         : readbuf_state(loan + 1, READBUF_NOBODYS);
    } while (!atomic_compare_exchange_weak_explicit(
        record, &state, next, memory_order_acq_rel,
        memory_order_relaxed));
    empty(buf);
    if (readbuf_is_lent(next))
        return HELD_BY_OTHERS;
    readbuf_own_kernel(readbuf_slab_at(&pool->slab, bid),
                       pool->origin.size);
    return (int32_t)bid;
}

/*
 * A handle that is not plainly a whole buffer's: the bid if it was the
 * last part, HELD_BY_OTHERS, or an error, and then nothing happened.
 */
static READBUF_RARE int32_t give_up_other(struct readbuf *buf)
{
    struct readbuf_pool *pool = buf->pool;
    size_t offset = (uintptr_t)buf->data - (uintptr_t)pool->slab.memory;

    if (!pool->ledger->ours)
        return -ECHILD;
    if (offset >= pool->slab.bytes)
        return -EINVAL;
    if (buf->loan % 2 == 0)
        return give_up_part(buf,
                            (uint32_t)(offset / pool->slab.stride));
    return offset % pool->slab.stride != 0 ? -EINVAL : -ESTALE;
}

/* Inside, with a chain by the bid at its head and the record at its
 * end. */
static READBUF_RARE int put_and_leave(struct readbuf_pool *pool,
                                      uint32_t first,
                                      struct readbuf_record *last)
{
    atomic_store_explicit(&last->next, 0, memory_order_relaxed);
    return readbuf_pool_leave(pool, first + 1);
}

/* The same, or have whoever is inside do it. */
static READBUF_RARE int send_back(struct readbuf_pool *pool,
                                  uint32_t first,
                                  struct readbuf_record *last)
{
    if (!readbuf_gate_pass(&pool->gate, (uint16_t)first, &last->next))
        return 0;
    return put_and_leave(pool, first, last);
}

/* Inside an open pool: show what was filled, and out. */
static inline int go_out(struct readbuf_pool *pool)
{
    if (readbuf_depot_level(&pool->depot) > 0)
        return readbuf_pool_leave(pool, 0);
    readbuf_publisher_commit(&pool->publisher);
    return readbuf_gate_exit(&pool->gate) ? 0 : readbuf_pool_turn(pool);
}

static READBUF_RARE int release_other(struct readbuf *buf)
{
    struct readbuf_pool *pool = buf->pool;
    int32_t bid = give_up_other(buf);

    if (bid < 0 || bid == HELD_BY_OTHERS)
        return bid < 0 ? bid : 0;
    return send_back(pool, (uint32_t)bid, &pool->records[bid]);
}

int readbuf_release(struct readbuf *buf)
{
    struct readbuf_pool *pool = buf->pool;
    struct readbuf_record *record;
    unsigned char *data = buf->data;
    size_t bid;

    if (data == NULL)
        return 0;
    bid = readbuf_slab_bid(&pool->slab, data);
    if (!give_up(buf, bid))
        return release_other(buf);
    record = &pool->records[bid];
    if (!readbuf_gate_enter(&pool->gate))
        return send_back(pool, (uint32_t)bid, record);
    if (readbuf_pool_level(pool) >= pool->depot.window)
        return put_and_leave(pool, (uint32_t)bid, record);
    readbuf_pool_fill(pool, record, (uint32_t)bid, data);
    return go_out(pool);
}

/*
 * Inside: send back whole buffers as long as there is nothing else to
 * be thought of; returns how many. The ring has room for as many as it
 * had when this was looked at.
 */
static size_t release_run(struct readbuf_pool *pool,
                          struct readbuf *bufs, size_t n)
{
    uint32_t level = readbuf_pool_level(pool);
    uint32_t window = pool->depot.window;
    size_t room = level < window ? window - level : 0;
    size_t end = n < room ? n : room;

    for (size_t i = 0; i < end; i++) {
        unsigned char *data = bufs[i].data;
        size_t bid = readbuf_slab_bid(&pool->slab, data);

        if (bufs[i].pool != pool || !give_up(&bufs[i], bid))
            return i;
        readbuf_pool_fill(pool, &pool->records[bid], (uint32_t)bid,
                          data);
    }
    return end;
}

/* Numbers in a chain, to be put by whoever is inside. */
struct chain {
    uint32_t first;              /* its bid */
    struct readbuf_record *last; /* NULL if it is empty */
};

static int32_t give_up_any(struct readbuf *buf)
{
    size_t bid = readbuf_slab_bid(&buf->pool->slab, buf->data);

    return give_up(buf, bid) ? (int32_t)bid : give_up_other(buf);
}

static int release_one(struct readbuf_pool *pool, struct readbuf *buf,
                       struct chain *chain)
{
    int32_t bid;

    if (buf->data == NULL)
        return 0;
    if (buf->pool != pool)
        return -EINVAL;
    bid = give_up_any(buf);
    if (bid < 0)
        return bid;
    if (bid == HELD_BY_OTHERS)
        return 0;
    if (chain->last == NULL)
        chain->first = (uint32_t)bid;
    else
        atomic_store_explicit(&chain->last->next, (uint16_t)(bid + 1),
                              memory_order_relaxed);
    chain->last = &pool->records[bid];
    return 0;
}

static int release_from(struct readbuf_pool *pool, struct readbuf *bufs,
                        size_t n)
{
    bool inside = readbuf_gate_enter(&pool->gate);
    struct chain chain = {0, NULL};
    int first_error = 0;

    for (size_t i = 0; i < n; i++) {
        int ret;

        if (inside && chain.last == NULL)
            i += release_run(pool, &bufs[i], n - i);
        if (i == n)
            break;
        ret = release_one(pool, &bufs[i], &chain);
        if (first_error == 0)
            first_error = ret;
    }
    if (inside && chain.last != NULL)
        put_and_leave(pool, chain.first, chain.last);
    else if (inside && pool->closed)
        readbuf_pool_leave(pool, 0);
    else if (inside)
        go_out(pool);
    else if (chain.last != NULL)
        send_back(pool, chain.first, chain.last);
    return first_error;
}

int readbuf_release_all(struct readbuf *bufs, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bufs[i].data != NULL)
            return bufs[i].pool->ledger->ours
                       ? release_from(bufs[i].pool, &bufs[i], n - i)
                       : -ECHILD;
    return 0;
}
