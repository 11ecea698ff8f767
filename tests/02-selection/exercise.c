/*
 * exercise.c - grades exercise 2 of chapter 2: the counts are compared
 * with the kernel's own head after every completion.
 */
#include "exercise.h"

#include "registration.h"
#include "support.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENTRIES = 4, SIZE = 32, GROUP = 3 };

static struct io_uring uring;
static struct readbuf_ring ring;
static char memory[ENTRIES][SIZE];
static struct exercise_count count;

static void give(void)
{
    for (unsigned short bid = 0; bid < ENTRIES; bid++)
        io_uring_buf_ring_add(ring.shared, memory[bid], SIZE, bid,
                              ENTRIES - 1, bid);
    io_uring_buf_ring_advance(ring.shared, ENTRIES);
    count = (struct exercise_count){.with_us = ENTRIES};
    exercise_give(&count, ENTRIES);
}

static void agree(const char *after, const char *hint)
{
    uint16_t head;

    ck_assert_int_eq(readbuf_ring_head(&ring, &head), 0);
    ck_assert_msg(count.with_us == head &&
                      count.in_ring + head == ENTRIES,
                  "after %s the kernel has handed out %u, and you "
                  "count %u with us, %u in the ring; hint: %s",
                  after, head, count.with_us, count.in_ring, hint);
}

static void completed(const char *after, const char *hint)
{
    struct support_cqe cqe = support_complete(&uring);

    exercise_completed(&count, cqe.res, cqe.flags);
    agree(after, hint);
}

static void read_one(int fd)
{
    readbuf_select_read(io_uring_get_sqe(&uring), fd, GROUP, 0, 0);
}

static void closed_pipe(int fd[2])
{
    ck_assert_int_eq(pipe(fd), 0);
    close(fd[1]);
}

/* With ten bytes to receive; more would come. */
static void multishot(int fd[2])
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);

    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fd), 0);
    ck_assert_int_eq(write(fd[1], "ten bytes.", 10), 10);
    readbuf_select_recv(sqe, fd[0], GROUP, 0, 0);
    sqe->ioprio |= IORING_RECV_MULTISHOT;
}

START_TEST(every_completion_is_counted)
{
    int fd[2], sock[2], local[2];

    NEED_FEATURE(status);
    NEED_RING(&uring, 4, 0);
    ck_assert_int_eq(
        readbuf_ring_register(&ring, uring.ring_fd, ENTRIES, GROUP, 0),
        0);
    give();
    agree("giving four", "count what you give");
    read_one(open("LICENSE", O_RDONLY));
    completed("reading a file with buffer 0",
              "buffer 0 is a buffer too: look at the flag");
    closed_pipe(fd);
    read_one(fd[0]);
    completed("the end of a pipe", "an end of file can cost a buffer");
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, sock), 0);
    close(sock[1]);
    readbuf_select_recv(io_uring_get_sqe(&uring), sock[0], GROUP, 0, 0);
    completed("the end of a socket's stream", "this one costs none");
    read_one(open(".", O_RDONLY));
    completed("reading a directory", "an error can cost a buffer");
    multishot(local);
    completed("a multishot receive of ten bytes",
              "a request that goes on has taken a buffer too");
    read_one(open("LICENSE", O_RDONLY));
    completed("ENOBUFS", "nothing was picked");
}
END_TEST

START_TEST(a_buffer_that_goes_on_is_the_kernels)
{
    int fd[2];

    NEED_FEATURE(status);
    NEED_FEATURE(incremental);
    NEED_RING(&uring, 4, 0);
    ck_assert_int_eq(readbuf_ring_register(&ring, uring.ring_fd,
                                           ENTRIES, GROUP,
                                           READBUF_RING_INCREMENTAL),
                     0);
    give();
    ck_assert_int_eq(pipe(fd), 0);
    ck_assert_int_eq(write(fd[1], "ten bytes.", 10), 10);
    read_one(fd[0]);
    completed("ten bytes into a buffer of 32",
              "F_BUF_MORE says that the kernel keeps it");
}
END_TEST

/*
 * The figure's eight cells, some of which no kernel can be made to
 * answer on the spot: each with a request that goes on and one that
 * ends, with buffer 0 and another, with a flag that is of no concern.
 */
static void ck_cell(int32_t res, bool named, const char *hint)
{
    const uint32_t others[] = {0, IORING_CQE_F_MORE,
                               IORING_CQE_F_SOCK_NONEMPTY};

    for (unsigned i = 0; i < 6; i++) {
        uint32_t bid = named ? i / 3 * 2 : 0;
        uint32_t flags = others[i % 3] |
                         (named ? IORING_CQE_F_BUFFER : 0) |
                         bid << IORING_CQE_BUFFER_SHIFT;

        count = (struct exercise_count){.in_ring = ENTRIES};
        exercise_completed(&count, res, flags);
        ck_assert_msg(count.with_us == named &&
                          count.in_ring == ENTRIES - (unsigned)named,
                      "res %d, flags 0x%x: you count %u with us, %u in "
                      "the ring; hint: %s",
                      res, flags, count.with_us, count.in_ring, hint);
    }
}

START_TEST(data_with_a_buffer)
{
    ck_cell(10, true, "a buffer came with bytes");
}
END_TEST

START_TEST(data_without_a_buffer)
{
    ck_cell(10, false, "bytes do not prove a buffer");
}
END_TEST

START_TEST(an_end_with_a_buffer)
{
    ck_cell(0, true, "an end of file can cost a buffer");
}
END_TEST

START_TEST(an_end_without_a_buffer)
{
    ck_cell(0, false, "an end does not prove a buffer");
}
END_TEST

START_TEST(enobufs_with_a_buffer)
{
    ck_cell(-ENOBUFS, true, "ENOBUFS can be the socket's own error");
}
END_TEST

START_TEST(enobufs_without_a_buffer)
{
    ck_cell(-ENOBUFS, false, "an empty ring has nothing to take");
}
END_TEST

START_TEST(an_error_with_a_buffer)
{
    ck_cell(-EISDIR, true, "an error can cost a buffer");
}
END_TEST

START_TEST(an_error_without_a_buffer)
{
    ck_cell(-ECONNRESET, false, "an error does not prove a buffer");
}
END_TEST

SUITE("exercise 2", every_completion_is_counted,
      a_buffer_that_goes_on_is_the_kernels, data_with_a_buffer,
      data_without_a_buffer, an_end_with_a_buffer,
      an_end_without_a_buffer, enobufs_with_a_buffer,
      enobufs_without_a_buffer, an_error_with_a_buffer,
      an_error_without_a_buffer)
