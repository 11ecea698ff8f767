/*
 * exercise.c - exercise 2 of chapter 3, to be changed by you.
 *
 * `make exercise N=3` copies this file to answer.c the first time, and
 * grades what is there ever after.
 */
#include "exercise.h"

int exercise_return(struct exercise_magazine *magazine,
                    struct readbuf_publisher *publisher,
                    const struct readbuf_descriptor *descriptor)
{
    /* One store of the tail for each buffer: that is to be saved. */
    (void)magazine;
    return readbuf_publish(publisher, descriptor, 1);
}

int exercise_flush(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher)
{
    /* What if there is no room for what is held? */
    (void)magazine;
    (void)publisher;
    return 0;
}
