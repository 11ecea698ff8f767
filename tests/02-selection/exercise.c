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

START_TEST(every_completion_is_counted)
{
    int fd[2], sock[2];

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
    read_one(open("LICENSE", O_RDONLY));
    completed("the last buffer", "a buffer came with bytes");
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

SUITE("exercise 2", every_completion_is_counted,
      a_buffer_that_goes_on_is_the_kernels)
