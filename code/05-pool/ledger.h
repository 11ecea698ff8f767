/*
 * ledger.h - who has which buffer: one record for each.
 *
 * A record's loan is odd while the application has the buffer, else
 * even, and goes up by one with every change of hands. Beside it, in
 * the same word, stands how many handles hold the buffer in parts: 0
 * for a buffer that is held whole, and for one that the kernel has. And
 * READBUF_NOBODYS for one on its way back, at the gate or in reserve,
 * which the kernel has not. One word, so that a hand-over is one
 * compare-and-swap, which exactly one of several threads can win.
 *
 * All zero is a buffer that was never lent: what a record says is how
 * far things have moved since the pool was made. So a new ledger is not
 * written to, and a large pool costs the pages of the buffers it uses.
 *
 * The ledger is for one process. A child of fork(2) gets a copy of the
 * pool and of the descriptor, but the io_uring behind that is the
 * parent's, who would lose the ring or be given buffers that are in
 * use. So in a child the kernel replaces the ledger by zeroes: no
 * buffer is lent there, and the pool is not `ours`.
 */
#ifndef READBUF_LEDGER_H
#define READBUF_LEDGER_H

#include <stdatomic.h>
#include <stdint.h>

/*
 * A decode and a release each touch one line of memory of their
 * buffer's, and a release its predecessor's `after`.
 */
struct readbuf_record {
    _Alignas(32) _Atomic uint64_t state; /* loan below, holds above */
    _Atomic uint64_t position;           /* these two: see order.h */
    _Atomic uint16_t after;
    _Atomic uint16_t next; /* in a chain of buffers on their way back:
                              number + 1, or 0 at its end */
};

struct readbuf_ledger {
    uint32_t ours;       /* 1, and 0 in a child */
    uint32_t short_most; /* bytes that the short way in takes (loan.c);
                            so in a child there is no short way */
    _Alignas(64) struct readbuf_record records[]; /* by bid */
};

/* Instead of holders: given up, and not in the ring yet. */
#define READBUF_NOBODYS (UINT32_C(1) << 31)

/* The two halves of a record's state. */
static inline uint32_t readbuf_state_loan(uint64_t state)
{
    return (uint32_t)state;
}

static inline uint32_t readbuf_state_holds(uint64_t state)
{
    return (uint32_t)(state >> 32);
}

static inline uint64_t readbuf_state(uint32_t loan, uint32_t holds)
{
    return (uint64_t)holds << 32 | loan;
}

/*
 * The ledger of `count` buffers, none of which was ever lent, and room
 * for as many numbers behind it; NULL without memory.
 */
struct readbuf_ledger *readbuf_ledger_map(uint32_t count);

void readbuf_ledger_unmap(struct readbuf_ledger *ledger,
                          uint32_t count);

/* The room behind the records. */
uint16_t *readbuf_ledger_numbers(struct readbuf_ledger *ledger,
                                 uint32_t count);

#endif
