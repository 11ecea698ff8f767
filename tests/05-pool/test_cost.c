/*
 * test_cost.c - what a read costs besides the kernel's own work:
 * between a completion and the release of its buffer there is no system
 * call.
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
static void complete_and_release(void)
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
    good = good && readbuf_release(&buf) == 0;
    _exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

START_TEST(a_round_trip_makes_no_system_call)
{
    const char *preloaded = getenv("LD_PRELOAD");
    struct pooltest t;
    int status;
    pid_t child;

#ifdef READBUF_OWN_ASAN
    SKIP("AddressSanitizer makes system calls of its own");
#endif
    if (preloaded != NULL && strstr(preloaded, "vgpreload") != NULL)
        SKIP("valgrind makes system calls of its own");
    NEED_POOL(&t, 0, 4, 32, 0);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        complete_and_release();
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_SUCCESS);
}
END_TEST

SUITE("cost", a_round_trip_makes_no_system_call)
