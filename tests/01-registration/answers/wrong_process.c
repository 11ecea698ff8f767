/* hint: each io_uring has ids of its own */
#include "exercise.h"

#include <errno.h>
#include <stdbool.h>

int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags)
{
    static bool taken[UINT16_MAX + 1];
    uint32_t end = flags & READBUF_RING_KERNEL ? READBUF_OFF_PBUF_GROUPS
                                               : UINT16_MAX + 1u;
    int ret = -EEXIST;

    for (uint32_t group = 0; group < end && ret == -EEXIST; group++) {
        if (taken[group])
            continue;
        ret = readbuf_ring_register(ring, ring_fd, entries,
                                    (uint16_t)group, flags);
        taken[group] = ret == 0 || ret == -EEXIST;
    }
    return ret;
}
