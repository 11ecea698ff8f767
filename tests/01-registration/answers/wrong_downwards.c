/* hint: the lowest free id is wanted */
#include "exercise.h"

#include <errno.h>

int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags)
{
    int ret = -EEXIST;

    for (int group = 2047; group >= 0 && ret == -EEXIST; group--)
        ret = readbuf_ring_register(ring, ring_fd, entries,
                                    (uint16_t)group, flags);
    return ret;
}
