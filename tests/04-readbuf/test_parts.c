/*
 * test_parts.c - a handle of a part of a buffer.
 *
 * The bytes before and after a part are other holders', so no call may
 * write any, and none moves the part's own either: whatever is done,
 * the buffer and its surroundings are compared with what they were.
 *
 * READBUF_SEED=N repeats the sequences that printed this seed.
 */
#include "held.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { CAPACITY = 24, PART_LOAN = 8 };

/* A buffer in parts, one of them ours, and what was there at first. */
struct part {
    struct held held;
    unsigned char before[sizeof(((struct held *)0)->memory)];
};

/* Ours are `len` bytes from `from` on; all bytes differ. */
static void part_make(struct part *part, size_t from, size_t len)
{
    unsigned char bytes[CAPACITY];

    for (size_t i = 0; i < CAPACITY; i++)
        bytes[i] = (unsigned char)(i + 1);
    held_make(&part->held, CAPACITY, bytes, CAPACITY);
    part->held.buf.data += from;
    part->held.buf.len = (uint32_t)len;
    part->held.buf.loan = PART_LOAN;
    memcpy(part->before, part->held.memory, sizeof(part->before));
}

/*
 * Ours are these bytes now, at the place where they always were. The
 * assertions of check write down where they are, each time, with a
 * system call, and this is asked many times.
 */
static void part_has(const struct part *part, size_t from, size_t len)
{
    const struct readbuf *buf = &part->held.buf;
    const unsigned char *first = part->held.memory + HELD_MARGIN;

    if (buf->data != first + from || readbuf_len(buf) != len ||
        readbuf_capacity(buf) != len ||
        readbuf_is_empty(buf) != (len == 0) ||
        buf->pool != &part->held.pool || buf->loan != PART_LOAN)
        ck_abort_msg("%zu bytes from %td on, not %zu from %zu on",
                     readbuf_len(buf), buf->data - first, len, from);
    if (buf->data >= first + CAPACITY)
        ck_abort_msg("it points at the next buffer");
    if (memcmp(part->before, part->held.memory, sizeof(part->before)))
        ck_abort_msg("a byte was written");
}

START_TEST(a_part_has_no_spare_bytes)
{
    struct part part;
    struct iovec spare;

    part_make(&part, 8, 5);
    part_has(&part, 8, 5);
    spare = readbuf_spare(&part.held.buf);
    ck_assert_ptr_eq(spare.iov_base, part.held.buf.data + 5);
    ck_assert_uint_eq(spare.iov_len, 0);
    part_has(&part, 8, 5);
}
END_TEST

START_TEST(an_empty_handle_is_no_part)
{
    struct part part;

    part_make(&part, 8, 0);
    part.held.buf.data = NULL;
    part.held.buf.loan = 0;
    ck_assert_uint_eq(readbuf_capacity(&part.held.buf), CAPACITY);
    ck_assert_ptr_null(readbuf_spare(&part.held.buf).iov_base);
}
END_TEST

START_TEST(nothing_is_appended_to_a_part)
{
    struct part part;

    part_make(&part, 8, 5);
    ck_assert_int_eq(readbuf_extend(&part.held.buf, "x", 1), -ENOBUFS);
    ck_assert_int_eq(
        readbuf_extend(&part.held.buf, part.held.buf.data, 5),
        -ENOBUFS);
    ck_assert_int_eq(readbuf_extend(&part.held.buf, "x", SIZE_MAX),
                     -ENOBUFS);
    ck_assert_int_eq(readbuf_extend(&part.held.buf, "x", 0), 0);
    part_has(&part, 8, 5);
}
END_TEST

/* Even after it was made shorter: what is behind it is not its own. */
START_TEST(a_part_does_not_grow)
{
    struct part part;

    part_make(&part, 8, 5);
    ck_assert_int_eq(readbuf_set_len(&part.held.buf, 6), -EINVAL);
    readbuf_truncate(&part.held.buf, 6);
    part_has(&part, 8, 5);
    ck_assert_int_eq(readbuf_set_len(&part.held.buf, 5), 0);
    ck_assert_int_eq(readbuf_set_len(&part.held.buf, 2), 0);
    part_has(&part, 8, 2);
    ck_assert_int_eq(readbuf_set_len(&part.held.buf, 3), -EINVAL);
    readbuf_truncate(&part.held.buf, 1);
    part_has(&part, 8, 1);
    ck_assert_int_eq(readbuf_set_len(&part.held.buf, 2), -EINVAL);
    ck_assert_int_eq(readbuf_extend(&part.held.buf, "x", 1), -ENOBUFS);
    part_has(&part, 8, 1);
}
END_TEST

START_TEST(a_part_is_removed_from_at_its_ends)
{
    struct part part;

    part_make(&part, 8, 8);
    ck_assert_int_eq(readbuf_remove(&part.held.buf, 0, 3), 0);
    part_has(&part, 11, 5);
    ck_assert_int_eq(readbuf_remove(&part.held.buf, 4, READBUF_END), 0);
    part_has(&part, 11, 4);
    ck_assert_int_eq(readbuf_remove(&part.held.buf, 1, 3), -EINVAL);
    ck_assert_int_eq(readbuf_remove(&part.held.buf, 2, 2), 0);
    ck_assert_int_eq(readbuf_remove(&part.held.buf, 2, 5), -EINVAL);
    ck_assert_int_eq(readbuf_remove(&part.held.buf, 3, 2), -EINVAL);
    part_has(&part, 11, 4);
}
END_TEST

/* Its number is found by where it points. */
START_TEST(a_part_without_bytes_points_into_its_buffer)
{
    struct part part;

    part_make(&part, CAPACITY - 4, 4);
    ck_assert_int_eq(readbuf_remove(&part.held.buf, 0, READBUF_END), 0);
    part_has(&part, CAPACITY - 4, 0);

    part_make(&part, CAPACITY - 4, 4);
    for (size_t i = 1; i < 4; i++) {
        ck_assert_int_eq(readbuf_remove(&part.held.buf, 0, 1), 0);
        part_has(&part, CAPACITY - 4 + i, 4 - i);
    }
    ck_assert_int_eq(readbuf_remove(&part.held.buf, 0, 1), 0);
    part_has(&part, CAPACITY - 1, 0);

    part_make(&part, CAPACITY - 4, 4);
    readbuf_clear(&part.held.buf);
    part_has(&part, CAPACITY - 4, 0);
    ck_assert_int_eq(readbuf_remove(&part.held.buf, 0, READBUF_END), 0);
    ck_assert_int_eq(readbuf_set_len(&part.held.buf, 0), 0);
    ck_assert_int_eq(readbuf_extend(&part.held.buf, "x", 1), -ENOBUFS);
    part_has(&part, CAPACITY - 4, 0);
}
END_TEST

/* ------------------------------------------------ against a model */

/* Two numbers. */
struct model {
    size_t from, len;
};

static int model_set_len(struct model *model, size_t len)
{
    if (len > model->len)
        return -EINVAL;
    model->len = len;
    return 0;
}

static int model_remove(struct model *model, size_t start, size_t end)
{
    bool first, last;

    if (end == READBUF_END)
        end = model->len;
    if (start > end || end > model->len)
        return -EINVAL;
    first = start == 0;
    last = end == model->len;
    if (start < end && !first && !last)
        return -EINVAL;
    if (start < end && !last)
        model->from += end;
    model->len -= end - start;
    return 0;
}

/* 0 to 9, then what is larger than all of these. */
static size_t edge(size_t i)
{
    static const size_t last[] = {CAPACITY, UINT32_MAX, SIZE_MAX / 2,
                                  SIZE_MAX - 1, SIZE_MAX};

    return i < 10 ? i : last[i - 10];
}

enum { EDGES = 15 };

START_TEST(every_small_range_of_every_small_part_is_removed)
{
    struct part part;

    for (size_t i = 0; i < EDGES * EDGES * 8 * 9; i++) {
        size_t start = edge(i % EDGES), end = edge(i / EDGES % EDGES);
        size_t place = i / (EDGES * EDGES);
        struct model model = {CAPACITY - 8 + place % 8, place / 8};

        if (model.from + model.len > CAPACITY)
            continue;
        part_make(&part, model.from, model.len);
        if (readbuf_remove(&part.held.buf, start, end) !=
            model_remove(&model, start, end))
            ck_abort_msg("%zu to %zu of %zu from %zu on", start, end,
                         model.len, model.from);
        part_has(&part, model.from, model.len);
    }
}
END_TEST

static uint64_t state;

/* Below `limit`; xorshift, so that a seed means the same everywhere. */
static size_t random_below(size_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (size_t)(state >> 11) % limit;
}

/* Up to a little more than `most`, with the edges often. */
static size_t random_length(size_t most)
{
    if (random_below(4) == 0)
        return edge(random_below(EDGES));
    return random_below(most + 2);
}

/* As ck_assert, and quick. */
static void ck_step(bool agrees)
{
    if (!agrees)
        ck_abort_msg("another answer than the model's");
}

static void step(struct model *model, struct part *part)
{
    struct readbuf *buf = &part->held.buf;
    size_t n = random_length(model->len);
    size_t m = random_length(model->len);

    switch (random_below(8)) {
    case 0:
        readbuf_truncate(buf, n);
        model->len = n < model->len ? n : model->len;
        return;
    case 1:
        ck_step(readbuf_set_len(buf, n) == model_set_len(model, n));
        return;
    case 2:
        ck_step(readbuf_extend(buf, buf->data, n) ==
                (n == 0 ? 0 : -ENOBUFS));
        return;
    case 3:
        ck_step(readbuf_spare(buf).iov_len == 0);
        return;
    default:
        ck_step(readbuf_remove(buf, n, m) == model_remove(model, n, m));
    }
}

/* Printed before anything can fail. */
static void seed(void)
{
    const char *given = getenv("READBUF_SEED");
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    state = given != NULL
                ? strtoull(given, NULL, 0)
                : (uint64_t)now.tv_sec << 30 ^ (uint64_t)now.tv_nsec;
    state += state == 0; /* 0 stays 0 for ever */
    printf("to repeat: READBUF_SEED=%" PRIu64 "\n", state);
    fflush(stdout);
}

START_TEST(random_sequences_on_a_part_agree)
{
    struct part part;

    seed();
    for (int sequence = 0; sequence < 1000; sequence++) {
        struct model model = {.from = random_below(CAPACITY)};

        model.len = random_below(CAPACITY - model.from + 1);
        part_make(&part, model.from, model.len);
        for (int i = 0; i < 20; i++) {
            step(&model, &part);
            part_has(&part, model.from, model.len);
        }
    }
}
END_TEST

SUITE("parts", a_part_has_no_spare_bytes, an_empty_handle_is_no_part,
      nothing_is_appended_to_a_part, a_part_does_not_grow,
      a_part_is_removed_from_at_its_ends,
      a_part_without_bytes_points_into_its_buffer,
      every_small_range_of_every_small_part_is_removed,
      random_sequences_on_a_part_agree)
