/*
 * readbuf_bytes.h - a read buffer, and what can be done with its bytes.
 *
 *     data                data + len              data + capacity
 *      v                       v                          v
 *      +-----------------------+--------------------------+
 *      | bytes that were read  | spare                    |
 *      +-----------------------+--------------------------+
 *
 * A handle is 24 bytes, lives wherever you put it and may be moved and
 * copied like a number. It starts empty: `data` is NULL and there is
 * nothing to look at until the kernel has picked a buffer for it.
 *
 * A handle holds a buffer whole, or a part of it that others hold parts
 * of as well. A part has no spare bytes, so that nobody writes over the
 * bytes of others: its capacity is its length, and its bytes are not
 * moved.
 *
 * A handle that is not from a pool yet is READBUF_INIT, or all zero. It
 * may be passed to every call: it is empty, its capacity is 0, and a
 * read that is prepared with it completes with -EBADF.
 *
 * Of the copies of a handle one may be used: the others are stale as
 * soon as that one is released or its length changes.
 *
 * Threads: one at a time for a handle. Handles of the same pool may be
 * used on different threads at once. None of these calls makes a system
 * call, allocates memory or takes a lock. Linux version: any.
 */
#ifndef READBUF_BYTES_H
#define READBUF_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#ifdef __cplusplus
extern "C" {
#endif

struct readbuf_pool;

/*
 * A handle: a buffer, and how many of its bytes were read. Made by
 * readbuf_pool_get. Read `data`; leave the rest alone. Nothing is ever
 * assigned to `data` either: `data += n` makes a handle that cannot be
 * released. To drop bytes at the front, readbuf_remove them; to walk
 * through them, use a pointer of your own.
 */
struct readbuf {
    unsigned char *data; /* first byte; NULL while nothing is held */
    struct readbuf_pool *pool;
    uint32_t len;
    uint32_t loan; /* odd: of the whole buffer; even: of a part */
};

#if UINTPTR_MAX == UINT64_MAX
#ifdef __cplusplus
static_assert(sizeof(struct readbuf) == 24, "a handle is 24 bytes");
#else
_Static_assert(sizeof(struct readbuf) == 24, "a handle is 24 bytes");
#endif
#endif

/* A handle of no pool. */
#define READBUF_INIT     \
    {                    \
        NULL, NULL, 0, 0 \
    }

/* As `end` of a range: up to the last byte. */
#define READBUF_END SIZE_MAX

/* How many bytes were read. */
size_t readbuf_len(const struct readbuf *buf);

/* No bytes, whether a buffer is held or not. */
bool readbuf_is_empty(const struct readbuf *buf);

/*
 * How many bytes the buffer has room for; of an empty handle, how many
 * the buffer that the kernel picks will have room for. Of a part: its
 * length. Of READBUF_INIT: 0.
 */
size_t readbuf_capacity(const struct readbuf *buf);

/* Keep the first `len` bytes. More than there are: no effect. */
void readbuf_truncate(struct readbuf *buf, size_t len);

/* Keep no bytes, but keep the buffer. */
void readbuf_clear(struct readbuf *buf);

/*
 * Declare that `len` bytes are there, after writing some into the spare
 * part by other means. -EINVAL beyond the capacity, or without a buffer
 * (also for a length of 0); then nothing has changed.
 */
int readbuf_set_len(struct readbuf *buf, size_t len);

/*
 * Append `n` bytes, which may lie in the buffer itself. -ENOBUFS if
 * they do not fit or no buffer is held (also for 0 bytes); then nothing
 * has been appended.
 */
int readbuf_extend(struct readbuf *buf, const void *bytes, size_t n);

/*
 * The part of the buffer after the bytes, to be written into. {NULL, 0}
 * without a buffer. The bytes count once readbuf_set_len says so.
 */
struct iovec readbuf_spare(struct readbuf *buf);

/*
 * Remove the bytes from `start` up to but without `end`; what follows
 * moves up. READBUF_END as `end` is the length. Of a part only the
 * first bytes or the last can be removed, and `data` moves instead.
 * -EINVAL if `start` is behind `end`, or `end` behind the length, or
 * for bytes in the middle of a part; then nothing has changed. A handle
 * without a buffer has a length of 0.
 */
int readbuf_remove(struct readbuf *buf, size_t start, size_t end);

#ifdef __cplusplus
}
#endif

#endif
