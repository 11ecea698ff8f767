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
 *     struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
 *     ... NULL if the queue is full: submit, then ask again ...
 *     readbuf_prep_recv(sqe, fd, &buf, 0);
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
 * alone. Nothing is printed. Why an io_uring or a pool is refused,
 * readbuf_refusal.h says in a sentence.
 *
 * Threads. Handles of one pool may be used and released on different
 * threads at once, one thread at a time for each handle. Completions of
 * one pool are decoded on one thread at a time, in the order in which
 * the completion queue gives them. Creating a pool and dropping the
 * last reference make system calls on the io_uring and belong on the
 * thread that submits to it. No call may be made by a signal handler.
 *
 * Fork. A pool is the process's that made it. In a child the bytes of a
 * held buffer may be read; calls that would change the pool or ask the
 * kernel answer -ECHILD and do nothing, and no read may be prepared.
 *
 * Linux 6.0 is needed; 5.19, which has the rings, was not tried.
 */
#ifndef READBUF_H
#define READBUF_H

#include <readbuf_bytes.h>
#include <readbuf_refusal.h>

#include <liburing.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * This header's version, as one number that grows: 0.2.0 is 0x000200.
 */
#define READBUF_VERSION_MAJOR 0
#define READBUF_VERSION_MINOR 2
#define READBUF_VERSION_PATCH 0
#define READBUF_VERSION                 \
    (READBUF_VERSION_MAJOR * 0x10000u + \
     READBUF_VERSION_MINOR * 0x100u + READBUF_VERSION_PATCH)

/* The version of the library that the program runs with. Any thread. */
unsigned readbuf_version(void);

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
 * this thread may not register with the io_uring (SINGLE_ISSUER).
 * -EBADF the io_uring has no open descriptor: it was closed, or only
 * registered and then closed (io_uring_close_ring_fd). Other errors are
 * the kernel's. After an error nothing is registered and
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
 * 0, or a negative errno if the kernel did not give the ring back
 * (-EEXIST on a thread that may not touch the io_uring, -EBADF after
 * the io_uring was closed, even if its descriptor is another io_uring
 * by now, -ECHILD in a child of fork): then nothing was freed and the
 * reference is still yours.
 *
 * Before the last unref, every request that has picked a buffer must
 * have completed and its completion must have been taken: cancel until
 * each has completed (a cancel that answers EALREADY, or that finds no
 * request, can have missed it: try again), and complete into the
 * handles. A request that merely waits for data fails later with
 * -ENOBUFS, which is harmless, and may be completed into its handle.
 * One that a worker thread is executing (IOSQE_ASYNC) may write into
 * memory that is no longer the pool's, and a completion that names a
 * buffer and is taken later reads memory that was freed.
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
 * How many buffers are free: in the ring by the kernel's own count, and
 * in the pool's reserve, if it keeps any. A system call.
 * Errors: -EINVAL before Linux 6.8, -EEXIST on a thread that may not
 * touch the io_uring, -ENOENT after the last unref (while a held buffer
 * keeps the pool), -EBADF after the descriptor of the io_uring was
 * closed, also where a registered one goes on, -ECHILD in a child of
 * fork. Thread: the one that submits.
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
 *
 * `sqe` is not NULL, which io_uring_get_sqe may return. Afterwards you
 * may set what is yours in it. A smaller `sqe->len` limits the bytes
 * that are read. Flags are added, sqe->flags |= IOSQE_IO_LINK: with an
 * empty handle one is set already, and io_uring_sqe_set_flags, which
 * assigns, makes the read fail with -EFAULT. IOSQE_CQE_SKIP_SUCCESS
 * loses a buffer for every read that succeeds. Any thread.
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
 * Four errors are not the kernel's. The handle is as it was.
 *
 * -ENOTRECOVERABLE: bytes without a buffer. They were read, they lie in
 * a buffer that the kernel will fill again, and they are lost. Linux
 * from 6.18 on (and stable kernels with its change) does this to a READ
 * of a file whose file system answers later, such as FUSE with direct
 * I/O: read those into memory of your own.
 * -EPROTO: a buffer is named that the kernel does not have. The cqe is
 * of another pool, or was completed before. This is seen only while
 * that buffer is out: a cqe that is completed again after its buffer
 * was released, or one of another pool whose buffer is here the
 * kernel's, is believed, and then two owners have the buffer.
 * -EBUSY: the cqe brings a buffer for a handle that holds one already,
 * so that two requests shared it; the bytes are lost and the buffer is
 * back in the ring.
 * -ECHILD: in a child of fork, a buffer for the parent.
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
 * An empty handle: 0, and nothing happens.
 *
 * Errors; nothing happens to the pool or to the handle. -ESTALE: a copy
 * whose buffer went back already, even if it was handed out anew since.
 * This can be told as long as the pool has an owner or another buffer
 * out, until the call returns; and until the buffer has been lent 2^31
 * times more: then the copy is believed. -EINVAL: `data` was moved and
 * is not the first byte of a buffer. Moved to that of another, -ESTALE,
 * unless the two were lent just as often as would make it right: a
 * multiple of 2^31 / count times more the one than the other. -ECHILD:
 * in a child of fork.
 *
 * Any thread, but no signal handler. No system call, but for the very
 * last buffer of a pool without owners, which frees the memory. No lock
 * either: while another thread gives back, or drops the last reference,
 * this one looks for a moment whether that is done, then leaves the
 * buffer for it to send back. So it never waits for a thread that the
 * scheduler has put aside, and until that thread goes on the buffer is
 * still counted as held, and no read is given it. Of several threads
 * that release copies of one handle, one succeeds, and the others are
 * told -ESTALE.
 */
int readbuf_release(struct readbuf *buf);

/*
 * Release `n` handles of one pool, in this order and with one
 * publication. Returns 0 or the first error; a handle with an error
 * stays as it is, all others are released. Errors as above, and -EINVAL
 * for a handle of another pool than the first one that holds a buffer.
 */
int readbuf_release_all(struct readbuf *bufs, size_t n);

#ifdef __cplusplus
}
#endif

#endif
