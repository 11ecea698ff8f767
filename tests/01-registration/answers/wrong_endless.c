/* hint: a kernel ring can only be mapped for 2048 ids */
#include "exercise.h"

#include <errno.h>

int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags)
{
    int ret = -EEXIST;

    for (uint32_t group = 0; group <= UINT16_MAX && ret == -EEXIST;
         group++)
        ret = readbuf_ring_register(ring, ring_fd, entries,
                                    (uint16_t)group, flags);
    return ret;
}
