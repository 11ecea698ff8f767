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
    size_t stride; /* from one buffer to the next: `size` rounded up */
    size_t bytes;  /* of the mapping */
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

#endif
