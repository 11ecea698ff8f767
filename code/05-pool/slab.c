/*
 * slab.c - one mapping for all buffers.
 *
 * One, because a page then holds several small buffers, teardown is a
 * single call, and a buffer's number is a division away from its
 * address. Nothing is touched here: a page becomes resident when the
 * kernel first reads into it.
 */
#include "slab.h"
#include "kept_errno.h"
#include "own.h"

#include <assert.h>
#include <sys/mman.h>

enum { ALIGNMENT = 8, HUGE_PAGE = 2 << 20 };

static unsigned shift_of(size_t stride)
{
    return (unsigned)__builtin_ctzll(stride);
}

/*
 * An odd number is its own inverse in its last three bits, and with
 * every round twice as many bits are right.
 */
static size_t inverse(size_t odd)
{
    size_t result = odd;

    for (unsigned bits = 3; bits < sizeof(odd) * 8; bits *= 2)
        result *= 2 - odd * result;
    return result;
}

int readbuf_slab_map(struct readbuf_slab *slab, uint32_t count,
                     uint32_t size, bool huge)
{
    uint64_t stride =
        ((uint64_t)size + ALIGNMENT - 1) & ~(uint64_t)(ALIGNMENT - 1);
    uint64_t bytes = stride * count; /* below 2^48: cannot overflow */
    int saved = readbuf_errno();
    void *memory;

    if (bytes > PTRDIFF_MAX)
        return -ENOMEM;
    memory = mmap(NULL, (size_t)bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory != MAP_FAILED && huge && bytes >= HUGE_PAGE)
        madvise(memory, (size_t)bytes, MADV_HUGEPAGE);
    readbuf_errno_restore(saved);
    if (memory == MAP_FAILED)
        return -ENOMEM;
    *slab = (struct readbuf_slab){
        .memory = memory,
        .stride = (size_t)stride,
        .inverse = inverse((size_t)stride >> shift_of((size_t)stride)),
        .shift = shift_of((size_t)stride),
        .bytes = (size_t)bytes,
    };
    assert(readbuf_slab_bid(slab, readbuf_slab_at(slab, 0)) == 0);
    assert(readbuf_slab_bid(slab, readbuf_slab_at(slab, count - 1)) ==
           count - 1);
    readbuf_own_kernel(memory, slab->bytes);
    return 0;
}

/* Poison outlives a mapping, so it is taken off before. */
void readbuf_slab_unmap(struct readbuf_slab *slab)
{
    readbuf_own_room(slab->memory, slab->bytes);
    munmap(slab->memory, slab->bytes);
}
