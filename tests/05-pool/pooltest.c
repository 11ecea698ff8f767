#include "pooltest.h"

#include "by_hand.h"
#include "faults.h"

#include <errno.h>

const char *pooltest_open(struct pooltest *t, unsigned setup,
                          uint32_t count, uint32_t size, unsigned flags)
{
    const char *why;

    *t = (struct pooltest){.fd = {-1, -1}};
    why = support_ring(&t->uring, 8, setup);
    if (why != NULL)
        return why;
    if (!support_features()->rings)
        return "this kernel has no rings";
    if ((flags & READBUF_POOL_KERNEL_RING) &&
        !support_features()->kernel_rings)
        return "this kernel has no kernel_rings";
    t->pool = pooltest_create(&t->uring, count, size, flags);
    source_unix(SOCK_STREAM, t->fd);
    return NULL;
}

struct readbuf_pool *pooltest_create(struct io_uring *uring,
                                     uint32_t count, uint32_t size,
                                     unsigned flags)
{
    struct readbuf_pool *pool = NULL;
    int ret, tries = 0;

    do
        ret = readbuf_pool_create(&pool, uring, count, size, flags);
    while (support_locked_for_now(ret, &tries));
    if (ret != 0)
        ck_abort_msg("no pool: %s", strerror(-ret));
    return pool;
}

int pooltest_complete(struct io_uring *uring, struct readbuf *buf)
{
    struct support_cqe seen = support_complete(uring);
    struct io_uring_cqe cqe = {.user_data = seen.user_data,
                               .res = seen.res,
                               .flags = seen.flags};

    return readbuf_complete(buf, &cqe);
}

int pooltest_receive(struct pooltest *t, struct readbuf *buf,
                     const char *text)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&t->uring);

    ck_assert_ptr_nonnull(sqe);
    source_say(t->fd, text);
    readbuf_prep_recv(sqe, t->fd[0], buf, 0);
    return pooltest_complete(&t->uring, buf);
}

struct readbuf pooltest_read(struct pooltest *t, const char *text)
{
    struct readbuf buf = readbuf_pool_get(t->pool);

    ck_assert_int_eq(pooltest_receive(t, &buf, text),
                     (int)strlen(text));
    pooltest_ck_text(&buf, text);
    return buf;
}

void pooltest_ck_text(const struct readbuf *buf, const char *text)
{
    ck_assert_ptr_nonnull(buf->data);
    ck_assert_uint_eq(readbuf_len(buf), strlen(text));
    ck_assert_mem_eq(buf->data, text, strlen(text));
}

uint32_t pooltest_count_free(struct pooltest *t)
{
    struct readbuf *bufs = calloc(t->pool->count + 1, sizeof(*bufs));
    uint32_t count = 0;
    char byte;

    ck_assert_ptr_nonnull(bufs);
    bufs[0] = readbuf_pool_get(t->pool);
    while (pooltest_receive(t, &bufs[count], "x") == 1) {
        count++;
        ck_assert_uint_le(count, t->pool->count);
        bufs[count] = readbuf_pool_get(t->pool);
    }
    ck_assert_int_eq(read(t->fd[0], &byte, 1), 1);
    ck_assert_int_eq(readbuf_release_all(bufs, count), 0);
    free(bufs);
    return count;
}

struct pooltest_usage pooltest_usage(void)
{
    return (struct pooltest_usage){faults_mapped(), faults_allocated()};
}

void pooltest_ck_usage(struct pooltest_usage expected)
{
    struct pooltest_usage now = pooltest_usage();

    ck_assert_uint_eq(now.mapped, expected.mapped);
    ck_assert_uint_eq(now.allocated, expected.allocated);
}

unsigned pooltest_purge(const struct io_uring *uring)
{
    unsigned count = 0;

    for (unsigned group = 64; group < 65536; group++) {
        int ret = by_hand_unregister(uring->ring_fd, (uint16_t)group);

        if (ret == 0)
            count++;
        else if (ret != -ENOENT)
            ck_abort_msg("group %u: %s", group, strerror(-ret));
    }
    return count;
}
