/*
 * test_groups.c - a group id that nobody else has.
 */
#include "by_hand.h"
#include "elsewhere.h"
#include "pooltest.h"

#include <errno.h>

enum { COUNT = 2, SIZE = 32, CYCLES = 70000 };

/* A pool that exists for a moment; the group it had. */
static uint16_t passing(struct io_uring *uring, unsigned flags)
{
    struct readbuf_pool *pool = pooltest_create(uring, 1, 1, flags);
    uint16_t group = readbuf_pool_group(pool);

    if (readbuf_pool_unref(pool) != 0)
        ck_abort_msg("group %u cannot be given up", group);
    return group;
}

/* The application's own ring of one buffer, through liburing. */
struct own_group {
    struct io_uring_buf_ring *shared;
    uint16_t group;
    char buffer[BY_HAND_LENGTH];
};

static int own_register(struct io_uring *uring, struct own_group *own,
                        uint16_t group)
{
    struct io_uring_buf_reg reg = {.ring_entries = 1, .bgid = group};
    int ret;

    *own = (struct own_group){.group = group};
    own->shared = by_hand_memory(4096);
    reg.ring_addr = (uintptr_t)own->shared;
    ret = io_uring_register_buf_ring(uring, &reg, 0);
    if (ret == 0)
        by_hand_give(own->shared, 1, own->buffer, 0);
    else
        munmap(own->shared, 4096);
    return ret;
}

/* It still hands out its own buffer. */
static void own_check(struct io_uring *uring, struct own_group *own)
{
    ck_assert_int_eq(by_hand_read(uring, own->group, "own").res, 3);
    ck_assert_mem_eq(own->buffer, "own", 3);
    ck_assert_int_eq(io_uring_unregister_buf_ring(uring, own->group),
                     0);
    munmap(own->shared, 4096);
}

/* It hands out one of its pool's buffers. */
static void pool_check(struct pooltest *t)
{
    struct readbuf buf = pooltest_read(t, "pool");

    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert_int_eq(readbuf_pool_unref(t->pool), 0);
}

START_TEST(pools_of_one_io_uring_have_different_groups)
{
    enum { POOLS = 64 };
    static bool taken[65536];
    struct readbuf_pool *pools[POOLS];
    struct io_uring uring;

    NEED_RING(&uring, 8, 0);
    NEED_FEATURE(rings);
    for (int i = 0; i < POOLS; i++) {
        uint16_t group;

        pools[i] = pooltest_create(&uring, COUNT, SIZE, 0);
        group = readbuf_pool_group(pools[i]);
        ck_assert_uint_ge(group, 64);
        ck_assert(!taken[group]);
        taken[group] = true;
    }
    for (int i = 0; i < POOLS; i++)
        ck_assert_int_eq(readbuf_pool_unref(pools[i]), 0);
    ck_assert_uint_eq(pooltest_purge(&uring), 0);
}
END_TEST

START_TEST(pools_of_two_io_urings_do_not_mix)
{
    struct pooltest one, other;
    struct readbuf a, b;

    NEED_POOL(&one, 0, COUNT, SIZE, 0);
    NEED_POOL(&other, 0, COUNT, SIZE, 0);
    a = pooltest_read(&one, "one");
    b = pooltest_read(&other, "other");
    pooltest_ck_text(&a, "one");
    ck_assert_int_eq(readbuf_release(&a), 0);
    ck_assert_int_eq(readbuf_pool_unref(one.pool), 0);
    pooltest_ck_text(&b, "other");
    ck_assert_int_eq(readbuf_release(&b), 0);
    ck_assert_int_eq(readbuf_pool_unref(other.pool), 0);
}
END_TEST

/* The application has the very ids that are next. */
static void steps_over(unsigned flags, const char **why)
{
    struct own_group own[3];
    struct pooltest t;
    uint16_t last;

    *why = pooltest_open(&t, 0, COUNT, SIZE, flags);
    if (*why != NULL)
        return;
    last = readbuf_pool_group(t.pool);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    for (uint16_t i = 0; i < 3; i++)
        ck_assert_int_eq(
            own_register(&t.uring, &own[i], (uint16_t)(last + 1 + i)),
            0);
    t.pool = pooltest_create(&t.uring, COUNT, SIZE, flags);
    ck_assert_uint_gt(readbuf_pool_group(t.pool), last + 3);
    pool_check(&t);
    for (int i = 0; i < 3; i++)
        own_check(&t.uring, &own[i]);
}

START_TEST(a_pool_steps_over_groups_of_the_application)
{
    const char *why;

    steps_over(0, &why);
    if (why != NULL)
        SKIP("%s", why);
}
END_TEST

START_TEST(a_kernel_ring_steps_over_groups_of_the_application)
{
    const char *why;

    steps_over(READBUF_POOL_KERNEL_RING, &why);
    if (why != NULL)
        SKIP("%s", why);
}
END_TEST

START_TEST(a_group_of_the_pool_is_refused_to_the_application)
{
    struct pooltest t;
    struct own_group own;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    ck_assert_int_eq(
        own_register(&t.uring, &own, readbuf_pool_group(t.pool)),
        -EEXIST);
    ck_assert_int_eq(
        own_register(&t.uring, &own,
                     (uint16_t)(readbuf_pool_group(t.pool) + 1)),
        0);
    pool_check(&t);
    own_check(&t.uring, &own);
}
END_TEST

/* Buffers of the older kind, IORING_OP_PROVIDE_BUFFERS. */
START_TEST(a_pool_steps_over_provided_buffers)
{
    struct pooltest t;
    char buffers[2][BY_HAND_LENGTH] = {{0}};
    uint16_t older;
    struct support_cqe cqe;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    older = (uint16_t)(readbuf_pool_group(t.pool) + 1);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    io_uring_prep_provide_buffers(io_uring_get_sqe(&t.uring), buffers,
                                  BY_HAND_LENGTH, 2, older, 0);
    ck_assert_int_ge(support_complete(&t.uring).res, 0);
    t.pool = pooltest_create(&t.uring, COUNT, SIZE, 0);
    ck_assert_uint_eq(readbuf_pool_group(t.pool), older + 1);
    pool_check(&t);
    cqe = by_hand_read(&t.uring, older, "older");
    ck_assert_int_eq(cqe.res, 5);
    ck_assert_mem_eq(buffers[by_hand_bid(cqe)], "older", 5);
}
END_TEST

/* ------------------------------------------------------- all around */

/*
 * More cycles than there are ids. Some pools stay, so that the second
 * time around their ids must be stepped over.
 */
START_TEST(ids_never_run_out)
{
    enum { EVERY = 1000, STAY = CYCLES / EVERY };
    struct readbuf_pool *stay[STAY];
    struct own_group own;
    struct io_uring uring;
    int staying = 0;
    uint16_t last = 0, lowest = UINT16_MAX, highest = 0;

    NEED_RING(&uring, 8, 0);
    NEED_FEATURE(rings);
    ck_assert_int_eq(own_register(&uring, &own, 5000), 0);
    for (int i = 0; i < CYCLES; i++) {
        uint16_t group = passing(&uring, 0);

        if (group == last || group == own.group)
            ck_abort_msg("group %u again, in cycle %d", group, i);
        last = group;
        lowest = group < lowest ? group : lowest;
        highest = group > highest ? group : highest;
        if (i % EVERY == 0)
            stay[staying++] = pooltest_create(&uring, 1, 1, 0);
    }
    ck_assert_uint_ge(lowest, 64);
    ck_assert_uint_eq(highest, 65535);
    own_check(&uring, &own);
    while (staying > 0)
        ck_assert_int_eq(readbuf_pool_unref(stay[--staying]), 0);
    ck_assert_uint_eq(pooltest_purge(&uring), 0);
}
END_TEST

/* No id above 2047 can be mapped, however far the count has come. */
START_TEST(kernel_rings_stay_where_they_can_be_mapped)
{
    struct io_uring uring;

    NEED_RING(&uring, 8, 0);
    NEED_FEATURE(kernel_rings);
    for (int i = 0; i < 2500; i++) {
        uint16_t group = passing(&uring, READBUF_POOL_KERNEL_RING);

        if (group < 64 || group >= 2048)
            ck_abort_msg("a kernel ring of group %u", group);
    }
}
END_TEST

START_TEST(a_kernel_ring_works_after_many_other_pools)
{
    struct pooltest t;
    struct io_uring uring;

    NEED_RING(&uring, 8, 0);
    NEED_FEATURE(kernel_rings);
    for (int i = 0; i < 2500; i++)
        passing(&uring, 0);
    NEED_POOL(&t, 0, COUNT, SIZE, READBUF_POOL_KERNEL_RING);
    ck_assert_uint_lt(readbuf_pool_group(t.pool), 2048);
    pool_check(&t);
}
END_TEST

START_TEST(an_id_is_not_reused_soon)
{
    static bool used[65536];
    struct io_uring uring;

    NEED_RING(&uring, 8, 0);
    NEED_FEATURE(rings);
    for (int i = 0; i < 1900; i++) {
        bool kernel = i % 3 == 2 && support_features()->kernel_rings;
        uint16_t group =
            passing(&uring, kernel ? READBUF_POOL_KERNEL_RING : 0);

        if (used[group])
            ck_abort_msg("group %u again, in cycle %d", group, i);
        used[group] = true;
    }
}
END_TEST

/* ------------------------------------------------------- all taken */

static int call_create(void *arg)
{
    struct pooltest *t = arg;
    struct readbuf_pool *pool = t->pool;
    int ret = readbuf_pool_create(&pool, &t->uring, COUNT, SIZE, 0);

    ck_assert_ptr_eq(pool, t->pool);
    return ret;
}

static int call_create_kernel(void *arg)
{
    struct pooltest *t = arg;
    struct readbuf_pool *pool = t->pool;
    int ret = readbuf_pool_create(&pool, &t->uring, COUNT, SIZE,
                                  READBUF_POOL_KERNEL_RING);

    ck_assert_ptr_eq(pool, t->pool);
    return ret;
}

static void all_taken(struct pooltest *t, int (*call)(void *arg))
{
    const struct pooltest_usage before = pooltest_usage();

    ck_assert_int_eq(
        elsewhere_refused(IORING_REGISTER_PBUF_RING, EEXIST, call, t),
        -EEXIST);
    pooltest_ck_usage(before);
    pool_check(t);
    ck_assert_uint_eq(pooltest_purge(&t->uring), 0);
}

START_TEST(all_ids_taken_is_eexist)
{
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    all_taken(&t, call_create);
}
END_TEST

START_TEST(all_ids_of_kernel_rings_taken_is_eexist)
{
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, READBUF_POOL_KERNEL_RING);
    all_taken(&t, call_create_kernel);
}
END_TEST

/* The last id that is free is found, wherever the count stands. */
START_TEST(the_one_free_id_is_found)
{
    enum { FREE = 1000 };
    struct io_uring uring;
    struct readbuf_pool *pool;
    void *memory;

    NEED_RING(&uring, 8, 0);
    NEED_FEATURE(kernel_rings);
    memory = by_hand_memory(4096);
    for (uint16_t group = 64; group < 2048; group++)
        if (group != FREE)
            ck_assert_int_eq(
                by_hand_ring(uring.ring_fd, memory, 1, group), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_uint_eq(passing(&uring, READBUF_POOL_KERNEL_RING),
                          FREE);
    ck_assert_int_eq(by_hand_ring(uring.ring_fd, memory, 1, FREE), 0);
    ck_assert_int_eq(readbuf_pool_create(&pool, &uring, 1, 1,
                                         READBUF_POOL_KERNEL_RING),
                     -EEXIST);
    ck_assert_uint_ge(passing(&uring, 0), 2048);
    munmap(memory, 4096);
}
END_TEST

/* -------------------------------------------------- several threads */

static int create_many(void *arg)
{
    struct io_uring *uring = arg;

    for (int i = 0; i < 300; i++)
        passing(uring, 0);
    return 0;
}

START_TEST(io_urings_of_two_threads_take_ids_at_once)
{
    struct io_uring uring[2];
    struct elsewhere other = {.call = create_many, .arg = &uring[1]};

    NEED_RING(&uring[0], 8, 0);
    NEED_RING(&uring[1], 8, 0);
    NEED_FEATURE(rings);
    elsewhere_start(&other);
    create_many(&uring[0]);
    elsewhere_join(&other);
    for (int i = 0; i < 2; i++)
        ck_assert_uint_eq(pooltest_purge(&uring[i]), 0);
}
END_TEST

SUITE("groups", pools_of_one_io_uring_have_different_groups,
      pools_of_two_io_urings_do_not_mix,
      a_pool_steps_over_groups_of_the_application,
      a_kernel_ring_steps_over_groups_of_the_application,
      a_group_of_the_pool_is_refused_to_the_application,
      a_pool_steps_over_provided_buffers, ids_never_run_out,
      kernel_rings_stay_where_they_can_be_mapped,
      a_kernel_ring_works_after_many_other_pools,
      an_id_is_not_reused_soon, all_ids_taken_is_eexist,
      all_ids_of_kernel_rings_taken_is_eexist, the_one_free_id_is_found,
      io_urings_of_two_threads_take_ids_at_once)
