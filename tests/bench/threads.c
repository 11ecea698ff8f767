/*
 * threads.c - two threads that give back buffers of one pool, beside a
 * ring filled by hand under a mutex; and a test-and-set lock beside
 * that mutex.
 *
 * Messages are dealt out to the threads in turn. After each buffer a
 * thread works for so many nanoseconds. The completions are made up.
 * What happened while another program had one of the two processors is
 * measured again: it tells of that program.
 */
#include "ratio.h"
#include "readbuf.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

enum { COUNT = 1024, SIZE = 64, THREADS = 2, EACH = COUNT / THREADS };

/* A row's variant is its work, plus this without the library. */
enum { TEST_AND_SET = 1000 };

/* A ring by hand, and two locks to choose from. */
struct locked {
    struct hand hand;
    _Alignas(64) pthread_mutex_t mutex;
    _Alignas(64) _Atomic bool taken;
};

static struct io_uring uring;
static struct readbuf_pool *pool;
static struct locked *rings[SIDES];
static struct readbuf bufs[THREADS][EACH];
static uint16_t bids[THREADS][EACH];
static cpu_set_t processors[THREADS], everywhere;
static bool test_and_set;
static unsigned turns; /* of spin(), after each buffer */

/* ------------------------------------------------------- three ways */

static void spin(unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        __asm__ volatile("" ::: "memory");
}

static void pause_a_little(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#endif
}

static void give_back(const struct hand *hand, uint16_t bid)
{
    hand_add(hand, bid, 0);
    hand_show(hand, 1);
}

static void all_under_mutex(struct locked *ring, int thread)
{
    for (int i = 0; i < EACH; i++) {
        pthread_mutex_lock(&ring->mutex);
        give_back(&ring->hand, bids[thread][i]);
        pthread_mutex_unlock(&ring->mutex);
        spin(turns);
    }
}

static void all_under_test_and_set(struct locked *ring, int thread)
{
    for (int i = 0; i < EACH; i++) {
        while (atomic_exchange_explicit(&ring->taken, true,
                                        memory_order_acquire))
            pause_a_little();
        give_back(&ring->hand, bids[thread][i]);
        atomic_store_explicit(&ring->taken, false,
                              memory_order_release);
        spin(turns);
    }
}

static void all_by_library(int thread)
{
    for (int i = 0; i < EACH; i++) {
        readbuf_release(&bufs[thread][i]);
        spin(turns);
    }
}

/* -------------------------------------------------------- one slice */

struct part {
    _Atomic int *ready;
    enum side side;
    int thread;
    double start, end;
    long interrupted;
};

/* How often this thread had to go, and did not want to. */
static long interruptions(void)
{
    struct rusage usage;

    getrusage(RUSAGE_THREAD, &usage);
    return usage.ru_nivcsw;
}

/* Both start together, when both are there. */
static void *part_run(void *argument)
{
    struct part *part = argument;
    int thread = part->thread;

    atomic_fetch_add(part->ready, 1);
    while (atomic_load(part->ready) < THREADS)
        pause_a_little();
    part->interrupted = -interruptions();
    part->start = wall_time();
    if (part->side != LIBRARY)
        all_under_mutex(rings[part->side], thread);
    else if (test_and_set)
        all_under_test_and_set(rings[LIBRARY], thread);
    else
        all_by_library(thread);
    part->end = wall_time();
    part->interrupted += interruptions();
    return NULL;
}

/* Not in the time. */
static void take_all(void)
{
    struct io_uring_cqe cqe = {.res = SIZE};

    for (uint32_t bid = 0; bid < COUNT; bid++) {
        struct readbuf *buf = &bufs[bid % THREADS][bid / THREADS];

        cqe.flags = IORING_CQE_F_BUFFER | IORING_CQE_F_MORE |
                    bid << IORING_CQE_BUFFER_SHIFT;
        must(readbuf_pool_take(pool, &cqe, buf) == SIZE);
    }
}

/* Was it without interruption? Then it took `*time`. */
static bool give_all_back(enum side side, double *time)
{
    _Atomic int ready = 0;
    struct part mine = {&ready, side, 0, 0, 0, 0};
    struct part other = {&ready, side, 1, 0, 0, 0};
    pthread_attr_t attributes;
    pthread_t thread;

    if (side == LIBRARY && !test_and_set)
        take_all();
    pthread_attr_init(&attributes);
    pthread_attr_setaffinity_np(&attributes, sizeof(cpu_set_t),
                                &processors[1]);
    must(pthread_create(&thread, &attributes, part_run, &other) == 0);
    pthread_attr_destroy(&attributes);
    part_run(&mine);
    must(pthread_join(thread, NULL) == 0);
    *time = (mine.end > other.end ? mine.end : other.end) -
            (mine.start < other.start ? mine.start : other.start);
    return mine.interrupted == 0 && other.interrupted == 0;
}

static double slice(enum side side, unsigned n)
{
    enum { PATIENCE = 20 };
    double sum = 0, time;

    for (unsigned i = 0; i < n; i++) {
        for (int tries = 1; !give_all_back(side, &time); tries++)
            if (tries == PATIENCE)
                break;
        sum += time;
    }
    return sum / COUNT;
}

/* ---------------------------------------------------------- the row */

/* So many turns of spin() take a nanosecond. */
static double turns_in_a_ns(void)
{
    enum { TURNS = 1000000 };
    double least = 0;

    for (int i = 0; i < 9; i++) {
        double begin = wall_time(), time;

        spin(TURNS);
        time = wall_time() - begin;
        if (i == 0 || time < least)
            least = time;
    }
    return TURNS / least;
}

/* A processor for each thread, if we may run on as many. */
static bool choose_processors(void)
{
    int chosen = 0;

    must(sched_getaffinity(0, sizeof(everywhere), &everywhere) == 0);
    for (size_t cpu = 0; cpu < CPU_SETSIZE && chosen < THREADS; cpu++)
        if (CPU_ISSET(cpu, &everywhere)) {
            CPU_ZERO(&processors[chosen]);
            CPU_SET(cpu, &processors[chosen++]);
        }
    return chosen == THREADS;
}

static const char *open_row(const struct row *row)
{
    if (!choose_processors())
        return "two threads want two processors";
    uring_open(&uring, 4);
    sched_setaffinity(0, sizeof(cpu_set_t), &processors[0]);
    test_and_set = row->variant >= TEST_AND_SET;
    turns = (unsigned)(row->variant % TEST_AND_SET * turns_in_a_ns());
    must(readbuf_pool_create(&pool, &uring, COUNT, SIZE, 0) == 0);
    for (uint16_t side = LIBRARY; side < SIDES; side++) {
        rings[side] = map(sizeof(*rings[side]));
        hand_open(&rings[side]->hand, &uring, COUNT, SIZE,
                  (uint16_t)(500 + side));
        must(pthread_mutex_init(&rings[side]->mutex, NULL) == 0);
    }
    for (uint16_t bid = 0; bid < COUNT; bid++)
        bids[bid % THREADS][bid / THREADS] = bid;
    return NULL;
}

static void close_row(void)
{
    must(readbuf_pool_unref(pool) == 0);
    for (int side = LIBRARY; side < SIDES; side++) {
        hand_close(&rings[side]->hand, &uring);
        pthread_mutex_destroy(&rings[side]->mutex);
        munmap(rings[side], sizeof(*rings[side]));
    }
    io_uring_queue_exit(&uring);
    sched_setaffinity(0, sizeof(everywhere), &everywhere);
}

#define ROW(what, goal, variant)                        \
    {                                                   \
        what, goal, variant, open_row, slice, close_row \
    }

const struct row thread_rows[] = {
    ROW("2 threads, 0 ns", "1.05 *", 0),
    ROW("2 threads, 75 ns", "1.05 *", 75),
    ROW("2 threads, 350 ns", "1.05 *", 350),
    ROW("test-and-set, 0 ns", "", TEST_AND_SET),
    ROW("test-and-set, 75 ns", "", TEST_AND_SET + 75),
    ROW("test-and-set, 350 ns", "", TEST_AND_SET + 350),
};
