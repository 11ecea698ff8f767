/*
 * test_stress.c - four threads give back what the kernel fills.
 *
 * Pools of all sizes, with and without a reserve; single releases and
 * batches, in random order; copies of handles that race with each
 * other; and the last reference dropped in the midst of it. Now and
 * then everybody is stopped and the buffers are counted, by the
 * kernel's own head.
 *
 * READBUF_STRESS=N goes on for N times as long.
 */
#include "crew.h"

#include <errno.h>
#include <sched.h>

enum { SIZE = 16, WORKERS = 4, BAG = 4096, MANY = 16 };
enum { TURNS = 2000, COUNTS = 4 }; /* buffers lent, and times counted */
enum { RECV = 1, CANCEL = 2 };     /* user_data */

/* Handles that wait for somebody who releases them, in no order. */
struct bag {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct readbuf items[BAG];
    unsigned count;
    unsigned busy; /* workers that release just now */
    bool paused, closed;
    unsigned released, stale, wrong;
};

struct worker {
    struct bag *bag;
    pthread_t thread;
    uint64_t state;
};

struct stress {
    struct pooltest t;
    struct bag bag;
    struct worker workers[WORKERS];
    bool multishot; /* recv, and else READ of /dev/zero */
    bool armed;
    int zeroes;
    unsigned lent, copies;
    uint64_t state;
};

static unsigned random_below(uint64_t *state, unsigned limit)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return (unsigned)(*state >> 11) % limit;
}

/* ---------------------------------------------------- those who
 * release */

/* Copies go in side by side: the last few are taken, so that they meet.
 */
static unsigned take_some(struct worker *worker, struct readbuf *mine)
{
    struct bag *bag = worker->bag;
    unsigned n = 1 + random_below(&worker->state, 2) * MANY / 2;

    if (n > bag->count)
        n = bag->count;
    for (unsigned i = 0; i < n; i++) {
        unsigned last = bag->count < 8 ? bag->count : 8;
        struct readbuf *item =
            &bag->items[bag->count - 1 -
                        random_below(&worker->state, last)];

        mine[i] = *item;
        *item = bag->items[--bag->count];
    }
    return n;
}

/* How many were released; the others are stale, and said to be. */
static unsigned release_some(struct readbuf *mine, unsigned n,
                             unsigned *wrong)
{
    int ret = n > 1 ? readbuf_release_all(mine, n)
                    : readbuf_release(&mine[0]);
    unsigned released = 0;

    for (unsigned i = 0; i < n; i++)
        released += mine[i].data == NULL;
    *wrong += ret != (released == n ? 0 : -ESTALE);
    return released;
}

static void *work(void *argument)
{
    struct worker *worker = argument;
    struct bag *bag = worker->bag;

    pthread_mutex_lock(&bag->lock);
    while (bag->count > 0 || !bag->closed) {
        struct readbuf mine[MANY];
        unsigned n, released, wrong = 0;

        if (bag->count == 0 || bag->paused) {
            pthread_cond_wait(&bag->changed, &bag->lock);
            continue;
        }
        n = take_some(worker, mine);
        bag->busy++;
        pthread_mutex_unlock(&bag->lock);
        released = release_some(mine, n, &wrong);
        pthread_mutex_lock(&bag->lock);
        bag->busy--;
        bag->released += released;
        bag->stale += n - released;
        bag->wrong += wrong;
        pthread_cond_broadcast(&bag->changed);
    }
    pthread_mutex_unlock(&bag->lock);
    return NULL;
}

static void start_workers(struct stress *s)
{
    pthread_mutex_init(&s->bag.lock, NULL);
    pthread_cond_init(&s->bag.changed, NULL);
    for (unsigned i = 0; i < WORKERS; i++) {
        s->workers[i] = (struct worker){.bag = &s->bag, .state = i + 1};
        ck_assert_int_eq(pthread_create(&s->workers[i].thread, NULL,
                                        work, &s->workers[i]),
                         0);
    }
}

/* When the bag is empty; each buffer was released once. */
static void finish_workers(struct stress *s)
{
    pthread_mutex_lock(&s->bag.lock);
    s->bag.closed = true;
    pthread_cond_broadcast(&s->bag.changed);
    pthread_mutex_unlock(&s->bag.lock);
    for (unsigned i = 0; i < WORKERS; i++)
        ck_assert_int_eq(pthread_join(s->workers[i].thread, NULL), 0);
    pthread_cond_destroy(&s->bag.changed);
    pthread_mutex_destroy(&s->bag.lock);
    ck_assert_uint_eq(s->bag.wrong, 0);
    ck_assert_uint_eq(s->bag.released, s->lent);
    ck_assert_uint_eq(s->bag.stale, s->copies);
}

/* Nobody is in the midst of a release until `go_on`. */
static void pause_workers(struct stress *s)
{
    pthread_mutex_lock(&s->bag.lock);
    s->bag.paused = true;
    while (s->bag.busy > 0)
        pthread_cond_wait(&s->bag.changed, &s->bag.lock);
    pthread_mutex_unlock(&s->bag.lock);
}

static void go_on(struct stress *s)
{
    pthread_mutex_lock(&s->bag.lock);
    s->bag.paused = false;
    pthread_cond_broadcast(&s->bag.changed);
    pthread_mutex_unlock(&s->bag.lock);
}

/* To the workers, and sometimes a copy of it as well. */
static void hand_out(struct stress *s, const struct readbuf *buf,
                     bool copies)
{
    struct bag *bag = &s->bag;
    unsigned n = 1;

    if (copies && random_below(&s->state, 4) == 0)
        n = 2 + random_below(&s->state, 3);
    pthread_mutex_lock(&bag->lock);
    while (bag->count + n > BAG)
        pthread_cond_wait(&bag->changed, &bag->lock);
    for (unsigned i = 0; i < n; i++)
        bag->items[bag->count++] = *buf;
    pthread_cond_broadcast(&bag->changed);
    pthread_mutex_unlock(&bag->lock);
    s->copies += n - 1;
}

/* -------------------------------------------------------- the kernel
 */

static void prepare_reads(struct stress *s, unsigned n)
{
    struct readbuf empty = readbuf_pool_get(s->t.pool);

    for (unsigned i = 0; i < n; i++) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&s->t.uring);

        readbuf_prep_read(sqe, s->zeroes, &empty, 0);
        sqe->user_data = 0;
    }
}

/* Something to receive, and somebody to receive it. */
static void prepare_multishot(struct stress *s, unsigned n)
{
    struct readbuf empty = readbuf_pool_get(s->t.pool);

    for (unsigned i = 0; i < n; i++)
        if (send(s->t.fd[1], "x", 1, MSG_DONTWAIT) < 0)
            ck_often(errno == EAGAIN);
    if (!s->armed) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&s->t.uring);

        readbuf_prep_recv(sqe, s->t.fd[0], &empty, 0);
        sqe->ioprio |= IORING_RECV_MULTISHOT;
        sqe->len = 0;
        sqe->user_data = RECV;
        s->armed = true;
    }
}

/* A completion's buffer, if it has one. */
static bool complete(struct stress *s, const struct io_uring_cqe *cqe,
                     struct readbuf *buf)
{
    int ret;

    if (cqe->user_data == CANCEL)
        return false;
    if (cqe->user_data == RECV && !(cqe->flags & IORING_CQE_F_MORE))
        s->armed = false;
    ret = readbuf_pool_take(s->t.pool, cqe, buf);
    if (ret <= 0 && ret != -ENOBUFS && ret != -ECANCELED)
        ck_abort_msg("a completion says %s", strerror(-ret));
    s->lent += ret > 0;
    return ret > 0;
}

/* All completions that there are; how many brought a buffer. */
static unsigned collect(struct stress *s, bool copies)
{
    struct io_uring_cqe *cqe;
    struct readbuf buf;
    unsigned lent = 0;

    while (io_uring_peek_cqe(&s->t.uring, &cqe) == 0) {
        bool brought = complete(s, cqe, &buf);

        io_uring_cqe_seen(&s->t.uring, cqe);
        if (brought)
            hand_out(s, &buf, copies);
        lent += brought;
    }
    return lent;
}

/* Some buffers go out. */
static unsigned lend(struct stress *s, bool copies)
{
    unsigned n = 1 + random_below(&s->state, 8);

    if (s->multishot)
        prepare_multishot(s, n);
    else
        prepare_reads(s, n);
    ck_often(io_uring_submit_and_wait(&s->t.uring,
                                      s->multishot ? 1 : n) >= 0);
    return collect(s, copies);
}

/* No request is left that could pick a buffer. */
static void stop_requests(struct stress *s, bool copies)
{
    while (s->armed) {
        struct io_uring_sqe *sqe = io_uring_get_sqe(&s->t.uring);

        io_uring_prep_cancel64(sqe, RECV, 0);
        sqe->user_data = CANCEL;
        ck_often(io_uring_submit_and_wait(&s->t.uring, 1) >= 0);
        collect(s, copies);
    }
}

/* ------------------------------------------------------------- a run
 */

/* One buffer for good, whatever else is out. */
static struct readbuf anchor(struct stress *s)
{
    struct readbuf buf = readbuf_pool_get(s->t.pool);
    int ret;

    stop_requests(s, true);
    do {
        sched_yield();
        readbuf_prep_read(io_uring_get_sqe(&s->t.uring), s->zeroes,
                          &buf, 0);
        ret = pooltest_complete(&s->t.uring, &buf);
    } while (ret == -ENOBUFS);
    ck_assert_int_eq(ret, SIZE);
    return buf;
}

/* What was lent and not released is held, and the rest is free. */
static void count_buffers(struct stress *s)
{
    struct readbuf_pool *pool = s->t.pool;
    uint32_t held;

    pause_workers(s);
    held = readbuf_pool_held(pool);
    if (held != s->lent - s->bag.released)
        ck_abort_msg("%u are held: %u were lent, and %u released", held,
                     s->lent, s->bag.released);
    crew_ck_available(&s->t, (int)(pool->count - held));
    go_on(s);
}

/* A multishot request may pick a buffer before we are told. */
static void keep_busy(struct stress *s)
{
    const char *longer = getenv("READBUF_STRESS");
    unsigned turns = TURNS / crew_slower();

    if (longer != NULL)
        turns *= (unsigned)strtoul(longer, NULL, 10);
    for (unsigned i = 0; i < COUNTS; i++) {
        unsigned until = s->lent + turns / COUNTS;

        while ((int)(until - s->lent) > 0)
            if (lend(s, true) == 0)
                sched_yield();
        stop_requests(s, true);
        count_buffers(s);
    }
}

static struct readbuf_pool *build(struct io_uring *uring,
                                  uint32_t count, uint32_t window)
{
    struct readbuf_plan plan = {.count = count,
                                .size = SIZE,
                                .entries = count < 1024 ? count : 1024,
                                .window = window,
                                .ways = &readbuf_ways_plain};
    struct readbuf_pool *pool = NULL;
    int ret, tries = 0;

    do
        ret = readbuf_pool_build(&pool, sizeof(*pool), uring, &plan);
    while (support_locked_for_now(ret, &tries));
    ck_assert_int_eq(ret, 0);
    return pool;
}

/* Everybody has finished, and everything is back in the ring. */
static void end_quietly(struct stress *s)
{
    finish_workers(s);
    crew_ck_free(&s->t, (int)s->t.pool->count);
    ck_assert_int_eq(readbuf_pool_unref(s->t.pool), 0);
}

/*
 * The workers release the last buffers of a pool that is closed just
 * then; one of them frees it. No copies are left: of a pool that is
 * gone nobody can tell that they are stale.
 */
static void end_with_the_last_buffer(struct stress *s)
{
    pthread_mutex_lock(&s->bag.lock);
    while (s->bag.count > 0 || s->bag.busy > 0)
        pthread_cond_wait(&s->bag.changed, &s->bag.lock);
    s->bag.paused = true;
    pthread_mutex_unlock(&s->bag.lock);
    for (unsigned i = 0; i < MANY; i++)
        lend(s, false);
    stop_requests(s, false);
    go_on(s);
    ck_assert_int_eq(readbuf_pool_unref(s->t.pool), 0);
    finish_workers(s);
}

/* Copies race while the pool is closed: one buffer keeps it. */
static void end_among_copies(struct stress *s)
{
    struct readbuf last = anchor(s);

    pause_workers(s);
    for (unsigned i = 0; i < MANY; i++)
        lend(s, true);
    stop_requests(s, true);
    go_on(s);
    ck_assert_int_eq(readbuf_pool_unref(s->t.pool), 0);
    finish_workers(s);
    ck_assert_uint_eq(readbuf_pool_held(last.pool), 1);
    ck_assert_int_eq(readbuf_release(&last), 0);
}

static void run(struct stress *s, uint32_t count, uint32_t window,
                void (*end)(struct stress *s))
{
    struct pooltest_usage usage = pooltest_usage();

    memset(&s->bag, 0, sizeof(s->bag));
    s->lent = s->copies = 0;
    s->t.pool = build(&s->t.uring, count, window);
    start_workers(s);
    keep_busy(s);
    end(s);
    pooltest_ck_usage(usage);
}

/* Pools of all sizes, then two with a reserve. */
static void run_all(struct stress *s, void (*end)(struct stress *s))
{
    static const uint32_t pools[][2] = {
        {1, 1},       {2, 2},  {8, 8},    {64, 64},
        {1024, 1024}, {64, 8}, {1024, 64}};

    s->state = 1;
    s->zeroes = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(s->zeroes, 0);
    close(s->t.fd[0]);
    close(s->t.fd[1]);
    source_unix(SOCK_DGRAM, s->t.fd);
    for (int multishot = 0; multishot < 2; multishot++)
        for (size_t i = 0; i < sizeof(pools) / sizeof(pools[0]); i++) {
            s->multishot = multishot;
            run(s, pools[i][0], pools[i][1], end);
        }
}

static struct stress stress;

START_TEST(four_threads_give_back_all_there_is)
{
    NEED_POOL(&stress.t, 0, 1, SIZE, 0);
    ck_assert_int_eq(readbuf_pool_unref(stress.t.pool), 0);
    run_all(&stress, end_quietly);
}
END_TEST

START_TEST(four_threads_give_back_while_the_ring_goes)
{
    NEED_POOL(&stress.t, 0, 1, SIZE, 0);
    ck_assert_int_eq(readbuf_pool_unref(stress.t.pool), 0);
    run_all(&stress, end_with_the_last_buffer);
}
END_TEST

START_TEST(copies_race_while_the_ring_goes)
{
    NEED_POOL(&stress.t, 0, 1, SIZE, 0);
    ck_assert_int_eq(readbuf_pool_unref(stress.t.pool), 0);
    run_all(&stress, end_among_copies);
}
END_TEST

SUITE("stress", four_threads_give_back_all_there_is,
      four_threads_give_back_while_the_ring_goes,
      copies_race_while_the_ring_goes)
