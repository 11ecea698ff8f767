/*
 * order.h - what was published when, whatever has happened to the slots
 * since.
 *
 * A slot forgets its tenant when it gets the next one, and a buffer
 * may be out for longer than the ring takes to go round. So the order
 * is written down by buffer: at which position it was published, and
 * which one came after it. While a buffer is out it cannot be
 * published, so what stands here stays true for as long as anyone asks.
 *
 * A new pool publishes its buffers in the order of their numbers, and
 * writes none of that down: 0 stands for it.
 *
 * Written by whoever is inside the gate, read by the decoder.
 */
#ifndef READBUF_ORDER_H
#define READBUF_ORDER_H

#include "ledger.h"

#include <stdbool.h>

/*
 * A buffer is published as the `position`th ever, and `last` is the
 * record of the one that was published before it.
 */
static inline void readbuf_order_note(struct readbuf_record *last,
                                      struct readbuf_record *record,
                                      uint32_t bid, uint64_t position)
{
    atomic_store_explicit(&last->after, (uint16_t)(bid + 1),
                          memory_order_relaxed);
    atomic_store_explicit(&record->position, position,
                          memory_order_relaxed);
}

/*
 * Which buffer was published right after `bid`. Defined while `bid` is
 * consumed and not published again, and another was published after it.
 */
static inline uint16_t
readbuf_order_after(const struct readbuf_record *records, uint16_t bid)
{
    uint16_t after =
        atomic_load_explicit(&records[bid].after, memory_order_relaxed);

    return (uint16_t)(after != 0 ? after - 1 : bid + 1);
}

/*
 * Has a kernel whose head is `head` consumed `bid` since it was last
 * published? `consumed` is how many are known to be, and no more than
 * 32768 behind the head, which has only sixteen bits.
 */
static inline bool
readbuf_order_consumed(const struct readbuf_record *records,
                       uint16_t bid, uint64_t consumed, uint16_t head)
{
    uint64_t position = atomic_load_explicit(&records[bid].position,
                                             memory_order_relaxed);
    uint16_t unreported = (uint16_t)(head - (uint16_t)consumed);

    if (position == 0)
        position = bid + UINT64_C(1);
    return position <= consumed + unreported;
}

#endif
