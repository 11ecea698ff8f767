/*
 * selection.h - let the kernel pick the buffer, read what it answered.
 *
 * On the way in, a request names a group instead of a buffer. On the
 * way out, two numbers say everything: `res` and `flags`. They answer
 * different questions, and mixing them up is how pools leak:
 *
 *     what happened?            res    > 0 bytes, 0 the end,
 *                                      -ENOBUFS no buffer, < 0 an error
 *     did a buffer leave        flags  F_BUFFER, and the bid in the
 *     the ring, and which?             upper 16 bits
 *     does the request go on?   flags  F_MORE
 *     does the buffer go on?    flags  F_BUF_MORE (incremental rings)
 *
 * No state, no locks: any thread, any time.
 */
#ifndef READBUF_SELECTION_H
#define READBUF_SELECTION_H

#include "compat.h"

#include <stdbool.h>

/*
 * Make `sqe`, already prepared as a read or a receive, take its buffer
 * from `group`. Call it last: the prep functions of liburing up to 2.5
 * clear what it sets.
 */
static inline void readbuf_select(struct io_uring_sqe *sqe,
                                  uint16_t group)
{
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = group;
}

/*
 * Read from `fd` at `offset` into a buffer picked from `group`. At
 * most `len` bytes; 0 means "as much as the buffer holds" (Linux 6.0,
 * older kernels read nothing). An offset of -1 (UINT64_MAX) reads at
 * the file's own position, and is what pipes and sockets want.
 */
static inline void readbuf_select_read(struct io_uring_sqe *sqe, int fd,
                                       uint16_t group, uint32_t len,
                                       uint64_t offset)
{
    io_uring_prep_read(sqe, fd, NULL, len, offset);
    readbuf_select(sqe, group);
}

/* The same for recv(2) with its `flags`. */
static inline void readbuf_select_recv(struct io_uring_sqe *sqe, int fd,
                                       uint16_t group, uint32_t len,
                                       int flags)
{
    io_uring_prep_recv(sqe, fd, NULL, len, flags);
    readbuf_select(sqe, group);
}

enum readbuf_outcome {
    READBUF_GOT_DATA,    /* res bytes came */
    READBUF_GOT_END,     /* 0: end of file, or an empty datagram */
    READBUF_GOT_STARVED, /* -ENOBUFS: the ring had nothing to pick, or
                            the socket itself says so (netlink) */
    READBUF_GOT_ERROR,   /* any other negative res */
};

/* What a completion says, taken apart. */
struct readbuf_completion {
    enum readbuf_outcome outcome;
    int32_t res;         /* as the kernel gave it */
    bool has_buffer;     /* a buffer is named; else `bid` is 0 */
    bool buffer_is_ours; /* ... and it has left the ring for good */
    bool more;           /* the request will complete again */
    uint16_t bid;
};

/*
 * Take a completion of a request made above apart. Total: there is no
 * (res, flags) for which the answer is undefined.
 */
struct readbuf_completion readbuf_decode(int32_t res, uint32_t flags);

#endif
