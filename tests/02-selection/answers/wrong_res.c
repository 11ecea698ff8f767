/* hint: an end of file can cost a buffer */
#include "exercise.h"

void exercise_give(struct exercise_count *count, unsigned n)
{
    count->with_us -= n;
    count->in_ring += n;
}

void exercise_completed(struct exercise_count *count, int32_t res,
                        uint32_t flags)
{
    (void)flags;
    if (res <= 0)
        return;
    count->in_ring--;
    count->with_us++;
}
