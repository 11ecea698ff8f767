/* hint: an end of file can cost a buffer */
#include "exercise.h"

#include <errno.h>

void exercise_give(struct exercise_count *count, unsigned n)
{
    count->with_us -= n;
    count->in_ring += n;
}

void exercise_completed(struct exercise_count *count, int32_t res,
                        uint32_t flags)
{
    struct readbuf_completion done = readbuf_decode(res, flags);

    if (done.res > 0) {
        count->in_ring--;
        count->with_us++;
    }
}
