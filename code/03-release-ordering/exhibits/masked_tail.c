/*
 * masked_tail.c - EXHIBIT: wrong on purpose.
 *
 *   masked_tail 3        the tail is kept below the number of entries
 *   masked_tail 65534    ... or wraps where 16 bits seem to end
 *
 * A slot's number is the tail modulo the entries, so why not keep it so
 * in the first place? One buffer goes round and round until the kernel
 * hands out one that was never given back.
 */
#include "simkernel.h"

#include <stdio.h>
#include <stdlib.h>

enum { ENTRIES = 4, SIZE = 32, MASK = ENTRIES - 1 };

static struct io_uring_buf slots[ENTRIES];
static struct io_uring_buf_ring *const ring = (void *)slots;
static char memory[ENTRIES][SIZE];

/* The tail never exceeds `most`. */
static void give(unsigned short bid, unsigned most)
{
    struct io_uring_buf *slot = &slots[ring->tail & MASK];

    slot->addr = (uintptr_t)memory[bid];
    slot->len = SIZE;
    slot->bid = bid;
    __atomic_store_n(&ring->tail,
                     (unsigned short)((ring->tail + 1u) % (most + 1)),
                     __ATOMIC_RELEASE); /* THE MISTAKE: % */
}

int main(int argc, char **argv)
{
    unsigned most = argc > 1 ? (unsigned)atoi(argv[1]) : MASK;
    struct simkernel kernel;
    struct io_uring_buf picked;

    simkernel_register(&kernel, ring, ENTRIES);
    for (unsigned given = 1; given <= 1000000; given++) {
        give(0, most);
        if (simkernel_pick(&kernel, &picked) < 0) {
            printf("%u buffers given, the last cannot be seen\n",
                   given);
            return EXIT_SUCCESS;
        }
        if (simkernel_available(&kernel) != 0) {
            printf("%u buffers given and taken, and the kernel sees "
                   "%u more\n",
                   given, simkernel_available(&kernel));
            return EXIT_SUCCESS;
        }
    }
    puts("a million buffers given and taken");
    return EXIT_SUCCESS;
}
