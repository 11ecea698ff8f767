/*
 * exercise.c - exercise 2 of chapter 2, to be changed by you.
 *
 * `make exercise N=2` copies this file to answer.c the first time, and
 * grades what is there ever after.
 */
#include "exercise.h"

void exercise_give(struct exercise_count *count, unsigned n)
{
    count->with_us -= n;
    count->in_ring += n;
}

void exercise_completed(struct exercise_count *count, int32_t res,
                        uint32_t flags)
{
    /* Which completions take a buffer out of the ring? */
    (void)count;
    (void)res;
    (void)flags;
}
