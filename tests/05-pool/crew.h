/*
 * crew.h - threads that do something at the same moment, many times
 * over; and buffers for them to do it with.
 */
#ifndef READBUF_TESTS_CREW_H
#define READBUF_TESTS_CREW_H

#include "pooltest.h"

#include <pthread.h>

enum { CREW_MAX = 4 };

/* What one of them does in a round: `who` counts from 0. */
typedef void crew_body(void *argument, unsigned who);

struct crew_member {
    struct crew *crew;
    unsigned who;
    pthread_t thread;
};

struct crew {
    unsigned size;
    crew_body *body;
    void *argument;
    bool dismissed;
    pthread_barrier_t start, end;
    _Atomic unsigned ready; /* threads that began a round, ever */
    struct crew_member members[CREW_MAX];
};

/* A crew of `size`, the calling thread among them as number 0. */
void crew_open(struct crew *crew, unsigned size, crew_body *body,
               void *argument);

/* All do it once; returns when all are done. */
void crew_round(struct crew *crew);

void crew_close(struct crew *crew);

/*
 * Divide what there is to do: valgrind and ThreadSanitizer need that
 * many times longer.
 */
unsigned crew_slower(void);

/*
 * A fresh handle for each of `n` buffers, with one byte that READ
 * took from /dev/zero. The kernel has that many.
 */
void crew_borrow(struct pooltest *t, struct readbuf *bufs, unsigned n);

/* So many buffers are free, by the kernel's own head if it tells. */
void crew_ck_available(struct pooltest *t, int expected);

/* ... and that is all of them. */
void crew_ck_free(struct pooltest *t, int count);

/*
 * An assertion for what is done many times: those of check write down
 * where they are, each time, with a system call.
 */
#define ck_often(condition)                 \
    do {                                    \
        if (!(condition))                   \
            ck_abort_msg("%s", #condition); \
    } while (0)

#endif
