#include "simhead.h"

#include "registration.h"

static const struct simkernel *followed;
static int refusal;

int __real_readbuf_ring_head(const struct readbuf_ring *ring,
                             uint16_t *head);
int __wrap_readbuf_ring_head(const struct readbuf_ring *ring,
                             uint16_t *head);

void simhead_follow(const struct simkernel *kernel)
{
    followed = kernel;
    refusal = 0;
}

void simhead_refuse(int error)
{
    followed = NULL;
    refusal = error;
}

void simhead_real(void)
{
    followed = NULL;
    refusal = 0;
}

int __wrap_readbuf_ring_head(const struct readbuf_ring *ring,
                             uint16_t *head)
{
    if (refusal < 0)
        return refusal;
    if (followed == NULL)
        return __real_readbuf_ring_head(ring, head);
    *head = followed->head;
    return 0;
}
