/*
 * pool.c - making a pool, sharing it, and taking it down.
 *
 * Memory is freed in one place, by whoever comes last: the last
 * reference if no buffer is out, else the last buffer.
 */
#include "pool.h"
#include "groups.h"
#include "kept_errno.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What the C library gives us, rounded up to what it can align. */
static struct readbuf_pool *allocate(size_t bytes)
{
    size_t line = _Alignof(struct readbuf_pool);
    size_t rounded = (bytes + line - 1) & ~(line - 1);
    int saved = readbuf_errno();
    struct readbuf_pool *pool = aligned_alloc(line, rounded);

    readbuf_errno_restore(saved);
    if (pool != NULL)
        memset(pool, 0, rounded);
    return pool;
}

/* Ledger, slab, ring: undone in reverse if a step fails. */
static int open_pool(struct readbuf_pool *pool, int ring_fd,
                     const struct readbuf_plan *plan)
{
    int ret;

    pool->ledger = readbuf_ledger_map(plan->count);
    if (pool->ledger == NULL)
        return -ENOMEM;
    ret = readbuf_slab_map(&pool->slab, plan->count, plan->size,
                           plan->huge_pages);
    if (ret == 0) {
        ret = readbuf_groups_register(&pool->ring, ring_fd,
                                      plan->entries, plan->ring_flags);
        if (ret == 0)
            return 0;
        readbuf_slab_unmap(&pool->slab);
    }
    readbuf_ledger_unmap(pool->ledger, plan->count);
    return ret;
}

/*
 * The kernel gets the first buffers, with one publication and in the
 * order that an empty ledger stands for.
 */
static void fill_window(struct readbuf_pool *pool,
                        const struct readbuf_plan *plan)
{
    uint32_t window = plan->window;

    for (uint32_t bid = 0; bid < window; bid++)
        readbuf_publisher_fill(&pool->publisher,
                               readbuf_slab_at(&pool->slab, bid),
                               pool->origin.size, (uint16_t)bid);
    readbuf_publisher_commit(&pool->publisher);
    pool->last = &pool->records[window - 1];
    atomic_init(&pool->depot.all, plan->count - window);
}

/* No completion brings more than 2^31 - 1 bytes, and as an unsigned
 * number every error is more. */
static uint32_t short_most(const struct readbuf_plan *plan)
{
    if (!plan->ways->short_way)
        return 0;
    return plan->size < INT32_MAX ? plan->size : INT32_MAX;
}

/* Everything that cannot fail. */
static void set_up(struct readbuf_pool *pool,
                   const struct readbuf_plan *plan)
{
    pool->origin.size = plan->size;
    pool->count = plan->count;
    pool->ledger->short_most = short_most(plan);
    pool->records = pool->ledger->records;
    pool->apart = (uint32_t)((UINT64_C(1) << 32) / plan->count);
    pool->ways = plan->ways;
    pool->depot.window = plan->window;
    pool->depot.count = plan->count;
    pool->depot.reserve =
        readbuf_ledger_numbers(pool->ledger, plan->count);
    atomic_init(&pool->references, 1);
    readbuf_publisher_init(&pool->publisher, pool->ring.shared,
                           plan->entries);
    fill_window(pool, plan);
}

int readbuf_pool_build(struct readbuf_pool **pool, size_t bytes,
                       struct io_uring *ring,
                       const struct readbuf_plan *plan)
{
    struct readbuf_pool *fresh = allocate(bytes);
    int ret;

    assert(bytes >= sizeof(*fresh));
    assert(plan->window > 0 && plan->window <= plan->entries &&
           plan->window <= plan->count);
    if (fresh == NULL)
        return -ENOMEM;
    ret = open_pool(fresh, ring->ring_fd, plan);
    if (ret < 0) {
        free(fresh);
        return ret;
    }
    set_up(fresh, plan);
    *pool = fresh;
    return 0;
}

/* Inside, and nobody is left outside: no buffer is out. */
static void destroy(struct readbuf_pool *pool)
{
    int saved = readbuf_errno();

    assert(pool->closed && readbuf_pool_held(pool) == 0);
    readbuf_slab_unmap(&pool->slab);
    readbuf_ledger_unmap(pool->ledger, (uint32_t)pool->count);
    free(pool);
    readbuf_errno_restore(saved);
}

/* A buffer that is nobody's: to the ring, or to the reserve. */
static void put(struct readbuf_pool *pool, uint32_t bid)
{
    assert(bid < pool->count);
    assert(!readbuf_is_lent(atomic_load_explicit(
        &pool->records[bid].state, memory_order_relaxed)));
    if (readbuf_pool_level(pool) < pool->depot.window)
        readbuf_pool_fill(pool, &pool->records[bid], bid,
                          readbuf_slab_at(&pool->slab, bid));
    else
        readbuf_depot_put(&pool->depot, bid);
}

static void put_chain(struct readbuf_pool *pool, uint32_t first)
{
    while (first != 0) {
        uint32_t bid = first - 1;

        first = atomic_load_explicit(&pool->records[bid].next,
                                     memory_order_relaxed);
        put(pool, bid);
    }
}

/* As much of the reserve as the window has room for, and the tail. */
static void settle(struct readbuf_pool *pool)
{
    assert(readbuf_pool_level(pool) <= pool->publisher.entries);
    assert(pool->depot.window <= pool->publisher.entries);
    while (readbuf_depot_level(&pool->depot) > 0 &&
           readbuf_pool_level(pool) < pool->depot.window)
        put(pool, readbuf_depot_get(&pool->depot));
    readbuf_publisher_commit(&pool->publisher);
}

int readbuf_pool_leave(struct readbuf_pool *pool, uint32_t first)
{
    uint32_t came;

    do {
        put_chain(pool, first);
        if (!pool->closed) {
            settle(pool);
        } else if (readbuf_pool_held(pool) == 0) {
            destroy(pool);
            return 0;
        }
        came = readbuf_gate_leave(
            &pool->gate, readbuf_publisher_shown(&pool->publisher));
        first = came >> READBUF_GATE_SHIFT;
    } while (came != 0);
    return 0;
}

int readbuf_pool_turn(struct readbuf_pool *pool)
{
    uint32_t came = readbuf_gate_turn(
        &pool->gate, readbuf_publisher_shown(&pool->publisher));

    return came == 0
               ? 0
               : readbuf_pool_leave(pool, came >> READBUF_GATE_SHIFT);
}

struct readbuf_pool *readbuf_pool_ref(struct readbuf_pool *pool)
{
    uint32_t owners = atomic_fetch_add_explicit(&pool->references, 1,
                                                memory_order_relaxed);

    assert(owners > 0);
    (void)owners;
    return pool;
}

/*
 * Inside while the kernel takes the ring back, since the ring's memory
 * goes with it. Whoever gives a buffer back at this moment leaves it at
 * the gate.
 */
static int close_pool(struct readbuf_pool *pool)
{
    int ret;

    readbuf_gate_wait(&pool->gate);
    ret = readbuf_ring_unregister(&pool->ring);
    if (ret == 0) {
        pool->closed = true;
        pool->depot.window = 0;
        pool->ways->shut(pool);
    } else {
        atomic_fetch_add_explicit(&pool->references, 1,
                                  memory_order_relaxed);
    }
    readbuf_pool_leave(pool, 0);
    return ret;
}

int readbuf_pool_unref(struct readbuf_pool *pool)
{
    if (pool == NULL)
        return 0;
    if (!pool->ledger->ours)
        return -ECHILD;
    if (atomic_fetch_sub_explicit(&pool->references, 1,
                                  memory_order_acq_rel) > 1)
        return 0;
    return close_pool(pool);
}

uint16_t readbuf_pool_group(const struct readbuf_pool *pool)
{
    return pool->ring.group;
}

struct readbuf readbuf_pool_get(struct readbuf_pool *pool)
{
    return (struct readbuf){.pool = pool};
}

int readbuf_pool_available(struct readbuf_pool *pool)
{
    uint16_t head, tail;
    int ret;

    if (!pool->ledger->ours)
        return -ECHILD;
    readbuf_gate_wait(&pool->gate);
    tail = (uint16_t)readbuf_publisher_filled(&pool->publisher);
    ret = readbuf_ring_head(&pool->ring, &head);
    if (ret == 0)
        ret = (uint16_t)(tail - head) +
              (int)readbuf_depot_level(&pool->depot);
    readbuf_pool_leave(pool, 0);
    return ret;
}

/*
 * Ever filled in, and what is in reserve, less what was there at first.
 * One too few for a moment while a buffer goes from the reserve to the
 * ring.
 */
static uint32_t back_ever(const struct readbuf_pool *pool)
{
    return (uint32_t)readbuf_publisher_filled(&pool->publisher) +
           readbuf_depot_level(&pool->depot) - pool->depot.count;
}

/*
 * Each load is a moment of its own. If what came back is the same
 * before and after, it was that when what went out was read.
 */
uint32_t readbuf_pool_held(const struct readbuf_pool *pool)
{
    uint32_t lent, back, again = back_ever(pool);

    do {
        back = again;
        lent = (uint32_t)atomic_load_explicit(&pool->consumed,
                                              memory_order_acquire) +
               atomic_load_explicit(&pool->early, memory_order_acquire);
        again = back_ever(pool);
    } while (back != again);
    return lent - back;
}

unsigned readbuf_version(void)
{
    return READBUF_VERSION;
}
