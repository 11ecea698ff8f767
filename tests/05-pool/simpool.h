/*
 * simpool.h - a pool whose kernel is simulated.
 *
 * Made and taken down by the library, without an io_uring: the ring is
 * memory of ours (simring.h), and whoever asks for the kernel's head is
 * told that of the simulated one. What such a kernel picks and answers
 * is the test's to decide.
 */
#ifndef READBUF_TESTS_SIMPOOL_H
#define READBUF_TESTS_SIMPOOL_H

#include "pool.h"
#include "simkernel.h"

#include <check.h>

enum { SIMPOOL_MAX = 64 };

struct simpool {
    struct readbuf_pool *pool;
    struct simkernel kernel;
};

/* A pool of up to SIMPOOL_MAX buffers, all in the ring. */
void simpool_open(struct simpool *sim, uint32_t count, uint32_t size);

/* All buffers must be in the ring again, and the last owner goes. */
void simpool_close(struct simpool *sim);

/* The kernel consumes the buffer at its head; which one. */
uint16_t simpool_pick(struct simpool *sim);

/* The kernel fills `n` bytes of the buffer; no memory tool sees it. */
void simpool_fill(const struct simpool *sim, uint16_t bid,
                  unsigned char byte, size_t n);

/*
 * Each buffer is at one place: in the ring, with the right address and
 * length, or held, as many as the pool says, or among the `picked` ones
 * that the kernel has consumed and not yet completed.
 */
void simpool_check(const struct simpool *sim, uint32_t held,
                   uint32_t picked);

/* readbuf_complete and readbuf_pool_take, of a completion made here. */
int simpool_complete(struct readbuf *buf, int32_t res, uint32_t flags);
int simpool_take(struct simpool *sim, int32_t res, uint32_t flags,
                 struct readbuf *out);

/*
 * An assertion for what is done a million times: those of check write
 * down where they are, each time, with a system call.
 */
#define ck_quick(condition)                 \
    do {                                    \
        if (!(condition))                   \
            ck_abort_msg("%s", #condition); \
    } while (0)

#endif
