/* hint: an end does not prove a buffer */
#include "exercise.h"

void exercise_give(struct exercise_count *count, unsigned n)
{
    count->with_us -= n;
    count->in_ring += n;
}

void exercise_completed(struct exercise_count *count, int32_t res,
                        uint32_t flags)
{
    if (flags != 0 && (flags & READBUF_CQE_F_BUF_MORE) == 0) {
        count->in_ring--;
        count->with_us++;
    }
}
