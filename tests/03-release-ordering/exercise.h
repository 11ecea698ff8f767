/* exercise.h - what the exercise of chapter 3 asks for. */
#ifndef READBUF_EXERCISE_03_H
#define READBUF_EXERCISE_03_H

#include "publisher.h"

#define EXERCISE_MAGAZINE 8

/* A buffer on its way back. */
struct exercise_buffer {
    void *address;
    uint32_t length; /* bytes */
    uint16_t bid;
};

/* Buffers that wait until there are eight. Zeroed, it is empty. */
struct exercise_magazine {
    struct exercise_buffer held[EXERCISE_MAGAZINE];
    unsigned count; /* 0 to 7 between calls; held[0] came first */
};

/*
 * Give a buffer back, sooner or later: hold it, or, when it is the
 * eighth, publish all eight with one commit, in the order in which they
 * came, and hold none. The publisher is used by this thread alone, and
 * `consumed` descriptors are known to have left its ring.
 *
 * 0, or an error, and then nothing has changed: the magazine holds what
 * it held, the ring is as it was, and this buffer is still the
 * caller's, who may try again. -EINVAL at once, and not only from the
 * eighth, for a NULL address or a length of 0; -ENOSPC if the ring has
 * no room for all eight.
 */
int exercise_return(struct exercise_magazine *magazine,
                    struct readbuf_publisher *publisher,
                    uint64_t consumed,
                    const struct exercise_buffer *buffer);

/*
 * Publish what is held, in its order and with one commit. 0, also when
 * nothing is held: then the tail is not even stored. Or -ENOSPC, and
 * nothing has changed.
 */
int exercise_flush(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher,
                   uint64_t consumed);

/* The grader counts the commits: yours go by here. */
extern unsigned exercise_commits;

#define readbuf_publisher_commit(publisher) \
    (exercise_commits++, readbuf_publisher_commit(publisher))

#endif
