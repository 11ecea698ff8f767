/*
 * stage.h - what all plays share: a ring of four with a publisher at
 * one end and the simulated kernel at the other, and a gate.
 */
#ifndef EXPLORER_STAGE_H
#define EXPLORER_STAGE_H

#include "explorer.h"
#include "gate.h"
#include "publisher.h"

enum { STAGE_ENTRIES = 4, STAGE_SIZE = 64 };

/* Those with a name are the words of the play (see stage_name). */
extern struct stage {
    struct io_uring_buf slots[STAGE_ENTRIES];
    struct readbuf_publisher publisher;
    struct readbuf_gate gate;
    _Atomic uint16_t links[STAGE_ENTRIES];
    _Atomic uint32_t stack; /* of a gate in two words */
    _Atomic uint32_t woken, wish;
    /* Notes of the checks. */
    uint32_t (*leave)(struct readbuf_gate *gate, uint32_t count);
    bool inside, wishes, given[STAGE_ENTRIES], picked[STAGE_ENTRIES];
    uint16_t start;
} stage;

/*
 * Before a play. `coarse` leaves out the slots, which only one inside
 * the gate fills: fewer places to stop at, for plays that would have
 * too many, or that say it all without them.
 */
void stage_name(bool coarse);

/* A ring through which so many have gone, and is empty. */
void stage_prepare(uint16_t start);

/* Buffer `bid` as it is filled. */
void stage_fill(uint16_t bid);

/* The script of the kernel: picks what there is, for ever. */
void stage_kernel(void);

/* At the end: what was given was published, once, and is whole. */
const char *stage_published(void);

/* ... and has been picked. */
const char *stage_picked(void);

#endif
