/*
 * exercise.c - grades exercise 2 of chapter 5: what a quota counts is
 * compared with what the pool says is held.
 *
 * An answer may ask the pool as well (readbuf_pool_held is wrapped),
 * and must not rely on what it hears: other threads release.
 */
#include "exercise.h"

#include "elsewhere.h"
#include "sources.h"
#include "support.h"

#include <errno.h>

enum { COUNT = 4, SIZE = 32, LIMIT = 2 };

static struct io_uring uring;
static struct readbuf_pool *pool;
static int stream[2];

/* An io_uring, a pool and a pipe; or why there are none. */
static const char *opened(void)
{
    const char *why = support_ring(&uring, 4, 0);
    int ret, tries = 0;

    if (why != NULL)
        return why;
    if (!support_features()->rings)
        return "this kernel has no rings";
    do
        ret = readbuf_pool_create(&pool, &uring, COUNT, SIZE, 0);
    while (support_locked_for_now(ret, &tries));
    ck_assert_int_eq(ret, 0);
    source_pipe(stream);
    return NULL;
}

#define NEED_POOL()                     \
    do {                                \
        const char *why_not = opened(); \
        if (why_not != NULL)            \
            SKIP("%s", why_not);        \
    } while (0)

/* Held by another connection until somebody asks the pool. */
static struct readbuf *neighbour;

static int release(void *buf)
{
    return readbuf_release(buf);
}

static void neighbour_releases(void)
{
    struct readbuf *buf = neighbour;

    neighbour = NULL;
    if (buf != NULL && elsewhere(release, buf) != 0)
        abort();
}

uint32_t __real_readbuf_pool_held(const struct readbuf_pool *asked);
uint32_t __wrap_readbuf_pool_held(const struct readbuf_pool *asked);

uint32_t __wrap_readbuf_pool_held(const struct readbuf_pool *asked)
{
    uint32_t held = __real_readbuf_pool_held(asked);

    neighbour_releases();
    return held;
}

/* Submit what was prepared, and take what comes of it. */
static int complete(struct exercise_quota *quota, struct readbuf *out)
{
    struct support_cqe seen = support_complete(&uring);
    struct io_uring_cqe cqe = {.user_data = seen.user_data,
                               .res = seen.res,
                               .flags = seen.flags};

    ck_assert_msg(seen.res != -ENOBUFS,
                  "the ring has run dry; hint: a refused buffer goes "
                  "back to the ring");
    return exercise_take(quota, pool, &cqe, out);
}

static int take_from(struct exercise_quota *quota, int fd,
                     struct readbuf *out)
{
    struct readbuf request = readbuf_pool_get(pool);

    readbuf_prep_read(io_uring_get_sqe(&uring), fd, &request, 0);
    return complete(quota, out);
}

static int take(struct exercise_quota *quota, struct readbuf *out)
{
    source_say(stream, "five.");
    return take_from(quota, stream[0], out);
}

/* The quota counts this many; so does the pool, with nobody else. */
static void counts(const struct exercise_quota *quota, uint32_t held,
                   const char *after, const char *hint)
{
    ck_assert_msg(quota->held == held,
                  "after %s you count %u held, not %u; hint: %s", after,
                  quota->held, held, hint);
    ck_assert_msg(readbuf_pool_held(pool) == held,
                  "after %s the pool says that %u are held, not %u; "
                  "hint: the quota counts what the pool has lent",
                  after, readbuf_pool_held(pool), held);
}

static void takes(struct exercise_quota *quota, struct readbuf *out)
{
    int ret = take(quota, out);

    ck_assert_msg(
        ret == 5 && out->data != NULL && readbuf_len(out) == 5 &&
            memcmp(out->data, "five.", 5) == 0,
        "five bytes within the limit gave %d and a handle of "
        "%zu; hint: up to its own limit a connection gets all",
        ret, readbuf_len(out));
}

static void fills(struct exercise_quota *quota, struct readbuf *bufs)
{
    for (uint32_t i = 0; i < LIMIT; i++) {
        takes(quota, &bufs[i]);
        counts(quota, i + 1, "a buffer with bytes",
               "what the handle holds is counted");
    }
}

static void refused(struct exercise_quota *quota)
{
    struct readbuf out;
    int ret = take(quota, &out);

    ck_assert_msg(ret == -EDQUOT,
                  "one more than the limit gave %d, not -EDQUOT; hint: "
                  "who holds the limit gets no more",
                  ret);
    ck_assert_msg(out.data == NULL && out.pool == pool,
                  "a refused completion left %s; hint: give back an "
                  "empty handle of the pool",
                  out.data != NULL ? "a buffer" : "no handle");
    ck_assert_msg(readbuf_pool_held(pool) <= quota->limit,
                  "beyond the limit of %u the pool has lent %u; hint: "
                  "a refused buffer goes back to the ring",
                  quota->limit, readbuf_pool_held(pool));
    counts(quota, quota->limit, "one more than the limit",
           "what was refused is not held");
}

START_TEST(the_limit_is_kept)
{
    struct exercise_quota quota = {.limit = LIMIT};
    struct readbuf bufs[LIMIT];

    NEED_POOL();
    fills(&quota, bufs);
    for (int i = 0; i < 2 * COUNT; i++)
        refused(&quota);
    for (uint32_t i = 0; i < LIMIT; i++) {
        ck_assert_int_eq(exercise_release(&quota, &bufs[i]), 0);
        counts(&quota, LIMIT - 1 - i, "a release",
               "what went back is held no more");
    }
    fills(&quota, bufs);
    refused(&quota);
}
END_TEST

START_TEST(a_limit_of_none_refuses_all)
{
    struct exercise_quota quota = {.limit = 0};

    NEED_POOL();
    for (int i = 0; i < 2 * COUNT; i++)
        refused(&quota);
}
END_TEST

START_TEST(each_connection_has_its_own)
{
    struct exercise_quota one = {.limit = 1}, other = {.limit = 1};
    struct readbuf bufs[2];

    NEED_POOL();
    takes(&one, &bufs[0]);
    takes(&other, &bufs[1]);
    ck_assert_msg(one.held == 1 && other.held == 1,
                  "two connections count %u and %u; hint: the count is "
                  "the connection's, not the pool's",
                  one.held, other.held);
    ck_assert_int_eq(exercise_release(&other, &bufs[1]), 0);
    refused(&one);
}
END_TEST

/* Bytes, and no buffer: as some kernels and file systems have it. */
static int take_bytes_without(struct exercise_quota *quota,
                              struct readbuf *out)
{
    static char memory[SIZE];

    source_say(stream, "five.");
    io_uring_prep_read(io_uring_get_sqe(&uring), stream[0], memory,
                       SIZE, 0);
    return complete(quota, out);
}

/* A completion that leaves no buffer, and is to give `expected`. */
static void leaves_none(int ret, int expected,
                        const struct readbuf *out,
                        const struct exercise_quota *quota,
                        uint32_t held, const char *what)
{
    ck_assert_msg(ret == expected && out->data == NULL,
                  "%s gave %d, not %d; hint: without a buffer there is "
                  "nothing to refuse",
                  what, ret, expected);
    counts(quota, held, what, "without a buffer nothing is counted");
}

/* With `held` buffers, whether that is the limit or not. */
static void none_count(struct exercise_quota *quota, uint32_t held)
{
    struct readbuf out;
    int ended[2], directory = open(".", O_RDONLY | O_CLOEXEC);
    int ret;

    source_pipe(ended);
    source_end(ended);
    ret = take_from(quota, ended[0], &out);
    leaves_none(ret, 0, &out, quota, held, "the end of a pipe");
    ret = take_from(quota, directory, &out);
    leaves_none(ret, -EISDIR, &out, quota, held, "a directory");
    ret = take_bytes_without(quota, &out);
    leaves_none(ret, -ENOTRECOVERABLE, &out, quota, held,
                "bytes without a buffer");
    close(ended[0]);
    close(directory);
}

START_TEST(without_a_buffer_nothing_counts)
{
    struct exercise_quota quota = {.limit = LIMIT};
    struct readbuf bufs[LIMIT];

    NEED_POOL();
    none_count(&quota, 0);
    fills(&quota, bufs);
    none_count(&quota, LIMIT);
}
END_TEST

START_TEST(an_empty_handle_gives_nothing_back)
{
    struct exercise_quota quota = {.limit = LIMIT};
    struct readbuf bufs[LIMIT], empty;

    NEED_POOL();
    empty = readbuf_pool_get(pool);
    fills(&quota, bufs);
    ck_assert_int_eq(exercise_release(&quota, &empty), 0);
    counts(&quota, LIMIT, "the release of an empty handle",
           "an empty handle gives nothing back");
    for (uint32_t i = 0; i < 2 * LIMIT; i++)
        ck_assert_int_eq(exercise_release(&quota, &bufs[i / 2]), 0);
    counts(&quota, 0, "releasing each handle twice",
           "an empty handle gives nothing back");
}
END_TEST

START_TEST(a_stale_handle_gives_nothing_back)
{
    struct exercise_quota quota = {.limit = LIMIT};
    struct readbuf bufs[LIMIT], stale;
    int ret;

    NEED_POOL();
    fills(&quota, bufs);
    stale = bufs[0];
    ck_assert_int_eq(exercise_release(&quota, &bufs[0]), 0);
    ret = exercise_release(&quota, &stale);
    ck_assert_msg(ret == -ESTALE,
                  "a stale handle gave %d, not -ESTALE; hint: say what "
                  "the pool said",
                  ret);
    counts(&quota, LIMIT - 1, "the release of a stale handle",
           "a stale handle gives nothing back");
}
END_TEST

START_TEST(a_moved_handle_gives_nothing_back)
{
    struct exercise_quota quota = {.limit = LIMIT};
    struct readbuf bufs[LIMIT], moved;
    int ret;

    NEED_POOL();
    fills(&quota, bufs);
    moved = bufs[0];
    moved.data++;
    ret = exercise_release(&quota, &moved);
    ck_assert_msg(ret == -EINVAL,
                  "a handle whose data was moved gave %d, not -EINVAL; "
                  "hint: say what the pool said",
                  ret);
    counts(&quota, LIMIT, "the release of a moved handle",
           "a moved handle gives nothing back");
}
END_TEST

/* While we take and release, so does another connection's thread. */
START_TEST(others_release_meanwhile)
{
    struct exercise_quota quota = {.limit = LIMIT}, theirs = quota;
    struct readbuf buf, bufs[LIMIT];

    NEED_POOL();
    fills(&theirs, bufs);
    neighbour = &bufs[0];
    takes(&quota, &buf);
    ck_assert_msg(quota.held == 1,
                  "after a buffer with bytes you count %u held, not 1; "
                  "hint: others release meanwhile, so look at the "
                  "handle and not at the pool",
                  quota.held);
    neighbour_releases();
    neighbour = &bufs[1];
    ck_assert_int_eq(exercise_release(&quota, &buf), 0);
    ck_assert_msg(quota.held == 0,
                  "after its release you count %u held, not 0; hint: "
                  "others release meanwhile, so look at the handle and "
                  "not at the pool",
                  quota.held);
    neighbour_releases();
}
END_TEST

SUITE("exercise 5", the_limit_is_kept, a_limit_of_none_refuses_all,
      each_connection_has_its_own, without_a_buffer_nothing_counts,
      an_empty_handle_gives_nothing_back,
      a_stale_handle_gives_nothing_back,
      a_moved_handle_gives_nothing_back, others_release_meanwhile)
