/*
 * count.c - each path of a buffer, walked where callgrind counts.
 *
 * Every row is walked twice by the library, first to warm up, once by
 * hand, and once with nothing in its loop, which is subtracted. The
 * completions are made up: the pool believes them, and the kernel is
 * asked for nothing but the registration. So the counts are the same in
 * every run. count.py runs this and reads them.
 */
#include "hand.h"
#include "readbuf.h"
#include "refusal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <valgrind/callgrind.h>

enum { COUNT = 1024, SIZE = 4096, BATCH = 64, DEPTH = 32 };

static struct readbuf_pool *pool;
static struct hand hand = {.count = COUNT, .size = SIZE, .group = 1};
static struct io_uring_cqe *messages; /* of a multishot receive */
static struct io_uring_cqe *reads;
static struct io_uring_sqe sqes[DEPTH];
static struct readbuf bufs[COUNT];
static struct hand_bytes bytes[COUNT];
static unsigned sum; /* of the first byte of each buffer */

/* What was written before is looked at by somebody. */
#define SEEN() __asm__ volatile("" ::: "memory")

static void must(bool condition)
{
    if (!condition)
        abort();
}

/* --------------------------------------------------- by the library */

static void take(void)
{
    for (int i = 0; i < COUNT; i++) {
        must(readbuf_pool_take(pool, &messages[i], &bufs[i]) > 0);
        SEEN();
    }
}

static void release(void)
{
    for (int i = 0; i < COUNT; i++) {
        readbuf_release(&bufs[i]);
        SEEN();
    }
}

static void release_all(void)
{
    for (int i = 0; i < COUNT; i += BATCH)
        readbuf_release_all(&bufs[i], BATCH);
}

static void message(void)
{
    struct readbuf buf;

    for (int i = 0; i < COUNT; i++) {
        must(readbuf_pool_take(pool, &messages[i], &buf) > 0);
        sum += buf.data[0];
        readbuf_release(&buf);
        SEEN();
    }
}

/* `depth` reads are on their way at once. */
static void file_read(int depth)
{
    for (int i = 0; i < depth; i++)
        bufs[i] = readbuf_pool_get(pool);
    for (int i = 0; i < COUNT; i += depth) {
        for (int j = 0; j < depth; j++) {
            readbuf_prep_read(&sqes[j], 0, &bufs[j], 0);
            SEEN();
        }
        for (int j = 0; j < depth; j++) {
            must(readbuf_complete(&bufs[j], &reads[i + j]) > 0);
            sum += bufs[j].data[0];
            readbuf_release(&bufs[j]);
            SEEN();
        }
    }
}

/* ---------------------------------------------------------- by hand */

static void hand_take_each(void)
{
    for (int i = 0; i < COUNT; i++) {
        bytes[i] = hand_take(&hand, &messages[i]);
        must(bytes[i].data != NULL);
        SEEN();
    }
}

static void hand_release(void)
{
    for (int i = 0; i < COUNT; i++) {
        hand_add(&hand, bytes[i].bid, 0);
        hand_show(&hand, 1);
        SEEN();
    }
}

static void hand_release_all(void)
{
    for (int i = 0; i < COUNT; i += BATCH) {
        for (int j = 0; j < BATCH; j++)
            hand_add(&hand, bytes[i + j].bid, j);
        hand_show(&hand, BATCH);
        SEEN();
    }
}

static void hand_message(const struct io_uring_cqe *cqe)
{
    struct hand_bytes got = hand_take(&hand, cqe);

    must(got.data != NULL);
    sum += got.data[0];
    hand_add(&hand, got.bid, 0);
    hand_show(&hand, 1);
    SEEN();
}

static void hand_messages(void)
{
    for (int i = 0; i < COUNT; i++)
        hand_message(&messages[i]);
}

static void hand_file_read(int depth)
{
    for (int i = 0; i < COUNT; i += depth) {
        for (int j = 0; j < depth; j++) {
            hand_prep_read(&hand, &sqes[j], 0, 0);
            SEEN();
        }
        for (int j = 0; j < depth; j++)
            hand_message(&reads[i + j]);
    }
}

/* ---------------------------------------------------------- nothing */

static void once_each(void)
{
    for (int i = 0; i < COUNT; i++)
        SEEN();
}

static void once_a_batch(void)
{
    for (int i = 0; i < COUNT; i += BATCH)
        SEEN();
}

static void twice_each(int depth)
{
    for (int i = 0; i < COUNT; i += depth) {
        for (int j = 0; j < depth; j++)
            SEEN();
        for (int j = 0; j < depth; j++)
            SEEN();
    }
}

/* ----------------------------------------------------- the counting */

#define COUNTED(name, call)            \
    do {                               \
        CALLGRIND_ZERO_STATS;          \
        call;                          \
        CALLGRIND_DUMP_STATS_AT(name); \
    } while (0)

static void count_rows(void)
{
    COUNTED("take library", take());
    COUNTED("release library", release());
    take();
    COUNTED("release_all library", release_all());
    COUNTED("message library", message());
    COUNTED("read, QD1 library", file_read(1));
    COUNTED("read, QD32 library", file_read(DEPTH));

    COUNTED("take hand", hand_take_each());
    COUNTED("release hand", hand_release());
    COUNTED("release_all hand", hand_release_all());
    COUNTED("message hand", hand_messages());
    COUNTED("read, QD1 hand", hand_file_read(1));
    COUNTED("read, QD32 hand", hand_file_read(DEPTH));

    COUNTED("take nothing", once_each());
    COUNTED("release nothing", once_each());
    COUNTED("release_all nothing", once_a_batch());
    COUNTED("message nothing", once_each());
    COUNTED("read, QD1 nothing", twice_each(1));
    COUNTED("read, QD32 nothing", twice_each(DEPTH));
}

/* One completion for each buffer. */
static struct io_uring_cqe *make_up(int32_t res, uint32_t flags)
{
    struct io_uring_cqe *cqes = calloc(COUNT, sizeof(*cqes));

    must(cqes != NULL);
    for (uint32_t i = 0; i < COUNT; i++) {
        cqes[i].res = res;
        cqes[i].flags =
            flags | IORING_CQE_F_BUFFER | i << IORING_CQE_BUFFER_SHIFT;
    }
    return cqes;
}

/* The C library leaves locked instructions out until there are two. */
static void *second_thread(void *nothing)
{
    return nothing;
}

int main(void)
{
    struct io_uring uring;
    pthread_t thread;
    int ret = io_uring_queue_init(4, &uring, 0);

    if (ret == 0)
        ret = readbuf_pool_create(&pool, &uring, COUNT, SIZE, 0);
    if (ret < 0) {
        char why[READBUF_REFUSAL_MAX];

        readbuf_refusal(ret, why, sizeof(why));
        fprintf(stderr, "%s\n", why);
        return READBUF_EXIT_REFUSED;
    }
    hand.ring =
        aligned_alloc(4096, COUNT * sizeof(struct io_uring_buf));
    hand.slab = aligned_alloc(4096, (size_t)COUNT * SIZE);
    must(hand.ring != NULL && hand.slab != NULL);
    io_uring_buf_ring_init(hand.ring);
    messages = make_up(64, IORING_CQE_F_MORE);
    reads = make_up(SIZE, 0);
    must(pthread_create(&thread, NULL, second_thread, NULL) == 0);
    must(pthread_join(thread, NULL) == 0);

    take();
    release();
    count_rows();
    printf("%d operations a row, sum %u\n", COUNT, sum);
    readbuf_pool_unref(pool);
    io_uring_queue_exit(&uring);
    return EXIT_SUCCESS;
}
