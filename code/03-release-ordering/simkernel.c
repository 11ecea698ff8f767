#include "simkernel.h"

#include <errno.h>

void simkernel_register(struct simkernel *kernel,
                        struct io_uring_buf_ring *shared,
                        uint32_t entries)
{
    kernel->shared = shared;
    kernel->entries = entries;
    kernel->head = 0;
}

/* The acquire that every release store is made for. */
static uint16_t load_tail(const struct simkernel *kernel)
{
    return __atomic_load_n(&kernel->shared->tail, __ATOMIC_ACQUIRE);
}

uint16_t simkernel_available(const struct simkernel *kernel)
{
    return (uint16_t)(load_tail(kernel) - kernel->head);
}

int simkernel_pick(struct simkernel *kernel,
                   struct io_uring_buf *picked)
{
    const struct io_uring_buf *slot;

    if (load_tail(kernel) == kernel->head)
        return -ENOBUFS;
    slot = &kernel->shared->bufs[kernel->head & (kernel->entries - 1)];
    picked->addr = slot->addr;
    picked->len = slot->len;
    picked->bid = slot->bid;
    kernel->head++;
    return 0;
}

unsigned simkernel_pick_bundle(struct simkernel *kernel,
                               struct io_uring_buf *picked,
                               unsigned most)
{
    unsigned count = 0;

    while (count < most && simkernel_pick(kernel, &picked[count]) == 0)
        count++;
    return count;
}

uint32_t simkernel_flags(uint16_t bid)
{
    return IORING_CQE_F_BUFFER | (uint32_t)bid
                                     << IORING_CQE_BUFFER_SHIFT;
}
