/* exercise.h - what the exercise of chapter 3 asks for. */
#ifndef READBUF_EXERCISE_03_H
#define READBUF_EXERCISE_03_H

#include "publisher.h"

#define EXERCISE_MAGAZINE 8

/* Buffers that wait until there are eight. Zeroed, it is empty. */
struct exercise_magazine {
    struct readbuf_descriptor held[EXERCISE_MAGAZINE];
    unsigned count; /* 0 to 7 between calls; held[0] came first */
};

/*
 * Give a buffer back, sooner or later: hold it, or, when it is the
 * eighth, publish all eight with one publication, in the order in which
 * they came, and hold none. One thread at a time for a magazine.
 *
 * 0, or an error, and then nothing has changed: the magazine holds what
 * it held, the kernel sees what it saw, and this buffer is still the
 * caller's, who may try again. -EINVAL at once, and not only from the
 * eighth, for a descriptor that readbuf_publish would not take (of the
 * publisher you may look at `entries`); -ENOSPC if the publisher has no
 * room for all eight.
 */
int exercise_return(struct exercise_magazine *magazine,
                    struct readbuf_publisher *publisher,
                    const struct readbuf_descriptor *descriptor);

/*
 * Publish what is held, in its order and with one publication. 0, also
 * when nothing is held: then the tail is not even stored. Or -ENOSPC,
 * and nothing has changed.
 */
int exercise_flush(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher);

#endif
