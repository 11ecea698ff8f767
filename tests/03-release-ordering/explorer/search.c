/*
 * search.c - breadth first, so that what is found is a shortest run.
 *
 * A state is kept as the way to it: to go on from there, the play is
 * begun anew and the moves are made again. A state that was seen
 * already is not gone on from. Two are taken for one if 64 bits of hash
 * agree.
 */
#include "search.h"

#include <stdlib.h>
#include <string.h>

struct state {
    uint32_t before;
    uint16_t move, depth;
};

struct seen {
    const struct explorer_play *play;
    enum machine_memory memory;
    struct state *states;
    size_t count, most;
    uint64_t *table;
    size_t mask;
};

static unsigned way_to(const struct seen *seen, size_t at,
                       uint16_t *moves)
{
    unsigned steps = seen->states[at].depth;

    for (unsigned i = steps; i-- > 0; at = seen->states[at].before)
        moves[i] = seen->states[at].move;
    return steps;
}

static void go_to(const struct seen *seen, const uint16_t *moves,
                  unsigned steps)
{
    machine_begin(seen->play, seen->memory);
    for (unsigned i = 0; i < steps; i++)
        machine_move(moves[i]);
}

/* Is it new? It is not any more. */
static bool is_new(struct seen *seen, uint64_t hash)
{
    size_t at = hash & seen->mask;

    hash += hash == 0; /* 0 is an empty place */
    for (; seen->table[at] != 0; at = (at + 1) & seen->mask)
        if (seen->table[at] == hash)
            return false;
    seen->table[at] = hash;
    return true;
}

static void add(struct seen *seen, size_t before, uint16_t move)
{
    struct state *state = &seen->states[seen->count];

    if (!is_new(seen, machine_state()))
        return;
    state->before = (uint32_t)before;
    state->move = move;
    state->depth =
        (uint16_t)(seen->count == 0 ? 0
                                    : seen->states[before].depth + 1);
    seen->count++;
}

/* Make every move there is from a state. What is wrong, or NULL. */
static const char *expand(struct seen *seen, size_t at,
                          struct search_result *result)
{
    uint16_t moves[MACHINE_MOVES], rest[MACHINE_MOVES];
    unsigned steps = way_to(seen, at, result->moves), count;

    go_to(seen, result->moves, steps);
    count = machine_moves(moves);
    for (unsigned i = 0; i < count && seen->count < seen->most; i++) {
        if (i > 0)
            go_to(seen, result->moves, steps);
        machine_move(moves[i]);
        result->moves[steps] = moves[i];
        result->steps = steps + 1;
        result->wrong = machine_wrong(machine_moves(rest) == 0);
        if (result->wrong != NULL)
            break;
        add(seen, at, moves[i]);
    }
    return result->wrong;
}

struct search_result search(const struct explorer_play *play,
                            enum machine_memory memory, size_t most)
{
    struct search_result result = {.steps = 0};
    struct seen seen = {
        .play = play, .memory = memory, .most = most, .mask = 1};
    size_t at = 0;

    while (seen.mask < 2 * most)
        seen.mask = 2 * seen.mask + 1;
    seen.table = calloc(seen.mask + 1, sizeof(*seen.table));
    seen.states = calloc(most, sizeof(*seen.states));
    if (seen.table == NULL || seen.states == NULL)
        abort();
    machine_begin(play, memory);
    add(&seen, 0, 0);
    while (at < seen.count && seen.states[at].depth < SEARCH_STEPS &&
           expand(&seen, at, &result) == NULL)
        at++;
    result.states = seen.count;
    result.given_up =
        result.wrong == NULL && (at < seen.count || seen.count == most);
    free(seen.table);
    free(seen.states);
    return result;
}
