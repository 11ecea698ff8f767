#include "simhead.h"

#include "registration.h"

static const uint16_t *followed;
static int refusal;

int __real_readbuf_ring_head(const struct readbuf_ring *ring,
                             uint16_t *head);
int __wrap_readbuf_ring_head(const struct readbuf_ring *ring,
                             uint16_t *head);

void simhead_follow(const uint16_t *head)
{
    followed = head;
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
    *head = *followed;
    return 0;
}
