/* hint: only EEXIST says that an id is taken */
#include "exercise.h"

#include <errno.h>

int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags)
{
    for (uint32_t group = 0; group < 2048; group++)
        if (readbuf_ring_register(ring, ring_fd, entries,
                                  (uint16_t)group, flags) == 0)
            return 0;
    return -EEXIST;
}
