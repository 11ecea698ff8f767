/*
 * test_loans.c - buffers go out with completions and come back with
 * releases, on the real kernel.
 */
#include "late_file.h"
#include "pooltest.h"
#include "simhead.h"
#include "simpool.h"

#include <errno.h>
#include <sys/stat.h>

enum { COUNT = 4, SIZE = 16 };

static struct io_uring_sqe *next_sqe(struct pooltest *t)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&t->uring);

    ck_assert_ptr_nonnull(sqe);
    return sqe;
}

/* Read `fd` at its own position into `buf`; what complete says. */
static int read_into(struct pooltest *t, int fd, struct readbuf *buf)
{
    readbuf_prep_read(next_sqe(t), fd, buf, UINT64_MAX);
    return pooltest_complete(&t->uring, buf);
}

static int receive_into(struct pooltest *t, int fd, struct readbuf *buf,
                        int flags)
{
    readbuf_prep_recv(next_sqe(t), fd, buf, flags);
    return pooltest_complete(&t->uring, buf);
}

/* Complete a completion that was copied out of its ring. */
static int complete_copy(struct readbuf *buf, struct support_cqe copy)
{
    struct io_uring_cqe cqe = {.res = copy.res, .flags = copy.flags};

    return readbuf_complete(buf, &cqe);
}

static int take_copy(struct readbuf_pool *pool, struct support_cqe copy,
                     struct readbuf *out)
{
    struct io_uring_cqe cqe = {.res = copy.res, .flags = copy.flags};

    return readbuf_pool_take(pool, &cqe, out);
}

/* So many are held, and all others are the kernel's. */
static void ck_held(struct pooltest *t, uint32_t held)
{
    uint32_t others = (uint32_t)t->pool->count - held;

    ck_assert_uint_eq(readbuf_pool_held(t->pool), held);
    if (support_features()->status)
        ck_assert_int_eq(readbuf_pool_available(t->pool), (int)others);
    else
        ck_assert_uint_eq(pooltest_count_free(t), others);
    ck_assert_uint_eq(readbuf_pool_held(t->pool), held);
}

static void ck_same(const struct readbuf *one,
                    const struct readbuf *other)
{
    ck_assert_ptr_eq(one->data, other->data);
    ck_assert_ptr_eq(one->pool, other->pool);
    ck_assert_uint_eq(one->len, other->len);
    ck_assert_uint_eq(one->loan, other->loan);
}

static void ck_empty(const struct readbuf *buf,
                     const struct readbuf_pool *pool)
{
    ck_assert_ptr_null(buf->data);
    ck_assert_ptr_eq(buf->pool, pool);
    ck_assert_uint_eq(readbuf_len(buf), 0);
}

static void ck_release(struct readbuf *buf)
{
    const struct readbuf_pool *pool = buf->pool;

    ck_assert_int_eq(readbuf_release(buf), 0);
    ck_empty(buf, pool);
}

/* ------------------------------------------------------- bytes */

START_TEST(a_read_brings_the_bytes_of_every_source)
{
    void (*const sources[])(int fd[2]) = {source_file, source_memfd,
                                          source_pipe, source_tcp};
    static struct pooltest t;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (size_t i = 0; i < 4; i++) {
        struct readbuf buf = readbuf_pool_get(t.pool);

        sources[i](fd);
        source_say(fd, "some bytes");
        ck_assert_int_eq(read_into(&t, fd[0], &buf), 10);
        pooltest_ck_text(&buf, "some bytes");
        ck_held(&t, 1);
        ck_release(&buf);
        ck_held(&t, 0);
    }
}
END_TEST

static void source_unix_stream(int fd[2])
{
    source_unix(SOCK_STREAM, fd);
}

static void source_unix_datagram(int fd[2])
{
    source_unix(SOCK_DGRAM, fd);
}

START_TEST(a_receive_brings_the_bytes_of_every_socket)
{
    void (*const sources[])(int fd[2]) = {source_tcp, source_udp,
                                          source_unix_stream,
                                          source_unix_datagram};
    static struct pooltest t;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (size_t i = 0; i < 4; i++) {
        struct readbuf buf = readbuf_pool_get(t.pool);

        sources[i](fd);
        source_say(fd, "some bytes");
        ck_assert_int_eq(receive_into(&t, fd[0], &buf, 0), 10);
        pooltest_ck_text(&buf, "some bytes");
        ck_release(&buf);
    }
    ck_held(&t, 0);
}
END_TEST

START_TEST(a_read_begins_at_its_offset)
{
    static struct pooltest t;
    struct readbuf buf;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    source_file(fd);
    source_say(fd, "0123456789");
    buf = readbuf_pool_get(t.pool);
    readbuf_prep_read(next_sqe(&t), fd[0], &buf, 3);
    ck_assert_int_eq(pooltest_complete(&t.uring, &buf), 7);
    pooltest_ck_text(&buf, "3456789");
    readbuf_prep_read(next_sqe(&t), fd[0], &buf, 1);
    ck_assert_int_eq(pooltest_complete(&t.uring, &buf), 9);
    pooltest_ck_text(&buf, "3456789123456789");
}
END_TEST

START_TEST(the_flags_of_a_receive_are_passed_on)
{
    static struct pooltest t;
    struct readbuf buf;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    source_say(t.fd, "look");
    ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, MSG_PEEK), 4);
    ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, MSG_PEEK), 4);
    pooltest_ck_text(&buf, "looklook");
    ck_release(&buf);
    ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, MSG_PEEK), 4);
    pooltest_ck_text(&buf, "look");
}
END_TEST

START_TEST(a_buffer_is_filled_to_its_last_byte_and_no_further)
{
    static struct pooltest t;
    struct readbuf buf, rest;

    NEED_POOL(&t, 0, COUNT, 5, 0);
    buf = readbuf_pool_get(t.pool);
    rest = readbuf_pool_get(t.pool);
    source_say(t.fd, "1234567");
    ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, 0), 5);
    ck_assert_int_eq(read_into(&t, t.fd[0], &rest), 2);
    pooltest_ck_text(&buf, "12345");
    pooltest_ck_text(&rest, "67");
}
END_TEST

START_TEST(bytes_of_one_are_not_those_of_another)
{
    static struct pooltest t;
    struct readbuf bufs[COUNT];
    char text[2] = "a";

    NEED_POOL(&t, 0, COUNT, 1, 0);
    for (int i = 0; i < COUNT; i++, text[0]++)
        bufs[i] = pooltest_read(&t, text);
    text[0] = 'a';
    for (int i = 0; i < COUNT; i++, text[0]++)
        pooltest_ck_text(&bufs[i], text);
}
END_TEST

/* ------------------------------------------ into a held buffer */

START_TEST(a_held_buffer_is_filled_by_and_by)
{
    static struct pooltest t;
    struct readbuf buf;
    const unsigned char *data;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = pooltest_read(&t, "one");
    data = buf.data;
    ck_assert_int_eq(pooltest_receive(&t, &buf, "two"), 3);
    pooltest_ck_text(&buf, "onetwo");
    source_say(t.fd, "three");
    ck_assert_int_eq(read_into(&t, t.fd[0], &buf), 5);
    pooltest_ck_text(&buf, "onetwothree");
    ck_assert_ptr_eq(buf.data, data);
    ck_held(&t, 1);
    ck_release(&buf);
    ck_held(&t, 0);
}
END_TEST

START_TEST(a_full_buffer_takes_no_more)
{
    static struct pooltest t;
    struct readbuf buf;
    char rest[8];

    NEED_POOL(&t, 0, COUNT, 6, 0);
    buf = pooltest_read(&t, "four");
    ck_assert_int_eq(pooltest_receive(&t, &buf, "five"), 2);
    pooltest_ck_text(&buf, "fourfi");
    ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, 0), 0);
    ck_assert_int_eq(read_into(&t, t.fd[0], &buf), 0);
    pooltest_ck_text(&buf, "fourfi");
    ck_assert_int_eq(read(t.fd[0], rest, sizeof(rest)), 2);
    ck_assert_mem_eq(rest, "ve", 2);
    ck_held(&t, 1);
}
END_TEST

START_TEST(a_held_buffer_keeps_its_bytes_when_nothing_comes)
{
    static struct pooltest t;
    struct readbuf buf, before;
    int directory = open("/", O_RDONLY | O_CLOEXEC);

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = pooltest_read(&t, "kept");
    before = buf;
    ck_assert_int_eq(read_into(&t, directory, &buf), -EISDIR);
    ck_same(&buf, &before);
    ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, MSG_DONTWAIT),
                     -EAGAIN);
    ck_same(&buf, &before);
    source_end(t.fd);
    ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, 0), 0);
    ck_assert_int_eq(read_into(&t, t.fd[0], &buf), 0);
    ck_same(&buf, &before);
    pooltest_ck_text(&buf, "kept");
}
END_TEST

START_TEST(a_cleared_buffer_is_read_into_from_its_start)
{
    static struct pooltest t;
    struct readbuf buf;
    const unsigned char *data;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = pooltest_read(&t, "forgotten");
    data = buf.data;
    readbuf_clear(&buf);
    ck_assert_int_eq(pooltest_receive(&t, &buf, "new"), 3);
    pooltest_ck_text(&buf, "new");
    ck_assert_ptr_eq(buf.data, data);
    ck_held(&t, 1);
}
END_TEST

/* ------------------------------------------- release and reuse */

START_TEST(a_released_handle_is_read_into_again)
{
    static struct pooltest t;
    struct readbuf buf;
    char text[] = "round a";

    NEED_POOL(&t, 0, 2, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    for (int i = 0; i < 20; i++, text[6]++) {
        ck_assert_int_eq(pooltest_receive(&t, &buf, text), 7);
        pooltest_ck_text(&buf, text);
        ck_held(&t, 1);
        ck_release(&buf);
        ck_held(&t, 0);
    }
}
END_TEST

START_TEST(releasing_nothing_is_no_error)
{
    static struct pooltest t;
    struct readbuf buf, none[3];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    for (int i = 0; i < 3; i++)
        none[i] = buf;
    ck_release(&buf);
    ck_release(&buf);
    ck_assert_int_eq(readbuf_release_all(none, 3), 0);
    ck_assert_int_eq(readbuf_release_all(none, 0), 0);
    ck_assert_int_eq(readbuf_release_all(NULL, 0), 0);
    ck_held(&t, 0);
}
END_TEST

START_TEST(held_and_available_add_up_at_every_step)
{
    static struct pooltest t;
    struct readbuf bufs[COUNT];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    NEED_FEATURE(status);
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_held(&t, i);
        bufs[i] = pooltest_read(&t, "x");
    }
    ck_held(&t, COUNT);
    for (uint32_t i = COUNT; i-- > 0;) {
        ck_release(&bufs[i]);
        ck_held(&t, i);
    }
}
END_TEST

START_TEST(buffers_may_come_back_in_any_order)
{
    const int order[COUNT] = {2, 0, 3, 1};
    static struct pooltest t;
    struct readbuf bufs[COUNT];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < COUNT; i++)
            bufs[i] = pooltest_read(&t, "any");
        for (int i = 0; i < COUNT; i++) {
            pooltest_ck_text(&bufs[order[i]], "any");
            ck_release(&bufs[order[i]]);
        }
    }
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

/* ------------------------------------------------ stale copies */

static void ck_stale(struct readbuf *copy)
{
    struct readbuf before = *copy;

    ck_assert_int_eq(readbuf_release(copy), -ESTALE);
    ck_same(copy, &before);
    ck_assert_int_eq(readbuf_release_all(copy, 1), -ESTALE);
    ck_same(copy, &before);
}

START_TEST(a_copy_of_a_released_handle_is_stale)
{
    static struct pooltest t;
    struct readbuf buf, copy;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = pooltest_read(&t, "once");
    copy = buf;
    ck_release(&buf);
    ck_stale(&copy);
    ck_stale(&copy);
    ck_held(&t, 0);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

START_TEST(a_copy_is_stale_even_if_the_buffer_is_out_again)
{
    static struct pooltest t;
    struct readbuf buf, copy;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    buf = pooltest_read(&t, "old");
    copy = buf;
    ck_release(&buf);
    ck_assert_int_eq(pooltest_receive(&t, &buf, "new"), 3);
    ck_assert_ptr_eq(buf.data, copy.data);
    ck_stale(&copy);
    ck_held(&t, 1);
    pooltest_ck_text(&buf, "new");
    ck_release(&buf);
    ck_stale(&copy);
    ck_held(&t, 0);
}
END_TEST

START_TEST(a_copy_whose_length_differs_is_released_once)
{
    static struct pooltest t;
    struct readbuf buf, copy;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = pooltest_read(&t, "long");
    copy = buf;
    readbuf_truncate(&copy, 1);
    ck_release(&copy);
    ck_stale(&buf);
    ck_held(&t, 0);
}
END_TEST

/* Sixteen bits of a loan would not do. */
START_TEST(a_copy_is_stale_after_a_hundred_thousand_reuses)
{
    struct readbuf buf, copy, before;
    struct simpool sim;
    uint16_t bid;

    simpool_open(&sim, 1, SIZE);
    buf = readbuf_pool_get(sim.pool);
    bid = simpool_pick(&sim);
    ck_quick(simpool_complete(&buf, 1, simkernel_flags(bid)) == 1);
    copy = before = buf;
    ck_quick(readbuf_release(&buf) == 0);
    for (int i = 0; i < 100000; i++) {
        ck_quick(simpool_pick(&sim) == bid);
        ck_quick(simpool_complete(&buf, 1, simkernel_flags(bid)) == 1);
        ck_quick(readbuf_release(&copy) == -ESTALE);
        ck_quick(readbuf_release(&buf) == 0);
        ck_quick(readbuf_release(&copy) == -ESTALE);
    }
    ck_same(&copy, &before);
    simpool_close(&sim);
}
END_TEST

START_TEST(a_stale_release_leaves_errno_alone)
{
    static struct pooltest t;
    struct readbuf buf, copy;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = pooltest_read(&t, "x");
    copy = buf;
    errno = 12345;
    ck_release(&buf);
    ck_stale(&copy);
    ck_assert_int_eq(errno, 12345);
}
END_TEST

/* ------------------------------------------------- release_all */

START_TEST(many_are_released_at_once)
{
    static struct pooltest t;
    struct readbuf bufs[COUNT];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (int i = 0; i < COUNT; i++)
        bufs[i] = pooltest_read(&t, "x");
    ck_assert_int_eq(readbuf_release_all(bufs, COUNT), 0);
    for (int i = 0; i < COUNT; i++)
        ck_empty(&bufs[i], t.pool);
    ck_held(&t, 0);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

START_TEST(empty_ones_among_many_are_passed_over)
{
    static struct pooltest t;
    struct readbuf bufs[5];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (int i = 0; i < 5; i++)
        bufs[i] = i % 2 == 0 ? readbuf_pool_get(t.pool)
                             : pooltest_read(&t, "x");
    ck_assert_int_eq(readbuf_release_all(bufs, 5), 0);
    for (int i = 0; i < 5; i++)
        ck_empty(&bufs[i], t.pool);
    ck_held(&t, 0);
}
END_TEST

START_TEST(one_that_is_there_twice_is_released_once)
{
    static struct pooltest t;
    struct readbuf bufs[4], copy;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    bufs[0] = pooltest_read(&t, "a");
    bufs[1] = copy = bufs[0];
    bufs[2] = bufs[0];
    bufs[3] = pooltest_read(&t, "b");
    ck_assert_int_eq(readbuf_release_all(bufs, 4), -ESTALE);
    ck_empty(&bufs[0], t.pool);
    ck_same(&bufs[1], &copy);
    ck_same(&bufs[2], &copy);
    ck_empty(&bufs[3], t.pool);
    ck_held(&t, 0);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

START_TEST(a_stale_one_among_many_keeps_no_other_back)
{
    static struct pooltest t;
    struct readbuf bufs[3], stale;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    bufs[0] = pooltest_read(&t, "a");
    stale = bufs[0];
    ck_release(&bufs[0]);
    bufs[0] = stale;
    bufs[1] = pooltest_read(&t, "b");
    bufs[2] = pooltest_read(&t, "c");
    ck_assert_int_eq(readbuf_release_all(bufs, 3), -ESTALE);
    ck_same(&bufs[0], &stale);
    ck_empty(&bufs[1], t.pool);
    ck_empty(&bufs[2], t.pool);
    ck_held(&t, 0);
}
END_TEST

START_TEST(those_of_another_pool_are_not_released_along)
{
    static struct pooltest t;
    struct readbuf_pool *first;
    struct readbuf bufs[4], other;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    bufs[0] = pooltest_read(&t, "a");
    bufs[3] = bufs[0]; /* stale, but the first error counts */
    bufs[2] = pooltest_read(&t, "b");
    first = t.pool;
    t.pool = pooltest_create(&t.uring, 2, SIZE, 0);
    bufs[1] = other = pooltest_read(&t, "c");
    ck_assert_int_eq(readbuf_release_all(bufs, 4), -EINVAL);
    ck_same(&bufs[1], &other);
    ck_held(&t, 1);
    ck_release(&bufs[1]);
    ck_held(&t, 0);
    ck_empty(&bufs[0], first);
    ck_empty(&bufs[2], first);
    t.pool = first;
    ck_held(&t, 0);
}
END_TEST

START_TEST(an_empty_handle_does_not_decide_the_pool)
{
    static struct pooltest t;
    struct readbuf_pool *first;
    struct readbuf bufs[3];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    bufs[0] = readbuf_pool_get(t.pool);
    first = t.pool;
    t.pool = pooltest_create(&t.uring, 2, SIZE, 0);
    bufs[1] = pooltest_read(&t, "b");
    bufs[2] = bufs[1];
    ck_assert_int_eq(readbuf_release_all(bufs, 3), -ESTALE);
    ck_empty(&bufs[0], first);
    ck_empty(&bufs[1], t.pool);
    ck_held(&t, 0);
}
END_TEST

/* ----------------------------------------- foreign completions */

START_TEST(a_completion_is_completed_once)
{
    static struct pooltest t;
    struct readbuf buf, other, before;
    struct support_cqe cqe;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = other = readbuf_pool_get(t.pool);
    source_say(t.fd, "once");
    readbuf_prep_recv(next_sqe(&t), t.fd[0], &buf, 0);
    cqe = support_complete(&t.uring);
    ck_assert_int_eq(complete_copy(&buf, cqe), 4);
    before = buf;
    ck_assert_int_eq(complete_copy(&other, cqe), -EPROTO);
    ck_empty(&other, t.pool);
    ck_assert_int_eq(complete_copy(&buf, cqe), -EPROTO);
    ck_same(&buf, &before);
    pooltest_ck_text(&buf, "once");
    ck_held(&t, 1);
}
END_TEST

START_TEST(a_buffer_that_there_is_not_is_foreign)
{
    static struct pooltest t;
    struct support_cqe cqe = {.res = 1,
                              .flags = simkernel_flags(COUNT)};
    struct readbuf buf, held, before;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    held = before = pooltest_read(&t, "held");
    ck_assert_int_eq(complete_copy(&buf, cqe), -EPROTO);
    ck_assert_int_eq(complete_copy(&held, cqe), -EPROTO);
    cqe = (struct support_cqe){.res = -EIO,
                               .flags = simkernel_flags(UINT16_MAX)};
    ck_assert_int_eq(complete_copy(&buf, cqe), -EPROTO);
    ck_assert_int_eq(complete_copy(&held, cqe), -EPROTO);
    ck_empty(&buf, t.pool);
    ck_same(&held, &before);
    ck_held(&t, 1);
}
END_TEST

START_TEST(two_requests_of_one_handle_are_told_apart)
{
    static struct pooltest t;
    struct readbuf buf, before;
    struct support_cqe first, second;

    NEED_POOL(&t, 0, COUNT, 4, 0);
    buf = readbuf_pool_get(t.pool);
    source_say(t.fd, "firstsec");
    readbuf_prep_recv(next_sqe(&t), t.fd[0], &buf, 0);
    readbuf_prep_recv(next_sqe(&t), t.fd[0], &buf, 0);
    first = support_complete(&t.uring);
    second = support_complete(&t.uring);
    ck_assert_int_eq(complete_copy(&buf, first), 4);
    before = buf;
    ck_assert_int_eq(complete_copy(&buf, second), -EBUSY);
    ck_same(&buf, &before);
    pooltest_ck_text(&buf, "firs");
    ck_held(&t, 1);
    ck_release(&buf);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

/* --------------------------------------------------- datagrams */

START_TEST(a_truncated_datagram_is_no_longer_than_its_buffer)
{
    static struct pooltest t;
    struct readbuf buf;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, 6, 0);
    source_udp(fd);
    buf = readbuf_pool_get(t.pool);
    source_say(fd, "0123456789");
    ck_assert_int_eq(receive_into(&t, fd[0], &buf, MSG_TRUNC), 10);
    pooltest_ck_text(&buf, "012345");
    ck_assert_uint_eq(readbuf_capacity(&buf), 6);
    ck_release(&buf);
    source_say(fd, "0123456789");
    ck_assert_int_eq(receive_into(&t, fd[0], &buf, 0), 6);
    pooltest_ck_text(&buf, "012345");
}
END_TEST

START_TEST(a_datagram_is_truncated_to_what_a_held_buffer_has_left)
{
    static struct pooltest t;
    struct readbuf buf;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, 6, 0);
    source_udp(fd);
    buf = pooltest_read(&t, "ab");
    source_say(fd, "0123456789");
    ck_assert_int_eq(receive_into(&t, fd[0], &buf, MSG_TRUNC), 10);
    pooltest_ck_text(&buf, "ab0123");
}
END_TEST

START_TEST(an_empty_datagram_costs_no_buffer)
{
    static struct pooltest t;
    struct readbuf buf;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    source_udp(fd);
    buf = readbuf_pool_get(t.pool);
    for (int i = 0; i < 3 * COUNT; i++) {
        source_say(fd, "");
        ck_assert_int_eq(receive_into(&t, fd[0], &buf, 0), 0);
        ck_empty(&buf, t.pool);
        ck_held(&t, 0);
    }
    source_say(fd, "five!");
    ck_assert_int_eq(receive_into(&t, fd[0], &buf, 0), 5);
    pooltest_ck_text(&buf, "five!");
}
END_TEST

/* ------------------------------------------ nothing but an end */

START_TEST(a_directory_costs_no_buffer)
{
    static struct pooltest t;
    struct readbuf buf;
    int directory = open("/", O_RDONLY | O_CLOEXEC);

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    for (int i = 0; i < 3 * COUNT; i++) {
        ck_assert_int_eq(read_into(&t, directory, &buf), -EISDIR);
        ck_empty(&buf, t.pool);
        ck_held(&t, 0);
    }
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

START_TEST(the_end_of_a_pipe_costs_no_buffer)
{
    static struct pooltest t;
    struct readbuf buf;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    for (int i = 0; i < 3 * COUNT; i++) {
        source_pipe(fd);
        source_end(fd);
        ck_assert_int_eq(read_into(&t, fd[0], &buf), 0);
        ck_empty(&buf, t.pool);
        ck_held(&t, 0);
        close(fd[0]);
    }
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

START_TEST(the_end_of_a_stream_costs_no_buffer)
{
    static struct pooltest t;
    struct readbuf buf;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    for (int i = 0; i < 3 * COUNT; i++) {
        source_tcp(fd);
        source_end(fd);
        ck_assert_int_eq(receive_into(&t, fd[0], &buf, 0), 0);
        ck_empty(&buf, t.pool);
        close(fd[0]);
    }
    ck_held(&t, 0);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

/*
 * Both READ and RECV: where one kernel consumes a buffer, another names
 * one that it did not consume, and a third does neither.
 */
START_TEST(a_reset_costs_no_buffer)
{
    static struct pooltest t;
    struct readbuf buf;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    for (int i = 0; i < 3 * COUNT; i++) {
        source_tcp(fd);
        source_reset(fd);
        ck_assert_int_eq(i % 2 == 0 ? read_into(&t, fd[0], &buf)
                                    : receive_into(&t, fd[0], &buf, 0),
                         -ECONNRESET);
        ck_empty(&buf, t.pool);
        ck_held(&t, 0);
        close(fd[0]);
    }
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

/* A read of an empty pipe by a worker, which sleeps in it. */
static void begin_worker(struct pooltest *t, int fd,
                         struct readbuf *buf)
{
    struct io_uring_sqe *sqe = next_sqe(t);
    int before = readbuf_pool_available(t->pool);

    readbuf_prep_read(sqe, fd, buf, UINT64_MAX);
    sqe->flags |= IOSQE_ASYNC;
    sqe->user_data = 1;
    ck_assert_int_eq(io_uring_submit(&t->uring), 1);
    while (readbuf_pool_available(t->pool) == before)
        usleep(100);
}

static void cancel_worker(struct pooltest *t, struct readbuf *buf)
{
    struct io_uring_sqe *sqe = next_sqe(t);
    struct support_cqe cqe, other;

    io_uring_prep_cancel64(sqe, 1, 0);
    sqe->user_data = 2;
    cqe = support_complete(&t->uring);
    other = support_complete(&t->uring);
    if (cqe.user_data == 2)
        cqe = other;
    ck_assert_uint_eq(cqe.user_data, 1);
    ck_assert_int_lt(complete_copy(buf, cqe), 0);
    ck_empty(buf, t->pool);
}

START_TEST(a_cancelled_worker_costs_no_buffer)
{
    static struct pooltest t;
    struct readbuf buf;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    NEED_FEATURE(status);
    source_pipe(fd);
    buf = readbuf_pool_get(t.pool);
    for (int i = 0; i < 3 * COUNT; i++) {
        begin_worker(&t, fd[0], &buf);
        cancel_worker(&t, &buf);
        ck_held(&t, 0);
    }
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

/* Meanwhile the kernel's head passes the buffer's place many times. */
START_TEST(a_worker_cancelled_late_costs_no_buffer)
{
    static struct pooltest t;
    struct readbuf buf, other;
    int fd[2];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    NEED_FEATURE(status);
    source_pipe(fd);
    buf = readbuf_pool_get(t.pool);
    begin_worker(&t, fd[0], &buf);
    for (int i = 0; i < 5 * COUNT; i++) {
        other = pooltest_read(&t, "x");
        ck_release(&other);
    }
    cancel_worker(&t, &buf);
    ck_held(&t, 0);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

/* -------------------------------------------------- starvation */

START_TEST(starving_leaves_the_handle_alone_and_passes)
{
    static struct pooltest t;
    struct readbuf held[COUNT], buf;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    for (int i = 0; i < COUNT; i++)
        held[i] = pooltest_read(&t, "x");
    source_say(t.fd, "waiting");
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, 0), -ENOBUFS);
        ck_empty(&buf, t.pool);
        ck_assert_uint_eq(readbuf_pool_held(t.pool), COUNT);
    }
    ck_release(&held[2]);
    ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, 0), 7);
    pooltest_ck_text(&buf, "waiting");
    ck_assert_uint_eq(readbuf_pool_held(t.pool), COUNT);
}
END_TEST

START_TEST(a_held_buffer_is_read_into_while_others_starve)
{
    static struct pooltest t;
    struct readbuf buf;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    buf = pooltest_read(&t, "one");
    ck_assert_int_eq(pooltest_receive(&t, &buf, "two"), 3);
    pooltest_ck_text(&buf, "onetwo");
}
END_TEST

/* -------------------------------------------------------- take */

START_TEST(a_completion_is_taken_into_a_fresh_handle)
{
    static struct pooltest t;
    struct readbuf request, out;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    memset(&out, 0xa5, sizeof(out));
    request = readbuf_pool_get(t.pool);
    source_say(t.fd, "taken");
    readbuf_prep_recv(next_sqe(&t), t.fd[0], &request, 0);
    ck_assert_int_eq(
        take_copy(t.pool, support_complete(&t.uring), &out), 5);
    pooltest_ck_text(&out, "taken");
    ck_empty(&request, t.pool);
    ck_held(&t, 1);
    ck_release(&out);
    ck_held(&t, 0);
}
END_TEST

START_TEST(without_bytes_an_empty_handle_is_taken)
{
    static struct pooltest t;
    struct readbuf request, out;
    int directory = open("/", O_RDONLY | O_CLOEXEC);

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    request = readbuf_pool_get(t.pool);
    for (int i = 0; i < 3 * COUNT; i++) {
        memset(&out, 0xa5, sizeof(out));
        readbuf_prep_read(next_sqe(&t), directory, &request, 0);
        ck_assert_int_eq(
            take_copy(t.pool, support_complete(&t.uring), &out),
            -EISDIR);
        ck_empty(&out, t.pool);
        ck_held(&t, 0);
    }
}
END_TEST

/* ------------------------------------------ data that was moved */

/* As programs that know iovecs do it. Nothing is given back. */
static int release_moved(const struct readbuf *buf, ptrdiff_t by)
{
    struct readbuf moved = *buf;
    int ret;

    moved.data += by;
    moved.len = 0;
    ret = readbuf_release(&moved);
    ck_assert_ptr_eq(moved.data, buf->data + by);
    return ret;
}

START_TEST(a_handle_moved_off_its_first_byte_is_refused)
{
    static struct pooltest t;
    struct readbuf buf;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = pooltest_read(&t, "once");
    for (int by = 1; by < SIZE; by++)
        ck_assert_int_eq(release_moved(&buf, by), -EINVAL);
    ck_assert_int_eq(release_moved(&buf, -1), -EINVAL);
    ck_assert_int_eq(release_moved(&buf, COUNT * SIZE), -EINVAL);
    ck_held(&t, 1);
    ck_release(&buf);
}
END_TEST

/* Every buffer has been out as often as every other. */
START_TEST(a_handle_moved_to_another_buffer_is_stale)
{
    static struct pooltest t;
    struct readbuf bufs[COUNT];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (int i = 0; i < COUNT; i++)
        bufs[i] = pooltest_read(&t, "out");
    for (int i = 0; i < COUNT; i++)
        for (int j = 0; j < COUNT; j++)
            if (i != j)
                ck_assert_int_eq(
                    release_moved(&bufs[i],
                                  bufs[j].data - bufs[i].data),
                    -ESTALE);
    ck_held(&t, COUNT);
    ck_assert_int_eq(readbuf_release_all(bufs, COUNT), 0);
    ck_held(&t, 0);
}
END_TEST

/* --------------------------------------------- bytes and no buffer */

START_TEST(bytes_without_a_buffer_are_an_error)
{
    static struct pooltest t;
    const char *none;
    struct readbuf buf;
    int fd, ret;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    none = late_file_open(&fd);
    if (none != NULL)
        SKIP("%s", none);
    buf = readbuf_pool_get(t.pool);
    ret = read_into(&t, fd, &buf);
    if (ret > 0 && buf.data != NULL)
        SKIP("this kernel names the buffer");
    ck_assert_int_eq(ret, -ENOTRECOVERABLE);
    ck_empty(&buf, t.pool);
    ck_held(&t, 0);
}
END_TEST

/* ----------------------------------------------- flags and lengths */

/* What the kernel makes of a read whose selection was assigned away. */
static int without_selection(struct pooltest *t, const int fd[2],
                             bool receive, unsigned flags)
{
    struct readbuf buf = readbuf_pool_get(t->pool);
    struct io_uring_sqe *sqe = next_sqe(t);
    int ret;

    source_say(fd, "waiting");
    if (receive)
        readbuf_prep_recv(sqe, fd[0], &buf, 0);
    else
        readbuf_prep_read(sqe, fd[0], &buf, UINT64_MAX);
    io_uring_sqe_set_flags(sqe, flags);
    ret = pooltest_complete(&t->uring, &buf);
    ck_empty(&buf, t->pool);
    return ret;
}

START_TEST(a_lost_selection_is_no_end_of_file)
{
    void (*const sources[])(int fd[2]) = {
        source_file, source_memfd, source_pipe,
        source_tcp,  source_udp,   source_unix_stream};
    const unsigned flags[] = {0, IOSQE_ASYNC};
    static struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
        for (size_t j = 0; j < 2; j++) {
            int fd[2];

            sources[i](fd);
            ck_assert_int_eq(without_selection(&t, fd, false, flags[j]),
                             -EFAULT);
            if (i >= 3)
                ck_assert_int_eq(
                    without_selection(&t, fd, true, flags[j]), -EFAULT);
        }
    ck_held(&t, 0);
}
END_TEST

START_TEST(a_flag_that_is_added_keeps_the_selection)
{
    static struct pooltest t;
    struct readbuf buf;
    struct io_uring_sqe *sqe;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    source_say(t.fd, "here");
    sqe = next_sqe(&t);
    readbuf_prep_recv(sqe, t.fd[0], &buf, 0);
    sqe->flags |= IOSQE_ASYNC;
    ck_assert_int_eq(pooltest_complete(&t.uring, &buf), 4);
    pooltest_ck_text(&buf, "here");
}
END_TEST

START_TEST(a_smaller_length_limits_the_bytes)
{
    static struct pooltest t;
    struct readbuf buf;
    struct io_uring_sqe *sqe;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = readbuf_pool_get(t.pool);
    source_say(t.fd, "abcdefgh");
    for (int i = 0; i < 2; i++) {
        sqe = next_sqe(&t);
        readbuf_prep_recv(sqe, t.fd[0], &buf, 0);
        sqe->len = 3;
        ck_assert_int_eq(pooltest_complete(&t.uring, &buf), 3);
    }
    pooltest_ck_text(&buf, "abcdef");
}
END_TEST

/* No read brings 2 GiB, and some refuse a length with the top bit. */
START_TEST(a_length_is_never_negative)
{
    const uint32_t sizes[] = {1, INT32_MAX, (uint32_t)INT32_MAX + 1,
                              UINT32_MAX};
    struct readbuf_pool pool = {.ring.group = 77};
    struct readbuf empty = {.pool = &pool};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        uint32_t most = sizes[i] < INT32_MAX ? sizes[i] : INT32_MAX;
        struct io_uring_sqe sqe = {0};

        pool.origin.size = sizes[i];
        readbuf_prep_read(&sqe, 3, &empty, 0);
        ck_assert_uint_eq(sqe.len, most);
        ck_assert_uint_eq(sqe.buf_group, 77);
        readbuf_prep_recv(&sqe, 3, &empty, 0);
        ck_assert_uint_eq(sqe.len, most);
        ck_assert_uint_eq(sqe.flags, IOSQE_BUFFER_SELECT);
#ifndef READBUF_OWN_ASAN /* which would be told of 4 GiB of room */
        unsigned char byte;
        struct readbuf held = {.pool = &pool, .data = &byte, .loan = 1};

        sqe = (struct io_uring_sqe){0};
        readbuf_prep_recv(&sqe, 3, &held, 0);
        ck_assert_uint_eq(sqe.len, most);
        readbuf_prep_read(&sqe, 3, &held, 0);
        ck_assert_uint_eq(sqe.len, most);
        ck_assert_uint_eq(sqe.flags, 0);
#endif
    }
}
END_TEST

START_TEST(a_handle_of_no_pool_reads_nothing)
{
    static struct pooltest t;
    struct readbuf buf = READBUF_INIT;
    char unread[12];

    ck_assert_int_eq(
        complete_copy(
            &buf, (struct support_cqe){.res = 3,
                                       .flags = IORING_CQE_F_BUFFER}),
        -EPROTO);
    ck_empty(&buf, NULL);
    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    source_say(t.fd, "not for you");
    ck_assert_int_eq(receive_into(&t, t.fd[0], &buf, 0), -EBADF);
    ck_empty(&buf, NULL);
    ck_assert_int_eq(read_into(&t, t.fd[0], &buf), -EBADF);
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_empty(&buf, NULL);
    ck_assert_int_eq(read(t.fd[0], unread, sizeof(unread)), 11);
    ck_held(&t, 0);
}
END_TEST

SUITE("loans", a_read_brings_the_bytes_of_every_source,
      a_receive_brings_the_bytes_of_every_socket,
      a_read_begins_at_its_offset, the_flags_of_a_receive_are_passed_on,
      a_buffer_is_filled_to_its_last_byte_and_no_further,
      bytes_of_one_are_not_those_of_another,
      a_held_buffer_is_filled_by_and_by, a_full_buffer_takes_no_more,
      a_held_buffer_keeps_its_bytes_when_nothing_comes,
      a_cleared_buffer_is_read_into_from_its_start,
      a_released_handle_is_read_into_again,
      releasing_nothing_is_no_error,
      held_and_available_add_up_at_every_step,
      buffers_may_come_back_in_any_order,
      a_copy_of_a_released_handle_is_stale,
      a_copy_is_stale_even_if_the_buffer_is_out_again,
      a_copy_whose_length_differs_is_released_once,
      a_copy_is_stale_after_a_hundred_thousand_reuses,
      a_stale_release_leaves_errno_alone, many_are_released_at_once,
      empty_ones_among_many_are_passed_over,
      one_that_is_there_twice_is_released_once,
      a_stale_one_among_many_keeps_no_other_back,
      those_of_another_pool_are_not_released_along,
      an_empty_handle_does_not_decide_the_pool,
      a_completion_is_completed_once,
      a_buffer_that_there_is_not_is_foreign,
      two_requests_of_one_handle_are_told_apart,
      a_truncated_datagram_is_no_longer_than_its_buffer,
      a_datagram_is_truncated_to_what_a_held_buffer_has_left,
      an_empty_datagram_costs_no_buffer, a_directory_costs_no_buffer,
      the_end_of_a_pipe_costs_no_buffer,
      the_end_of_a_stream_costs_no_buffer, a_reset_costs_no_buffer,
      a_cancelled_worker_costs_no_buffer,
      a_worker_cancelled_late_costs_no_buffer,
      starving_leaves_the_handle_alone_and_passes,
      a_held_buffer_is_read_into_while_others_starve,
      a_completion_is_taken_into_a_fresh_handle,
      without_bytes_an_empty_handle_is_taken,
      a_handle_moved_off_its_first_byte_is_refused,
      a_handle_moved_to_another_buffer_is_stale,
      bytes_without_a_buffer_are_an_error,
      a_lost_selection_is_no_end_of_file,
      a_flag_that_is_added_keeps_the_selection,
      a_smaller_length_limits_the_bytes, a_length_is_never_negative,
      a_handle_of_no_pool_reads_nothing)
