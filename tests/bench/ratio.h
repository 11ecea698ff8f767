/*
 * ratio.h - rows of ratios, each measured in alternating slices.
 *
 * A row does the same work in three ways: by the library, by hand, and
 * by hand once more, on rings and buffers of its own. A slice is some
 * milliseconds of one way. The three take turns, in every order, so
 * that whatever else the machine does happens to all of them; a ratio
 * is made of two slices of one turn. That of the two by hand says what
 * this machine can tell apart at this moment.
 */
#ifndef READBUF_BENCH_RATIO_H
#define READBUF_BENCH_RATIO_H

#include "hand.h"

#include <stdlib.h>

enum side { LIBRARY, BY_HAND, BY_HAND_AGAIN, SIDES };

struct row {
    const char *what;
    const char *goal; /* at most */
    int variant;      /* the row's own business */

    /* All three ways; NULL, or why that cannot be had here. */
    const char *(*open)(const struct row *row);
    /* `n` operations; how many nanoseconds. */
    double (*slice)(enum side side, unsigned n);
    void (*close)(void);
};

/* Where one file ends the next begins: rows of variants 0 and up. */
extern const struct row file_rows[2], ingest_rows[2], thread_rows[6],
    create_rows[3];

/* Measure for so many seconds, and print a line. */
void row_measure(const struct row *row, double seconds);

/* Memory that is resident, a line each. */
void print_resident(void);

/* Processor time of this thread, and time that passes. */
double cpu_time(void);
double wall_time(void);

/* Else the row's work would not be the same. */
static inline void must(bool condition)
{
    if (!condition)
        abort();
}

/* The first byte of every buffer goes in here, so that it is read. */
extern unsigned ratio_sum;

/* Memory of its own pages, for munmap. */
void *map(size_t size);

/* An io_uring as a program for speed has it. */
void uring_open(struct io_uring *uring, unsigned entries);

/* By hand: `count` buffers of `size`, all in the ring of `group`. */
void hand_open(struct hand *hand, struct io_uring *uring,
               uint32_t count, uint32_t size, uint16_t group);
void hand_close(struct hand *hand, struct io_uring *uring);

#endif
