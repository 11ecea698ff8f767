/*
 * The decoder has answered already: `buffer_is_ours` is read from the
 * flags and from nothing else. Each wrong answer adds a rule about
 * `res`, `more` or the bid, and each such rule has a completion that
 * breaks it.
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
    if (!readbuf_decode(res, flags).buffer_is_ours)
        return;
    count->in_ring--;
    count->with_us++;
}
