/*
 * test_window.c - pools whose ring may hold less than all buffers.
 *
 * This stage's own pools have a window as large as they are; these are
 * built by a plan, as later stages do it.
 */
#include "crew.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>

enum { SIZE = 16, MOST = 2048 };

static uint32_t smaller(uint32_t one, uint32_t other)
{
    return one < other ? one : other;
}

static struct readbuf_plan plan_of(uint32_t count, uint32_t window)
{
    return (struct readbuf_plan){.count = count,
                                 .size = SIZE,
                                 .entries = smaller(count, 1024),
                                 .window = window,
                                 .ways = &readbuf_ways_plain};
}

static struct readbuf_pool *
build(struct pooltest *t, const struct readbuf_plan *plan, size_t bytes)
{
    struct readbuf_pool *pool = NULL;
    int ret, tries = 0;

    do
        ret = readbuf_pool_build(&pool, bytes, &t->uring, plan);
    while (support_locked_for_now(ret, &tries));
    if (ret != 0)
        ck_abort_msg("no pool: %s", strerror(-ret));
    return pool;
}

/* The fixture: its first pool is dropped for one with a window. */
static void change_pool(struct pooltest *t, uint32_t count,
                        uint32_t window)
{
    struct readbuf_plan plan = plan_of(count, window);

    ck_assert_int_eq(readbuf_pool_unref(t->pool), 0);
    t->pool = build(t, &plan, sizeof(*t->pool));
}

static uint16_t bid_of(const struct readbuf *buf)
{
    size_t bid = readbuf_slab_bid(&buf->pool->slab, buf->data);

    ck_often(bid < buf->pool->count);
    return (uint16_t)bid;
}

/* The ring has no more than its window; the kernel's head agrees. */
static void ck_level(const struct readbuf_pool *pool)
{
    uint32_t level = readbuf_pool_level(pool);
    uint16_t head;

    if (level > pool->depot.window)
        ck_abort_msg("%u are in the ring, whose window is %u", level,
                     pool->depot.window);
    if (readbuf_ring_head(&pool->ring, &head) == 0)
        ck_often((uint16_t)(pool->ring.shared->tail - head) == level);
}

/* The next buffer that the kernel picks is this one. */
static struct readbuf borrow(struct pooltest *t, uint16_t bid)
{
    struct readbuf buf;

    crew_borrow(t, &buf, 1);
    if (bid_of(&buf) != bid)
        ck_abort_msg("the kernel picked %u, not %u", bid_of(&buf), bid);
    ck_level(t->pool);
    return buf;
}

static void give_back(struct readbuf *buf)
{
    ck_often(readbuf_release(buf) == 0);
    ck_level(buf->pool);
}

START_TEST(buffers_never_used_go_out_in_their_order)
{
    struct readbuf buf[8];
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    change_pool(&t, 8, 2);
    buf[0] = borrow(&t, 0);
    buf[1] = borrow(&t, 1);
    ck_assert_uint_eq(readbuf_pool_level(t.pool), 0);
    for (uint16_t bid = 2; bid < 8; bid++) {
        give_back(&buf[0]); /* and one more goes with it */
        ck_assert_uint_eq(readbuf_pool_level(t.pool), 2);
        buf[0] = borrow(&t, 0);
        buf[bid] = borrow(&t, bid);
    }
    ck_assert_uint_eq(readbuf_pool_held(t.pool), 8);
    give_back(&buf[0]);
    ck_assert_uint_eq(readbuf_pool_level(t.pool), 1);
    ck_assert_int_eq(readbuf_release_all(buf, 8), 0);
    crew_ck_free(&t, 8);
}
END_TEST

/* A stack, until it is empty: then what was never used. */
START_TEST(of_the_reserve_the_one_used_last_goes_out_first)
{
    struct readbuf buf[8];
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    change_pool(&t, 8, 2);
    buf[0] = borrow(&t, 0);
    buf[1] = borrow(&t, 1);
    give_back(&buf[0]); /* the ring has 0 and 2 */
    buf[0] = borrow(&t, 0);
    buf[2] = borrow(&t, 2);
    give_back(&buf[1]); /* 1 and 3, and is full */
    give_back(&buf[0]);
    give_back(&buf[2]); /* in reserve: 0, then 2 */
    buf[1] = borrow(&t, 1);
    buf[3] = borrow(&t, 3);
    give_back(&buf[3]);
    buf[3] = borrow(&t, 3);
    buf[2] = borrow(&t, 2);
    give_back(&buf[3]);
    buf[3] = borrow(&t, 3);
    buf[0] = borrow(&t, 0);
    give_back(&buf[3]);
    buf[3] = borrow(&t, 3);
    buf[4] = borrow(&t, 4);
    crew_ck_available(&t, 3);
    ck_assert_int_eq(readbuf_release_all(buf, 5), 0);
    crew_ck_free(&t, 8);
}
END_TEST

/* ------------------------------------------------ against a model */

static struct {
    struct pooltest t;
    uint32_t count, window;
    uint16_t queue[MOST]; /* in the ring, the next pick first */
    uint32_t level;
    uint16_t stack[MOST];
    uint32_t kept;
    uint32_t used; /* buffers below this were in the ring */
    struct readbuf held[MOST];
    uint32_t out;
} m;

static uint64_t state = 1;

static uint32_t random_below(uint32_t limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 11) % limit;
}

static void model_open(uint32_t count, uint32_t window)
{
    change_pool(&m.t, count, window);
    m.count = count;
    m.window = window;
    m.level = m.used = window;
    m.kept = m.out = 0;
    for (uint16_t bid = 0; bid < window; bid++)
        m.queue[bid] = bid;
}

static void model_borrow(uint32_t n)
{
    crew_borrow(&m.t, &m.held[m.out], n);
    for (uint32_t i = 0; i < n; i++)
        if (bid_of(&m.held[m.out + i]) != m.queue[i])
            ck_abort_msg("%u buffers, window %u: %u was picked, not %u",
                         m.count, m.window, bid_of(&m.held[m.out + i]),
                         m.queue[i]);
    m.out += n;
    m.level -= n;
    memmove(m.queue, m.queue + n, m.level * sizeof(m.queue[0]));
}

static void model_put(uint16_t bid)
{
    if (m.level < m.window)
        m.queue[m.level++] = bid;
    else
        m.stack[m.kept++] = bid;
}

static void model_settle(void)
{
    while (m.level < m.window && (m.kept > 0 || m.used < m.count))
        m.queue[m.level++] =
            m.kept > 0 ? m.stack[--m.kept] : (uint16_t)m.used++;
}

/* The last `n` of a random order, singly or in one call. */
static void model_release(uint32_t n)
{
    bool batch = random_below(2);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t which = random_below(m.out - i);
        struct readbuf buf = m.held[which];

        m.held[which] = m.held[m.out - i - 1];
        m.held[m.out - i - 1] = buf;
    }
    m.out -= n;
    for (uint32_t i = 0; i < n; i++) {
        model_put(bid_of(&m.held[m.out + i]));
        if (!batch) {
            model_settle();
            ck_often(readbuf_release(&m.held[m.out + i]) == 0);
        }
    }
    if (batch && n > 0) {
        model_settle();
        ck_often(readbuf_release_all(&m.held[m.out], n) == 0);
    }
}

/* Whoever asks what is available is inside, and settles. */
static void model_compare(void)
{
    struct readbuf_pool *pool = m.t.pool;

    ck_level(pool);
    if (readbuf_pool_level(pool) != m.level ||
        readbuf_depot_level(&pool->depot) !=
            m.kept + m.count - m.used ||
        readbuf_pool_held(pool) != m.out)
        ck_abort_msg("%u buffers, window %u: ring %u, reserve %u, held "
                     "%u; not %u, %u, %u",
                     m.count, m.window, readbuf_pool_level(pool),
                     readbuf_depot_level(&pool->depot),
                     readbuf_pool_held(pool), m.level,
                     m.kept + m.count - m.used, m.out);
    if (random_below(4) == 0) {
        crew_ck_available(&m.t, (int)(m.count - m.out));
        model_settle();
    }
}

static void random_walk(uint32_t count, uint32_t window)
{
    model_open(count, window);
    for (unsigned step = 0; step < 1500 / crew_slower(); step++) {
        if (random_below(2))
            model_borrow(random_below(smaller(m.level, 64) + 1));
        else
            model_release(random_below(smaller(m.out, 64) + 1));
        model_compare();
    }
    model_release(m.out);
    model_compare();
}

START_TEST(a_random_walk_agrees_with_a_model)
{
    static const uint32_t cases[][2] = {
        {1, 1},  {2, 1},   {8, 2},     {8, 7},     {8, 8},
        {64, 1}, {64, 16}, {1024, 64}, {2048, 128}};

    NEED_POOL(&m.t, 0, 1, SIZE, 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        random_walk(cases[i][0], cases[i][1]);
}
END_TEST

START_TEST(a_window_may_be_all_that_the_ring_has)
{
    NEED_POOL(&m.t, 0, 1, SIZE, 0);
    model_open(2048, 1024);
    ck_assert_uint_eq(m.t.pool->publisher.entries, 1024);
    model_borrow(1024);
    model_compare();
    model_release(1);
    ck_assert_uint_eq(m.level, 1024);
    model_compare();
    model_release(m.out);
    model_compare();
}
END_TEST

/* ------------------------------------------------ opening, closing */

/* Of a struct that is longer than a pool, the rest is zero. */
START_TEST(a_longer_struct_begins_on_a_line_and_ends_in_zeroes)
{
    enum { REST = 100, LONGER = sizeof(struct readbuf_pool) + REST };
    struct readbuf_plan plan = plan_of(8, 4);
    const unsigned char *rest;
    struct pooltest t;
    unsigned char *dirty;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    for (int i = 0; i < 8; i++) {
        dirty = aligned_alloc(64, (LONGER + 63) / 64 * 64);
        ck_assert_ptr_nonnull(dirty);
        memset(dirty, 0xa5, LONGER);
        free(dirty);
        t.pool = build(&t, &plan, LONGER);
        ck_assert_uint_eq((uintptr_t)t.pool % 64, 0);
        rest = (const unsigned char *)(t.pool + 1);
        for (int byte = 0; byte < REST; byte++)
            ck_often(rest[byte] == 0);
        ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    }
}
END_TEST

START_TEST(pools_begin_on_a_line)
{
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    for (uint32_t count = 1; count <= 64; count *= 2) {
        struct readbuf_pool *pool =
            pooltest_create(&t.uring, count, SIZE, 0);

        ck_assert_uint_eq((uintptr_t)pool % 64, 0);
        ck_assert_uint_eq((uintptr_t)pool->ledger->records % 64, 0);
    }
}
END_TEST

START_TEST(a_pool_may_be_closed_with_buffers_in_reserve)
{
    struct pooltest_usage usage;
    struct readbuf bufs[8];
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    usage = pooltest_usage();
    t.pool = pooltest_create(&t.uring, 1, SIZE, 0);
    change_pool(&t, 64, 4);
    crew_borrow(&t, bufs, 4);
    ck_assert_int_eq(readbuf_release(&bufs[0]), 0);
    crew_borrow(&t, &bufs[4], 4);
    ck_assert_int_eq(readbuf_release_all(bufs, 6), 0);
    ck_assert_uint_eq(readbuf_pool_held(t.pool), 2);
    ck_level(t.pool);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_uint_eq(readbuf_pool_held(t.pool), 2);
    ck_assert_int_eq(readbuf_release(&bufs[6]), 0);
    ck_assert_uint_eq(readbuf_pool_held(t.pool), 1);
    ck_assert_int_eq(readbuf_release(&bufs[7]), 0);
    pooltest_ck_usage(usage);
}
END_TEST

/* Bytes of this range that are in memory. */
static size_t resident(const void *memory, size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    uintptr_t begin = (uintptr_t)memory / page * page;
    size_t pages =
        ((uintptr_t)memory + bytes - begin + page - 1) / page;
    unsigned char *in = malloc(pages);

    ck_assert_ptr_nonnull(in);
    ck_assert_int_eq(mincore((void *)begin, pages * page, in), 0);
    for (size_t i = 0; i < pages; i++)
        count += in[i] & 1;
    free(in);
    return count * page;
}

/* A huge page for a few bytes would be the system's doing. */
START_TEST(a_large_pool_touches_what_its_window_needs)
{
    enum { LARGE = 32768 };
    struct readbuf_plan plan = plan_of(LARGE, 128);
    size_t ledger, slab, ring;
    struct pooltest t;

    ck_assert_int_eq(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0), 0);
    NEED_POOL(&t, 0, 1, SIZE, 0);
    plan.size = 4096;
    t.pool = build(&t, &plan, sizeof(*t.pool));
    ledger = resident(
        t.pool->ledger,
        offsetof(struct readbuf_ledger, records) +
            LARGE * (sizeof(struct readbuf_record) + sizeof(uint16_t)));
    slab = resident(t.pool->slab.memory, t.pool->slab.bytes);
    ring = resident(t.pool->ring.shared,
                    plan.entries * sizeof(struct io_uring_buf));
    ck_assert_msg(ledger + slab + ring <= 64 << 10,
                  "%zu KiB: ledger %zu, slab %zu, ring %zu",
                  (ledger + slab + ring) >> 10, ledger >> 10,
                  slab >> 10, ring >> 10);
    ck_assert_uint_ge(resident(t.pool->ring.shared, 1), 1);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}
END_TEST

/* ------------------------------------------------ a stage's own ways
 */

static struct {
    unsigned taken, shut;
    bool inside, closed;
    int head; /* what the kernel said of the ring, when it was shut */
} seen;

static int own_take(struct readbuf_pool *pool,
                    struct readbuf_completion completion,
                    struct readbuf *out)
{
    seen.taken++;
    return readbuf_pool_take_plain(pool, completion, out);
}

static void own_shut(struct readbuf_pool *pool)
{
    uint16_t head;

    seen.shut++;
    seen.inside = atomic_load(&pool->gate.word) & READBUF_GATE_INSIDE;
    seen.closed = pool->closed;
    seen.head = readbuf_ring_head(&pool->ring, &head);
}

static void build_own(struct pooltest *t, bool short_way)
{
    static struct readbuf_ways ways;
    struct readbuf_plan plan = plan_of(4, 2);

    ways = readbuf_ways_plain;
    ways.short_way = short_way;
    ways.take = own_take;
    ways.shut = own_shut;
    plan.ways = &ways;
    ck_assert_int_eq(readbuf_pool_unref(t->pool), 0);
    t->pool = build(t, &plan, sizeof(*t->pool));
}

START_TEST(without_the_short_way_a_stage_takes_by_itself)
{
    struct readbuf bufs[2];
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    build_own(&t, false);
    crew_borrow(&t, bufs, 2);
    ck_assert_uint_eq(seen.taken, 2);
    ck_assert_uint_eq(bid_of(&bufs[1]), 1);
    ck_assert_int_eq(readbuf_release_all(bufs, 2), 0);
    ck_assert_int_eq(pooltest_receive(&t, &bufs[0], "x"), 1);
    ck_assert_uint_eq(seen.taken, 3);
    ck_assert_int_eq(readbuf_release(&bufs[0]), 0);
    crew_ck_free(&t, 4);
}
END_TEST

START_TEST(beside_the_short_way_a_stage_takes_the_rest)
{
    const struct io_uring_cqe named = {
        .res = -EIO,
        .flags = IORING_CQE_F_BUFFER | UINT32_C(9)
                                           << IORING_CQE_BUFFER_SHIFT};
    struct readbuf buf, none;
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    build_own(&t, true);
    crew_borrow(&t, &buf, 1);
    ck_assert_uint_eq(seen.taken, 0);
    ck_assert_int_eq(readbuf_pool_take(t.pool, &named, &none), -EPROTO);
    ck_assert_uint_eq(seen.taken, 1);
    ck_assert_int_eq(readbuf_release(&buf), 0);
    crew_ck_free(&t, 4);
}
END_TEST

START_TEST(shut_is_called_once_when_the_ring_is_gone)
{
    struct readbuf buf;
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    build_own(&t, true);
    crew_borrow(&t, &buf, 1);
    readbuf_pool_ref(t.pool);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_uint_eq(seen.shut, 0);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_uint_eq(seen.shut, 1);
    ck_assert(seen.inside);
    ck_assert(seen.closed);
    ck_assert(seen.head == -ENOENT || seen.head == -EINVAL);
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert_uint_eq(seen.shut, 1);
}
END_TEST

START_TEST(shut_is_not_called_while_the_kernel_has_the_ring)
{
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    build_own(&t, true);
    io_uring_queue_exit(&t.uring);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), -EBADF);
    ck_assert_uint_eq(seen.shut, 0);
}
END_TEST

START_TEST(a_plain_pool_is_filled_whole_and_has_no_more)
{
    struct pooltest t;

    NEED_POOL(&t, 0, 4, SIZE, 0);
    ck_assert_ptr_eq(t.pool->ways, &readbuf_ways_plain);
    for (uint16_t bid = 0; bid < 4; bid++)
        ck_assert_uint_eq(t.pool->ways->room(t.pool, bid), SIZE);
    ck_assert(!t.pool->ways->dry(t.pool));
    crew_ck_free(&t, 4);
}
END_TEST

SUITE("window", buffers_never_used_go_out_in_their_order,
      of_the_reserve_the_one_used_last_goes_out_first,
      a_random_walk_agrees_with_a_model,
      a_window_may_be_all_that_the_ring_has,
      a_longer_struct_begins_on_a_line_and_ends_in_zeroes,
      pools_begin_on_a_line,
      a_pool_may_be_closed_with_buffers_in_reserve,
      a_large_pool_touches_what_its_window_needs,
      without_the_short_way_a_stage_takes_by_itself,
      beside_the_short_way_a_stage_takes_the_rest,
      shut_is_called_once_when_the_ring_is_gone,
      shut_is_not_called_while_the_kernel_has_the_ring,
      a_plain_pool_is_filled_whole_and_has_no_more)
