/*
 * Only the kernel knows who has which id, and trying is the only way to
 * ask it: a list of our own would miss the rings of others. EEXIST
 * alone means "taken"; any other error would be the same at the next
 * id, or worse, would be gone there, and the id would not be the
 * lowest.
 */
#include "exercise.h"

#include <errno.h>

int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags)
{
    uint32_t end = flags & READBUF_RING_KERNEL ? READBUF_OFF_PBUF_GROUPS
                                               : UINT16_MAX + 1u;
    int ret = -EEXIST;

    for (uint32_t group = 0; group < end && ret == -EEXIST; group++)
        ret = readbuf_ring_register(ring, ring_fd, entries,
                                    (uint16_t)group, flags);
    return ret;
}
