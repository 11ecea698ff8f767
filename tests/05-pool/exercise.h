/* exercise.h - what the exercise of chapter 5 asks for. */
#ifndef READBUF_EXERCISE_05_H
#define READBUF_EXERCISE_05_H

#include <readbuf.h>

/*
 * How many buffers of a pool one connection may hold, and does hold.
 * One thread at a time uses a quota; meanwhile other threads release
 * the buffers of other connections.
 */
struct exercise_quota {
    uint32_t limit;
    uint32_t held;
};

/*
 * As readbuf_pool_take, and counts the buffer that `*out` then holds.
 * -EDQUOT if the completion brings bytes in a buffer and the connection
 * holds `limit` of them already: the bytes are lost, the buffer goes
 * back to the ring, `*out` is an empty handle and the count is as it
 * was. A completion that leaves no buffer with us is never counted, and
 * never refused.
 */
int exercise_take(struct exercise_quota *quota,
                  struct readbuf_pool *pool,
                  const struct io_uring_cqe *cqe, struct readbuf *out);

/*
 * As readbuf_release, for a handle that was taken with this quota.
 * Lowers the count only if a buffer did go back: not for an empty
 * handle, and not where readbuf_release answers an error.
 */
int exercise_release(struct exercise_quota *quota, struct readbuf *buf);

#endif
