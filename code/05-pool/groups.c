/*
 * groups.c - ask the kernel which id is free, by trying.
 *
 * Only the kernel knows all the groups of an io_uring, so a table of
 * our own would be wrong as soon as the application registers one
 * itself. The counter below is only where to begin: it keeps an id from
 * being reused at once, since a forgotten request for the old group
 * would silently pick from the new one.
 */
#include "groups.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

/*
 * Applications that number their groups by hand begin at 0, and before
 * Linux 6.9 ids below 64 do not start afresh.
 */
enum { GROUP_FIRST = 64, GROUP_COUNT = 65536 - GROUP_FIRST };
enum { KERNEL_RING_COUNT = READBUF_OFF_PBUF_GROUPS - GROUP_FIRST };

static _Atomic uint32_t next_group;

/*
 * EEXIST has a second meaning: this thread may not register anything.
 * Then a call that has nothing to do with groups is refused as well.
 */
static bool wrong_thread(int ring_fd)
{
    uint64_t table[3] = {0}; /* a struct io_uring_probe of one row */

    return readbuf_sys_register(ring_fd, IORING_REGISTER_PROBE,
                                table) == -EEXIST;
}

int readbuf_groups_register(struct readbuf_ring *ring, int ring_fd,
                            uint32_t entries, unsigned flags)
{
    uint32_t count =
        flags & READBUF_RING_KERNEL ? KERNEL_RING_COUNT : GROUP_COUNT;
    int ret = -EEXIST;

    for (uint32_t tries = 0; tries < count && ret == -EEXIST; tries++) {
        uint32_t turn = atomic_fetch_add_explicit(&next_group, 1,
                                                  memory_order_relaxed);

        ret = readbuf_ring_register(
            ring, ring_fd, entries,
            (uint16_t)(GROUP_FIRST + turn % count), flags);
        if (ret == -EEXIST && tries == 0 && wrong_thread(ring_fd))
            break;
    }
    return ret;
}
