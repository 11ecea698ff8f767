/*
 * publisher.c - where a publisher begins.
 */
#include "publisher.h"

void readbuf_publisher_init(struct readbuf_publisher *publisher,
                            struct io_uring_buf_ring *shared,
                            uint32_t entries)
{
    assert(entries > 0 && entries <= 32768);
    assert((entries & (entries - 1)) == 0);
    assert(shared->tail == 0);
    publisher->shared = shared;
    publisher->entries = entries;
    atomic_init(&publisher->filled, 0);
    atomic_init(&publisher->shown, 0);
}
