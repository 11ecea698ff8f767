/*
 * ledger.h - who has which buffer: a number for each, its loan.
 *
 * A loan is even while the kernel has the buffer and odd while the
 * application has it, and it goes up by one with every change of hands.
 * The loans start far apart: a handle whose `data` was moved to another
 * buffer must not carry the number that this one has.
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

struct readbuf_ledger {
    uint32_t ours;            /* 1, and 0 in a child */
    _Atomic uint32_t loans[]; /* by bid */
};

/*
 * The ledger of `count` buffers (a power of two), which are all the
 * kernel's; NULL without memory.
 */
struct readbuf_ledger *readbuf_ledger_map(uint32_t count);

void readbuf_ledger_unmap(struct readbuf_ledger *ledger,
                          uint32_t count);

#endif
