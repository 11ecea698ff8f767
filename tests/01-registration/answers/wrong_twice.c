/* hint: try the next id while the kernel says EEXIST */
#include "exercise.h"

#include <errno.h>

int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags)
{
    int ret = readbuf_ring_register(ring, ring_fd, entries, 0, flags);

    if (ret == -EEXIST)
        ret = readbuf_ring_register(ring, ring_fd, entries, 1, flags);
    return ret;
}
