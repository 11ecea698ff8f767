/*
 * loan.c - a buffer goes out with a completion and comes back with a
 * release; nothing else moves it.
 */
#include "pool.h"
#include "selection.h"

#include <assert.h>
#include <errno.h>

/*
 * As many bytes as a read may bring. A length of 0 would say that too;
 * but when the caller loses IOSQE_BUFFER_SELECT, a read of 0 bytes to
 * nowhere succeeds, as if the file had ended, and one of more fails.
 * No read of Linux brings more than 2^31 - 1.
 */
static unsigned up_to(size_t room)
{
    return room < INT32_MAX ? (unsigned)room : INT32_MAX;
}

/* A handle without a pool has no group: its read fails with EBADF. */
void readbuf_prep_read(struct io_uring_sqe *sqe, int fd,
                       struct readbuf *buf, uint64_t offset)
{
    struct iovec spare = readbuf_spare(buf);

    if (buf->data != NULL)
        io_uring_prep_read(sqe, fd, spare.iov_base,
                           up_to(spare.iov_len), offset);
    else if (buf->pool != NULL)
        readbuf_select_read(sqe, fd, buf->pool->ring.group,
                            up_to(readbuf_capacity(buf)), offset);
    else
        io_uring_prep_read(sqe, -1, NULL, 0, offset);
}

void readbuf_prep_recv(struct io_uring_sqe *sqe, int fd,
                       struct readbuf *buf, int flags)
{
    struct iovec spare = readbuf_spare(buf);

    if (buf->data != NULL)
        io_uring_prep_recv(sqe, fd, spare.iov_base,
                           up_to(spare.iov_len), flags);
    else if (buf->pool != NULL)
        readbuf_select_recv(sqe, fd, buf->pool->ring.group,
                            up_to(readbuf_capacity(buf)), flags);
    else
        io_uring_prep_recv(sqe, -1, NULL, 0, flags);
}

/*
 * The loan of a buffer that a completion names; odd if it is not the
 * kernel's to name. Acquired: whatever was done to the bytes before the
 * buffer was given back is done. That order holds anyway, by way of the
 * kernel, but ThreadSanitizer does not see the kernel.
 */
static uint32_t loan_of(const struct readbuf_pool *pool, uint16_t bid)
{
    return bid < pool->count
               ? atomic_load_explicit(&pool->ledger->loans[bid],
                                      memory_order_acquire)
               : 1;
}

/* From the kernel to us: the loan becomes odd. */
static uint32_t lend(struct readbuf_pool *pool, uint16_t bid)
{
    uint32_t loan = loan_of(pool, bid) + 1;
    uint32_t lent =
        atomic_load_explicit(&pool->lent, memory_order_relaxed);

    assert(loan % 2 == 1);
    readbuf_publisher_taken(&pool->publisher, 1);
    atomic_store_explicit(&pool->ledger->loans[bid], loan,
                          memory_order_relaxed);
    atomic_store_explicit(&pool->lent, lent + 1, memory_order_release);
    return loan;
}

static struct readbuf handle(struct readbuf_pool *pool, uint16_t bid,
                             uint32_t loan, uint32_t len)
{
    return (struct readbuf){
        .data = readbuf_slab_at(&pool->slab, bid),
        .pool = pool,
        .len = len,
        .generation = loan,
    };
}

/*
 * An error names a buffer. It has left the ring, except on Linux 6.12
 * to 6.17, where it may have been put back: there the kernel's head can
 * tell, and every such kernel can be asked. When it cannot be asked,
 * because it is older or this thread may not, the flag is right.
 */
static bool left_the_ring(struct readbuf_pool *pool,
                          struct readbuf_completion done)
{
    uint16_t head;

    if (done.res >= 0 || readbuf_ring_head(&pool->ring, &head) < 0)
        return true;
    return readbuf_publisher_consumed(&pool->publisher, done.bid, head);
}

/*
 * The buffer of a completion, if it has one and it has bytes, as a
 * handle; else an empty one. A buffer without bytes goes straight back.
 * Bytes without a buffer lie in one that the kernel still has, and will
 * be overwritten.
 */
static int take(struct readbuf_pool *pool,
                struct readbuf_completion done, struct readbuf *out)
{
    uint32_t len = done.res > 0 ? (uint32_t)done.res : 0;

    *out = (struct readbuf){.pool = pool};
    if (!done.buffer_is_ours)
        return done.res > 0 ? -ENOTRECOVERABLE : done.res;
    if (pool == NULL)
        return -EPROTO;
    if (!pool->ledger->ours)
        return -ECHILD;
    if (loan_of(pool, done.bid) % 2 != 0)
        return -EPROTO;
    if (!left_the_ring(pool, done))
        return done.res;
    if (len > pool->origin.size)
        len = pool->origin.size;
    *out = handle(pool, done.bid, lend(pool, done.bid), len);
    if (len == 0)
        readbuf_release(out);
    else
        readbuf_own_app(out->data, len);
    return done.res;
}

int readbuf_pool_take(struct readbuf_pool *pool,
                      const struct io_uring_cqe *cqe,
                      struct readbuf *out)
{
    return take(pool, readbuf_decode(cqe->res, cqe->flags), out);
}

/* A read into the spare part of a buffer that we hold already. */
static int more_bytes(struct readbuf *buf,
                      struct readbuf_completion done)
{
    size_t room = readbuf_capacity(buf) - buf->len;
    struct readbuf unwanted;
    int ret;

    if (done.buffer_is_ours) {
        ret = take(buf->pool, done, &unwanted);
        readbuf_release(&unwanted);
        return ret > 0 ? -EBUSY : ret;
    }
    if (done.res > 0) {
        size_t n = (size_t)done.res < room ? (size_t)done.res : room;

        readbuf_own_app(buf->data + buf->len, n);
        buf->len += (uint32_t)n;
    }
    return done.res;
}

int readbuf_complete(struct readbuf *buf,
                     const struct io_uring_cqe *cqe)
{
    struct readbuf_completion done =
        readbuf_decode(cqe->res, cqe->flags);

    if (buf->data != NULL)
        return more_bytes(buf, done);
    return take(buf->pool, done, buf);
}

/* Which buffer's first byte `data` is; -EINVAL: it was moved. */
static int bid_of(const struct readbuf *buf)
{
    const struct readbuf_slab *slab = &buf->pool->slab;
    size_t offset = (uintptr_t)buf->data - (uintptr_t)slab->memory;

    if (offset >= slab->bytes || offset % slab->stride != 0)
        return -EINVAL;
    return (int)(offset / slab->stride);
}

/*
 * From us to the kernel, under the lock: the loan becomes even, once.
 * Whether the handle is stale is decided here and nowhere else. The
 * buffer is counted before its loan is stored, so that whoever is lent
 * it again, and counts that, has seen this. A pool that is closed has
 * no ring to give anything back to.
 */
static int give_back(const struct readbuf *buf)
{
    struct readbuf_pool *pool = buf->pool;
    uint32_t returned =
        atomic_load_explicit(&pool->returned, memory_order_relaxed);
    struct readbuf_descriptor descriptor;
    _Atomic uint32_t *loan;
    int bid = bid_of(buf);
    int ret = 0;

    if (bid < 0)
        return bid;
    loan = &pool->ledger->loans[bid];
    if (atomic_load_explicit(loan, memory_order_relaxed) !=
        buf->generation)
        return -ESTALE;
    descriptor = readbuf_pool_describe(pool, (uint16_t)bid);
    readbuf_own_kernel(descriptor.address, descriptor.length);
    atomic_store_explicit(&pool->returned, returned + 1,
                          memory_order_release);
    atomic_store_explicit(loan, buf->generation + 1,
                          memory_order_release);
    if (!pool->closed)
        ret = readbuf_publisher_add(&pool->publisher, &descriptor);
    assert(ret == 0);
    return ret;
}

/*
 * Every way back. Handles are emptied as they go, so that nobody reads
 * a buffer that another thread may already have been lent.
 */
int readbuf_release_all(struct readbuf *bufs, size_t n)
{
    struct readbuf_pool *pool = NULL;
    int first_error = 0;
    bool last;

    for (size_t i = 0; i < n; i++) {
        int ret;

        if (bufs[i].data == NULL)
            continue;
        if (pool == NULL) {
            pool = bufs[i].pool;
            if (!pool->ledger->ours)
                return -ECHILD;
            readbuf_publisher_lock(&pool->publisher);
        }
        ret = bufs[i].pool == pool ? give_back(&bufs[i]) : -EINVAL;
        if (ret == 0)
            bufs[i] = (struct readbuf){.pool = pool};
        else if (first_error == 0)
            first_error = ret;
    }
    if (pool == NULL)
        return 0;
    last = pool->closed && readbuf_pool_held(pool) == 0;
    if (!pool->closed)
        readbuf_publisher_commit(&pool->publisher);
    readbuf_publisher_unlock(&pool->publisher);
    if (last)
        readbuf_pool_destroy(pool);
    return first_error;
}

int readbuf_release(struct readbuf *buf)
{
    return readbuf_release_all(buf, 1);
}
