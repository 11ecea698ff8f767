/*
 * lent.c - buffers are counted by taking them out.
 */
#include "lent.h"

const char *lent_open(struct lent *l, unsigned flags, unsigned cq)
{
    static char why[READBUF_REFUSAL_MAX];
    struct io_uring_params params = {
        .flags = cq > 0 ? IORING_SETUP_CQSIZE : 0, .cq_entries = cq};
    int ret;

    *l = (struct lent){.left = 0};
    ret = io_uring_queue_init_params(LENT_ENTRIES, &l->uring, &params);
    if (ret < 0 || !support_features()->rings) {
        readbuf_refusal(ret < 0 ? ret : -EINVAL, why, sizeof(why));
        return why;
    }
    if ((flags & READBUF_RING_INCREMENTAL) &&
        !support_features()->incremental)
        return "this kernel has no incremental";
    ck_assert_int_eq(
        readbuf_ring_register(&l->buffers, l->uring.ring_fd,
                              LENT_ENTRIES, LENT_GROUP, flags),
        0);
    source_pipe(l->taps);
    return NULL;
}

void lent_entry(struct lent *l, void *address, unsigned len,
                unsigned short bid)
{
    io_uring_buf_ring_add(l->buffers.shared, address, len, bid,
                          io_uring_buf_ring_mask(LENT_ENTRIES), 0);
    io_uring_buf_ring_advance(l->buffers.shared, 1);
}

void lend(struct lent *l, unsigned short bid, unsigned len)
{
    l->lens[bid] = len;
    lent_entry(l, l->memory[bid], len, bid);
    l->left++;
}

void lend_first(struct lent *l, unsigned short count, unsigned len)
{
    for (unsigned short bid = 0; bid < count; bid++)
        lend(l, bid, len);
}

static struct readbuf_completion lent_tap(struct lent *l)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&l->uring);
    struct support_cqe cqe;

    source_say(l->taps, "x");
    readbuf_select_read(sqe, l->taps[0], LENT_GROUP, 1, UINT64_MAX);
    cqe = support_complete(&l->uring);
    return readbuf_decode(cqe.res, cqe.flags);
}

/* Take out, count, put back. The bytes are left as they were. */
static unsigned lent_by_tapping(struct lent *l)
{
    unsigned short bids[LENT_ENTRIES];
    char saved[LENT_ENTRIES][LENT_SIZE], byte;
    struct readbuf_completion done;
    unsigned count = 0;

    memcpy(saved, l->memory, sizeof(saved));
    while ((done = lent_tap(l)).outcome != READBUF_GOT_STARVED) {
        ck_assert(done.has_buffer);
        ck_assert_uint_lt(count, LENT_ENTRIES);
        bids[count++] = done.bid;
    }
    ck_assert_int_eq(read(l->taps[0], &byte, 1), 1);
    memcpy(l->memory, saved, sizeof(saved));
    for (unsigned i = 0; i < count; i++)
        lent_entry(l, l->memory[bids[i]], l->lens[bids[i]], bids[i]);
    return count;
}

/* Tail minus head; a system call, and no more than that. */
static unsigned lent_by_head(struct lent *l)
{
    uint16_t head;

    ck_assert_int_eq(readbuf_ring_head(&l->buffers, &head), 0);
    return (uint16_t)(l->buffers.shared->tail - head);
}

unsigned lent_left(struct lent *l)
{
    bool pieces = (l->buffers.flags & READBUF_RING_INCREMENTAL) != 0;
    unsigned told = 0, counted = 0;

    if (support_features()->status)
        told = lent_by_head(l);
    if (!pieces)
        counted = lent_by_tapping(l);
    if (support_features()->status && !pieces)
        ck_assert_uint_eq(counted, told);
    return pieces ? told : counted;
}

void lent_settle(struct lent *l, struct readbuf_completion done)
{
    unsigned now = lent_left(l);

    ck_assert_uint_eq(l->left - now, done.buffer_is_ours ? 1 : 0);
    l->left = now;
}

struct readbuf_completion lent_finish(struct lent *l)
{
    struct support_cqe cqe = support_complete(&l->uring);
    struct readbuf_completion done = readbuf_decode(cqe.res, cqe.flags);

    lent_settle(l, done);
    return done;
}

void lent_idle(struct lent *l)
{
    struct io_uring_cqe *cqe;

    ck_assert_int_ge(io_uring_submit(&l->uring), 0);
    ck_assert_int_eq(io_uring_get_events(&l->uring), 0);
    ck_assert_int_eq(io_uring_peek_cqe(&l->uring, &cqe), -EAGAIN);
}

void lent_idle_worker(struct lent *l)
{
    unsigned before = l->left;

    ck_assert_int_eq(io_uring_submit(&l->uring), 1);
    while (lent_by_head(l) == before)
        usleep(100);
    ck_assert_uint_eq(lent_by_head(l), before - 1);
}

struct io_uring_sqe *lent_read(struct lent *l, int fd)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&l->uring);

    readbuf_select_read(sqe, fd, LENT_GROUP, 0, UINT64_MAX);
    sqe->user_data = 0;
    return sqe;
}

struct io_uring_sqe *lent_recv(struct lent *l, int fd)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&l->uring);

    readbuf_select_recv(sqe, fd, LENT_GROUP, 0, 0);
    sqe->user_data = 0;
    return sqe;
}

struct io_uring_sqe *lent_multishot(struct lent *l, int fd)
{
    struct io_uring_sqe *sqe = lent_recv(l, fd);

    sqe->ioprio |= IORING_RECV_MULTISHOT;
    return sqe;
}

struct readbuf_completion lent_cancel(struct lent *l)
{
    struct io_uring_sync_cancel_reg cancel = {.addr = 0};
    struct __kernel_timespec moment = {.tv_nsec = 10000000};
    struct readbuf_completion done;
    struct io_uring_cqe *cqe;

    ck_assert_int_ge(io_uring_submit(&l->uring), 0);
    do
        io_uring_register_sync_cancel(&l->uring, &cancel);
    while (io_uring_wait_cqe_timeout(&l->uring, &cqe, &moment) ==
           -ETIME);
    ck_assert_uint_eq(cqe->user_data, 0);
    done = readbuf_decode(cqe->res, cqe->flags);
    io_uring_cqe_seen(&l->uring, cqe);
    return done;
}

void ck_answer(struct readbuf_completion done, int res, bool has_buffer)
{
    ck_assert_int_eq(done.res, res);
    ck_assert_int_eq(done.has_buffer, has_buffer);
}
