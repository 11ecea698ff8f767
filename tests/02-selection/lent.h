/*
 * lent.h - a ring of four, the buffers lent to it, and who has them.
 *
 * Whether a buffer left the ring is not taken from the completion's
 * word: it is measured. The buffers that are left are taken out one by
 * one with reads of a pipe until ENOBUFS, counted, and put back in the
 * same order. Where the kernel can be asked for its head, it must say
 * the same.
 */
#ifndef READBUF_TESTS_LENT_H
#define READBUF_TESTS_LENT_H

#include "refusal.h"
#include "registration.h"
#include "selection.h"
#include "sources.h"
#include "support.h"

#include <errno.h>

enum { LENT_ENTRIES = 4, LENT_SIZE = 64, LENT_GROUP = 5 };

struct lent {
    struct io_uring uring;
    struct readbuf_ring buffers;
    unsigned left; /* in the ring, when we last looked */
    unsigned lens[LENT_ENTRIES];
    char memory[LENT_ENTRIES][LENT_SIZE];
    int taps[2]; /* the pipe by which buffers are counted */
};

/*
 * An empty ring of four with `ring_flags` (READBUF_RING_*), and `cq`
 * places for completions (0: as many as usual). Skips the test where
 * there is no such ring.
 */
#define NEED_LENT(lent, ring_flags, cq)                     \
    do {                                                    \
        const char *no = lent_open((lent), ring_flags, cq); \
        if (no != NULL)                                     \
            SKIP("%s", no);                                 \
    } while (0)

const char *lent_open(struct lent *l, unsigned flags, unsigned cq);

/* Add one entry of any shape; it is not counted as lent. */
void lent_entry(struct lent *l, void *address, unsigned len,
                unsigned short bid);

/* Lend `len` bytes of one buffer, or of buffers 0 to count - 1. */
void lend(struct lent *l, unsigned short bid, unsigned len);
void lend_first(struct lent *l, unsigned short count, unsigned len);

/* How many buffers are in the ring: looked up, not remembered. */
unsigned lent_left(struct lent *l);

/*
 * The completions since the last look are this one. It names a buffer
 * that is ours if, and only if, a buffer has left the ring.
 */
void lent_settle(struct lent *l, struct readbuf_completion done);

/* Submit, wait for one completion, decode it, settle. */
struct readbuf_completion lent_finish(struct lent *l);

/* Let the kernel run; nothing completes yet. */
void lent_idle(struct lent *l);

/*
 * Submit one request with IOSQE_ASYNC, and see the worker take its
 * buffer. It does so when it likes; the test's time limit is its limit.
 * Needs the feature `status`.
 */
void lent_idle_worker(struct lent *l);

/*
 * Prepare a request for as much as fits into a buffer, which the caller
 * may go on to change.
 */
struct io_uring_sqe *lent_read(struct lent *l, int fd);
struct io_uring_sqe *lent_recv(struct lent *l, int fd);
struct io_uring_sqe *lent_multishot(struct lent *l, int fd);

/* Cancel the request with user data 0, decode what it says. Tried until
 * it works: one that a worker is just beginning can be missed. */
struct readbuf_completion lent_cancel(struct lent *l);

/* What a completion must say. */
void ck_answer(struct readbuf_completion done, int res,
               bool has_buffer);

#endif
