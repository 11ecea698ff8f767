/* hint: 65535 is an id too */
#include "exercise.h"

#include <errno.h>

int exercise_register_free(struct readbuf_ring *ring, int ring_fd,
                           uint32_t entries, unsigned flags)
{
    uint16_t end = flags & READBUF_RING_KERNEL ? READBUF_OFF_PBUF_GROUPS
                                               : UINT16_MAX;
    int ret = -EEXIST;

    for (uint16_t group = 0; group < end && ret == -EEXIST; group++)
        ret =
            readbuf_ring_register(ring, ring_fd, entries, group, flags);
    return ret;
}
