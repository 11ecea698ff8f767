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
#include <stdlib.h>
#include <string.h>

#define FLAGS (READBUF_POOL_KERNEL_RING | READBUF_POOL_HUGE_PAGES)

/* What the C library gives us. */
static struct readbuf_pool *allocate(uint32_t count, uint32_t size)
{
    struct readbuf_pool *pool =
        aligned_alloc(_Alignof(struct readbuf_pool), sizeof(*pool));

    if (pool == NULL)
        return NULL;
    memset(pool, 0, sizeof(*pool));
    pool->publisher.log = calloc(count, sizeof(*pool->publisher.log));
    if (pool->publisher.log == NULL) {
        free(pool);
        return NULL;
    }
    pool->origin.size = size;
    pool->count = count;
    atomic_init(&pool->references, 1);
    return pool;
}

static void deallocate(struct readbuf_pool *pool)
{
    free(pool->publisher.log);
    free(pool);
}

struct readbuf_descriptor
readbuf_pool_describe(const struct readbuf_pool *pool, uint16_t bid)
{
    return (struct readbuf_descriptor){
        .address = readbuf_slab_at(&pool->slab, bid),
        .length = pool->origin.size,
        .bid = bid,
    };
}

/* The kernel gets all buffers, with one publication. */
static void give_all(struct readbuf_pool *pool)
{
    readbuf_publisher_lock(&pool->publisher);
    for (uint32_t bid = 0; bid < pool->count; bid++) {
        struct readbuf_descriptor descriptor =
            readbuf_pool_describe(pool, (uint16_t)bid);
        int ret = readbuf_publisher_add(&pool->publisher, &descriptor);

        assert(ret == 0);
        (void)ret;
    }
    readbuf_publisher_commit(&pool->publisher);
    readbuf_publisher_unlock(&pool->publisher);
}

/* The kernel's side: undone in reverse if a step fails. */
static int open_ring(struct readbuf_pool *pool, int ring_fd,
                     unsigned flags)
{
    unsigned ring_flags =
        flags & READBUF_POOL_KERNEL_RING ? READBUF_RING_KERNEL : 0;
    int ret = readbuf_groups_register(&pool->ring, ring_fd, pool->count,
                                      ring_flags);

    if (ret < 0)
        return ret;
    ret = readbuf_publisher_init(&pool->publisher, pool->ring.shared,
                                 pool->count, pool->publisher.log);
    if (ret < 0)
        readbuf_ring_unregister(&pool->ring);
    return ret;
}

/* Ledger, slab, ring: in reverse as well. */
static int open_pool(struct readbuf_pool *pool, int ring_fd,
                     unsigned flags)
{
    int ret;

    pool->ledger = readbuf_ledger_map(pool->count);
    if (pool->ledger == NULL)
        return -ENOMEM;
    ret = readbuf_slab_map(&pool->slab, pool->count, pool->origin.size,
                           flags & READBUF_POOL_HUGE_PAGES);
    if (ret == 0) {
        ret = open_ring(pool, ring_fd, flags);
        if (ret == 0)
            return 0;
        readbuf_slab_unmap(&pool->slab);
    }
    readbuf_ledger_unmap(pool->ledger, pool->count);
    return ret;
}

int readbuf_pool_create(struct readbuf_pool **pool,
                        struct io_uring *ring, uint32_t count,
                        uint32_t size, unsigned flags)
{
    struct readbuf_pool *fresh;
    int ret, saved = readbuf_errno();

    if (count == 0 || count > READBUF_RING_ENTRIES_MAX ||
        (count & (count - 1)) != 0 || size == 0 || (flags & ~FLAGS))
        return -EINVAL;
    fresh = allocate(count, size);
    readbuf_errno_restore(saved);
    if (fresh == NULL)
        return -ENOMEM;
    ret = open_pool(fresh, ring->ring_fd, flags);
    if (ret < 0) {
        deallocate(fresh);
        return ret;
    }
    give_all(fresh);
    *pool = fresh;
    return 0;
}

void readbuf_pool_destroy(struct readbuf_pool *pool)
{
    readbuf_publisher_destroy(&pool->publisher);
    readbuf_slab_unmap(&pool->slab);
    readbuf_ledger_unmap(pool->ledger, pool->count);
    deallocate(pool);
}

struct readbuf_pool *readbuf_pool_ref(struct readbuf_pool *pool)
{
    atomic_fetch_add_explicit(&pool->references, 1,
                              memory_order_relaxed);
    return pool;
}

/*
 * The lock is held across the system call, since the ring's memory goes
 * with it and somebody may be giving a buffer back at this moment.
 */
static int close_pool(struct readbuf_pool *pool)
{
    bool last;
    int ret;

    readbuf_publisher_lock(&pool->publisher);
    ret = readbuf_ring_unregister(&pool->ring);
    pool->closed = ret == 0;
    last = pool->closed && readbuf_pool_held(pool) == 0;
    readbuf_publisher_unlock(&pool->publisher);
    if (last)
        readbuf_pool_destroy(pool);
    return ret;
}

int readbuf_pool_unref(struct readbuf_pool *pool)
{
    int ret;

    if (pool == NULL)
        return 0;
    if (!pool->ledger->ours)
        return -ECHILD;
    if (atomic_fetch_sub_explicit(&pool->references, 1,
                                  memory_order_acq_rel) > 1)
        return 0;
    ret = close_pool(pool);
    if (ret < 0)
        atomic_fetch_add_explicit(&pool->references, 1,
                                  memory_order_relaxed);
    return ret;
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
    readbuf_publisher_lock(&pool->publisher);
    tail = (uint16_t)pool->publisher.tail;
    ret = readbuf_ring_head(&pool->ring, &head);
    readbuf_publisher_unlock(&pool->publisher);
    return ret < 0 ? ret : (uint16_t)(tail - head);
}

/*
 * Two loads are two moments. If `returned` is the same before and after
 * `lent` was read, it was that at the moment when `lent` was.
 */
uint32_t readbuf_pool_held(const struct readbuf_pool *pool)
{
    uint32_t returned, lent;

    do {
        returned =
            atomic_load_explicit(&pool->returned, memory_order_acquire);
        lent = atomic_load_explicit(&pool->lent, memory_order_acquire);
    } while (returned != atomic_load_explicit(&pool->returned,
                                              memory_order_relaxed));
    return lent - returned;
}

unsigned readbuf_version(void)
{
    return READBUF_VERSION;
}
