/* hint: an id that was given back is free again */
#include "exercise.h"

#include <errno.h>

int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags)
{
    static uint16_t next;
    int ret;

    do
        ret = readbuf_ring_register(ring, ring_fd, entries, next++,
                                    flags);
    while (ret == -EEXIST);
    return ret;
}
