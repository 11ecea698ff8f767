/*
 * two_ends.h - a ring in plain memory: a publisher at one end, the
 * simulated kernel at the other.
 *
 * One ring a process. Buffer `bid` has an address and a length of its
 * own, so a descriptor that was put together from two of them shows.
 */
#ifndef READBUF_TESTS_TWO_ENDS_H
#define READBUF_TESTS_TWO_ENDS_H

#include "gate.h"
#include "publisher.h"
#include "simkernel.h"

enum { TWO_ENDS_MAX = 32768 };

struct two_ends {
    struct io_uring_buf_ring *shared;
    struct readbuf_publisher publisher;
    struct simkernel kernel;
    struct readbuf_gate gate;
    _Atomic uint16_t *links;   /* by bid: the next in a chain, + 1 */
    _Atomic uint64_t consumed; /* known to have left the ring */
    uint32_t entries;
};

/* Empty, with all counts at zero. */
void two_ends_open(struct two_ends *t, uint32_t entries);

/* Was buffer `picked->bid` published like that? */
bool two_ends_is_buffer(const struct io_uring_buf *picked);

/* Write the descriptor of a buffer into a ring that has room. */
void two_ends_fill(struct two_ends *t, uint16_t bid);

/* Publish one buffer, or buffers 0 to count - 1 with one store. */
void two_ends_give(struct two_ends *t, uint16_t bid);
void two_ends_give_first(struct two_ends *t, uint32_t count);

/*
 * Pick one, and count it as consumed: its bid, or -1 for an empty ring,
 * or -2 for a descriptor that is not what was published.
 */
int two_ends_pick(struct two_ends *t);

/* How full the ring is, as far as is known. */
uint32_t two_ends_level(const struct two_ends *t);

/* One buffer goes round until the tail is this. */
void two_ends_go_to(struct two_ends *t, uint16_t tail);

/*
 * From any thread: publish these buffers with one store, or leave them
 * with whoever is inside.
 */
void two_ends_return(struct two_ends *t, const uint16_t *bids,
                     uint32_t count);

/* Inside: publish a chain, and whatever else comes before one is out.
 */
void two_ends_publish_and_leave(struct two_ends *t, uint32_t top);

#endif
