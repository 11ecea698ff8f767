/*
 * slab.h - the memory of all buffers, in one piece.
 */
#ifndef READBUF_SLAB_H
#define READBUF_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct readbuf_slab {
    unsigned char *memory;
    size_t stride;  /* from one buffer to the next: `size` rounded up,
                       an odd number times a power of two */
    size_t inverse; /* of that odd number: their product is 1 */
    unsigned shift; /* the power, 3 or more */
    size_t bytes;   /* of the mapping */
};

/*
 * Map memory for `count` buffers of `size` bytes, each aligned to 8.
 * With `huge`, on huge pages if the system has some to spare. -ENOMEM,
 * also when the product does not fit.
 */
int readbuf_slab_map(struct readbuf_slab *slab, uint32_t count,
                     uint32_t size, bool huge);

void readbuf_slab_unmap(struct readbuf_slab *slab);

/* The first byte of buffer `bid`. */
static inline unsigned char *
readbuf_slab_at(const struct readbuf_slab *slab, uint32_t bid)
{
    return slab->memory + slab->stride * bid;
}

/*
 * Which buffer's first byte this is. Not the first byte of a buffer:
 * some number that no pool has so many buffers for.
 *
 * A division without the instruction. Modulo 2^64, to multiply by the
 * inverse undoes the odd part of the stride, and a rotation undoes the
 * power of two, so that every multiple of the stride becomes its
 * quotient. Both steps can be undone, so no two offsets share one.
 */
static inline size_t readbuf_slab_bid(const struct readbuf_slab *slab,
                                      const unsigned char *data)
{
    size_t product =
        ((uintptr_t)data - (uintptr_t)slab->memory) * slab->inverse;

    return product >> slab->shift |
           product << (sizeof(product) * 8 - slab->shift);
}

#endif
