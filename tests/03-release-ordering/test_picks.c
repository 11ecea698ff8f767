/*
 * test_picks.c - who picks the buffer of a read that has waited, and
 * when.
 *
 * A child reads; the test's own process writes and looks on. What both
 * must see lies in memory that they share, the buffer among it. A child
 * that may make no system call any more cannot even exit, so it spins
 * until it is killed.
 */
#include "by_hand.h"
#include "sandbox.h"
#include "support.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

enum { GROUP = BY_HAND_GROUP, PATIENCE = 10000 };

/* Shared by the processes. */
struct stage {
    atomic_bool armed; /* the child's read waits */
    atomic_bool seen;  /* the child has seen it complete */
    char buffer[BY_HAND_LENGTH];
};

static struct stage *stage;

static struct io_uring ring;
static int ends[2];
static pid_t child;

/* The kernel writes it, and no compiler knows. */
static int first_byte(void)
{
    return __atomic_load_n(&stage->buffer[0], __ATOMIC_ACQUIRE);
}

static void rest(void)
{
    const struct timespec millisecond = {.tv_nsec = 1000000};

    nanosleep(&millisecond, NULL);
}

/* Some time is given for it; under emulation it may be needed. */
static bool comes(const atomic_bool *what)
{
    for (int i = 0; i < PATIENCE && !*what; i++)
        rest();
    return *what;
}

/* A pipe, and one buffer in the ring of a group. */
static void set_the_stage(void)
{
    struct io_uring_buf_ring *shared =
        by_hand_memory(sizeof(struct io_uring_buf));

    stage = mmap(NULL, sizeof(*stage), PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert_ptr_ne(stage, MAP_FAILED);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(by_hand_ring(ring.ring_fd, shared, 1, GROUP), 0);
    by_hand_give(shared, 1, stage->buffer, 0);
}

/* A read that waits for the pipe. */
static void arm(void)
{
    by_hand_prepare(&ring, ends[0], GROUP);
    if (io_uring_submit(&ring) != 1)
        abort();
}

static void spin_until_killed(void)
{
    for (;;)
        if (io_uring_cq_ready(&ring) != 0)
            stage->seen = true;
}

/* The child inherits the io_uring, and what it submits is its own. */
static void start(void (*body)(void))
{
    set_the_stage();
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        body();
}

static void end(void)
{
    ck_assert_int_eq(kill(child, SIGKILL), 0);
    ck_assert_int_eq(waitpid(child, NULL, 0), child);
}

static void write_a_byte(void)
{
    ck_assert_int_eq(write(ends[1], "x", 1), 1);
}

/* Who makes system calls behind a program's back, or NULL. */
static const char *restless_tool(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

    if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL)
        return "valgrind";
#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
    return "AddressSanitizer";
#else
    return NULL;
#endif
}

#define NEED_QUIET()                                        \
    do {                                                    \
        if (restless_tool() != NULL)                        \
            SKIP("%s makes system calls", restless_tool()); \
    } while (0)

static void wait_without_calls(void)
{
    arm();
    sandbox_kill_on_any_call();
    stage->armed = true;
    spin_until_killed();
}

static void picks_without_a_call(void)
{
    bool seen;

    start(wait_without_calls);
    ck_assert(comes(&stage->armed));
    ck_assert(!stage->seen && first_byte() == 0);
    write_a_byte();
    seen = comes(&stage->seen);
    end();
    ck_assert(seen);
    ck_assert_int_eq(first_byte(), 'x');
}

/*
 * claim: picks-without-a-call (5.19)
 * A read that waits picks its buffer between two instructions of a
 * program that makes no system call.
 */
START_TEST(a_waiting_read_picks_without_a_call)
{
    NEED_RING(&ring, 4, 0);
    NEED_FEATURE(rings);
    NEED_QUIET();
    picks_without_a_call();
}
END_TEST

START_TEST(with_coop_taskrun_too)
{
    NEED_RING(&ring, 4, IORING_SETUP_COOP_TASKRUN);
    NEED_FEATURE(rings);
    NEED_QUIET();
    picks_without_a_call();
}
END_TEST

static void be_stopped(void)
{
    arm();
    raise(SIGSTOP);
    spin_until_killed();
}

/*
 * claim: picks-on-your-thread (5.19)
 * While the thread that submitted it is stopped by a signal, bytes come
 * in and no buffer is picked.
 */
START_TEST(a_stopped_thread_picks_nothing)
{
    int status, while_stopped;
    bool seen;

    NEED_RING(&ring, 4, 0);
    NEED_FEATURE(rings);
    start(be_stopped);
    ck_assert_int_eq(waitpid(child, &status, WUNTRACED), child);
    ck_assert(WIFSTOPPED(status));
    write_a_byte();
    for (int i = 0; i < 50; i++)
        rest();
    while_stopped = first_byte();
    ck_assert_int_eq(kill(child, SIGCONT), 0);
    seen = comes(&stage->seen);
    end();
    ck_assert_int_eq(while_stopped, 0);
    ck_assert(seen);
    ck_assert_int_eq(first_byte(), 'x');
}
END_TEST

/*
 * claim: deferred-picks-in-the-wait (6.1)
 * With `IORING_SETUP_DEFER_TASKRUN` a read that waits picks its buffer
 * when the program asks for completions, and not before.
 */
START_TEST(deferred_it_picks_in_the_wait)
{
    const unsigned flags =
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    struct io_uring_cqe *cqe;

    NEED_RING(&ring, 4, flags);
    NEED_FEATURE(rings);
    set_the_stage();
    arm();
    write_a_byte();
    for (int i = 0; i < 20; i++)
        rest();
    ck_assert_int_eq(first_byte(), 0);
    ck_assert_int_eq(io_uring_wait_cqe(&ring, &cqe), 0);
    ck_assert_int_eq(cqe->res, 1);
    ck_assert_int_eq(first_byte(), 'x');
}
END_TEST

/* The kernel's thread sleeps until the first submission. */
static void wake_the_poller(void)
{
    struct io_uring_cqe *cqe;

    io_uring_prep_nop(io_uring_get_sqe(&ring));
    if (io_uring_submit(&ring) != 1 ||
        io_uring_wait_cqe(&ring, &cqe) != 0)
        abort();
    io_uring_cqe_seen(&ring, cqe);
}

static void submit_without_calls(void)
{
    wake_the_poller();
    by_hand_prepare(&ring, ends[0], GROUP);
    sandbox_kill_on_any_call();
    io_uring_submit(&ring);
    spin_until_killed();
}

/*
 * claim: sqpoll-picks-by-itself (5.19)
 * With `IORING_SETUP_SQPOLL` a read is submitted, picks its buffer and
 * completes without a system call of the program's.
 */
START_TEST(sqpoll_picks_by_itself)
{
    bool seen;

    NEED_RING(&ring, 4, IORING_SETUP_SQPOLL);
    NEED_FEATURE(rings);
    NEED_QUIET();
    start(submit_without_calls);
    write_a_byte();
    seen = comes(&stage->seen);
    end();
    ck_assert(seen);
    ck_assert_int_eq(first_byte(), 'x');
}
END_TEST

SUITE("picks", a_waiting_read_picks_without_a_call,
      with_coop_taskrun_too, a_stopped_thread_picks_nothing,
      deferred_it_picks_in_the_wait, sqpoll_picks_by_itself)
