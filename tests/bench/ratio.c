/*
 * ratio.c - the table of ratios: turns, their median, its spread.
 */
#include "ratio.h"
#include "readbuf.h"
#include "readbuf_refusal.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

enum {
    ROUNDS = 5,   /* so often everything is opened anew: where memory
                       lies in the cache is luck as well */
    TURNS = 4096, /* in all of them, at most */
};

static const double SLICE = 2e6; /* nanoseconds, at least */

struct results {
    unsigned turns;
    double ns[SIDES][TURNS]; /* of an operation */
};

unsigned ratio_sum;

static double now(clockid_t clock)
{
    struct timespec time;

    clock_gettime(clock, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

double cpu_time(void)
{
    return now(CLOCK_THREAD_CPUTIME_ID);
}

double wall_time(void)
{
    return now(CLOCK_MONOTONIC);
}

/* 0 or a negative errno. */
static int uring_init(struct io_uring *uring, unsigned entries)
{
    int ret = io_uring_queue_init(entries, uring,
                                  IORING_SETUP_SINGLE_ISSUER |
                                      IORING_SETUP_DEFER_TASKRUN);

    if (ret == -EINVAL) /* before Linux 6.1 */
        ret = io_uring_queue_init(entries, uring, 0);
    return ret;
}

void uring_open(struct io_uring *uring, unsigned entries)
{
    must(uring_init(uring, entries) == 0);
}

/* 0, or why the largest pool of all rows cannot be had. */
static int try_pool(void)
{
    struct readbuf_pool *pool;
    struct io_uring uring;
    int ret = uring_init(&uring, 4);

    if (ret < 0)
        return ret;
    ret = readbuf_pool_create(&pool, &uring, 32768, 4096, 0);
    if (ret == 0)
        readbuf_pool_unref(pool);
    io_uring_queue_exit(&uring);
    return ret;
}

void *map(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    must(memory != MAP_FAILED);
    return memory;
}

void hand_open(struct hand *hand, struct io_uring *uring,
               uint32_t count, uint32_t size, uint16_t group)
{
    struct io_uring_buf_reg registration = {.ring_entries = count,
                                            .bgid = group};

    *hand = (struct hand){
        .ring = map(count * sizeof(struct io_uring_buf)),
        .slab = map((size_t)count * size),
        .count = count,
        .size = size,
        .group = group,
    };
    registration.ring_addr = (uintptr_t)hand->ring;
    must(io_uring_register_buf_ring(uring, &registration, 0) == 0);
    for (uint32_t bid = 0; bid < count; bid++)
        hand_add(hand, (uint16_t)bid, (int)bid);
    hand_show(hand, (int)count);
}

void hand_close(struct hand *hand, struct io_uring *uring)
{
    must(io_uring_unregister_buf_ring(uring, hand->group) == 0);
    munmap(hand->ring, hand->count * sizeof(struct io_uring_buf));
    munmap(hand->slab, (size_t)hand->count * hand->size);
}

/* -------------------------------------------------------- measuring */

/*
 * As many operations as make a slice; this warms up as well. By the
 * clock on the wall, since a slice has parts that it does not count.
 */
static unsigned enough(const struct row *row)
{
    unsigned n = 1;

    for (int side = LIBRARY; side < SIDES; side++)
        for (;; n *= 2) {
            double start = wall_time();

            row->slice((enum side)side, n);
            if (wall_time() - start > SLICE)
                break;
        }
    return n;
}

static void take_turns(const struct row *row, double seconds,
                       struct results *results)
{
    static const enum side orders[6][SIDES] = {
        {0, 1, 2}, {2, 1, 0}, {1, 2, 0},
        {0, 2, 1}, {2, 0, 1}, {1, 0, 2},
    };
    unsigned n = enough(row), most = results->turns + TURNS / ROUNDS;
    double end = wall_time() + seconds * 1e9;

    do {
        unsigned turn = results->turns++;

        for (int i = 0; i < SIDES; i++) {
            enum side side = orders[turn % 6][i];

            results->ns[side][turn] = row->slice(side, n) / n;
        }
    } while (wall_time() < end && results->turns < most);
}

static int ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *values, unsigned n)
{
    qsort(values, n, sizeof(*values), ascending);
    return values[n / 2];
}

/*
 * The median of the ratios, and half the width of where it lies 19
 * times out of 20: so many places from the middle.
 */
static void print_ratio(const double *above, const double *below,
                        unsigned n)
{
    static double ratios[TURNS];
    unsigned off = (unsigned)ceil(0.98 * sqrt(n));
    double middle;

    if (off > (n - 1) / 2)
        off = (n - 1) / 2;
    for (unsigned i = 0; i < n; i++)
        ratios[i] = above[i] / below[i];
    middle = median(ratios, n);
    printf("  %6.3f +-%.3f", middle,
           (ratios[n / 2 + off] - ratios[n / 2 - off]) / 2);
}

void row_measure(const struct row *row, double seconds)
{
    static struct results results;
    double *library = results.ns[LIBRARY];
    double *hand = results.ns[BY_HAND];

    results.turns = 0;
    for (int round = 0; round < ROUNDS; round++) {
        const char *why_not = row->open(row);

        if (why_not != NULL) {
            printf("%-28s SKIPPED, %s\n", row->what, why_not);
            return;
        }
        take_turns(row, seconds / ROUNDS, &results);
        row->close();
    }
    printf("%-28s", row->what);
    print_ratio(library, hand, results.turns);
    print_ratio(results.ns[BY_HAND_AGAIN], hand, results.turns);
    printf("  %7s  %9.1f %9.1f\n", row->goal,
           median(library, results.turns), median(hand, results.turns));
    fflush(stdout);
}

static void measure_all(const struct row *rows, size_t n,
                        double seconds)
{
    for (size_t i = 0; i < n; i++)
        row_measure(&rows[i], seconds);
}

#define MEASURE(rows) \
    measure_all(rows, sizeof(rows) / sizeof(*(rows)), seconds)

int main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 5;
    double load = -1;
    struct utsname system;
    int refused = try_pool();

    if (refused < 0) {
        char why[READBUF_REFUSAL_MAX];

        readbuf_refusal(refused, why, sizeof(why));
        printf("SKIPPED, %s\n", why);
        return EXIT_SUCCESS;
    }
    uname(&system);
    getloadavg(&load, 1);
    printf("Linux %s, %ld processors, load %.1f, %g s a row\n\n"
           "%-28s  %14s  %14s  %7s  %9s %9s\n",
           system.release, sysconf(_SC_NPROCESSORS_ONLN), load, seconds,
           "ratio to by hand", "library", "by hand again", "at most",
           "ns", "by hand");
    MEASURE(file_rows);
    MEASURE(ingest_rows);
    MEASURE(thread_rows);
    MEASURE(create_rows);
    print_resident();
    return EXIT_SUCCESS;
}
