/*
 * create.c - make a pool of 32,768 buffers and destroy it, beside a
 * ring of 16 by hand; and how much of either is resident.
 */
#include "pool.h"
#include "ratio.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COUNT = 32768, SIZE = 4096, HAND_COUNT = 16, ENTRIES = 1024 };

static struct io_uring uring;
static uint32_t window; /* COUNT: as readbuf_pool_create makes it */

static struct readbuf_pool *create(void)
{
    struct readbuf_plan plan = {
        .count = COUNT,
        .size = SIZE,
        .entries = ENTRIES,
        .window = window,
        .ways = &readbuf_ways_plain,
    };
    struct readbuf_pool *pool;

    if (window == COUNT)
        must(readbuf_pool_create(&pool, &uring, COUNT, SIZE, 0) == 0);
    else
        must(readbuf_pool_build(&pool, sizeof(*pool), &uring, &plan) ==
             0);
    return pool;
}

static const char *open_row(const struct row *row)
{
    window = (uint32_t)row->variant;
    uring_open(&uring, 4);
    return NULL;
}

static void close_row(void)
{
    io_uring_queue_exit(&uring);
}

static double slice(enum side side, unsigned n)
{
    double start = cpu_time();

    for (unsigned i = 0; i < n; i++) {
        struct hand hand;

        if (side == LIBRARY) {
            must(readbuf_pool_unref(create()) == 0);
        } else {
            hand_open(&hand, &uring, HAND_COUNT, SIZE, 500);
            hand_close(&hand, &uring);
        }
    }
    return cpu_time() - start;
}

const struct row create_rows[] = {
    {"create, window 32,768", "", COUNT, open_row, slice, close_row},
    {"create, window 1,024", "1.3", 1024, open_row, slice, close_row},
    {"create, window 128", "1.3", 128, open_row, slice, close_row},
};

/* --------------------------------------------------- resident bytes */

/* Of the whole process, exactly: the kernel walks its pages. */
static long resident(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    char line[128];
    long kilobytes = -1;

    while (file != NULL && fgets(line, sizeof(line), file) != NULL)
        if (sscanf(line, "Rss: %ld kB", &kilobytes) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kilobytes;
}

/* What there was before was used by the ones before this one. */
static long resident_by(const struct row *row)
{
    long before, with;
    struct readbuf_pool *pool;

    must(row->open(row) == NULL);
    must(readbuf_pool_unref(create()) == 0);
    before = resident();
    pool = create();
    with = resident();
    must(readbuf_pool_unref(pool) == 0);
    row->close();
    return with - before;
}

static long resident_by_hand(void)
{
    long before, with;
    struct hand hand;

    uring_open(&uring, 4);
    before = resident();
    hand_open(&hand, &uring, HAND_COUNT, SIZE, 500);
    with = resident();
    hand_close(&hand, &uring);
    io_uring_queue_exit(&uring);
    return with - before;
}

void print_resident(void)
{
    if (resident() < 0) {
        printf("\nresident memory: SKIPPED, no smaps_rollup below "
               "/proc\n");
        return;
    }
    resident_by_hand();
    printf("\n%-28s  %7s  %7s\n", "resident KiB", "", "at most");
    for (size_t i = 0; i < sizeof(create_rows) / sizeof(*create_rows);
         i++)
        printf("%-28s  %7ld  %7s\n", create_rows[i].what,
               resident_by(&create_rows[i]),
               *create_rows[i].goal ? "64" : "");
    printf("%-28s  %7ld\n", "by hand, 16", resident_by_hand());
}
