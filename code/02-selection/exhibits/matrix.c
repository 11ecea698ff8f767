/*
 * matrix.c - EXHIBIT: what each request does with each event.
 *
 * A row is something that can happen, a column a kind of request. For
 * each cell it is made to happen, with a fresh ring of one buffer. The
 * cell is what the completion says: `res`, "buffer" if it took one, and
 * whether a multishot request goes on.
 */
#include "refusal.h"
#include "registration.h"
#include "selection.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SIZE = 32, GROUP = 0 };
enum request { READ, RECV, MULTISHOT, WORKER };

static char memory[SIZE];

static void need(bool held)
{
    if (!held) {
        perror("matrix");
        exit(EXIT_FAILURE);
    }
}

static _Noreturn void give_up(int ret)
{
    char text[READBUF_REFUSAL_MAX];

    readbuf_refusal(ret, text, sizeof(text));
    fprintf(stderr, "cannot run here: %s.\n", text);
    exit(READBUF_EXIT_REFUSED);
}

/* What can be read from: each returns a descriptor that is ready. */

static int closed_pipe(void)
{
    int fd[2];

    need(pipe(fd) == 0);
    close(fd[1]);
    return fd[0];
}

static int directory(void)
{
    return open(".", O_RDONLY | O_CLOEXEC);
}

static int not_open(void)
{
    return -1;
}

static int pair(int type, const char *said, bool leave)
{
    int fd[2];

    need(socketpair(AF_UNIX, type, 0, fd) == 0);
    if (said != NULL)
        need(send(fd[1], said, strlen(said), 0) >= 0);
    if (leave)
        close(fd[1]);
    return fd[0];
}

static int bytes(void)
{
    return pair(SOCK_STREAM, "bytes", false);
}

static int left(void)
{
    return pair(SOCK_STREAM, NULL, true);
}

static int empty_datagram(void)
{
    return pair(SOCK_DGRAM, "", false);
}

/* A TCP connection whose peer has reset it. */
static int reset(void)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    int peer = socket(AF_INET, SOCK_STREAM, 0), fd;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    need(bind(listener, (struct sockaddr *)&address, length) == 0);
    need(listen(listener, 1) == 0);
    need(getsockname(listener, (struct sockaddr *)&address, &length) ==
         0);
    need(connect(peer, (struct sockaddr *)&address, length) == 0);
    fd = accept(listener, NULL, NULL);
    need(fd >= 0);
    setsockopt(peer, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    close(peer);
    close(listener);
    return fd;
}

static const struct event {
    const char *what;
    int (*open)(void);
    bool socket; /* or only READ is asked */
    bool starve; /* with no buffer in the ring */
} events[] = {
    {"bytes", bytes, true, false},
    {"end of a pipe, a file", closed_pipe, false, false},
    {"end of a stream", left, true, false},
    {"an empty datagram", empty_datagram, true, false},
    {"a reset connection", reset, true, false},
    {"a directory", directory, false, false},
    {"a closed descriptor", not_open, true, false},
    {"bytes, an empty ring", bytes, true, true},
    {"the end, an empty ring", left, true, true},
};

static void prepare(struct io_uring_sqe *sqe, enum request request,
                    int fd)
{
    if (request == READ)
        readbuf_select_read(sqe, fd, GROUP, 0, UINT64_MAX);
    else
        readbuf_select_recv(sqe, fd, GROUP, 0, 0);
    if (request == MULTISHOT)
        sqe->ioprio |= IORING_RECV_MULTISHOT;
    if (request == WORKER)
        sqe->flags |= IOSQE_ASYNC;
}

/* One request on an io_uring of its own: its first completion. */
static struct readbuf_completion make_happen(const struct event *event,
                                             enum request request)
{
    struct readbuf_completion completion;
    struct readbuf_ring ring;
    struct io_uring uring;
    struct io_uring_cqe *cqe;
    int fd = event->open();
    int ret = io_uring_queue_init(4, &uring, 0);

    if (ret == 0)
        ret = readbuf_ring_register(&ring, uring.ring_fd, 1, GROUP, 0);
    if (ret != 0)
        give_up(ret);
    io_uring_buf_ring_add(ring.shared, memory, SIZE, 0, 0, 0);
    io_uring_buf_ring_advance(ring.shared, event->starve ? 0 : 1);
    prepare(io_uring_get_sqe(&uring), request, fd);
    need(io_uring_submit_and_wait(&uring, 1) == 1);
    need(io_uring_peek_cqe(&uring, &cqe) == 0);
    completion = readbuf_decode(cqe->res, cqe->flags);
    readbuf_ring_unregister(&ring);
    io_uring_queue_exit(&uring);
    return completion;
}

static void show(struct readbuf_completion completion, bool multishot,
                 int width)
{
    char number[12], text[32];

    snprintf(number, sizeof(number), "%d", completion.res);
    snprintf(text, sizeof(text), "%s%s%s",
             completion.res < 0 ? readbuf_errno_name(completion.res)
                                : number,
             completion.buffer_is_ours ? " buffer" : "",
             !multishot        ? ""
             : completion.more ? " more"
                               : " over");
    printf("  %-*s", width, text);
}

int main(void)
{
    printf("%-22s  %-16s  %-16s  %-16s  %s\n", "", "READ", "RECV",
           "multishot RECV", "RECV in a worker");
    for (size_t i = 0; i < sizeof(events) / sizeof(events[0]); i++) {
        printf("%-22s", events[i].what);
        for (enum request r = READ; r <= WORKER; r++) {
            bool last = r == WORKER || !events[i].socket;

            show(make_happen(&events[i], r), r == MULTISHOT,
                 last ? 0 : 16);
            if (last)
                break;
        }
        putchar('\n');
    }
    return EXIT_SUCCESS;
}
