/*
 * test_cost.c - what a read costs besides the kernel's own work:
 * between a completion and the release of its buffer there is no system
 * call, and neither is in a release that finds another thread inside.
 */
#include "pooltest.h"

#include "sandbox.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * From the filter on every system call but the last one ends the
 * process.
 */
static void complete_and_release(bool busy)
{
    struct pooltest t;
    struct readbuf buf;
    struct io_uring_cqe *cqe;
    struct io_uring_sqe sqe;
    bool good;

    ck_assert_ptr_null(pooltest_open(&t, 0, 4, 32, 0));
    buf = readbuf_pool_get(t.pool);
    source_say(t.fd, "bytes");
    readbuf_prep_recv(io_uring_get_sqe(&t.uring), t.fd[0], &buf, 0);
    ck_assert_int_eq(io_uring_submit_and_wait(&t.uring, 1), 1);
    ck_assert_int_eq(io_uring_peek_cqe(&t.uring, &cqe), 0);
    sandbox_kill_on_any_call();
    readbuf_prep_recv(&sqe, 0, &buf, 0);
    good = readbuf_complete(&buf, cqe) > 0;
    readbuf_prep_recv(&sqe, 0, &buf, 0);
    good = good && readbuf_pool_held(t.pool) == 1;
    if (busy)
        good = good && readbuf_gate_enter(&t.pool->gate);
    good = good && readbuf_release(&buf) == 0;
    if (busy)
        readbuf_pool_leave(t.pool, 0);
    good = good && readbuf_pool_held(t.pool) == 0;
    _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

/* Whether a system call was made, in a process of its own. */
static void ck_no_call(bool busy)
{
    int status;
    pid_t child = fork();

    ck_assert_int_ge(child, 0);
    if (child == 0)
        complete_and_release(busy);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_SUCCESS);
}

static const char *blind(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

#ifdef READBUF_OWN_ASAN
    return "AddressSanitizer makes system calls of its own";
#endif
    if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL)
        return "valgrind makes system calls of its own";
    return NULL;
}

START_TEST(a_round_trip_makes_no_system_call)
{
    struct pooltest t;

    if (blind() != NULL)
        SKIP("%s", blind());
    NEED_POOL(&t, 0, 4, 32, 0);
    ck_no_call(false);
}
END_TEST

START_TEST(a_release_among_others_makes_no_system_call)
{
    struct pooltest t;

    if (blind() != NULL)
        SKIP("%s", blind());
    NEED_POOL(&t, 0, 4, 32, 0);
    ck_no_call(true);
}
END_TEST

SUITE("cost", a_round_trip_makes_no_system_call,
      a_release_among_others_makes_no_system_call)
