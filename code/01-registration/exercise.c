/*
 * exercise.c - exercise 2 of chapter 1, to be changed by you.
 *
 * `make exercise N=1` copies this file to answer.c the first time, and
 * grades what is there ever after.
 */
#include "exercise.h"

int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags)
{
    /* One id is not enough: somebody may have been here before. */
    return readbuf_ring_register(ring, ring_fd, entries, 0, flags);
}
