/*
 * test_flavours.c - the core of a pool on every kind of io_uring.
 *
 * One round of everything, for each way to set an io_uring up and with
 * the ring of buffers in memory of ours and of the kernel's. A kind
 * that this kernel has not is skipped by its name.
 */
#include "elsewhere.h"
#include "faults.h"
#include "pooltest.h"

#include <errno.h>
#include <fcntl.h>

/* What the headers of liburing 2.3 do not have (Linux 6.18). */
#define CQE_MIXED (1u << 18)

enum { COUNT = 4, SIZE = 64 };

static struct pooltest t;

static int call_release(void *arg)
{
    return readbuf_release(arg);
}

/* Read `fd` into `buf`: what readbuf_complete says. */
static int read_into(struct readbuf *buf, int fd, uint64_t offset)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&t.uring);

    ck_assert_ptr_nonnull(sqe);
    readbuf_prep_read(sqe, fd, buf, offset);
    return pooltest_complete(&t.uring, buf);
}

/* So many are out; where the kernel can be asked, the rest is free. */
static void ck_out(uint32_t held)
{
    int available = readbuf_pool_available(t.pool);

    ck_assert_uint_eq(readbuf_pool_held(t.pool), held);
    if (support_features()->status)
        ck_assert_int_eq(available, (int)(COUNT - held));
    else
        ck_assert_int_eq(available, -EINVAL);
}

/* READ of a pipe and of a file, RECV, and more into a held buffer. */
static void bytes_come(void)
{
    struct readbuf buf = readbuf_pool_get(t.pool), file = buf, socket;
    int pipe_fd[2], file_fd[2];

    source_pipe(pipe_fd);
    source_memfd(file_fd);
    source_say(pipe_fd, "from a pipe");
    source_say(file_fd, "from a file");
    ck_assert_int_eq(read_into(&buf, pipe_fd[0], UINT64_MAX), 11);
    pooltest_ck_text(&buf, "from a pipe");
    ck_assert_int_eq(read_into(&file, file_fd[0], 5), 6);
    pooltest_ck_text(&file, "a file");
    socket = pooltest_read(&t, "from a socket");
    ck_out(3);
    ck_assert_int_eq(pooltest_receive(&t, &socket, ", and more"), 10);
    pooltest_ck_text(&socket, "from a socket, and more");
    ck_assert_int_eq(readbuf_release(&file), 0);
    ck_assert_int_eq(readbuf_release(&socket), 0);
    ck_assert_int_eq(elsewhere(call_release, &buf), 0);
    ck_assert_ptr_null(buf.data);
    ck_out(0);
    close(pipe_fd[0]);
    close(pipe_fd[1]);
    close(file_fd[0]);
    close(file_fd[1]);
}

/* All are out: the next read starves until one comes back. */
static void starving_passes(void)
{
    struct readbuf held[COUNT], buf = readbuf_pool_get(t.pool), copy;

    for (int i = 0; i < COUNT; i++)
        held[i] = pooltest_read(&t, "x");
    ck_out(COUNT);
    ck_assert_int_eq(pooltest_receive(&t, &buf, "waiting"), -ENOBUFS);
    ck_assert_ptr_null(buf.data);
    copy = held[2];
    ck_assert_int_eq(elsewhere(call_release, &held[2]), 0);
    ck_assert_int_eq(read_into(&buf, t.fd[0], UINT64_MAX), 7);
    pooltest_ck_text(&buf, "waiting");
    ck_assert_int_eq(readbuf_release(&copy), -ESTALE);
    held[2] = buf;
    ck_assert_int_eq(readbuf_release_all(held, COUNT), 0);
    ck_out(0);
}

/* No bytes: an error, an end, and a read that is cancelled. */
static void no_bytes_cost_no_buffer(void)
{
    struct readbuf buf = readbuf_pool_get(t.pool);
    struct io_uring_sqe *sqe;
    int fd[2], directory = open("/", O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(directory, 0);
    ck_assert_int_eq(read_into(&buf, directory, 0), -EISDIR);
    ck_out(0);
    source_pipe(fd);
    source_end(fd);
    ck_assert_int_eq(read_into(&buf, fd[0], UINT64_MAX), 0);
    ck_out(0);
    sqe = io_uring_get_sqe(&t.uring);
    readbuf_prep_recv(sqe, t.fd[0], &buf, 0);
    sqe->user_data = 1;
    sqe = io_uring_get_sqe(&t.uring);
    io_uring_prep_cancel64(sqe, 1, 0);
    sqe->user_data = 2;
    for (int i = 0; i < 2; i++) {
        struct support_cqe seen = support_complete(&t.uring);
        struct io_uring_cqe cqe = {.res = seen.res,
                                   .flags = seen.flags};

        if (seen.user_data == 1)
            ck_assert_int_eq(readbuf_complete(&buf, &cqe), -ECANCELED);
        else
            ck_assert_int_eq(seen.res, 0);
    }
    ck_assert_ptr_null(buf.data);
    ck_out(0);
    close(fd[0]);
    close(directory);
}

/* One buffer outlives the pool; nothing outlives that buffer. */
static void teardown(struct pooltest_usage before)
{
    struct readbuf buf = pooltest_read(&t, "still here");

    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_int_eq(readbuf_pool_available(t.pool), -ENOENT);
    pooltest_ck_text(&buf, "still here");
    ck_assert_int_eq(elsewhere(call_release, &buf), 0);
    pooltest_ck_usage(before);
}

/* Everything in turn; why it cannot be had, or NULL. */
static const char *serve(unsigned setup, bool registered,
                         unsigned flags)
{
    struct pooltest_usage before = pooltest_usage();
    const char *why = pooltest_open(&t, setup, COUNT, SIZE, flags);

    if (why != NULL)
        return why;
    if (registered && io_uring_register_ring_fd(&t.uring) != 1)
        return "this kernel registers no descriptor of an io_uring";
    for (int i = 0; i < 3; i++) {
        bytes_come();
        starving_passes();
        no_bytes_cost_no_buffer();
    }
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
    teardown(before);
    io_uring_queue_exit(&t.uring);
    return NULL;
}

#define SERVES(...)                           \
    do {                                      \
        const char *why = serve(__VA_ARGS__); \
        if (why != NULL)                      \
            SKIP("%s", why);                  \
    } while (0)

/* Two tests: with a ring of ours, and with one of the kernel. */
#define FLAVOUR(name, setup, registered)                     \
    START_TEST(name)                                         \
    {                                                        \
        SERVES(setup, registered, 0);                        \
    }                                                        \
    END_TEST                                                 \
    START_TEST(name##_kernel_ring)                           \
    {                                                        \
        SERVES(setup, registered, READBUF_POOL_KERNEL_RING); \
    }                                                        \
    END_TEST

FLAVOUR(plain, 0, false)
FLAVOUR(sqpoll, IORING_SETUP_SQPOLL, false)
FLAVOUR(single_issuer, IORING_SETUP_SINGLE_ISSUER, false)
FLAVOUR(defer_taskrun,
        IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, false)
FLAVOUR(coop_taskrun, IORING_SETUP_COOP_TASKRUN, false)
FLAVOUR(sqe128, IORING_SETUP_SQE128, false)
FLAVOUR(cqe32, IORING_SETUP_CQE32, false)
FLAVOUR(sqe128_cqe32, IORING_SETUP_SQE128 | IORING_SETUP_CQE32, false)
FLAVOUR(cqe_mixed, CQE_MIXED, false)
FLAVOUR(registered_fd, 0, true)

#define BOTH(name) name, name##_kernel_ring

SUITE("flavours", BOTH(plain), BOTH(sqpoll), BOTH(single_issuer),
      BOTH(defer_taskrun), BOTH(coop_taskrun), BOTH(sqe128),
      BOTH(cqe32), BOTH(sqe128_cqe32), BOTH(cqe_mixed),
      BOTH(registered_fd))
