/*
 * loan.c - a buffer goes out, with a completion.
 *
 * The short way is the common one, and straight: completion, record,
 * handle. Whatever is not plainly bytes in a buffer goes the long way,
 * which knows every case.
 */
#include "pool.h"

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
static READBUF_RARE void prep_other_read(struct io_uring_sqe *sqe,
                                         int fd, struct readbuf *buf,
                                         uint64_t offset)
{
    struct iovec spare = readbuf_spare(buf);

    io_uring_prep_read(sqe, buf->data != NULL ? fd : -1, spare.iov_base,
                       up_to(spare.iov_len), offset);
}

void readbuf_prep_read(struct io_uring_sqe *sqe, int fd,
                       struct readbuf *buf, uint64_t offset)
{
    const struct readbuf_pool *pool = buf->pool;

    if (buf->data == NULL && pool != NULL)
        readbuf_select_read(sqe, fd, pool->ring.group,
                            up_to(pool->origin.size), offset);
    else
        prep_other_read(sqe, fd, buf, offset);
}

static READBUF_RARE void prep_other_recv(struct io_uring_sqe *sqe,
                                         int fd, struct readbuf *buf,
                                         int flags)
{
    struct iovec spare = readbuf_spare(buf);

    io_uring_prep_recv(sqe, buf->data != NULL ? fd : -1, spare.iov_base,
                       up_to(spare.iov_len), flags);
}

void readbuf_prep_recv(struct io_uring_sqe *sqe, int fd,
                       struct readbuf *buf, int flags)
{
    const struct readbuf_pool *pool = buf->pool;

    if (buf->data == NULL && pool != NULL)
        readbuf_select_recv(sqe, fd, pool->ring.group,
                            up_to(pool->origin.size), flags);
    else
        prep_other_recv(sqe, fd, buf, flags);
}

/*
 * Acquired: whatever was done to the bytes before the buffer was given
 * back is done. That order holds anyway, by way of the kernel, but
 * ThreadSanitizer does not see the kernel.
 */
static inline uint64_t state_of(const struct readbuf_record *record)
{
    return atomic_load_explicit(&record->state, memory_order_acquire);
}

/* Neither lent nor held in parts. */
static inline bool is_kernels(uint64_t state)
{
    return !readbuf_is_lent(state) && readbuf_state_holds(state) == 0;
}

/*
 * From the kernel to us: the loan becomes odd. Whether the kernel had
 * the buffer was asked before.
 */
static inline void lend(struct readbuf_pool *pool,
                        struct readbuf_record *record, uint32_t bid,
                        uint32_t loan, uint32_t len,
                        struct readbuf *out)
{
    uint64_t consumed =
        atomic_load_explicit(&pool->consumed, memory_order_relaxed);

    loan++;
    atomic_store_explicit(&record->state, loan, memory_order_relaxed);
    atomic_store_explicit(&pool->consumed, consumed + 1,
                          memory_order_release);
    out->data = readbuf_slab_at(&pool->slab, bid);
    out->pool = pool;
    out->len = len;
    out->loan = loan + bid * pool->apart;
    readbuf_own_app(out->data, len);
}

/*
 * An error names a buffer. It has left the ring, except on Linux 6.12
 * to 6.17, where it may have been put back: there the kernel's head can
 * tell, and every such kernel can be asked. When it cannot be asked,
 * because it is older or this thread may not, the flag is right.
 */
static bool left_the_ring(struct readbuf_pool *pool,
                          struct readbuf_completion completion)
{
    uint16_t head;

    if (completion.res >= 0 ||
        readbuf_ring_head(&pool->ring, &head) < 0)
        return true;
    return readbuf_order_consumed(
        pool->records, completion.bid,
        atomic_load_explicit(&pool->consumed, memory_order_relaxed),
        head);
}

/*
 * A buffer that left the ring is lent, always, and one without bytes
 * goes straight back.
 */
int readbuf_pool_take_plain(struct readbuf_pool *pool,
                            struct readbuf_completion completion,
                            struct readbuf *out)
{
    struct readbuf_record *record;
    uint64_t state;
    uint32_t len = completion.res > 0 ? (uint32_t)completion.res : 0;

    if (!completion.buffer_is_ours)
        return completion.res > 0 ? -ENOTRECOVERABLE : completion.res;
    if (!pool->ledger->ours)
        return -ECHILD;
    if (completion.bid >= pool->count)
        return -EPROTO;
    record = &pool->records[completion.bid];
    state = state_of(record);
    if (!is_kernels(state))
        return -EPROTO;
    if (!left_the_ring(pool, completion))
        return completion.res;
    if (len > pool->origin.size)
        len = pool->origin.size;
    lend(pool, record, completion.bid, readbuf_state_loan(state), len,
         out);
    if (len == 0)
        readbuf_release(out);
    return completion.res;
}

/*
 * The long way in. Bytes without a buffer lie in one that the kernel
 * still has, and will be overwritten.
 */
static READBUF_RARE int take_any(struct readbuf_pool *pool, int32_t res,
                                 uint32_t flags, struct readbuf *out)
{
    struct readbuf_completion completion = readbuf_decode(res, flags);

    *out = (struct readbuf){.pool = pool};
    if (!completion.has_buffer)
        return res > 0 ? -ENOTRECOVERABLE : res;
    if (pool == NULL)
        return -EPROTO;
    return pool->ways->take(pool, completion, out);
}

/*
 * The short way in. The flags come first: without a buffer in them the
 * pool may be gone.
 */
static inline int take(struct readbuf_pool *pool,
                       const struct io_uring_cqe *cqe,
                       struct readbuf *out)
{
    const uint32_t wanted =
        IORING_CQE_F_BUFFER | READBUF_CQE_F_BUF_MORE;
    uint32_t flags = cqe->flags;
    uint32_t bid = flags >> IORING_CQE_BUFFER_SHIFT;
    int32_t res = cqe->res;

    if (pool != NULL && (flags & wanted) == IORING_CQE_F_BUFFER &&
        (uint32_t)res - 1 < pool->ledger->short_most &&
        bid < pool->count) {
        struct readbuf_record *record = &pool->records[bid];
        uint64_t state = state_of(record);

        if (is_kernels(state)) {
            lend(pool, record, bid, readbuf_state_loan(state),
                 (uint32_t)res, out);
            return res;
        }
    }
    return take_any(pool, res, flags, out);
}

int readbuf_pool_take(struct readbuf_pool *pool,
                      const struct io_uring_cqe *cqe,
                      struct readbuf *out)
{
    return take(pool, cqe, out);
}

/* A read into the spare part of a buffer that we hold already. */
static READBUF_RARE int more_bytes(struct readbuf *buf,
                                   const struct io_uring_cqe *cqe)
{
    size_t room = readbuf_capacity(buf) - buf->len;
    int32_t res = cqe->res;
    struct readbuf unwanted;

    if (cqe->flags & IORING_CQE_F_BUFFER) {
        res = take_any(buf->pool, res, cqe->flags, &unwanted);
        readbuf_release(&unwanted);
        return res > 0 ? -EBUSY : res;
    }
    if (res > 0) {
        size_t n = (size_t)res < room ? (size_t)res : room;

        readbuf_own_app(buf->data + buf->len, n);
        buf->len += (uint32_t)n;
    }
    return res;
}

int readbuf_complete(struct readbuf *buf,
                     const struct io_uring_cqe *cqe)
{
    if (buf->data != NULL)
        return more_bytes(buf, cqe);
    return take(buf->pool, cqe, buf);
}

/* In a plain pool a buffer is filled from its beginning. */
static uint32_t room_plain(const struct readbuf_pool *pool,
                           uint16_t bid)
{
    (void)bid;
    return pool->origin.size;
}

/* The ring holds all buffers that there are. */
static bool dry_plain(struct readbuf_pool *pool)
{
    (void)pool;
    return false;
}

/* And has no hold on any when it is gone. */
static void shut_plain(struct readbuf_pool *pool)
{
    (void)pool;
}

const struct readbuf_ways readbuf_ways_plain = {
    .short_way = true,
    .take = readbuf_pool_take_plain,
    .room = room_plain,
    .dry = dry_plain,
    .shut = shut_plain,
};
