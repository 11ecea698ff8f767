/*
 * test_threads.c - completed on one thread, released on others.
 *
 * With a simulated kernel, whose every access ThreadSanitizer sees, and
 * with the real one.
 */
#include "pooltest.h"
#include "simpool.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>

enum { COUNT = 8, SIZE = 16, QUEUE = 16, WORKERS = 4 };
enum { SIM_ROUNDS = 8000, REAL_ROUNDS = 2000, BLOCKS = 64 };

/* A thread that releases what it is handed, and its queue. */
struct worker {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct readbuf items[QUEUE];
    unsigned pushed, popped;
    bool closed;
    bool reads;  /* it looks at the bytes: nobody else has the handle */
    sem_t *free; /* counts released buffers, if not NULL */
    unsigned released, stale, wrong;
};

static struct worker workers[WORKERS];

static void push(struct worker *w, struct readbuf buf)
{
    pthread_mutex_lock(&w->lock);
    while (w->pushed - w->popped == QUEUE)
        pthread_cond_wait(&w->changed, &w->lock);
    w->items[w->pushed++ % QUEUE] = buf;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
}

/* False when the queue is closed, and empty. */
static bool pop(struct worker *w, struct readbuf *buf)
{
    bool there;

    pthread_mutex_lock(&w->lock);
    while (w->pushed == w->popped && !w->closed)
        pthread_cond_wait(&w->changed, &w->lock);
    there = w->pushed != w->popped;
    if (there)
        *buf = w->items[w->popped++ % QUEUE];
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    return there;
}

/* All bytes are what the first one is. */
static bool uniform(const struct readbuf *buf)
{
    for (size_t i = 1; i < readbuf_len(buf); i++)
        if (buf->data[i] != buf->data[0])
            return false;
    return readbuf_len(buf) == SIZE;
}

static void *work(void *argument)
{
    struct worker *w = argument;
    struct readbuf buf;

    while (pop(w, &buf)) {
        int ret;

        if (w->reads && !uniform(&buf))
            w->wrong++;
        if (w->reads)
            memset(buf.data, 0xee, readbuf_len(&buf));
        ret = readbuf_release(&buf);
        if (ret == -ESTALE)
            w->stale++;
        else if (ret != 0 || buf.data != NULL)
            w->wrong++;
        else
            w->released++;
        if (ret == 0 && w->free != NULL)
            sem_post(w->free);
    }
    return NULL;
}

static void start_workers(bool reads, sem_t *free)
{
    for (int i = 0; i < WORKERS; i++) {
        workers[i] = (struct worker){.reads = reads, .free = free};
        pthread_mutex_init(&workers[i].lock, NULL);
        pthread_cond_init(&workers[i].changed, NULL);
        ck_assert_int_eq(
            pthread_create(&workers[i].thread, NULL, work, &workers[i]),
            0);
    }
}

/* All together have released so much, and refused so much. */
static void finish_workers(unsigned released, unsigned stale)
{
    for (int i = 0; i < WORKERS; i++) {
        pthread_mutex_lock(&workers[i].lock);
        workers[i].closed = true;
        pthread_cond_signal(&workers[i].changed);
        pthread_mutex_unlock(&workers[i].lock);
        ck_assert_int_eq(pthread_join(workers[i].thread, NULL), 0);
        ck_assert_uint_eq(workers[i].wrong, 0);
        released -= workers[i].released;
        stale -= workers[i].stale;
    }
    ck_assert_uint_eq(released, 0);
    ck_assert_uint_eq(stale, 0);
}

/* To one worker, or a copy to each of two. */
static void hand_out(struct readbuf buf, unsigned round, bool twice)
{
    push(&workers[round % WORKERS], buf);
    if (twice)
        push(&workers[(round + 1) % WORKERS], buf);
}

/* ------------------------------------------------------- simulated */

/* The next pick, as soon as somebody has released something. */
static uint16_t pick(struct simpool *sim)
{
    struct io_uring_buf picked;

    while (simkernel_pick(&sim->kernel, &picked) < 0)
        sched_yield();
    ck_quick(picked.len == SIZE && picked.bid < COUNT);
    ck_quick(picked.addr ==
             (uintptr_t)readbuf_slab_at(&sim->pool->slab, picked.bid));
    return picked.bid;
}

static void complete_round(struct simpool *sim, unsigned round,
                           bool twice)
{
    struct readbuf buf = readbuf_pool_get(sim->pool);
    uint16_t bid = pick(sim);
    uint32_t flags = simkernel_flags(bid);

    simpool_fill(sim, bid, (unsigned char)round, SIZE);
    ck_quick(simpool_complete(&buf, SIZE, flags) == SIZE);
    ck_quick(readbuf_pool_held(sim->pool) <= COUNT);
    hand_out(buf, round, twice);
}

static void sim_rounds(bool twice)
{
    struct simpool sim;

    simpool_open(&sim, COUNT, SIZE);
    start_workers(!twice, NULL);
    for (unsigned round = 0; round < SIM_ROUNDS; round++)
        complete_round(&sim, round, twice);
    finish_workers(SIM_ROUNDS, twice ? SIM_ROUNDS : 0);
    simpool_close(&sim);
}

START_TEST(several_threads_release_what_one_completes)
{
    sim_rounds(false);
}
END_TEST

START_TEST(of_two_copies_one_is_released)
{
    sim_rounds(true);
}
END_TEST

/* Errors go back on the completing thread while others release. */
START_TEST(errors_come_back_among_releases)
{
    struct simpool sim;
    struct readbuf failing;

    simpool_open(&sim, COUNT, SIZE);
    start_workers(true, NULL);
    failing = readbuf_pool_get(sim.pool);
    for (unsigned round = 0; round < SIM_ROUNDS; round++) {
        uint32_t flags = simkernel_flags(pick(&sim));

        ck_quick(simpool_complete(&failing, -EIO, flags) == -EIO);
        ck_quick(failing.data == NULL);
        complete_round(&sim, round, false);
    }
    finish_workers(SIM_ROUNDS, 0);
    simpool_close(&sim);
}
END_TEST

struct race {
    pthread_barrier_t *start;
    struct readbuf *bufs;
    int ret;
};

static void *release_many(void *argument)
{
    struct race *race = argument;

    pthread_barrier_wait(race->start);
    race->ret = readbuf_release_all(race->bufs, COUNT);
    return NULL;
}

static unsigned count_released(const struct readbuf *bufs)
{
    unsigned count = 0;

    for (int i = 0; i < COUNT; i++)
        count += bufs[i].data == NULL;
    return count;
}

START_TEST(of_two_copies_of_many_each_is_released_once)
{
    struct readbuf bufs[2][COUNT];
    pthread_barrier_t start;
    struct simpool sim;

    simpool_open(&sim, COUNT, SIZE);
    pthread_barrier_init(&start, NULL, 2);
    for (int round = 0; round < 200; round++) {
        struct race race[2] = {{.start = &start, .bufs = bufs[0]},
                               {.start = &start, .bufs = bufs[1]}};
        pthread_t other;

        for (int i = 0; i < COUNT; i++) {
            bufs[0][i] = readbuf_pool_get(sim.pool);
            ck_quick(simpool_complete(
                         &bufs[0][i], SIZE,
                         simkernel_flags(simpool_pick(&sim))) == SIZE);
            bufs[1][COUNT - 1 - i] = bufs[0][i];
        }
        ck_quick(pthread_create(&other, NULL, release_many, &race[1]) ==
                 0);
        release_many(&race[0]);
        pthread_join(other, NULL);
        ck_quick(race[0].ret == -ESTALE || race[1].ret == -ESTALE);
        ck_quick(count_released(bufs[0]) + count_released(bufs[1]) ==
                 COUNT);
        simpool_check(&sim, 0, 0);
    }
    pthread_barrier_destroy(&start);
    simpool_close(&sim);
}
END_TEST

/* A thread that keeps asking how many are held. */
struct monitor {
    const struct readbuf_pool *pool;
    _Atomic bool stop;
    uint32_t most;
};

static void *watch(void *argument)
{
    struct monitor *monitor = argument;

    while (!monitor->stop) {
        uint32_t held = readbuf_pool_held(monitor->pool);

        if (held > monitor->most)
            monitor->most = held;
    }
    return NULL;
}

/* One buffer goes out and comes back; never are two of one out. */
START_TEST(nobody_sees_more_held_than_there_are)
{
    enum { TURNS = 300000 };
    struct monitor monitors[2] = {0};
    pthread_t threads[2];
    struct simpool sim;

    simpool_open(&sim, 1, SIZE);
    for (int i = 0; i < 2; i++) {
        monitors[i].pool = sim.pool;
        ck_assert_int_eq(
            pthread_create(&threads[i], NULL, watch, &monitors[i]), 0);
    }
    for (int turn = 0; turn < TURNS; turn++) {
        struct readbuf buf = readbuf_pool_get(sim.pool);

        ck_quick(simpool_complete(
                     &buf, SIZE, simkernel_flags(simpool_pick(&sim))) ==
                 SIZE);
        ck_quick(readbuf_release(&buf) == 0);
    }
    for (int i = 0; i < 2; i++) {
        monitors[i].stop = true;
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_uint_le(monitors[i].most, 1);
    }
    simpool_close(&sim);
}
END_TEST

/* ------------------------------------------------------------ real */

/* A file of BLOCKS blocks, each of one byte SIZE times. */
static int blocks(void)
{
    unsigned char block[SIZE];
    int fd[2];

    source_memfd(fd);
    for (int i = 0; i < BLOCKS; i++) {
        memset(block, i, SIZE);
        ck_assert_int_eq(write(fd[1], block, SIZE), SIZE);
    }
    return fd[0];
}

static void read_block(struct pooltest *t, int file, unsigned round,
                       struct readbuf *buf, uint64_t name)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&t->uring);

    readbuf_prep_read(sqe, file, buf,
                      (uint64_t)(round % BLOCKS) * SIZE);
    sqe->user_data = name;
}

/*
 * `n` reads at once. What was released is the kernel's as soon as
 * whoever is inside has left, so a read may starve for a moment.
 */
static void read_blocks(struct pooltest *t, int file, unsigned round,
                        unsigned n, bool twice)
{
    struct readbuf bufs[4];
    unsigned open = n;

    for (unsigned i = 0; i < n; i++) {
        bufs[i] = readbuf_pool_get(t->pool);
        read_block(t, file, round + i, &bufs[i], i);
    }
    while (open > 0) {
        struct support_cqe seen = support_complete(&t->uring);
        struct io_uring_cqe cqe = {.res = seen.res,
                                   .flags = seen.flags};
        unsigned i = (unsigned)seen.user_data;
        int ret = readbuf_complete(&bufs[i], &cqe);

        if (ret == -ENOBUFS) {
            sched_yield();
            read_block(t, file, round + i, &bufs[i], i);
            continue;
        }
        ck_quick(ret == SIZE);
        if (!twice)
            ck_quick(bufs[i].data[0] == (round + i) % BLOCKS);
        hand_out(bufs[i], round + i, twice);
        open--;
    }
}

/* Reads in flight, never more than buffers were released. */
static void real_rounds(struct pooltest *t, bool twice)
{
    int file = blocks();
    sem_t free;

    sem_init(&free, 0, COUNT);
    start_workers(!twice, &free);
    for (unsigned round = 0, n; round < REAL_ROUNDS; round += n) {
        n = 0;
        sem_wait(&free);
        do
            n++;
        while (n < 4 && round + n < REAL_ROUNDS &&
               sem_trywait(&free) == 0);
        read_blocks(t, file, round, n, twice);
    }
    finish_workers(REAL_ROUNDS, twice ? REAL_ROUNDS : 0);
    ck_assert_uint_eq(readbuf_pool_held(t->pool), 0);
    ck_assert_uint_eq(pooltest_count_free(t), COUNT);
    ck_assert_int_eq(readbuf_pool_unref(t->pool), 0);
}

/*
 * One buffer, and no semaphore: what orders a worker's writes before
 * the next look at the same bytes is the pool alone. ThreadSanitizer
 * says whether it does.
 */
START_TEST(what_a_worker_wrote_is_seen_before_the_next_read)
{
    static struct pooltest t;
    unsigned rounds = 0;
    int file;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    file = blocks();
    start_workers(true, NULL);
    while (rounds < REAL_ROUNDS) {
        struct readbuf buf = readbuf_pool_get(t.pool);
        int ret;

        readbuf_prep_read(io_uring_get_sqe(&t.uring), file, &buf,
                          (uint64_t)(rounds % BLOCKS) * SIZE);
        ret = pooltest_complete(&t.uring, &buf);
        if (ret == -ENOBUFS) {
            sched_yield();
            continue;
        }
        ck_quick(ret == SIZE && buf.data[0] == rounds % BLOCKS);
        hand_out(buf, rounds++, false);
    }
    finish_workers(REAL_ROUNDS, 0);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}
END_TEST

/*
 * The kernel picked a buffer, and let it be an error that names it:
 * then it matters where a worker has published that buffer.
 */
START_TEST(errors_come_back_among_releases_of_others)
{
    static struct pooltest t;
    unsigned rounds = 0;
    int file;

    NEED_POOL(&t, 0, 2, SIZE, 0);
    file = blocks();
    start_workers(true, NULL);
    while (rounds < REAL_ROUNDS) {
        struct readbuf buf = readbuf_pool_get(t.pool);
        struct io_uring_cqe cqe;
        struct support_cqe seen;

        readbuf_prep_read(io_uring_get_sqe(&t.uring), file, &buf, 0);
        seen = support_complete(&t.uring);
        cqe =
            (struct io_uring_cqe){.res = seen.res, .flags = seen.flags};
        if (cqe.res == SIZE && rounds % 2 != 0)
            cqe.res = -EIO;
        rounds += seen.res == SIZE;
        if (readbuf_complete(&buf, &cqe) == SIZE)
            hand_out(buf, rounds, false);
        else
            ck_quick(buf.data == NULL);
    }
    finish_workers(REAL_ROUNDS / 2, 0);
    ck_assert_uint_eq(pooltest_count_free(&t), 2);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}
END_TEST

START_TEST(several_threads_release_what_the_kernel_read)
{
    static struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    real_rounds(&t, false);
}
END_TEST

START_TEST(of_two_copies_of_the_kernels_bytes_one_is_released)
{
    static struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    real_rounds(&t, true);
}
END_TEST

START_TEST(other_threads_release_where_one_submits)
{
    static struct pooltest t;

    NEED_POOL(&t, IORING_SETUP_SINGLE_ISSUER, COUNT, SIZE, 0);
    real_rounds(&t, false);
}
END_TEST

SUITE("threads", several_threads_release_what_one_completes,
      of_two_copies_one_is_released, errors_come_back_among_releases,
      of_two_copies_of_many_each_is_released_once,
      nobody_sees_more_held_than_there_are,
      what_a_worker_wrote_is_seen_before_the_next_read,
      errors_come_back_among_releases_of_others,
      several_threads_release_what_the_kernel_read,
      of_two_copies_of_the_kernels_bytes_one_is_released,
      other_threads_release_where_one_submits)
