/*
 * readbuf.h - read buffers shared with the kernel.
 *
 * A pool owns `count` buffers of `size` bytes and registers them with
 * an io_uring. A read that is prepared with an empty handle names no
 * buffer; the kernel picks one when there is something to read, and
 * the completion puts it into the handle. Releasing the handle gives
 * the buffer back.
 *
 *     struct readbuf_pool *pool;
 *     readbuf_pool_create(&pool, &ring, 64, 4096, 0);
 *     struct readbuf buf = readbuf_pool_get(pool);
 *
 *     readbuf_prep_recv(io_uring_get_sqe(&ring), fd, &buf, 0);
 *     io_uring_submit_and_wait(&ring, 1);
 *     ... io_uring_peek_cqe(&ring, &cqe) ...
 *     int n = readbuf_complete(&buf, cqe);
 *     io_uring_cqe_seen(&ring, cqe);
 *     if (n > 0)
 *         use(buf.data, readbuf_len(&buf));
 *     readbuf_release(&buf);
 *     readbuf_pool_unref(pool);
 *
 * The io_uring is yours: you submit, you wait, you close it, after the
 * pool. Calls that can fail return a negative errno and leave `errno`
 * alone. Nothing is printed.
 *
 * Threads. Handles of one pool may be used and released on different
 * threads at once, one thread at a time for each handle. Completions of
 * one pool are decoded on one thread at a time, in the order in which
 * the completion queue gives them. Creating a pool and dropping the
 * last reference make system calls on the io_uring and belong on the
 * thread that submits to it.
 *
 * Linux 6.0 is needed. On 5.19, which has the rings, a read with an
 * empty handle reads 0 bytes.
 */
#ifndef READBUF_H
#define READBUF_H

#include <readbuf_bytes.h>

#include <liburing.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Flags of readbuf_pool_create.
 *
 * INCREMENTAL: buffers are consumed a piece at a time (Linux 6.12). Not
 * supported by this version: -EINVAL.
 * KERNEL_RING: the kernel allocates the ring (Linux 6.4).
 * HUGE_PAGES: ask for huge pages for the buffers; without complaint if
 * there are none.
 */
#define READBUF_POOL_INCREMENTAL (1u << 0)
#define READBUF_POOL_KERNEL_RING (1u << 1)
#define READBUF_POOL_HUGE_PAGES (1u << 2)

/*
 * Create a pool of `count` buffers (a power of two, 1 to 32768) of
 * `size` bytes (1 to UINT32_MAX) and give all of them to the kernel.
 * Buffers are aligned to 8 bytes. The caller owns the one reference to
 * `*pool`.
 *
 * Errors: -EINVAL count, size or flags are out of range, or the kernel
 * knows no provided buffer rings or not the flag. -ENOMEM no memory, or
 * over the limit of locked memory. -EEXIST all group ids are taken, or
 * this thread may not register with the io_uring (SINGLE_ISSUER). Other
 * errors are the kernel's. After an error nothing is registered and
 * nothing is leaked, and `*pool` is as it was.
 *
 * The group id collides with no other group of this io_uring, whoever
 * registered it. (A group of the older kind, IORING_OP_PROVIDE_BUFFERS,
 * counts only while it has buffers: the kernel says so.) Thread: the
 * one that submits.
 */
int readbuf_pool_create(struct readbuf_pool **pool,
                        struct io_uring *ring, uint32_t count,
                        uint32_t size, unsigned flags);

/* One more owner of the pool. Returns `pool`. Any thread. */
struct readbuf_pool *readbuf_pool_ref(struct readbuf_pool *pool);

/*
 * One owner less. The last one takes the ring back from the kernel; the
 * memory of the buffers stays until the last handle that holds one is
 * released. NULL is allowed.
 *
 * 0, or the kernel's negative errno if it did not give the ring back
 * (-EEXIST on a thread that may not touch the io_uring, -EBADF after
 * the io_uring was closed): then nothing was freed and the reference is
 * still yours.
 *
 * Before the last unref, every request that has picked a buffer must
 * have completed and its completion must have been taken: cancel until
 * each has completed (a cancel that answers EALREADY is repeated), and
 * complete into the handles. One that merely waits for data fails
 * later with -ENOBUFS, which is harmless, and may be completed into its
 * handle. One that a worker thread is executing (IOSQE_ASYNC) may write
 * into memory that is no longer the pool's, and a completion that names
 * a buffer and is taken later reads memory that was freed.
 *
 * Thread: any for a reference that is not the last, else the one that
 * submits.
 */
int readbuf_pool_unref(struct readbuf_pool *pool);

/* The buffer group id (bgid). Any thread. */
uint16_t readbuf_pool_group(const struct readbuf_pool *pool);

/* An empty handle. Any thread; costs no atomic operation. */
struct readbuf readbuf_pool_get(struct readbuf_pool *pool);

/*
 * How many buffers are free, by the kernel's own count. A system call.
 * Errors: -EINVAL before Linux 6.8, -EEXIST on a thread that may not
 * touch the io_uring. Thread: the one that submits.
 */
int readbuf_pool_available(struct readbuf_pool *pool);

/*
 * How many buffers are out with the application: completed, and not
 * released. No system call. Any thread; a snapshot.
 */
uint32_t readbuf_pool_held(const struct readbuf_pool *pool);

/*
 * Prepare a read, as io_uring_prep_read does. With an empty handle the
 * kernel picks a buffer of its pool. With one that holds a buffer the
 * read goes into the spare part, and the bytes already there stay; if
 * the buffer is full, the result is 0, as at the end. The handle must
 * stay where it is and be left alone until the request has completed;
 * one request at a time for a handle.
 */
void readbuf_prep_read(struct io_uring_sqe *sqe, int fd,
                       struct readbuf *buf, uint64_t offset);

/* The same for recv(2) with its `flags`. Better for sockets. */
void readbuf_prep_recv(struct io_uring_sqe *sqe, int fd,
                       struct readbuf *buf, int flags);

/*
 * Take the result of a request that was prepared with `buf`. Returns
 * cqe->res: the number of bytes, 0 at the end, or a negative errno,
 * whatever the kernel says. With bytes the handle holds them; its
 * length never exceeds the capacity, though cqe->res may (MSG_TRUNC).
 * Without bytes the handle is as it was, and a buffer that the kernel
 * consumed all the same has gone back to the ring.
 *
 * -EPROTO: a buffer is named that the kernel does not have; the cqe is
 * of another pool, or was completed before. -EBUSY: the cqe brings a
 * buffer for a handle that holds one already, so that two requests
 * shared it; the bytes are lost and the buffer is back in the ring. In
 * both cases the handle is as it was.
 *
 * Does not read `cqe` after returning; call io_uring_cqe_seen yourself.
 */
int readbuf_complete(struct readbuf *buf,
                     const struct io_uring_cqe *cqe);

/*
 * Take the buffer of a completion into a fresh handle, `*out`; for
 * requests that were not prepared with a handle of their own. Returns
 * what readbuf_complete returns; without bytes `*out` is an empty
 * handle.
 */
int readbuf_pool_take(struct readbuf_pool *pool,
                      const struct io_uring_cqe *cqe,
                      struct readbuf *out);

/*
 * Give the buffer back. The handle is empty and can be read into again.
 * An empty handle: 0, and nothing happens. -ESTALE: a copy whose buffer
 * went back already, even if it was handed out anew since; nothing
 * happens to the pool or to the handle. This can be told as long as the
 * pool has an owner or a buffer out, and not after. Any thread; never a
 * system call, but for the very last buffer of a pool without owners,
 * whose release frees the memory.
 */
int readbuf_release(struct readbuf *buf);

/*
 * Release `n` handles of one pool with one publication. Returns 0 or
 * the first error; a handle with an error stays as it is, all others
 * are released: -ESTALE as above, -EINVAL for a handle of another pool
 * than the first one that holds a buffer.
 */
int readbuf_release_all(struct readbuf *bufs, size_t n);

#ifdef __cplusplus
}
#endif

#endif
