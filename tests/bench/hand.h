/*
 * hand.h - what a program without the library writes: liburing's calls
 * on a ring and a slab of its own.
 *
 * The library's figures are compared with these. They are inline, as
 * they would be in a program, and leave out nothing that it needs.
 */
#ifndef READBUF_BENCH_HAND_H
#define READBUF_BENCH_HAND_H

#include "compat.h"

#include <stdbool.h>
#include <stdint.h>

struct hand {
    struct io_uring_buf_ring *ring;
    unsigned char *slab;
    uint32_t count; /* entries and buffers, a power of two */
    uint32_t size;
    uint16_t group;
};

/* Bytes that a completion brought; none if `data` is NULL. */
struct hand_bytes {
    unsigned char *data;
    uint32_t length;
    uint16_t bid;
};

static inline unsigned char *hand_at(const struct hand *hand,
                                     uint16_t bid)
{
    return hand->slab + (size_t)bid * hand->size;
}

/* Not seen by the kernel before hand_show; `place` counts from there.
 */
static inline void hand_add(const struct hand *hand, uint16_t bid,
                            int place)
{
    io_uring_buf_ring_add(hand->ring, hand_at(hand, bid), hand->size,
                          bid, io_uring_buf_ring_mask(hand->count),
                          place);
}

static inline void hand_show(const struct hand *hand, int count)
{
    io_uring_buf_ring_advance(hand->ring, count);
}

static inline struct hand_bytes
hand_take(const struct hand *hand, const struct io_uring_cqe *cqe)
{
    uint16_t bid = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);

    if (cqe->res <= 0 || !(cqe->flags & IORING_CQE_F_BUFFER))
        return (struct hand_bytes){0};
    return (struct hand_bytes){
        .data = hand_at(hand, bid),
        .length = (uint32_t)cqe->res,
        .bid = bid,
    };
}

static inline void hand_prep_read(const struct hand *hand,
                                  struct io_uring_sqe *sqe, int fd,
                                  uint64_t offset)
{
    io_uring_prep_read(sqe, fd, NULL, hand->size, offset);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = hand->group;
}

#endif
