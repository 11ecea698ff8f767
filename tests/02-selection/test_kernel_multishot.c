/*
 * test_kernel_multishot.c - how a request that completes many times
 * says its last word.
 *
 * Completions are posted faster than they are taken here, so buffers
 * are counted when a request has ended, not for each completion.
 */
#include "lent.h"

/* Multishot receives are older than any feature we can ask for. */
#define NEED_MULTISHOT(l)                                        \
    do {                                                         \
        if (!multishot_works(l))                                 \
            SKIP("this kernel has no multishot receives (6.0)"); \
    } while (0)

static bool multishot_works(struct lent *l)
{
    struct support_cqe cqe;
    int fd[2];

    source_unix(SOCK_STREAM, fd);
    lent_multishot(l, fd[0]);
    cqe = support_complete(&l->uring);
    ck_assert(cqe.res == -ENOBUFS || cqe.res == -EINVAL);
    return cqe.res == -ENOBUFS;
}

static struct readbuf_completion next(struct lent *l)
{
    struct support_cqe cqe = support_complete(&l->uring);

    return readbuf_decode(cqe.res, cqe.flags);
}

static void ck_next(struct lent *l, int res, bool has_buffer, bool more)
{
    struct readbuf_completion done = next(l);

    ck_answer(done, res, has_buffer);
    ck_assert_int_eq(done.more, more);
}

/* `count` buffers of `len`, and a receive that waits at a stream. */
static void begin_stream(struct lent *l, int fd[2],
                         unsigned short count, unsigned len)
{
    lend_first(l, count, len);
    source_unix(SOCK_STREAM, fd);
    lent_multishot(l, fd[0]);
    lent_idle(l);
}

/* Data takes one of two buffers, and the end takes none. */
static void ck_ends_without_a_buffer(struct lent *l, int fd[2])
{
    source_say(fd, "data");
    ck_next(l, 4, true, true);
    source_end(fd);
    ck_next(l, 0, false, false);
    ck_assert_uint_eq(lent_left(l), 1);
}

/*
 * A multishot receive that meets the end of the stream completes for
 * the last time with 0, no buffer and no `F_MORE`.
 */
START_TEST(a_multishot_receive_ends_without_a_buffer)
{
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    NEED_MULTISHOT(&l);
    begin_stream(&l, fd, 2, 8);
    ck_ends_without_a_buffer(&l, fd);
}
END_TEST

START_TEST(a_multishot_read_ends_without_a_buffer)
{
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    NEED_FEATURE(read_multishot);
    lend_first(&l, 2, 8);
    source_pipe(fd);
    lent_read(&l, fd[0])->opcode = READBUF_OP_READ_MULTISHOT;
    lent_idle(&l);
    ck_ends_without_a_buffer(&l, fd);
}
END_TEST

/*
 * claim: multishot-starves (6.0)
 * A multishot receive that finds the ring empty completes for the last
 * time with `ENOBUFS` and no `F_MORE`.
 */
START_TEST(a_multishot_receive_ends_when_it_starves)
{
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    NEED_MULTISHOT(&l);
    begin_stream(&l, fd, 2, 4);
    source_say(fd, "aaaabbbbcccc");
    ck_next(&l, 4, true, true);
    ck_next(&l, 4, true, true);
    ck_next(&l, -ENOBUFS, false, false);
    ck_assert_uint_eq(lent_left(&l), 0);
}
END_TEST

/*
 * claim: starving-hides-the-end (6.0)
 * With an empty ring even the end of a stream is reported as `ENOBUFS`;
 * the end is seen by the next receive that finds a buffer.
 */
START_TEST(starving_hides_the_end)
{
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    NEED_MULTISHOT(&l);
    begin_stream(&l, fd, 1, 4);
    source_say(fd, "last");
    ck_next(&l, 4, true, true);
    source_end(fd);
    ck_next(&l, -ENOBUFS, false, false);
    lend(&l, 0, 4);
    lent_multishot(&l, fd[0]);
    ck_next(&l, 0, false, false);
}
END_TEST

/*
 * claim: multishot-empty-datagram (6.0)
 * An empty datagram ends a multishot receive: 0, no buffer, no
 * `F_MORE`.
 */
START_TEST(an_empty_datagram_ends_a_multishot_receive)
{
    static struct lent l;
    int fd[2];

    NEED_LENT(&l, 0, 0);
    NEED_MULTISHOT(&l);
    lend_first(&l, 2, 8);
    source_udp(fd);
    lent_multishot(&l, fd[0]);
    lent_idle(&l);
    source_say(fd, "");
    ck_next(&l, 0, false, false);
    source_say(fd, "next");
    lent_idle(&l);
    lent_multishot(&l, fd[0]);
    ck_next(&l, 4, true, true);
}
END_TEST

/*
 * claim: multishot-full-queue (6.0)
 * When the completion queue is full, a multishot receive ends with a
 * completion that has data and a buffer but no `F_MORE`.
 */
START_TEST(a_full_completion_queue_ends_a_multishot_receive)
{
    static struct lent l;
    struct readbuf_completion done;
    unsigned picked = 0;
    int fd[2];

    NEED_LENT(&l, 0, 4);
    NEED_MULTISHOT(&l);
    lend_first(&l, 4, 4);
    source_unix(SOCK_STREAM, fd);
    source_say(fd, "aaaabbbbcccc");
    for (int i = 0; i < 2; i++)
        io_uring_prep_nop(io_uring_get_sqe(&l.uring));
    /* Now, since some kernels complete them last, if all go together.
     */
    ck_assert_int_eq(io_uring_submit(&l.uring), 2);
    lent_multishot(&l, fd[0]);
    ck_assert_int_eq(io_uring_submit(&l.uring), 1);
    ck_assert_int_eq(next(&l).res, 0);
    ck_assert_int_eq(next(&l).res, 0);
    do {
        done = next(&l);
        ck_answer(done, 4, true);
        ck_assert_uint_eq(done.bid, picked++);
    } while (done.more);
    ck_assert_uint_eq(picked, 3);
    ck_assert_uint_eq(lent_left(&l), 1);
}
END_TEST

SUITE("multishot", a_multishot_receive_ends_without_a_buffer,
      a_multishot_read_ends_without_a_buffer,
      a_multishot_receive_ends_when_it_starves, starving_hides_the_end,
      an_empty_datagram_ends_a_multishot_receive,
      a_full_completion_queue_ends_a_multishot_receive)
