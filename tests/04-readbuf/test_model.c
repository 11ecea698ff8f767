/*
 * test_model.c - the operations against a model that is too simple to
 * be wrong: bytes are moved one at a time, in memory of its own.
 *
 * All small cases, then long random sequences. READBUF_SEED=N repeats
 * the sequences that printed this seed.
 */
#include "held.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

struct model {
    size_t capacity;
    size_t len;
    bool is_held;
    unsigned char bytes[HELD_MAX];
};

static int model_extend(struct model *model, const unsigned char *bytes,
                        size_t n)
{
    unsigned char copy[HELD_MAX];

    if (!model->is_held || n > HELD_MAX ||
        model->len + n > model->capacity)
        return -ENOBUFS;
    for (size_t i = 0; i < n; i++)
        copy[i] = bytes[i];
    for (size_t i = 0; i < n; i++)
        model->bytes[model->len++] = copy[i];
    return 0;
}

/* What is outside the range, in its order. */
static int model_remove(struct model *model, size_t start, size_t end)
{
    size_t kept = 0;

    if (end == READBUF_END)
        end = model->len;
    if (start > end || end > model->len)
        return -EINVAL;
    for (size_t i = 0; i < model->len; i++)
        if (i < start || i >= end)
            model->bytes[kept++] = model->bytes[i];
    model->len = kept;
    return 0;
}

static int model_set_len(struct model *model, size_t len)
{
    if (!model->is_held || len > model->capacity)
        return -EINVAL;
    model->len = len;
    return 0;
}

static void model_truncate(struct model *model, size_t len)
{
    while (model->len > len)
        model->len--;
}

/* Both start like this: the first `n` letters, if a buffer is held. */
static void start_both(struct model *model, struct held *held,
                       size_t capacity, size_t n, bool is_held)
{
    *model = (struct model){capacity, n, is_held, "abcdefgh"};
    held_make(held, capacity, model->bytes, n);
    if (!is_held)
        held->buf.data = NULL;
}

static void agree(const struct model *model, const struct held *held)
{
    ck_assert(readbuf_capacity(&held->buf) == model->capacity &&
              readbuf_len(&held->buf) == model->len &&
              readbuf_is_empty(&held->buf) == (model->len == 0) &&
              (held->buf.data != NULL) == model->is_held);
    if (model->is_held)
        held_has(held, model->bytes, model->len);
    else
        ck_assert_msg(held_is_guarded(held), "written without buffer");
}

enum { SMALL = 8 };

/* Every buffer of up to eight bytes, every fill of it, and none. */
static void each_small(void (*body)(size_t capacity, size_t n,
                                    bool is_held))
{
    for (size_t capacity = 0; capacity <= SMALL; capacity++) {
        body(capacity, 0, false);
        for (size_t n = 0; n <= capacity; n++)
            body(capacity, n, true);
    }
}

/* 0 to 9, then what is larger than all of these. */
static size_t edge(size_t i)
{
    static const size_t last[] = {UINT32_MAX, SIZE_MAX / 2,
                                  SIZE_MAX - SMALL, SIZE_MAX - 1,
                                  SIZE_MAX};

    return i < SMALL + 2 ? i : last[i - (SMALL + 2)];
}

enum { EDGES = SMALL + 2 + 5 };

static void each_range(size_t capacity, size_t n, bool is_held)
{
    struct model model;
    struct held held;

    for (size_t i = 0; i < EDGES * EDGES; i++) {
        size_t start = edge(i / EDGES), end = edge(i % EDGES);

        start_both(&model, &held, capacity, n, is_held);
        ck_assert_int_eq(readbuf_remove(&held.buf, start, end),
                         model_remove(&model, start, end));
        agree(&model, &held);
    }
}

START_TEST(every_small_range_is_removed)
{
    each_small(each_range);
}
END_TEST

static void each_length(size_t capacity, size_t n, bool is_held)
{
    struct model model;
    struct held held;

    for (size_t i = 0; i < EDGES; i++) {
        start_both(&model, &held, capacity, n, is_held);
        readbuf_truncate(&held.buf, edge(i));
        model_truncate(&model, edge(i));
        agree(&model, &held);

        start_both(&model, &held, capacity, n, is_held);
        if (is_held) /* what a growing length uncovers */
            memcpy(held.buf.data, model.bytes, capacity);
        ck_assert_int_eq(readbuf_set_len(&held.buf, edge(i)),
                         model_set_len(&model, edge(i)));
        agree(&model, &held);
    }
}

START_TEST(every_small_length_is_set)
{
    each_small(each_length);
}
END_TEST

static void each_append(size_t capacity, size_t n, bool is_held)
{
    struct model model;
    struct held held;

    for (size_t i = 0; i < EDGES; i++) {
        start_both(&model, &held, capacity, n, is_held);
        ck_assert_int_eq(
            readbuf_extend(&held.buf, "0123456789", edge(i)),
            model_extend(&model, (const unsigned char *)"0123456789",
                         edge(i)));
        agree(&model, &held);
    }
}

START_TEST(every_small_number_is_appended)
{
    each_small(each_append);
}
END_TEST

/* Every part of the bytes, appended to them. */
static void each_part(size_t capacity, size_t n, bool is_held)
{
    struct model model;
    struct held held;

    for (size_t from = 0; is_held && from <= n; from++)
        for (size_t length = 0; from + length <= n; length++) {
            start_both(&model, &held, capacity, n, is_held);
            ck_assert_int_eq(
                readbuf_extend(&held.buf, held.buf.data + from, length),
                model_extend(&model, model.bytes + from, length));
            agree(&model, &held);
        }
}

START_TEST(every_small_part_is_appended_to_itself)
{
    each_small(each_part);
}
END_TEST

/* ------------------------------------------------------- sequences */

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
    switch (random_below(8)) {
    case 0:
        return most;
    case 1:
        return 0;
    case 2:
        return edge(random_below(EDGES));
    default:
        return random_below(most + 3);
    }
}

/* Without a buffer there is no part of it to append. */
static void append_a_part(struct model *model, struct held *held)
{
    size_t from, n;

    if (!model->is_held)
        return;
    from = random_below(model->len + 1);
    n = random_below(model->len - from + 1);
    ck_assert_int_eq(
        readbuf_extend(&held->buf, held->buf.data + from, n),
        model_extend(model, model->bytes + from, n));
}

/* What a read does, short or not. */
static void fill_the_spare(struct model *model, struct held *held)
{
    struct iovec spare = readbuf_spare(&held->buf);
    size_t n;

    ck_assert_uint_eq(spare.iov_len, model->is_held
                                         ? model->capacity - model->len
                                         : 0);
    if (!model->is_held) {
        ck_assert_ptr_null(spare.iov_base);
        return;
    }
    ck_assert_ptr_eq(spare.iov_base, held->buf.data + model->len);
    n = random_below(spare.iov_len + 1);
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)random_below(256);

        ((unsigned char *)spare.iov_base)[i] = byte;
        model->bytes[model->len + i] = byte;
    }
    ck_assert_int_eq(readbuf_set_len(&held->buf, model->len + n), 0);
    ck_assert_int_eq(model_set_len(model, model->len + n), 0);
}

/* Shorter or too long: a longer one uncovers what nobody promised. */
static void set_a_length(struct model *model, struct held *held)
{
    size_t len = random_length(model->len);

    if (len > model->len && len <= model->capacity)
        len = model->capacity + 1;
    ck_assert_int_eq(readbuf_set_len(&held->buf, len),
                     model_set_len(model, len));
}

static void append_others(struct model *model, struct held *held)
{
    unsigned char bytes[HELD_MAX];
    size_t n = random_length(model->capacity - model->len);

    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)random_below(256);
    ck_assert_int_eq(readbuf_extend(&held->buf, bytes, n),
                     model_extend(model, bytes, n));
}

static void remove_a_range(struct model *model, struct held *held)
{
    size_t start = random_length(model->len);
    size_t end = random_length(model->len);

    ck_assert_int_eq(readbuf_remove(&held->buf, start, end),
                     model_remove(model, start, end));
}

/* Seldom: the buffer goes, or another is picked. */
static void let_go(struct model *model, struct held *held)
{
    if (random_below(8) == 0)
        start_both(model, held, model->capacity, 0, !model->is_held);
}

static void step(struct model *model, struct held *held)
{
    size_t len;

    switch (random_below(10)) {
    case 0:
        len = random_length(model->len);
        readbuf_truncate(&held->buf, len);
        model_truncate(model, len);
        return;
    case 1:
        if (random_below(4) == 0) {
            readbuf_clear(&held->buf);
            model_truncate(model, 0);
        }
        return;
    case 2:
        set_a_length(model, held);
        return;
    case 3:
    case 4:
        append_others(model, held);
        return;
    case 5:
        append_a_part(model, held);
        return;
    case 6:
        let_go(model, held);
        return;
    case 7:
        fill_the_spare(model, held);
        return;
    default:
        remove_a_range(model, held);
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

START_TEST(random_sequences_agree)
{
    struct model model;
    struct held held;

    seed();
    for (int sequence = 0; sequence < 200; sequence++) {
        start_both(&model, &held, 1 + random_below(HELD_MAX), 0, true);
        for (int i = 0; i < 100; i++) {
            step(&model, &held);
            agree(&model, &held);
        }
    }
}
END_TEST

SUITE("model", every_small_range_is_removed, every_small_length_is_set,
      every_small_number_is_appended,
      every_small_part_is_appended_to_itself, random_sequences_agree)
