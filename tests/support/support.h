/*
 * support.h - what every test program of this repository shares.
 *
 * A test program is a list of tests and one line:
 *
 *     SUITE("registration", first_test, second_test, ...)
 *
 * Run without arguments it prints what check prints. With a path as its
 * argument it also leaves PATH.tap (a line a test) and PATH.skip (the
 * tests that could not run here, and why): the book reads its verdicts
 * from these.
 *
 * Every test runs in a process of its own, so it may install seccomp
 * filters, change its limits and leave things open.
 */
#ifndef READBUF_TESTS_SUPPORT_H
#define READBUF_TESTS_SUPPORT_H

#include <check.h>
#include <liburing.h>
#include <stdint.h>

#include "probe.h"

#define SUITE(name, ...)                                       \
    int main(int argc, char **argv)                            \
    {                                                          \
        const TTest *const tests[] = {__VA_ARGS__};            \
        return support_main(argc, argv, name, tests,           \
                            sizeof(tests) / sizeof(tests[0])); \
    }

int support_main(int argc, char **argv, const char *name,
                 const TTest *const *tests, size_t count);

/* End this test as "could not run here", loudly, with the reason. */
#define SKIP(...)                            \
    do {                                     \
        support_skip(__func__, __VA_ARGS__); \
        return;                              \
    } while (0)

void support_skip(const char *test, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * The io_uring of a test: `ring` is a struct io_uring, `flags` are
 * IORING_SETUP_*. Skips the test where io_uring is refused or the
 * kernel is too old for the flags.
 */
#define NEED_RING(ring, entries, flags)                       \
    do {                                                      \
        const char *why = support_ring(ring, entries, flags); \
        if (why != NULL)                                      \
            SKIP("%s", why);                                  \
    } while (0)

const char *support_ring(struct io_uring *ring, unsigned entries,
                         unsigned flags);

/*
 * The memory of a closed io_uring is counted as locked for a while
 * longer, so an unprivileged user who opens many sees ENOMEM. After a
 * short rest, true if `ret` is that and it is worth trying again.
 */
bool support_locked_for_now(int ret, int *tries);

/* Skip the test unless the kernel has this member of the features. */
#define NEED_FEATURE(feature)                        \
    do {                                             \
        if (!support_features()->feature)            \
            SKIP("this kernel has no %s", #feature); \
    } while (0)

/* All false where io_uring is refused. */
const struct readbuf_features *support_features(void);

/* A completion, copied out of the ring it came in. */
struct support_cqe {
    uint64_t user_data;
    int32_t res;
    uint32_t flags;
};

/* Submit what is prepared, wait for one completion, take it. */
struct support_cqe support_complete(struct io_uring *ring);

/* Run `body` in a child as nobody: what it exited with, 0 if it came to
 * its end, -1 if it was killed. */
int support_as_nobody(void (*body)(void));

#endif
