/*
 * release_twice.c - EXHIBIT: wrong on purpose.
 *
 * A pool whose handles are ids. The error path of a connection gives
 * the buffer back, and so does the cleanup that runs after it. Nothing
 * happens. Then two other connections read.
 */
#include "publisher.h"
#include "registration.h"
#include "selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ENTRIES = 4, SIZE = 32, GROUP = 7 };

static struct io_uring ring;
static struct readbuf_ring buffers;
static struct readbuf_publisher publisher;
static struct readbuf_published published[ENTRIES];
static char memory[ENTRIES][SIZE];

static void release(int bid)
{
    struct readbuf_descriptor d = {memory[bid], SIZE, (uint16_t)bid};

    readbuf_publish(&publisher, &d, 1);
}

/* Somebody says something; the id of the buffer that it is in. */
static int receive(const char *who, const char *text)
{
    struct readbuf_completion done;
    struct io_uring_cqe *cqe;
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) < 0 ||
        send(fd[1], text, strlen(text) + 1, 0) < 0)
        exit(EXIT_FAILURE);
    readbuf_select_recv(io_uring_get_sqe(&ring), fd[0], GROUP, 0, 0);
    if (io_uring_submit_and_wait(&ring, 1) < 0 ||
        io_uring_peek_cqe(&ring, &cqe) < 0)
        exit(EXIT_FAILURE);
    done = readbuf_decode(cqe->res, cqe->flags);
    io_uring_cqe_seen(&ring, cqe);
    if (!done.buffer_is_ours)
        exit(EXIT_FAILURE);
    readbuf_publisher_taken(&publisher, 1);
    printf("%-6s is in buffer %u: \"%s\"\n", who, done.bid,
           memory[done.bid]);
    return done.bid;
}

static void play(void)
{
    int mallory, alice;

    release(0);
    release(1);
    mallory = receive("Mallory", "garbage");
    release(mallory); /* the error path */
    release(mallory); /* THE MISTAKE: the cleanup */
    receive("Carol", "how are you?");
    alice = receive("Alice", "my password is 1234");
    receive("Bob", "the weather is fine");
    printf("Alice said \"%s\"\n", memory[alice]);
}

int main(void)
{
    int ret = io_uring_queue_init(4, &ring, 0);

    if (ret == 0)
        ret = readbuf_ring_register(&buffers, ring.ring_fd, ENTRIES,
                                    GROUP, 0);
    if (ret < 0) {
        fprintf(stderr, "io_uring: %s\n", strerror(-ret));
        return 77;
    }
    if (readbuf_publisher_init(&publisher, buffers.shared, ENTRIES,
                               published) < 0)
        return EXIT_FAILURE;
    play();
    return EXIT_SUCCESS;
}
