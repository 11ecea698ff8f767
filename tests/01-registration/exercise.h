/* exercise.h - what the exercise of chapter 1 asks for. */
#ifndef READBUF_EXERCISE_01_H
#define READBUF_EXERCISE_01_H

#include "registration.h"

/*
 * Register a ring under the lowest group id that is free on this
 * io_uring, whoever took the others. Errors, and what an error leaves
 * behind, as readbuf_ring_register; -EEXIST when every id that such a
 * ring may have is taken.
 */
int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags);

#endif
