/*
 * simpool.c - a pool without an io_uring, and a look at where its
 * buffers are.
 */
#include "simpool.h"
#include "simhead.h"
#include "simring.h"

void simpool_open(struct simpool *sim, uint32_t count, uint32_t size)
{
    struct io_uring nowhere = {.ring_fd = -1, .enter_ring_fd = -1};

    ck_assert_uint_le(count, SIMPOOL_MAX);
    simring_next();
    ck_assert_int_eq(
        readbuf_pool_create(&sim->pool, &nowhere, count, size, 0), 0);
    simkernel_register(&sim->kernel, sim->pool->ring.shared, count);
    simhead_follow(&sim->kernel.head);
}

void simpool_close(struct simpool *sim)
{
    simpool_check(sim, 0, 0);
    ck_assert_int_eq(readbuf_pool_unref(sim->pool), 0);
    simhead_real();
}

uint16_t simpool_pick(struct simpool *sim)
{
    struct io_uring_buf picked;

    ck_quick(simkernel_pick(&sim->kernel, &picked) == 0);
    return picked.bid;
}

/* Byte by byte: a call of memset would be looked at. */
#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
__attribute__((no_sanitize("address")))
#endif
void simpool_fill(const struct simpool *sim, uint16_t bid,
                  unsigned char byte, size_t n)
{
    unsigned char *bytes = readbuf_slab_at(&sim->pool->slab, bid);

    for (size_t i = 0; i < n; i++) {
        bytes[i] = byte;
        __asm__ volatile("" ::: "memory"); /* no loop to be a memset */
    }
}

static bool is_lent(const struct readbuf_pool *pool, uint32_t bid)
{
    return readbuf_state_loan(pool->records[bid].state) % 2 != 0;
}

void simpool_check(const struct simpool *sim, uint32_t held,
                   uint32_t picked)
{
    const struct readbuf_pool *pool = sim->pool;
    uint32_t count = (uint32_t)pool->count, lent = 0;
    uint32_t in_ring = simkernel_available(&sim->kernel);
    uint64_t seen = 0;

    ck_quick(in_ring + held + picked == count);
    ck_quick(readbuf_pool_held(pool) == held);
    for (uint32_t i = 0; i < in_ring; i++) {
        const struct io_uring_buf *slot =
            &sim->kernel.shared
                 ->bufs[(sim->kernel.head + i) & (count - 1)];

        ck_quick(slot->bid < count);
        ck_quick(!(seen >> slot->bid & 1)); /* not twice */
        seen |= UINT64_C(1) << slot->bid;
        ck_quick(!is_lent(pool, slot->bid));
        ck_quick(slot->addr ==
                 (uintptr_t)readbuf_slab_at(&pool->slab, slot->bid));
        ck_quick(slot->len == pool->origin.size);
    }
    for (uint32_t bid = 0; bid < count; bid++)
        lent += is_lent(pool, bid);
    ck_quick(lent == held);
}

int simpool_complete(struct readbuf *buf, int32_t res, uint32_t flags)
{
    struct io_uring_cqe cqe = {.res = res, .flags = flags};

    return readbuf_complete(buf, &cqe);
}

int simpool_take(struct simpool *sim, int32_t res, uint32_t flags,
                 struct readbuf *out)
{
    struct io_uring_cqe cqe = {.res = res, .flags = flags};

    return readbuf_pool_take(sim->pool, &cqe, out);
}
