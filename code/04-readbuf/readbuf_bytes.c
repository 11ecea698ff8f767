/*
 * readbuf_bytes.c - arithmetic on a pointer and two lengths.
 *
 * Invariants of a handle:
 *   - data == NULL implies len == 0
 *   - len <= capacity, and the capacity fits in 32 bits
 *   - a part has no spare bytes: its capacity is its length
 *
 * Every check is written so that it cannot overflow: lengths are
 * subtracted from what they are known not to exceed, never added.
 */
#include "readbuf_bytes.h"
#include "origin.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

/* Of a buffer that others hold as well. */
static bool is_part(const struct readbuf *buf)
{
    return buf->data != NULL && buf->loan % 2 == 0;
}

/* The shape of a handle whose members were left alone. */
static void check(const struct readbuf *buf)
{
    assert(buf->data != NULL || buf->len == 0);
    assert(buf->data == NULL || buf->len <= readbuf_capacity(buf));
    (void)buf;
}

size_t readbuf_len(const struct readbuf *buf)
{
    return buf->len;
}

bool readbuf_is_empty(const struct readbuf *buf)
{
    return buf->len == 0;
}

size_t readbuf_capacity(const struct readbuf *buf)
{
    if (is_part(buf))
        return buf->len;
    return buf->pool == NULL ? 0 : readbuf_origin_of(buf)->size;
}

void readbuf_truncate(struct readbuf *buf, size_t len)
{
    check(buf);
    if (len < buf->len)
        buf->len = (uint32_t)len;
}

void readbuf_clear(struct readbuf *buf)
{
    readbuf_truncate(buf, 0);
}

int readbuf_set_len(struct readbuf *buf, size_t len)
{
    check(buf);
    if (buf->data == NULL || len > readbuf_capacity(buf))
        return -EINVAL;
    if (len > buf->len)
        readbuf_own_app(buf->data + buf->len, len - buf->len);
    buf->len = (uint32_t)len;
    return 0;
}

int readbuf_extend(struct readbuf *buf, const void *bytes, size_t n)
{
    check(buf);
    if (buf->data == NULL || n > readbuf_capacity(buf) - buf->len)
        return -ENOBUFS;
    if (n == 0)
        return 0;
    readbuf_own_app(buf->data + buf->len, n);
    memmove(buf->data + buf->len, bytes, n);
    buf->len += (uint32_t)n;
    return 0;
}

struct iovec readbuf_spare(struct readbuf *buf)
{
    struct iovec spare = {NULL, 0};

    check(buf);
    if (buf->data != NULL) {
        spare.iov_base = buf->data + buf->len;
        spare.iov_len = readbuf_capacity(buf) - buf->len;
        readbuf_own_room(spare.iov_base, spare.iov_len);
    }
    return spare;
}

/*
 * The bytes of a part stay where they are. Without bytes it still
 * points at one of its buffer, and not at the next one's first.
 */
static int remove_of_part(struct readbuf *buf, size_t start, size_t end)
{
    if (end == buf->len) {
        buf->len = (uint32_t)start;
        return 0;
    }
    if (start > 0)
        return -EINVAL;
    buf->data += end;
    buf->len -= (uint32_t)end;
    return 0;
}

int readbuf_remove(struct readbuf *buf, size_t start, size_t end)
{
    check(buf);
    if (end == READBUF_END)
        end = buf->len;
    if (start > end || end > buf->len)
        return -EINVAL;
    if (start == end)
        return 0;
    if (is_part(buf))
        return remove_of_part(buf, start, end);
    memmove(buf->data + start, buf->data + end, buf->len - end);
    buf->len -= (uint32_t)(end - start);
    return 0;
}
