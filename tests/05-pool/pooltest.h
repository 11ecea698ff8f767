/*
 * pooltest.h - an io_uring, a pool, and something to read from.
 */
#ifndef READBUF_TESTS_POOLTEST_H
#define READBUF_TESTS_POOLTEST_H

#include "pool.h"
#include "sources.h"
#include "support.h"

struct pooltest {
    struct io_uring uring;
    struct readbuf_pool *pool;
    int fd[2]; /* a stream: fd[0] is read, fd[1] is written */
};

/*
 * The fixture of a test; `setup` are IORING_SETUP_*, the rest is as for
 * readbuf_pool_create. Skips the test where that cannot be had.
 */
#define NEED_POOL(t, setup, count, size, flags)          \
    do {                                                 \
        const char *why_not =                            \
            pooltest_open(t, setup, count, size, flags); \
        if (why_not != NULL)                             \
            SKIP("%s", why_not);                         \
    } while (0)

const char *pooltest_open(struct pooltest *t, unsigned setup,
                          uint32_t count, uint32_t size,
                          unsigned flags);

/* Another pool on that io_uring; it must succeed. */
struct readbuf_pool *pooltest_create(struct io_uring *uring,
                                     uint32_t count, uint32_t size,
                                     unsigned flags);

/* Submit, wait for one completion, and complete it into `buf`. */
int pooltest_complete(struct io_uring *uring, struct readbuf *buf);

/* Send `text` and receive it into `buf`; what readbuf_complete says. */
int pooltest_receive(struct pooltest *t, struct readbuf *buf,
                     const char *text);

/* A fresh handle that holds `text`. */
struct readbuf pooltest_read(struct pooltest *t, const char *text);

/* The handle holds exactly this. */
void pooltest_ck_text(const struct readbuf *buf, const char *text);

/* Descriptors the kernel has, found by taking and returning them. */
uint32_t pooltest_count_free(struct pooltest *t);

/* What our own objects have not given back yet; see faults.h. */
struct pooltest_usage {
    size_t mapped;
    size_t allocated;
};

struct pooltest_usage pooltest_usage(void);

void pooltest_ck_usage(struct pooltest_usage expected);

/*
 * How many groups a pool may have are rings. They are none afterwards:
 * each was counted by unregistering it.
 */
unsigned pooltest_purge(const struct io_uring *uring);

#endif
