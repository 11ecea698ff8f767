/*
 * left_at_the_gate.c - EXHIBIT: how the gate does it.
 *
 * One thread is inside when it is put aside in the middle of giving
 * back. It does not go on before another one has given back as well and
 * is done: with a lock they would wait for each other for ever.
 */
#include "gate.h"
#include "publisher.h"
#include "simkernel.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ENTRIES = 4, SIZE = 32 };

static struct io_uring_buf slots[ENTRIES];
static char memory[ENTRIES][SIZE];
static struct readbuf_publisher publisher;
static struct readbuf_gate gate;
static _Atomic uint16_t links[ENTRIES]; /* the next at the gate, + 1 */
static struct simkernel kernel;

static void *second(void *unused);

static void put_aside(void)
{
    pthread_t thread;

    if (pthread_create(&thread, NULL, second, NULL) != 0)
        exit(EXIT_FAILURE);
    pthread_join(thread, NULL);
    printf("the kernel sees %u buffers, and the first one goes on\n",
           simkernel_available(&kernel));
}

static void give_back(uint16_t bid, bool interrupted)
{
    uint32_t came, top = bid + UINT32_C(1);

    if (!readbuf_gate_pass(&gate, bid, &links[bid])) {
        printf("the second one leaves buffer %u, and is done\n", bid);
        return;
    }
    links[bid] = 0;
    do {
        for (; top != 0; top = links[top - 1]) {
            printf("the first one fills in buffer %u\n", top - 1);
            readbuf_publisher_fill(&publisher, memory[top - 1], SIZE,
                                   (uint16_t)(top - 1));
        }
        if (interrupted)
            put_aside();
        interrupted = false;
        readbuf_publisher_commit(&publisher);
        came = readbuf_gate_leave(&gate,
                                  readbuf_publisher_shown(&publisher));
        top = came >> READBUF_GATE_SHIFT;
    } while (came != 0);
}

static void *second(void *unused)
{
    give_back(1, false);
    return unused;
}

int main(void)
{
    struct io_uring_buf_ring *ring = (void *)slots;

    readbuf_publisher_init(&publisher, ring, ENTRIES);
    simkernel_register(&kernel, ring, ENTRIES);
    give_back(0, true);
    printf("the kernel sees %u buffers\n",
           simkernel_available(&kernel));
    return EXIT_SUCCESS;
}
