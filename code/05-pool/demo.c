/*
 * demo.c - the program of stage 05: copy a file through a pool.
 *
 *   demo                 copy LICENSE into a temporary file
 *   demo FROM TO         copy FROM to TO
 *
 * A few small buffers, several reads in flight, and the writes go out
 * from the buffers that the kernel picked. Then both files are compared
 * byte by byte, and the pool is counted. After an error no read waits
 * for bytes that may never come.
 */
#include "readbuf.h"
#include "refusal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BUFFERS = 4, SIZE = 512, IN_FLIGHT = 3 };

/* One read, where in the file it began, and if it is under way. */
struct piece {
    struct readbuf buf;
    uint64_t offset;
    bool reading;
};

struct copy {
    struct io_uring ring;
    struct readbuf_pool *pool;
    int from, to;
    struct piece pieces[IN_FLIGHT];
    uint64_t next; /* where the next read begins */
    uint64_t copied;
    bool at_end;
    int error; /* the first; the others are its consequences */
};

static int complain(const char *what, int error)
{
    fprintf(stderr, "%s: %s\n", what, strerror(-error));
    return error;
}

/* No new reads from here on. */
static void fail(struct copy *c, const char *what, int error)
{
    if (c->error == 0)
        c->error = complain(what, error);
    c->at_end = true;
}

static void start_read(struct copy *c, struct piece *piece)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&c->ring);

    piece->offset = c->next;
    c->next += SIZE;
    piece->reading = true;
    readbuf_prep_read(sqe, c->from, &piece->buf, piece->offset);
    io_uring_sqe_set_data(sqe, piece);
}

/* All bytes of a piece to where they belong. */
static void write_piece(struct copy *c, const struct piece *piece)
{
    size_t len = readbuf_len(&piece->buf);

    for (size_t done = 0; done < len && c->error == 0;) {
        ssize_t n = pwrite(c->to, piece->buf.data + done, len - done,
                           (off_t)(piece->offset + done));

        if (n < 0)
            fail(c, "writing", -errno);
        else
            done += (size_t)n;
    }
    c->copied += len;
}

/* A short read is not the end: ask again for what is missing. */
static void read_rest(struct copy *c, struct piece *piece)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&c->ring);

    piece->reading = true;
    readbuf_prep_read(sqe, c->from, &piece->buf,
                      piece->offset + readbuf_len(&piece->buf));
    io_uring_sqe_set_data(sqe, piece);
}

static void finish_read(struct copy *c, const struct io_uring_cqe *cqe)
{
    struct piece *piece = io_uring_cqe_get_data(cqe);
    int ret = readbuf_complete(&piece->buf, cqe);

    piece->reading = false;
    if (ret < 0)
        fail(c, "reading", ret);
    if (ret == 0)
        c->at_end = true;
    if (ret > 0 &&
        readbuf_len(&piece->buf) < readbuf_capacity(&piece->buf)) {
        read_rest(c, piece);
        return;
    }
    write_piece(c, piece);
    readbuf_release(&piece->buf);
    if (!c->at_end)
        start_read(c, piece);
}

static bool is_reading(const struct copy *c)
{
    for (int i = 0; i < IN_FLIGHT; i++)
        if (c->pieces[i].reading)
            return true;
    return false;
}

static void copy_all(struct copy *c)
{
    for (int i = 0; i < IN_FLIGHT; i++) {
        c->pieces[i].buf = readbuf_pool_get(c->pool);
        start_read(c, &c->pieces[i]);
    }
    while (is_reading(c) && c->error == 0) {
        struct io_uring_cqe *cqe;
        int ret = io_uring_submit_and_wait(&c->ring, 1);

        if (ret < 0 && ret != -EINTR)
            fail(c, "io_uring", ret);
        while (io_uring_peek_cqe(&c->ring, &cqe) == 0) {
            finish_read(c, cqe);
            io_uring_cqe_seen(&c->ring, cqe);
        }
    }
}

/*
 * Before the last unref: each read is cancelled, waited for and taken
 * into its handle. A try can miss a read that changes its place in the
 * kernel just then, so no wait is long, and the next try finds it. 0,
 * or a negative errno: then a read may still be under way, and the pool
 * and its io_uring have to stay.
 */
static int end_reads(struct io_uring *ring, struct piece *pieces,
                     int count)
{
    struct __kernel_timespec moment = {.tv_nsec = 10000000};
    int ret = io_uring_submit(ring);

    for (int i = 0; i < count && ret >= 0; i++) {
        struct io_uring_sync_cancel_reg cancel = {
            .addr = (uintptr_t)&pieces[i]};

        while (pieces[i].reading) {
            struct io_uring_cqe *cqe;
            struct piece *done;

            io_uring_register_sync_cancel(ring, &cancel);
            ret = io_uring_wait_cqe_timeout(ring, &cqe, &moment);
            if (ret == -ETIME || ret == -EINTR)
                continue;
            if (ret < 0)
                return ret;
            done = io_uring_cqe_get_data(cqe);
            readbuf_complete(&done->buf, cqe);
            done->reading = false;
            io_uring_cqe_seen(ring, cqe);
        }
        readbuf_release(&pieces[i].buf);
    }
    return ret < 0 ? ret : 0;
}

static bool identical(int one, int other)
{
    char a[4096], b[4096];
    off_t at = 0;
    ssize_t n;

    while ((n = pread(one, a, sizeof(a), at)) > 0) {
        if (pread(other, b, (size_t)n, at) != n ||
            memcmp(a, b, (size_t)n) != 0)
            return false;
        at += n;
    }
    return n == 0 && lseek(other, 0, SEEK_END) == at;
}

static int report(struct copy *c)
{
    bool good = c->error == 0 && identical(c->from, c->to);

    if (c->error == 0)
        printf("%llu bytes in pieces of %d, through %d buffers: %s\n",
               (unsigned long long)c->copied, SIZE, BUFFERS,
               good ? "identical" : "DIFFERENT");
    printf("buffers held %u, free %d\n", readbuf_pool_held(c->pool),
           readbuf_pool_available(c->pool));
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* Opening the target empties it, so it had better not be the source. */
static bool same_file(int fd, const char *path)
{
    struct stat one, other;

    return fstat(fd, &one) == 0 && stat(path, &other) == 0 &&
           one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

static int open_files(struct copy *c, int argc, char **argv)
{
    const char *from = argc > 1 ? argv[1] : "LICENSE";

    c->from = open(from, O_RDONLY | O_CLOEXEC);
    if (c->from < 0)
        return complain(from, -errno);
    if (argc <= 2) {
        c->to = open("/tmp", O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
        return c->to < 0 ? complain("a temporary file", -errno) : 0;
    }
    if (same_file(c->from, argv[2]))
        return complain(argv[2], -EEXIST);
    c->to = open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    return c->to < 0 ? complain(argv[2], -errno) : 0;
}

int main(int argc, char **argv)
{
    static struct copy c;
    char text[READBUF_REFUSAL_MAX];
    int ret;

    if (open_files(&c, argc, argv) < 0)
        return EXIT_FAILURE;
    ret = io_uring_queue_init(2 * IN_FLIGHT, &c.ring, 0);
    if (ret == 0)
        ret = readbuf_pool_create(&c.pool, &c.ring, BUFFERS, SIZE, 0);
    if (ret < 0) {
        readbuf_refusal(ret, text, sizeof(text));
        fprintf(stderr, "cannot run here: %s.\n", text);
        return READBUF_EXIT_REFUSED;
    }
    copy_all(&c);
    ret = end_reads(&c.ring, c.pieces, IN_FLIGHT);
    if (ret < 0)
        return complain("ending the reads", ret), EXIT_FAILURE;
    ret = report(&c);
    readbuf_pool_unref(c.pool);
    io_uring_queue_exit(&c.ring);
    return ret;
}
