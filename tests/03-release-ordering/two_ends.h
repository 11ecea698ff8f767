/*
 * two_ends.h - a ring in plain memory: a publisher at one end, the
 * simulated kernel at the other.
 *
 * One ring a process. Buffer `bid` has an address and a length of its
 * own, so a descriptor that was put together from two of them shows.
 */
#ifndef READBUF_TESTS_TWO_ENDS_H
#define READBUF_TESTS_TWO_ENDS_H

#include "publisher.h"
#include "simkernel.h"

enum { TWO_ENDS_MAX = 32768 };

struct two_ends {
    struct io_uring_buf_ring *shared;
    struct readbuf_published *log;
    struct readbuf_publisher publisher;
    struct simkernel kernel;
    uint32_t entries;
};

/* Empty, with all counts at zero. */
void two_ends_open(struct two_ends *t, uint32_t entries);

/* Buffer `bid` as it is published, and as it must be picked. */
struct readbuf_descriptor two_ends_buffer(uint16_t bid);
bool two_ends_is_buffer(const struct io_uring_buf *picked);

/* Publish one buffer, or buffers 0 to count - 1 with one store. */
int two_ends_give(struct two_ends *t, uint16_t bid);
int two_ends_give_first(struct two_ends *t, uint32_t count);

/*
 * Pick one, and let the publisher know: its bid, or -1 for an empty
 * ring, or -2 for a descriptor that is not what was published.
 */
int two_ends_pick(struct two_ends *t);

/* One buffer goes round until the tail is this. */
void two_ends_go_to(struct two_ends *t, uint16_t tail);

#endif
