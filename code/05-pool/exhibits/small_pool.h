/*
 * small_pool.h - what the three small pools of this chapter share.
 *
 * Two buffers, a ring, and the simulated kernel. Who may give a buffer
 * back is left to each of them.
 */
#ifndef READBUF_SMALL_POOL_H
#define READBUF_SMALL_POOL_H

#include "publisher.h"
#include "simkernel.h"

#include <stdbool.h>
#include <stdio.h>

enum { BUFFERS = 2, SIZE = 32, ENTRIES = 4 };

static char memory[BUFFERS][SIZE];
static struct io_uring_buf slots[ENTRIES];
static struct readbuf_publisher publisher;
static struct simkernel kernel;
static uint32_t consumed;

/* Into the ring, for the kernel to pick. */
static inline void put(int bid)
{
    assert(readbuf_publisher_level(&publisher, consumed) < ENTRIES);
    readbuf_publisher_fill(&publisher, memory[bid], SIZE,
                           (uint16_t)bid);
    readbuf_publisher_commit(&publisher);
}

/* What `who` says arrives; the bid of the buffer it is in, or -1. */
static inline int receive(const char *who, const char *text)
{
    struct io_uring_buf picked;

    if (simkernel_pick(&kernel, &picked) < 0) {
        printf("%-7s finds no buffer\n", who);
        return -1;
    }
    consumed++;
    snprintf(memory[picked.bid], SIZE, "%s", text);
    printf("%-7s is in buffer %d: \"%s\"\n", who, picked.bid, text);
    return picked.bid;
}

/* What became of a release. */
static inline void verdict(const char *who, bool believed)
{
    printf("%-7s gives it back: %s\n", who,
           believed ? "believed" : "refused");
}

static inline void start(void)
{
    struct io_uring_buf_ring *ring = (void *)slots;

    simkernel_register(&kernel, ring, ENTRIES);
    readbuf_publisher_init(&publisher, ring, ENTRIES);
    for (int bid = 0; bid < BUFFERS; bid++)
        put(bid);
}

#endif
