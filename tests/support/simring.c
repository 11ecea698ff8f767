#include "simring.h"

#include "registration.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static bool next_is_plain;
static struct io_uring_buf *plain; /* NULL: there is none */

int __real_readbuf_ring_register(struct readbuf_ring *ring, int ring_fd,
                                 uint32_t entries, uint16_t group,
                                 unsigned flags);
int __wrap_readbuf_ring_register(struct readbuf_ring *ring, int ring_fd,
                                 uint32_t entries, uint16_t group,
                                 unsigned flags);
int __real_readbuf_ring_unregister(struct readbuf_ring *ring);
int __wrap_readbuf_ring_unregister(struct readbuf_ring *ring);

void simring_next(void)
{
    next_is_plain = true;
}

int __wrap_readbuf_ring_register(struct readbuf_ring *ring, int ring_fd,
                                 uint32_t entries, uint16_t group,
                                 unsigned flags)
{
    if (!next_is_plain)
        return __real_readbuf_ring_register(ring, ring_fd, entries,
                                            group, flags);
    next_is_plain = false;
    plain = malloc(entries * sizeof(struct io_uring_buf));
    if (plain == NULL)
        return -ENOMEM;
    memset(plain, 0, entries * sizeof(struct io_uring_buf));
    *ring = (struct readbuf_ring){.shared = (void *)plain,
                                  .ring_fd = ring_fd,
                                  .entries = entries,
                                  .group = group,
                                  .flags = (uint16_t)flags};
    return 0;
}

int __wrap_readbuf_ring_unregister(struct readbuf_ring *ring)
{
    if (plain == NULL || ring->shared != (void *)plain)
        return __real_readbuf_ring_unregister(ring);
    free(plain);
    plain = NULL;
    ring->shared = NULL;
    return 0;
}
