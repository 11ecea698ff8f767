/*
 * elsewhere.h - make a call on another thread.
 *
 * A thread that is not the owner of an io_uring, or one that a seccomp
 * filter refuses something: a filter holds for its thread only, and the
 * test goes on without it.
 */
#ifndef READBUF_TESTS_ELSEWHERE_H
#define READBUF_TESTS_ELSEWHERE_H

#include "sandbox.h"

#include <check.h>
#include <pthread.h>
#include <stddef.h>
#include <stdlib.h>

struct elsewhere {
    int (*call)(void *arg);
    void *arg;
    unsigned opcode; /* of io_uring_register(2), refused with ... */
    int error;       /* ... this; 0: not refused */
    int ret;
    pthread_t thread;
};

static inline void *elsewhere_main(void *arg)
{
    struct elsewhere *e = arg;

    if (e->error != 0)
        sandbox_refuse_register(e->opcode, e->error);
    e->ret = e->call(e->arg);
    return NULL;
}

/*
 * Begin the call, and go on meanwhile: `e` stays where it is. Check's
 * assertions allocate, and the other thread may be counting allocations
 * already, so there is none here.
 */
static inline void elsewhere_start(struct elsewhere *e)
{
    if (pthread_create(&e->thread, NULL, elsewhere_main, e) != 0)
        abort();
}

/* What the call returned, when it has. */
static inline int elsewhere_join(struct elsewhere *e)
{
    ck_assert_int_eq(pthread_join(e->thread, NULL), 0);
    return e->ret;
}

static inline int elsewhere_run(struct elsewhere e)
{
    elsewhere_start(&e);
    return elsewhere_join(&e);
}

/* What `call` returns on a thread of its own. */
static inline int elsewhere(int (*call)(void *arg), void *arg)
{
    return elsewhere_run((struct elsewhere){.call = call, .arg = arg});
}

/* ... on one that may not register this. */
static inline int elsewhere_refused(unsigned opcode, int error,
                                    int (*call)(void *arg), void *arg)
{
    return elsewhere_run((struct elsewhere){
        .call = call, .arg = arg, .opcode = opcode, .error = error});
}

#endif
