/*
 * origin.h - what a handle must know of the pool it is from, and what
 * the memory tools must know of its buffer.
 *
 * A pool begins with a struct readbuf_origin. That is all this layer
 * sees of it: a pointer to a struct is a pointer to its first member.
 */
#ifndef READBUF_ORIGIN_H
#define READBUF_ORIGIN_H

#include "readbuf_bytes.h"

struct readbuf_origin {
    uint32_t size; /* bytes of each buffer */
};

static inline const struct readbuf_origin *
readbuf_origin_of(const struct readbuf *buf)
{
    return (const struct readbuf_origin *)(const void *)buf->pool;
}

#include "own.h"

#endif
