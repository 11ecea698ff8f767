/*
 * file.c - reads of a file that is in the page cache: 4,096 bytes, one
 * or 32 at once.
 */
#include "ratio.h"
#include "readbuf.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { COUNT = 64, SIZE = 4096, PAGES = 256, DEPTH = 32 };

static struct io_uring uring;
static struct readbuf_pool *pool;
static struct hand hands[SIDES];
static unsigned depth;
static int fd;

static int open_file(void)
{
    static const char page[SIZE] = "a page";
    char path[] = P_tmpdir "/bench-XXXXXX";
    int file = mkstemp(path);

    must(file >= 0 && unlink(path) == 0);
    for (int i = 0; i < PAGES; i++)
        must(write(file, page, SIZE) == SIZE);
    return file;
}

static const char *open_row(const struct row *row)
{
    uring_open(&uring, DEPTH);
    depth = row->variant ? DEPTH : 1;
    fd = open_file();
    must(readbuf_pool_create(&pool, &uring, COUNT, SIZE, 0) == 0);
    for (uint16_t side = BY_HAND; side < SIDES; side++)
        hand_open(&hands[side], &uring, COUNT, SIZE,
                  (uint16_t)(500 + side));
    return NULL;
}

static void close_row(void)
{
    must(readbuf_pool_unref(pool) == 0);
    for (int side = BY_HAND; side < SIDES; side++)
        hand_close(&hands[side], &uring);
    io_uring_queue_exit(&uring);
    close(fd);
}

static uint64_t offset_of(unsigned i)
{
    return (uint64_t)(i % PAGES) * SIZE;
}

/* Everything up to the completions is the same for all. */
static void submit_and_wait(void)
{
    must(io_uring_submit_and_wait(&uring, depth) == (int)depth);
}

static void read_by_library(unsigned i)
{
    struct readbuf bufs[DEPTH];
    struct io_uring_cqe *cqe;
    unsigned head, seen = 0;

    for (unsigned j = 0; j < depth; j++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);

        bufs[j] = readbuf_pool_get(pool);
        readbuf_prep_read(sqe, fd, &bufs[j], offset_of(i + j));
        io_uring_sqe_set_data64(sqe, j);
    }
    submit_and_wait();
    io_uring_for_each_cqe(&uring, head, cqe)
    {
        struct readbuf *buf = &bufs[cqe->user_data];

        must(readbuf_complete(buf, cqe) == SIZE);
        ratio_sum += buf->data[0];
        readbuf_release(buf);
        seen++;
    }
    must(seen == depth);
    io_uring_cq_advance(&uring, seen);
}

static void read_by_hand(const struct hand *hand, unsigned i)
{
    struct io_uring_cqe *cqe;
    unsigned head, seen = 0;

    for (unsigned j = 0; j < depth; j++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);

        hand_prep_read(hand, sqe, fd, offset_of(i + j));
        io_uring_sqe_set_data64(sqe, j);
    }
    submit_and_wait();
    io_uring_for_each_cqe(&uring, head, cqe)
    {
        struct hand_bytes got = hand_take(hand, cqe);

        must(got.length == SIZE);
        ratio_sum += got.data[0];
        hand_add(hand, got.bid, 0);
        hand_show(hand, 1);
        seen++;
    }
    must(seen == depth);
    io_uring_cq_advance(&uring, seen);
}

static double slice(enum side side, unsigned n)
{
    double start = cpu_time();

    for (unsigned i = 0; i < n; i++)
        if (side == LIBRARY)
            read_by_library(i * depth);
        else
            read_by_hand(&hands[side], i * depth);
    return (cpu_time() - start) / depth;
}

const struct row file_rows[] = {
    {"file read, QD1", "1.02", 0, open_row, slice, close_row},
    {"file read, QD32", "1.02", 1, open_row, slice, close_row},
};
