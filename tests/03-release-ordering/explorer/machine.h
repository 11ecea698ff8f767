/*
 * machine.h - one run of a play, a move at a time.
 *
 * With stores in order there is one move a script: its next access. On
 * a machine with store buffers a store first goes into the buffer of
 * its script, which sees it at once while the others do not. To let one
 * out is a move of its own. On x86 they come out in the order in which
 * they went in, and a read-modify-write waits for all of them. At the
 * worst that C allows, stores to different words come out in any order;
 * but a store-release comes out after all that were made before it, and
 * a read-modify-write with release waits for them. Loads are made in
 * the order of the source.
 */
#ifndef EXPLORER_MACHINE_H
#define EXPLORER_MACHINE_H

#include "explorer.h"

enum machine_memory { MACHINE_ORDERED, MACHINE_X86, MACHINE_ANY };
enum { MACHINE_MEMORIES = 3, MACHINE_MOVES = 64 };

/* What a script is about to do. */
enum machine_kind { MACHINE_LOAD, MACHINE_STORE, MACHINE_SWAP };

struct machine_access {
    unsigned char *at;
    size_t size;
    enum machine_kind kind;
    bool release;  /* after all stores before it */
    bool at_once;  /* and not through the buffer */
    bool compares; /* a swap, if this is there: */
    uint64_t expected;
};

/* What was done. */
struct machine_step {
    const char *who;
    struct machine_access access;
    bool kept;     /* a store that went into the buffer */
    bool came_out; /* ... and one that left it */
    unsigned char before[16], after[16];
};

/* The scripts of a play at their first accesses. */
void machine_begin(const struct explorer_play *play,
                   enum machine_memory memory);

/* What can be done now; how many. The last script to move is first. */
unsigned machine_moves(uint16_t *moves);

/* Do one of these. */
struct machine_step machine_move(uint16_t move);

/* What is wrong, or NULL; `at_end`: with no moves left. */
const char *machine_wrong(bool at_end);

/* All that the rest of the run depends on. */
uint64_t machine_state(void);

/* A word of an access, and where in it. */
struct machine_word {
    const char *name;
    size_t offset, size;
    explorer_show *show;
};

/* The next one from *which on; false: no more. */
bool machine_word(const struct machine_access *access, unsigned *which,
                  struct machine_word *word);

/* ------------------------------------------------ for the runtime */

/* Stop before this access, if it is one to stop at. */
void machine_stop(const volatile void *at,
                  struct machine_access access);

/* Stop until the word looked at last has changed. */
void machine_sleep(void);

#endif
