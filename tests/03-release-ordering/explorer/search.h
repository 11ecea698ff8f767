/*
 * search.h - all runs of a play.
 */
#ifndef EXPLORER_SEARCH_H
#define EXPLORER_SEARCH_H

#include "machine.h"

enum { SEARCH_STEPS = 256 };

struct search_result {
    size_t states;
    const char *wrong; /* or NULL: no run is */
    bool given_up;     /* too many states to see them all */
    uint16_t moves[SEARCH_STEPS];
    unsigned steps; /* the shortest run that ends in `wrong` */
};

struct search_result search(const struct explorer_play *play,
                            enum machine_memory memory, size_t most);

#endif
