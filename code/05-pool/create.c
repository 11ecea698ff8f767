/*
 * create.c - where the pieces of this stage are wired together.
 *
 * The one file of the library that a later stage replaces, by one of
 * the same name: what kinds of pool there are is known here alone.
 */
#include "pool.h"

#include <errno.h>

#define FLAGS (READBUF_POOL_KERNEL_RING | READBUF_POOL_HUGE_PAGES)

int readbuf_pool_create(struct readbuf_pool **pool,
                        struct io_uring *ring, uint32_t count,
                        uint32_t size, unsigned flags)
{
    struct readbuf_plan plan = {
        .count = count,
        .size = size,
        .entries = count,
        .window = count,
        .ring_flags =
            flags & READBUF_POOL_KERNEL_RING ? READBUF_RING_KERNEL : 0,
        .huge_pages = flags & READBUF_POOL_HUGE_PAGES,
        .ways = &readbuf_ways_plain,
    };

    if (count == 0 || count > READBUF_RING_ENTRIES_MAX ||
        (count & (count - 1)) != 0 || size == 0 || (flags & ~FLAGS))
        return -EINVAL;
    return readbuf_pool_build(pool, sizeof(**pool), ring, &plan);
}
