/*
 * demo.c - the program of stage 02.
 *
 *   demo         four buffers; a file, a pipe and a socket are read
 *                through them until there are none left
 *   demo trace   the same run as lines of JSON, for drawing
 */
#include "refusal.h"
#include "registration.h"
#include "selection.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { ENTRIES = 4, SIZE = 32, GROUP = 7 };

/* Everything the program holds, to be passed around as one. */
struct session {
    struct io_uring ring;
    struct readbuf_ring buffers;
    char memory[ENTRIES][SIZE];
    bool trace;
};

static int refused(int error)
{
    char text[READBUF_REFUSAL_MAX];

    readbuf_refusal(error, text, sizeof(text));
    fprintf(stderr, "cannot run here: %s.\n", text);
    return READBUF_EXIT_REFUSED;
}

/* Describe all four buffers, then show them to the kernel at once. */
static void give_all(struct session *s)
{
    int mask = io_uring_buf_ring_mask(ENTRIES);

    for (int bid = 0; bid < ENTRIES; bid++)
        io_uring_buf_ring_add(s->buffers.shared, s->memory[bid], SIZE,
                              (unsigned short)bid, mask, bid);
    io_uring_buf_ring_advance(s->buffers.shared, ENTRIES);
    if (!s->trace)
        return;
    printf("{\"event\":\"ring\",\"entries\":%d}\n", ENTRIES);
    for (int bid = 0; bid < ENTRIES; bid++)
        printf("{\"event\":\"add\",\"bid\":%d}\n", bid);
}

/* A frame of the figure, headed by what the read came to. */
static void trace(const char *what,
                  struct readbuf_completion completion)
{
    if (completion.has_buffer)
        printf("{\"event\":\"pick\",\"bid\":%u,\"by\":\"%s\","
               "\"bytes\":%d}\n"
               "{\"event\":\"frame\",\"label\":"
               "\"%s: %d B, buffer %u\"}\n",
               completion.bid, what, completion.res, what,
               completion.res, completion.bid);
    else
        printf("{\"event\":\"starved\",\"by\":\"%s\"}\n"
               "{\"event\":\"frame\",\"label\":\"%s: %s\"}\n",
               what, what, readbuf_errno_name(completion.res));
}

/* The bytes of a buffer, a dot for what can't be printed. */
static void show_bytes(const char *bytes, int count)
{
    putchar('"');
    for (int i = 0; i < count; i++)
        putchar(bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.');
    puts("\"");
}

static void show(struct session *s, const char *what,
                 struct readbuf_completion completion)
{
    if (s->trace) {
        trace(what, completion);
        return;
    }
    if (completion.res < 0)
        printf("%-7s %-8s", what, readbuf_errno_name(completion.res));
    else
        printf("%-7s %-8d", what, completion.res);
    if (!completion.has_buffer) {
        puts("no buffer");
        return;
    }
    printf("buffer %u ", completion.bid);
    if (completion.outcome == READBUF_GOT_DATA)
        show_bytes(s->memory[completion.bid], completion.res);
    else
        puts("and no bytes in it");
}

static void finish(struct session *s, const char *what)
{
    struct io_uring_cqe *cqe;

    if (io_uring_submit_and_wait(&s->ring, 1) < 0 ||
        io_uring_peek_cqe(&s->ring, &cqe) < 0) {
        fprintf(stderr, "%s: no completion\n", what);
        exit(EXIT_FAILURE);
    }
    show(s, what, readbuf_decode(cqe->res, cqe->flags));
    io_uring_cqe_seen(&s->ring, cqe);
}

static void read_from(struct session *s, const char *what, int fd)
{
    readbuf_select_read(io_uring_get_sqe(&s->ring), fd, GROUP, 0,
                        UINT64_MAX);
    finish(s, what);
}

static void recv_from(struct session *s, const char *what, int fd)
{
    readbuf_select_recv(io_uring_get_sqe(&s->ring), fd, GROUP, 0, 0);
    finish(s, what);
}

/* A file, a pipe and a socket with something to read in each. */
static bool open_sources(int *file, int pipe_fd[2], int socket_fd[2])
{
    static const char said[] = "what a pipe says may be longer "
                               "than one buffer holds";

    *file = open("LICENSE", O_RDONLY | O_CLOEXEC);
    return *file >= 0 && pipe(pipe_fd) == 0 &&
           socketpair(AF_UNIX, SOCK_STREAM, 0, socket_fd) == 0 &&
           write(pipe_fd[1], said, sizeof(said) - 1) > 0 &&
           write(socket_fd[1], "hello, socket", 13) == 13;
}

static int run(struct session *s)
{
    int file, pipe_fd[2], socket_fd[2];

    if (!open_sources(&file, pipe_fd, socket_fd)) {
        perror("run this from the top of the repository");
        return EXIT_FAILURE;
    }
    give_all(s);
    read_from(s, "file", file);
    read_from(s, "pipe", pipe_fd[0]);
    recv_from(s, "socket", socket_fd[0]);
    read_from(s, "pipe", pipe_fd[0]);
    read_from(s, "file", file);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    static struct session s;
    int ret = io_uring_queue_init(4, &s.ring, 0);

    if (ret == 0)
        ret = readbuf_ring_register(&s.buffers, s.ring.ring_fd, ENTRIES,
                                    GROUP, 0);
    if (ret < 0)
        return refused(ret);
    s.trace = argc > 1 && strcmp(argv[1], "trace") == 0;
    ret = run(&s);
    readbuf_ring_unregister(&s.buffers);
    io_uring_queue_exit(&s.ring);
    return ret;
}
