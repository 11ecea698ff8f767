/*
 * ingest.c - 64 connections, 64 bytes from each: multishot receives,
 * whose buffers go back one by one or all of a round at once.
 *
 * The sender's work is in the time, since the message is not there
 * without it.
 */
#include "ratio.h"
#include "readbuf.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { COUNT = 1024, SIZE = 4096, CONNECTIONS = 64, MESSAGE = 64 };

static struct io_uring uring;
static struct readbuf_pool *pool;
static struct hand hands[SIDES];
static int receivers[SIDES][CONNECTIONS], senders[SIDES][CONNECTIONS];
static bool batched;

static void arm(enum side side, unsigned connection)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);

    must(sqe != NULL);
    io_uring_prep_recv_multishot(sqe, receivers[side][connection], NULL,
                                 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group =
        side == LIBRARY ? readbuf_pool_group(pool) : hands[side].group;
    io_uring_sqe_set_data64(sqe, connection);
}

static void connect_all(enum side side)
{
    for (unsigned i = 0; i < CONNECTIONS; i++) {
        int fd[2];

        must(socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0);
        receivers[side][i] = fd[0];
        senders[side][i] = fd[1];
        arm(side, i);
    }
    must(io_uring_submit(&uring) == CONNECTIONS);
}

static const char *open_row(const struct row *row)
{
    struct rlimit files;

    must(getrlimit(RLIMIT_NOFILE, &files) == 0);
    if (files.rlim_cur < 2 * CONNECTIONS * SIDES + 16)
        return "too few files may be open";
    uring_open(&uring, 2 * CONNECTIONS);
    batched = row->variant;
    must(readbuf_pool_create(&pool, &uring, COUNT, SIZE, 0) == 0);
    for (uint16_t side = BY_HAND; side < SIDES; side++)
        hand_open(&hands[side], &uring, COUNT, SIZE,
                  (uint16_t)(500 + side));
    for (int side = LIBRARY; side < SIDES; side++)
        connect_all((enum side)side);
    return NULL;
}

static void close_row(void)
{
    must(readbuf_pool_unref(pool) == 0);
    for (int side = BY_HAND; side < SIDES; side++)
        hand_close(&hands[side], &uring);
    io_uring_queue_exit(&uring);
    for (int side = LIBRARY; side < SIDES; side++)
        for (int i = 0; i < CONNECTIONS; i++) {
            close(receivers[side][i]);
            close(senders[side][i]);
        }
}

/* The end of a multishot receive is none of its connection. */
static void go_on(enum side side, const struct io_uring_cqe *cqe)
{
    if (!(cqe->flags & IORING_CQE_F_MORE))
        arm(side, (unsigned)cqe->user_data);
}

static unsigned take_by_library(void)
{
    struct readbuf bufs[CONNECTIONS];
    struct io_uring_cqe *cqe;
    unsigned head, seen = 0;

    io_uring_for_each_cqe(&uring, head, cqe)
    {
        struct readbuf *buf = &bufs[batched ? seen : 0];

        must(readbuf_pool_take(pool, cqe, buf) == MESSAGE);
        ratio_sum += buf->data[0];
        if (!batched)
            readbuf_release(buf);
        go_on(LIBRARY, cqe);
        if (++seen == CONNECTIONS)
            break;
    }
    if (batched)
        readbuf_release_all(bufs, seen);
    io_uring_cq_advance(&uring, seen);
    return seen;
}

static unsigned take_by_hand(enum side side)
{
    const struct hand *hand = &hands[side];
    struct io_uring_cqe *cqe;
    unsigned head, seen = 0;

    io_uring_for_each_cqe(&uring, head, cqe)
    {
        struct hand_bytes got = hand_take(hand, cqe);

        must(got.length == MESSAGE);
        ratio_sum += got.data[0];
        hand_add(hand, got.bid, batched ? (int)seen : 0);
        if (!batched)
            hand_show(hand, 1);
        go_on(side, cqe);
        if (++seen == CONNECTIONS)
            break;
    }
    if (batched)
        hand_show(hand, (int)seen);
    io_uring_cq_advance(&uring, seen);
    return seen;
}

/* One message from each connection. */
static void exchange(enum side side)
{
    static const char message[MESSAGE] = "a message";
    unsigned received = 0;

    for (int i = 0; i < CONNECTIONS; i++)
        must(write(senders[side][i], message, MESSAGE) == MESSAGE);
    while (received < CONNECTIONS) {
        must(io_uring_submit_and_wait(&uring, CONNECTIONS - received) >=
             0);
        received +=
            side == LIBRARY ? take_by_library() : take_by_hand(side);
    }
}

static double slice(enum side side, unsigned n)
{
    double start = cpu_time();

    for (unsigned i = 0; i < n; i++)
        exchange(side);
    return (cpu_time() - start) / CONNECTIONS;
}

const struct row ingest_rows[] = {
    {"message, one by one", "1.015", 0, open_row, slice, close_row},
    {"message, 64 at once", "1.01", 1, open_row, slice, close_row},
};
