/*
 * misuse.c - one mistake with a buffer, for a memory tool to find.
 *
 *   misuse                 name the mistakes
 *   misuse clean           read a buffer, release it
 *   misuse after-release   look at a byte after that
 *   misuse past-filled     look at the byte after those that were read
 *   misuse neighbour       work on one byte more than the buffer has
 *
 * The kernel's writes are invisible to the tools: without the library's
 * word the clean run would be reported, or no mistake would be.
 */
#include "readbuf.h"
#include "refusal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 4, SIZE = 16 };

static struct io_uring ring;
static struct readbuf_pool *pool;
static int ends[2];

/* A buffer with the bytes of `text`. */
static struct readbuf read_text(const char *text)
{
    struct readbuf buf = readbuf_pool_get(pool);
    struct io_uring_cqe *cqe = NULL;

    if (write(ends[1], text, strlen(text)) < 0)
        exit(EXIT_FAILURE);
    readbuf_prep_read(io_uring_get_sqe(&ring), ends[0], &buf,
                      UINT64_MAX);
    if (io_uring_submit_and_wait(&ring, 1) < 0 ||
        io_uring_peek_cqe(&ring, &cqe) < 0 ||
        readbuf_complete(&buf, cqe) != (int)strlen(text))
        exit(EXIT_FAILURE);
    io_uring_cqe_seen(&ring, cqe);
    return buf;
}

/* To capitals, in place: every byte is looked at. */
static void to_capitals(unsigned char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (bytes[i] >= 'a' && bytes[i] <= 'z')
            bytes[i] = (unsigned char)(bytes[i] - 'a' + 'A');
}

static void after_release(void)
{
    struct readbuf buf = read_text("abc");
    unsigned char *data = buf.data;

    readbuf_release(&buf);
    to_capitals(data, 1);
}

static void past_filled(void)
{
    struct readbuf buf = read_text("abc");

    to_capitals(buf.data, readbuf_len(&buf) + 1);
    readbuf_release(&buf);
}

static void neighbour(void)
{
    struct readbuf buf = read_text("0123456789abcdef");

    to_capitals(buf.data, readbuf_capacity(&buf) + 1);
    readbuf_release(&buf);
}

/* Twice, so that released buffers are used again. */
static void clean(void)
{
    for (int i = 0; i < 2 * COUNT; i++) {
        struct readbuf buf = read_text("abc");

        to_capitals(buf.data, readbuf_len(&buf));
        readbuf_extend(&buf, "def", 3);
        to_capitals(buf.data, readbuf_len(&buf));
        if (memcmp(buf.data, "ABCDEF", 6) != 0)
            exit(EXIT_FAILURE);
        readbuf_release(&buf);
    }
}

static int open_pool(void)
{
    char text[READBUF_REFUSAL_MAX];
    int ret = io_uring_queue_init(4, &ring, 0);

    if (ret == 0)
        ret = readbuf_pool_create(&pool, &ring, COUNT, SIZE, 0);
    if (ret < 0) {
        readbuf_refusal(ret, text, sizeof(text));
        fprintf(stderr, "cannot run here: %s.\n", text);
        return READBUF_EXIT_REFUSED;
    }
    return pipe(ends) < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct {
    const char *name;
    void (*function)(void);
} runs[] = {{"clean", clean},
            {"after-release", after_release},
            {"past-filled", past_filled},
            {"neighbour", neighbour}};

enum { RUNS = sizeof(runs) / sizeof(runs[0]) };

/* One of the runs, on a pool. */
static int run(const char *name, void (*function)(void))
{
    int ret = open_pool();

    if (ret != EXIT_SUCCESS)
        return ret;
    function();
    readbuf_pool_unref(pool);
    io_uring_queue_exit(&ring);
    printf("%s: done\n", name);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
    for (size_t i = 0; i < RUNS; i++)
        if (argc == 2 && strcmp(argv[1], runs[i].name) == 0)
            return run(runs[i].name, runs[i].function);
    if (argc == 2)
        return 2;
    for (size_t i = 1; i < RUNS; i++)
        puts(runs[i].name);
    return EXIT_SUCCESS;
}
