/*
 * relaxed_store.c - EXHIBIT: wrong on purpose, unless told otherwise.
 *
 *   relaxed_store            publish with a relaxed store
 *   relaxed_store release    publish with a release store
 *
 * One thread publishes, another is the kernel. Build it with
 * -fsanitize=thread: the hardware may hide this mistake, and on x86-64
 * it does.
 */
#include "simkernel.h"

#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 4, SIZE = 32, MASK = ENTRIES - 1, ROUNDS = 70000 };

static struct io_uring_buf slots[ENTRIES];
static struct io_uring_buf_ring *const ring = (void *)slots;
static char memory[ENTRIES][SIZE];
static _Atomic unsigned consumed; /* by the kernel's thread */
static bool release;

static void publish(unsigned short bid)
{
    struct io_uring_buf *slot = &slots[ring->tail & MASK];
    unsigned short tail = (unsigned short)(ring->tail + 1);

    slot->addr = (uintptr_t)memory[bid];
    slot->len = SIZE;
    slot->bid = bid;
    if (release)
        __atomic_store_n(&ring->tail, tail, __ATOMIC_RELEASE);
    else
        __atomic_store_n(&ring->tail, tail, __ATOMIC_RELAXED);
}

/* Take what there is; a descriptor must match the round it is from. */
static void *kernel_thread(void *unused)
{
    struct simkernel kernel;
    struct io_uring_buf picked;
    unsigned wrong = 0;

    simkernel_register(&kernel, ring, ENTRIES);
    for (unsigned round = 0; round < ROUNDS; round++) {
        while (simkernel_pick(&kernel, &picked) < 0)
            sched_yield();
        if (picked.bid != (round & MASK) ||
            picked.addr != (uintptr_t)memory[round & MASK])
            wrong++;
        consumed = round + 1;
    }
    printf("%d descriptors taken, %u of them wrong\n", ROUNDS, wrong);
    return unused;
}

int main(int argc, char **argv)
{
    pthread_t thread;

    release = argc > 1 && strcmp(argv[1], "release") == 0;
    if (pthread_create(&thread, NULL, kernel_thread, NULL) != 0)
        return EXIT_FAILURE;
    for (unsigned round = 0; round < ROUNDS; round++) {
        while (round - consumed >= ENTRIES)
            sched_yield();
        publish((unsigned short)(round & MASK));
    }
    pthread_join(thread, NULL);
    return EXIT_SUCCESS;
}
