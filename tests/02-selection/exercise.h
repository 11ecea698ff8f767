/* exercise.h - what the exercise of chapter 2 asks for. */
#ifndef READBUF_EXERCISE_02_H
#define READBUF_EXERCISE_02_H

#include "selection.h"

/* Who has the buffers of one ring, kept from its completions alone. */
struct exercise_count {
    unsigned in_ring; /* the kernel may still pick these */
    unsigned with_us; /* these wait to be given back */
};

/* `n` buffers are given to the kernel, out of those that we have. */
void exercise_give(struct exercise_count *count, unsigned n);

/*
 * A request on the ring completed with this: a read or a receive, which
 * may go on, of anything, with any outcome.
 */
void exercise_completed(struct exercise_count *count, int32_t res,
                        uint32_t flags);

#endif
