/*
 * whole_struct.c - EXHIBIT: wrong on purpose.
 *
 * A descriptor is a struct, so it is stored as a struct: address,
 * length, id, and zero for the reserved field. In slot 0 the reserved
 * field is the tail. The simulated kernel looks in just between that
 * store and the next, as the real one might after an interrupt.
 */
#include "simkernel.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

enum { ENTRIES = 4, SIZE = 32, MASK = ENTRIES - 1 };

static struct io_uring_buf slots[ENTRIES];
static struct io_uring_buf_ring *const ring = (void *)slots;
static char memory[ENTRIES][SIZE];
static bool held[ENTRIES];
static struct simkernel kernel;

static void kernel_looks_in(const char *when)
{
    struct io_uring_buf picked;

    printf("%-22s tail %u, head %u: ", when, ring->tail, kernel.head);
    if (simkernel_pick(&kernel, &picked) < 0) {
        puts("nothing there");
        return;
    }
    printf("takes buffer %u%s\n", picked.bid,
           held[picked.bid] ? ", WHICH WE HOLD" : "");
    held[picked.bid] = true;
}

static void give_back(unsigned short bid, bool look)
{
    unsigned short tail = ring->tail;
    struct io_uring_buf whole = {
        .addr = (uintptr_t)memory[bid], .len = SIZE, .bid = bid};

    held[bid] = false;
    slots[tail & MASK] = whole; /* THE MISTAKE */
    if (look) {
        kernel_looks_in("after the struct store");
        kernel_looks_in("and again");
    }
    __atomic_store_n(&ring->tail, (unsigned short)(tail + 1),
                     __ATOMIC_RELEASE);
}

int main(void)
{
    simkernel_register(&kernel, ring, ENTRIES);
    for (unsigned short bid = 0; bid < ENTRIES; bid++)
        give_back(bid, false);
    for (int i = 0; i < ENTRIES; i++)
        kernel_looks_in("four given");
    give_back(3, true);
    printf("%-22s tail %u, head %u: sees %u buffers\n",
           "after the tail store", ring->tail, kernel.head,
           simkernel_available(&kernel));
    return EXIT_SUCCESS;
}
