/*
 * held.h - a handle that holds a buffer, with guards around it.
 *
 * The pool is only what this layer sees of one. Whatever is not the
 * buffer's is filled with HELD_GUARD, and so is its spare part.
 */
#ifndef READBUF_TESTS_HELD_H
#define READBUF_TESTS_HELD_H

#include "origin.h"
#include "support.h"

#include <string.h>

struct readbuf_pool {
    struct readbuf_origin origin;
};

enum { HELD_MARGIN = 32, HELD_MAX = 256, HELD_GUARD = 0xa5 };

/* Points into itself: stays where it was made. */
struct held {
    struct readbuf_pool pool;
    struct readbuf buf;
    _Alignas(
        8) unsigned char memory[HELD_MARGIN + HELD_MAX + HELD_MARGIN];
};

/* A buffer of `capacity` bytes, the first `n` of them filled. */
static inline void held_make(struct held *held, size_t capacity,
                             const void *bytes, size_t n)
{
    ck_assert_uint_le(capacity, HELD_MAX);
    memset(held, HELD_GUARD, sizeof(*held));
    held->pool.origin.size = (uint32_t)capacity;
    held->buf = (struct readbuf){.data = held->memory + HELD_MARGIN,
                                 .pool = &held->pool,
                                 .len = (uint32_t)n,
                                 .loan = 7};
    memcpy(held->buf.data, bytes, n);
}

static inline bool held_is_guard(const unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] != HELD_GUARD)
            return false;
    return true;
}

/* Nothing outside the buffer was written to. */
static inline bool held_is_guarded(const struct held *held)
{
    size_t end = HELD_MARGIN + held->pool.origin.size;

    return held_is_guard(held->memory, HELD_MARGIN) &&
           held_is_guard(held->memory + end,
                         sizeof(held->memory) - end);
}

/*
 * The handle holds exactly these bytes, and nothing else happened. One
 * assertion, since check writes a file at each.
 */
static inline void held_has(const struct held *held, const void *bytes,
                            size_t n)
{
    ck_assert_msg(
        held->buf.len == n && memcmp(held->buf.data, bytes, n) == 0 &&
            held->buf.data == held->memory + HELD_MARGIN &&
            held->buf.pool == &held->pool && held->buf.loan == 7,
        "%u bytes are held: \"%.*s\", not %zu: \"%.*s\"", held->buf.len,
        (int)held->buf.len, (const char *)held->buf.data, n, (int)n,
        (const char *)bytes);
    ck_assert_msg(held_is_guarded(held), "a neighbour was written to");
}

#endif
