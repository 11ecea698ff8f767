/*
 * test_teardown.c - sharing a pool and taking it down.
 *
 * Memory is counted by the calls that give it (faults.h): "freed" means
 * that the counts are what they were before the pool.
 */
#include "by_hand.h"
#include "elsewhere.h"
#include "faults.h"
#include "pooltest.h"

#include <errno.h>
#include <sched.h>
#include <sys/wait.h>
#include <time.h>

enum { COUNT = 4, SIZE = 32 };

/*
 * The fixture, and `before`: what was in use without its pool. An
 * io_uring counts for nothing here, it maps inside liburing.
 */
#define NEED_COUNTED_POOL(t, before, setup)                \
    const struct pooltest_usage before = pooltest_usage(); \
    NEED_POOL(t, setup, COUNT, SIZE, 0)

/* The memory of the pool is there, or its group is. */
static void ck_alive(struct pooltest_usage before)
{
    struct pooltest_usage now = pooltest_usage();

    ck_assert_uint_gt(now.mapped, before.mapped);
    ck_assert_uint_gt(now.allocated, before.allocated);
}

static void ck_readable(const struct readbuf *buf, const char *text)
{
    pooltest_ck_text(buf, text);
    ck_assert_uint_eq(readbuf_capacity(buf), SIZE);
}

/* --------------------------------------------------------- sharing */

START_TEST(unref_of_null_is_nothing)
{
    errno = 4711;
    ck_assert_int_eq(readbuf_pool_unref(NULL), 0);
    ck_assert_int_eq(errno, 4711);
}
END_TEST

START_TEST(the_last_unref_frees_everything)
{
    struct pooltest t;
    uint16_t group;

    NEED_COUNTED_POOL(&t, before, 0);
    group = readbuf_pool_group(t.pool);
    ck_alive(before);
    errno = 4711;
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_int_eq(errno, 4711);
    pooltest_ck_usage(before);
    ck_assert_int_eq(by_hand_unregister(t.uring.ring_fd, group),
                     -ENOENT);
}
END_TEST

START_TEST(the_last_unref_frees_a_ring_of_the_kernel)
{
    const struct pooltest_usage before = pooltest_usage();
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE,
              READBUF_POOL_KERNEL_RING | READBUF_POOL_HUGE_PAGES);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
    ck_assert_uint_eq(pooltest_purge(&t.uring), 0);
}
END_TEST

START_TEST(every_ref_needs_its_unref)
{
    enum { OWNERS = 5 };
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, 0);
    for (int i = 1; i < OWNERS; i++)
        ck_assert_ptr_eq(readbuf_pool_ref(t.pool), t.pool);
    for (int i = 1; i < OWNERS; i++) {
        ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
        buf = pooltest_read(&t, "works");
        ck_assert_int_eq(readbuf_release(&buf), 0);
        ck_alive(before);
    }
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
}
END_TEST

static int share_and_drop(void *arg)
{
    for (int i = 0; i < 1000; i++)
        if (readbuf_pool_unref(readbuf_pool_ref(arg)) != 0)
            return -1;
    return readbuf_pool_unref(arg);
}

/* Only the last reference is the submitting thread's to drop. */
START_TEST(other_threads_share_and_drop)
{
    struct elsewhere other[2];
    struct pooltest t;

    NEED_COUNTED_POOL(&t, before, IORING_SETUP_SINGLE_ISSUER);
    for (int i = 0; i < 2; i++) {
        other[i] = (struct elsewhere){.call = share_and_drop,
                                      .arg = readbuf_pool_ref(t.pool)};
        elsewhere_start(&other[i]);
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(elsewhere_join(&other[i]), 0);
    ck_alive(before);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
}
END_TEST

static int look_and_drop(void *arg)
{
    return readbuf_pool_group(arg) < 64 ? -1 : readbuf_pool_unref(arg);
}

/* What an owner did before it dropped its share is over by then. */
START_TEST(whoever_is_last_frees_everything)
{
    struct elsewhere other[2];
    struct pooltest t;

    NEED_COUNTED_POOL(&t, before, 0);
    readbuf_pool_ref(t.pool);
    for (int i = 0; i < 2; i++) {
        other[i] =
            (struct elsewhere){.call = look_and_drop, .arg = t.pool};
        elsewhere_start(&other[i]);
    }
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(elsewhere_join(&other[i]), 0);
    pooltest_ck_usage(before);
}
END_TEST

/* ------------------------------------------- data outlives the pool */

START_TEST(data_outlives_the_pool)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, 0);
    buf = pooltest_read(&t, "still here");
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_uint_eq(pooltest_purge(&t.uring), 0);
    ck_readable(&buf, "still here");
    ck_assert_int_eq(readbuf_extend(&buf, ", and more", 10), 0);
    ck_readable(&buf, "still here, and more");
    ck_assert_int_eq(readbuf_remove(&buf, 0, 6), 0);
    ck_readable(&buf, "here, and more");
    ck_alive(before);
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert_ptr_null(buf.data);
    ck_assert_int_eq(readbuf_release(&buf), 0);
    pooltest_ck_usage(before);
}
END_TEST

START_TEST(data_outlives_the_io_uring_too)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, 0);
    buf = pooltest_read(&t, "still here");
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    io_uring_queue_exit(&t.uring);
    ck_readable(&buf, "still here");
    ck_assert_int_eq(readbuf_release(&buf), 0);
    pooltest_ck_usage(before);
}
END_TEST

/* A stale copy does nothing, while the pool is there to say so. */
START_TEST(a_stale_copy_frees_nothing)
{
    struct pooltest t;
    struct readbuf none, one, two, stale;

    NEED_COUNTED_POOL(&t, before, 0);
    none = stale = pooltest_read(&t, "none");
    ck_assert_int_eq(readbuf_release(&none), 0);
    one = pooltest_read(&t, "one");
    two = pooltest_read(&t, "two");
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_int_eq(readbuf_release_all(&stale, 1), -ESTALE);
    stale = one;
    ck_assert_int_eq(readbuf_release(&one), 0);
    ck_assert_int_eq(readbuf_release(&stale), -ESTALE);
    ck_assert_int_eq(readbuf_release_all(&stale, 1), -ESTALE);
    ck_readable(&two, "two");
    ck_alive(before);
    ck_assert_int_eq(readbuf_release(&two), 0);
    pooltest_ck_usage(before);
}
END_TEST

START_TEST(release_all_frees_everything)
{
    struct pooltest t;
    struct readbuf bufs[COUNT];

    NEED_COUNTED_POOL(&t, before, 0);
    for (int i = 0; i < COUNT; i++)
        bufs[i] = pooltest_read(&t, "text");
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_alive(before);
    ck_assert_int_eq(readbuf_release_all(bufs, COUNT), 0);
    pooltest_ck_usage(before);
}
END_TEST

/* Three releases and two unrefs, in each of their 120 orders. */
enum { HANDLES = 3, STEPS = 5, ORDERS = 120 };

/* Order number `n`: digits in the factorial system choose in turn. */
static void nth_order(int n, int order[STEPS])
{
    int left[STEPS] = {0, 1, 2, 3, 4};

    for (int i = 0; i < STEPS; i++) {
        int choice = n % (STEPS - i);

        n /= STEPS - i;
        order[i] = left[choice];
        for (int j = choice; j + 1 < STEPS; j++)
            left[j] = left[j + 1];
    }
}

static void take_down(struct pooltest *t, const int order[STEPS],
                      struct pooltest_usage before)
{
    static const char *const texts[HANDLES] = {"one", "two", "three"};
    struct readbuf bufs[HANDLES];
    uint16_t group = readbuf_pool_group(t->pool);
    int owners = 2;

    readbuf_pool_ref(t->pool);
    for (int i = 0; i < HANDLES; i++)
        bufs[i] = pooltest_read(t, texts[i]);
    for (int i = 0; i < STEPS; i++) {
        ck_alive(before);
        if (order[i] < HANDLES) {
            ck_assert_int_eq(readbuf_release(&bufs[order[i]]), 0);
        } else {
            ck_assert_int_eq(readbuf_pool_unref(t->pool), 0);
            owners--;
        }
        for (int j = 0; j < HANDLES; j++)
            if (bufs[j].data != NULL)
                ck_readable(&bufs[j], texts[j]);
        if (owners > 0)
            ck_assert_uint_eq(readbuf_pool_group(t->pool), group);
        else
            ck_assert_int_eq(
                by_hand_unregister(t->uring.ring_fd, group), -ENOENT);
    }
    pooltest_ck_usage(before);
}

START_TEST(every_order_of_release_and_unref)
{
    const struct pooltest_usage before = pooltest_usage();
    struct pooltest t;
    int order[STEPS];

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (int n = 0; n < ORDERS; n++) {
        nth_order(n, order);
        take_down(&t, order, before);
        t.pool = pooltest_create(&t.uring, COUNT, SIZE, 0);
    }
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_uint_eq(pooltest_purge(&t.uring), 0);
}
END_TEST

/* ------------------------------------------------- other threads */

static int call_release(void *arg)
{
    return readbuf_release(arg);
}

static int call_unref(void *arg)
{
    int ret;

    errno = 4711;
    ret = readbuf_pool_unref(arg);
    ck_assert_int_eq(errno, 4711);
    return ret;
}

START_TEST(another_thread_releases_after_the_pool)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, IORING_SETUP_SINGLE_ISSUER);
    buf = pooltest_read(&t, "text");
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_int_eq(elsewhere(call_release, &buf), 0);
    ck_assert_ptr_null(buf.data);
    pooltest_ck_usage(before);
}
END_TEST

/* What the hook below does, in the middle of the last unref. */
static struct readbuf *returned_late;
static int ret_of_late, ret_of_all;

/*
 * The ring's memory has just gone, and whoever is inside is here. So
 * the release on another thread must wait for nobody, or this waits for
 * it for ever, and it must not touch the ring.
 */
static void release_now(void)
{
    ret_of_late = elsewhere(call_release, &returned_late[0]);
    ret_of_all = readbuf_release_all(&returned_late[1], 2);
}

START_TEST(a_release_in_the_middle_of_the_last_unref)
{
    struct pooltest t;
    struct readbuf bufs[HANDLES];

    NEED_COUNTED_POOL(&t, before, 0);
    for (int i = 0; i < HANDLES; i++)
        bufs[i] = pooltest_read(&t, "text");
    returned_late = bufs;
    ret_of_late = ret_of_all = 1;
    faults_munmap_hook(release_now);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_int_eq(ret_of_late, 0);
    ck_assert_int_eq(ret_of_all, 0);
    for (int i = 0; i < HANDLES; i++)
        ck_assert_ptr_null(bufs[i].data);
    pooltest_ck_usage(before);
}
END_TEST

/* One is still out: the memory goes with that one. */
START_TEST(a_release_in_the_middle_leaves_the_others_readable)
{
    struct pooltest t;
    struct readbuf bufs[HANDLES + 1];

    NEED_COUNTED_POOL(&t, before, 0);
    for (int i = 0; i < HANDLES + 1; i++)
        bufs[i] = pooltest_read(&t, "text");
    returned_late = bufs;
    faults_munmap_hook(release_now);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_readable(&bufs[HANDLES], "text");
    ck_assert_uint_eq(readbuf_pool_held(t.pool), 1);
    ck_alive(before);
    ck_assert_int_eq(readbuf_release(&bufs[HANDLES]), 0);
    pooltest_ck_usage(before);
}
END_TEST

/* Whoever is inside the gate leaves it, when another waits for that. */
static struct readbuf_pool *entered;

static void leave_now(void)
{
    readbuf_pool_leave(entered, 0);
    entered = NULL;
}

START_TEST(the_last_unref_waits_until_it_is_inside)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, 0);
    buf = pooltest_read(&t, "text");
    entered = t.pool;
    ck_assert(readbuf_gate_enter(&t.pool->gate));
    ck_assert_int_eq(readbuf_release(&buf), 0);
    faults_sleep_hook(leave_now);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_ptr_null(entered);
    pooltest_ck_usage(before);
}
END_TEST

/* They were left together once, and come back one by one. */
START_TEST(who_was_left_with_whom_is_forgotten)
{
    struct pooltest t;
    struct readbuf bufs[COUNT];

    NEED_COUNTED_POOL(&t, before, 0);
    for (int i = 0; i < COUNT; i++)
        bufs[i] = pooltest_read(&t, "text");
    ck_assert(readbuf_gate_enter(&t.pool->gate));
    ck_assert_int_eq(readbuf_release_all(bufs, COUNT), 0);
    readbuf_pool_leave(t.pool, 0);
    for (int i = 0; i < COUNT; i++)
        bufs[i] = pooltest_read(&t, "text");
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    for (uint32_t i = 0; i < COUNT; i++) {
        ck_assert_uint_eq(readbuf_pool_held(bufs[i].pool), COUNT - i);
        ck_assert_int_eq(readbuf_release(&bufs[i]), 0);
    }
    pooltest_ck_usage(before);
}
END_TEST

/* Each handle on a thread of its own, all at once with the unref. */
START_TEST(threads_release_while_the_pool_goes)
{
    const struct pooltest_usage before = pooltest_usage();
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (int round = 0; round < 100; round++) {
        struct readbuf bufs[HANDLES];
        struct elsewhere other[HANDLES];

        for (int i = 0; i < HANDLES; i++)
            bufs[i] = pooltest_read(&t, "text");
        for (int i = 0; i < HANDLES; i++) {
            other[i] = (struct elsewhere){.call = call_release,
                                          .arg = &bufs[i]};
            elsewhere_start(&other[i]);
        }
        ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
        for (int i = 0; i < HANDLES; i++)
            ck_assert_int_eq(elsewhere_join(&other[i]), 0);
        pooltest_ck_usage(before);
        t.pool = pooltest_create(&t.uring, COUNT, SIZE, 0);
    }
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}
END_TEST

/* ------------------------------------ the kernel keeps the ring */

/* After an unref that failed everything is as before it. */
static void ck_kept(struct pooltest *t, struct pooltest_usage during,
                    uint16_t group)
{
    struct readbuf buf;

    pooltest_ck_usage(during);
    ck_assert_uint_eq(readbuf_pool_group(t->pool), group);
    for (int i = 0; i < 2 * COUNT; i++) {
        buf = pooltest_read(t, "works");
        ck_assert_int_eq(readbuf_release(&buf), 0);
    }
    ck_assert_uint_eq(readbuf_pool_held(t->pool), 0);
}

START_TEST(an_unref_on_the_wrong_thread_keeps_all)
{
    struct pooltest_usage during;
    struct pooltest t;
    uint16_t group;

    NEED_COUNTED_POOL(&t, before, IORING_SETUP_SINGLE_ISSUER);
    during = pooltest_usage();
    group = readbuf_pool_group(t.pool);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(elsewhere(call_unref, t.pool), -EEXIST);
        ck_kept(&t, during, group);
    }
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
}
END_TEST

START_TEST(a_refused_unregister_keeps_all)
{
    struct pooltest_usage during;
    struct pooltest t;
    uint16_t group;

    NEED_COUNTED_POOL(&t, before, 0);
    during = pooltest_usage();
    group = readbuf_pool_group(t.pool);
    ck_assert_int_eq(elsewhere_refused(IORING_UNREGISTER_PBUF_RING,
                                       EXDEV, call_unref, t.pool),
                     -EXDEV);
    ck_kept(&t, during, group);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
}
END_TEST

/* With a buffer out: it goes back to the ring, not into the void. */
START_TEST(a_release_after_a_failed_unref_reaches_the_ring)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, IORING_SETUP_SINGLE_ISSUER);
    buf = pooltest_read(&t, "text");
    ck_assert_int_eq(elsewhere(call_unref, t.pool), -EEXIST);
    ck_readable(&buf, "text");
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT - 1);
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
}
END_TEST

START_TEST(a_shared_reference_survives_a_failed_unref)
{
    struct pooltest t;

    NEED_COUNTED_POOL(&t, before, IORING_SETUP_SINGLE_ISSUER);
    ck_assert_int_eq(elsewhere(call_unref, t.pool), -EEXIST);
    readbuf_pool_ref(t.pool);
    ck_assert_int_eq(elsewhere(call_unref, t.pool), 0);
    ck_alive(before);
    ck_assert_int_eq(elsewhere(call_unref, t.pool), -EEXIST);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
}
END_TEST

/*
 * The descriptor is gone, the io_uring is not: a copy of it keeps it,
 * so that the pool can be taken down in the end.
 */
START_TEST(an_unref_after_the_io_uring_frees_nothing)
{
    struct pooltest_usage during;
    struct pooltest t;
    struct readbuf buf;
    int copy, fd;

    NEED_COUNTED_POOL(&t, before, 0);
    buf = pooltest_read(&t, "still here");
    during = pooltest_usage();
    fd = t.uring.ring_fd;
    copy = dup(fd);
    ck_assert_int_ge(copy, 0);
    io_uring_queue_exit(&t.uring);
    ck_assert_int_eq(call_unref(t.pool), -EBADF);
    pooltest_ck_usage(during);
    ck_readable(&buf, "still here");
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert_int_eq(call_unref(t.pool), -EBADF);
    pooltest_ck_usage(during);
    ck_assert_int_eq(dup2(copy, fd), fd);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
}
END_TEST

/*
 * The number of a closed descriptor is the next one's. Its io_uring may
 * have a group of the same id, and that is not the pool's to take.
 */
START_TEST(an_unref_leaves_a_younger_io_uring_alone)
{
    struct pooltest t;
    struct io_uring younger;
    struct pooltest_usage during;
    uint16_t group;
    int fd;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    fd = t.uring.ring_fd;
    group = readbuf_pool_group(t.pool);
    io_uring_queue_exit(&t.uring);
    ck_assert_ptr_null(support_ring(&younger, 8, 0));
    ck_assert_int_eq(younger.ring_fd, fd);
    ck_assert_int_eq(
        by_hand_ring(fd, by_hand_memory(4096), COUNT, group), 0);
    during = pooltest_usage();
    ck_assert_int_eq(readbuf_pool_available(t.pool), -EBADF);
    ck_assert_int_eq(call_unref(t.pool), -EBADF);
    pooltest_ck_usage(during);
    ck_assert_int_eq(by_hand_unregister(fd, group), 0);
}
END_TEST

/* An io_uring that goes on without a descriptor is out of reach. */
START_TEST(an_io_uring_without_a_descriptor_is_refused)
{
    struct pooltest t;
    struct readbuf_pool *none = NULL;
    int fd;

    NEED_COUNTED_POOL(&t, before, 0);
    if (io_uring_register_ring_fd(&t.uring) != 1)
        SKIP("this kernel registers no ring descriptors");
    fd = t.uring.ring_fd;
    t.uring.ring_fd = -1;
    ck_assert_int_eq(
        readbuf_pool_create(&none, &t.uring, COUNT, SIZE, 0), -EBADF);
    ck_assert_ptr_null(none);
    t.uring.ring_fd = fd;
    ck_assert_int_eq(close(fd), 0);
    ck_assert_int_eq(call_unref(t.pool), -EBADF);
    ck_assert_int_eq(readbuf_pool_available(t.pool), -EBADF);
    ck_alive(before);
}
END_TEST

/* ------------------------------------------------- after the unref */

/* Group 0 is the application's, and an empty handle is the pool's. */
START_TEST(an_empty_handle_of_a_closed_pool_starves)
{
    struct pooltest t;
    struct readbuf held, empty;
    struct io_uring_buf_ring *shared = by_hand_memory(4096);
    char theirs[BY_HAND_LENGTH] = "";

    NEED_COUNTED_POOL(&t, before, 0);
    held = pooltest_read(&t, "out");
    empty = readbuf_pool_get(t.pool);
    ck_assert_int_eq(by_hand_ring(t.uring.ring_fd, shared, 1, 0), 0);
    by_hand_give(shared, 1, theirs, 0);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_int_eq(pooltest_receive(&t, &empty, "lost?"), -ENOBUFS);
    ck_assert_str_eq(theirs, "");
    ck_assert_int_eq(readbuf_pool_available(held.pool), -ENOENT);
    ck_assert_uint_eq(readbuf_pool_held(held.pool), 1);
    ck_assert_int_eq(readbuf_release(&held), 0);
    pooltest_ck_usage(before);
}
END_TEST

/* ------------------------------------------------------------ fork */

/* In a child every call but those that look says -ECHILD. */
static void child_is_refused(struct pooltest *t,
                             const struct readbuf *held)
{
    const struct io_uring_cqe cqe = {
        .res = 3, .flags = IORING_CQE_F_BUFFER | 1u << 16};
    struct readbuf buf = *held, empty = readbuf_pool_get(t->pool);

    ck_readable(held, "parent's");
    errno = 4711;
    ck_assert_int_eq(readbuf_release(&buf), -ECHILD);
    ck_assert_ptr_eq(buf.data, held->data);
    ck_assert_int_eq(readbuf_release_all(&buf, 1), -ECHILD);
    ck_assert_int_eq(readbuf_release(&empty), 0);
    ck_assert_int_eq(readbuf_complete(&empty, &cqe), -ECHILD);
    ck_assert_int_eq(readbuf_pool_take(t->pool, &cqe, &buf), -ECHILD);
    ck_assert_int_eq(readbuf_pool_available(t->pool), -ECHILD);
    ck_assert_int_eq(readbuf_pool_unref(t->pool), -ECHILD);
    ck_assert_uint_eq(readbuf_pool_held(t->pool), 1);
    ck_assert_int_eq(errno, 4711);
}

/* ... and a pool of its own is its own. */
static void child_has_its_own(void)
{
    struct pooltest t;
    struct readbuf buf;

    ck_assert_ptr_null(pooltest_open(&t, 0, COUNT, SIZE, 0));
    buf = pooltest_read(&t, "child's");
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}

static void fork_and_go_on(unsigned flags)
{
    struct pooltest t;
    struct readbuf buf;
    int status;
    pid_t child;

    t.pool = NULL;
    ck_assert_ptr_null(pooltest_open(&t, 0, COUNT, SIZE, flags));
    buf = pooltest_read(&t, "parent's");
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        child_is_refused(&t, &buf);
        child_has_its_own();
        _exit(EXIT_SUCCESS);
    }
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT - 1);
    ck_readable(&buf, "parent's");
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}

START_TEST(a_child_changes_nothing_of_its_parents)
{
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    fork_and_go_on(0);
}
END_TEST

START_TEST(a_child_does_not_publish_into_a_ring_of_the_kernel)
{
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, READBUF_POOL_KERNEL_RING);
    fork_and_go_on(READBUF_POOL_KERNEL_RING);
}
END_TEST

/*
 * The tail of the kernel's own ring is the parent's, which has gone on
 * since: the child does not set it back.
 */
START_TEST(a_child_does_not_set_the_tail_back)
{
    struct pooltest t;
    struct readbuf bufs[2];
    int gone_on[2], status;
    char byte;
    pid_t child;

    NEED_POOL(&t, 0, COUNT, SIZE, READBUF_POOL_KERNEL_RING);
    bufs[0] = pooltest_read(&t, "kept");
    bufs[1] = pooltest_read(&t, "released");
    source_pipe(gone_on);
    child = fork();
    if (child == 0)
        _exit(read(gone_on[0], &byte, 1) == 1 &&
                      readbuf_release_all(bufs, 2) == -ECHILD &&
                      readbuf_release(&bufs[0]) == -ECHILD &&
                      readbuf_pool_available(t.pool) == -ECHILD
                  ? 0
                  : 1);
    ck_assert_int_eq(readbuf_release(&bufs[1]), 0);
    source_say(gone_on, "!");
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT - 1);
}
END_TEST

/* The gate is copied, and whoever is inside is not. */
START_TEST(a_child_does_not_wait_at_a_gate_of_its_parents)
{
    struct pooltest t;
    struct readbuf buf;
    int status;
    pid_t child;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    buf = pooltest_read(&t, "out");
    ck_assert(readbuf_gate_enter(&t.pool->gate));
    child = fork();
    if (child == 0) {
        alarm(20); /* or it waits until the end of days */
        _exit(readbuf_release(&buf) == -ECHILD &&
                      readbuf_pool_available(t.pool) == -ECHILD &&
                      readbuf_pool_unref(t.pool) == -ECHILD
                  ? 0
                  : 1);
    }
    readbuf_pool_leave(t.pool, 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    ck_assert_int_eq(readbuf_release(&buf), 0);
}
END_TEST

/* --------------------------------------------- requests in flight */

/* A receive into `buf` that waits, for nobody has sent anything. */
static void arm(struct pooltest *t, struct readbuf *buf)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&t->uring);

    readbuf_prep_recv(sqe, t->fd[0], buf, 0);
    io_uring_sqe_set_data(sqe, buf);
    ck_assert_int_eq(io_uring_submit(&t->uring), 1);
    ck_assert_uint_eq(io_uring_cq_ready(&t->uring), 0);
}

/* Touches nothing of a pool that is gone: ASan and valgrind look on. */
static void ck_empty(struct readbuf *buf)
{
    ck_assert_ptr_null(buf->data);
    ck_assert_uint_eq(readbuf_len(buf), 0);
    ck_assert(readbuf_is_empty(buf));
    ck_assert_int_eq(readbuf_release(buf), 0);
}

START_TEST(a_request_that_waits_fails_after_the_pool)
{
    struct pooltest t;
    struct readbuf buf;
    char text[8] = "";

    NEED_COUNTED_POOL(&t, before, 0);
    buf = readbuf_pool_get(t.pool);
    arm(&t, &buf);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
    source_say(t.fd, "late");
    ck_assert_int_eq(pooltest_complete(&t.uring, &buf), -ENOBUFS);
    ck_empty(&buf);
    ck_assert_int_eq(read(t.fd[0], text, sizeof(text)), 4);
    ck_assert_str_eq(text, "late");
}
END_TEST

/* The old request does not pick from a pool that came later. */
START_TEST(a_request_that_waits_finds_no_younger_pool)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, 0);
    buf = readbuf_pool_get(t.pool);
    arm(&t, &buf);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    t.pool = pooltest_create(&t.uring, COUNT, SIZE, 0);
    source_say(t.fd, "late");
    ck_assert_int_eq(pooltest_complete(&t.uring, &buf), -ENOBUFS);
    ck_empty(&buf);
    ck_assert_int_eq(read(t.fd[0], (char[8]){0}, 8), 4);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
}
END_TEST

/*
 * Ask once for the request of `buf` to be cancelled: the answer. When
 * the request completes meanwhile, `*done` is set and `*ret` is what
 * readbuf_complete says.
 */
static int cancel_once(struct pooltest *t, struct readbuf *buf,
                       bool *done, int *ret)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&t->uring);
    bool answered = false;
    int answer = 0;

    io_uring_prep_cancel(sqe, buf, 0);
    io_uring_sqe_set_data(sqe, NULL);
    while (!answered || (answer == 0 && !*done)) {
        struct support_cqe seen = support_complete(&t->uring);
        struct io_uring_cqe cqe = {.res = seen.res,
                                   .flags = seen.flags};

        if (seen.user_data == 0) {
            answered = true;
            answer = seen.res;
        } else {
            *done = true;
            *ret = readbuf_complete(buf, &cqe);
        }
    }
    return answer;
}

/*
 * Once is not enough. EALREADY says that a worker has the request, and
 * that it was told to stop; if it was about to hand the request over to
 * a poll, nothing has stopped, and only the next attempt finds it.
 */
static int cancel(struct pooltest *t, struct readbuf *buf)
{
    bool done = false;
    int ret = 0;

    while (!done) {
        int answer = cancel_once(t, buf, &done, &ret);

        if (answer != 0 && answer != -EALREADY && answer != -ENOENT)
            ck_abort_msg("cancelling: %s", strerror(-answer));
    }
    return ret;
}

START_TEST(a_request_that_waits_is_cancelled_after_the_pool)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, 0);
    buf = readbuf_pool_get(t.pool);
    arm(&t, &buf);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_int_eq(cancel(&t, &buf), -ECANCELED);
    ck_empty(&buf);
    pooltest_ck_usage(before);
}
END_TEST

/* The handle holds the memory that the request writes into. */
START_TEST(a_second_read_outlives_the_pool)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, 0);
    buf = pooltest_read(&t, "first");
    arm(&t, &buf);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_alive(before);
    source_say(t.fd, ", second");
    ck_assert_int_eq(pooltest_complete(&t.uring, &buf), 8);
    ck_readable(&buf, "first, second");
    ck_assert_int_eq(readbuf_release(&buf), 0);
    pooltest_ck_usage(before);
}
END_TEST

START_TEST(a_second_read_is_cancelled_after_the_pool)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_COUNTED_POOL(&t, before, 0);
    buf = pooltest_read(&t, "first");
    arm(&t, &buf);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_int_eq(cancel(&t, &buf), -ECANCELED);
    ck_readable(&buf, "first");
    ck_assert_int_eq(readbuf_release(&buf), 0);
    pooltest_ck_usage(before);
}
END_TEST

/* Whether the kernel takes a buffer within 30 seconds. */
static bool takes_one(struct readbuf_pool *pool)
{
    struct timespec start, now;
    int left;

    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        left = readbuf_pool_available(pool);
        sched_yield();
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (left == COUNT && now.tv_sec - start.tv_sec < 30);
    return left == COUNT - 1;
}

/*
 * A worker holds a buffer while it waits. The pool cannot know, so the
 * caller cancels and takes the completion before the last unref.
 */
START_TEST(a_worker_is_cancelled_before_the_pool)
{
    struct pooltest t;
    struct readbuf buf;
    struct io_uring_sqe *sqe;
    int ends[2], ret;

    NEED_COUNTED_POOL(&t, before, 0);
    source_pipe(ends);
    buf = readbuf_pool_get(t.pool);
    sqe = io_uring_get_sqe(&t.uring);
    readbuf_prep_read(sqe, ends[0], &buf, UINT64_MAX);
    sqe->flags |= IOSQE_ASYNC;
    io_uring_sqe_set_data(sqe, &buf);
    ck_assert_int_eq(io_uring_submit(&t.uring), 1);
    if (support_features()->status && !takes_one(t.pool))
        SKIP("a worker of this kernel picks no buffer before the data");
    ret = cancel(&t, &buf);
    ck_assert(ret == -ECANCELED || ret == -EINTR);
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(readbuf_pool_held(t.pool), 0);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    pooltest_ck_usage(before);
    source_say(ends, "late");
    ck_assert_uint_eq(io_uring_cq_ready(&t.uring), 0);
    ck_assert_int_eq(read(ends[0], (char[8]){0}, 8), 4);
}
END_TEST

SUITE("teardown", unref_of_null_is_nothing,
      the_last_unref_frees_everything,
      the_last_unref_frees_a_ring_of_the_kernel,
      every_ref_needs_its_unref, other_threads_share_and_drop,
      whoever_is_last_frees_everything, data_outlives_the_pool,
      data_outlives_the_io_uring_too, a_stale_copy_frees_nothing,
      release_all_frees_everything, every_order_of_release_and_unref,
      another_thread_releases_after_the_pool,
      a_release_in_the_middle_of_the_last_unref,
      a_release_in_the_middle_leaves_the_others_readable,
      the_last_unref_waits_until_it_is_inside,
      who_was_left_with_whom_is_forgotten,
      threads_release_while_the_pool_goes,
      an_unref_on_the_wrong_thread_keeps_all,
      a_refused_unregister_keeps_all,
      a_release_after_a_failed_unref_reaches_the_ring,
      a_shared_reference_survives_a_failed_unref,
      an_unref_after_the_io_uring_frees_nothing,
      an_unref_leaves_a_younger_io_uring_alone,
      an_io_uring_without_a_descriptor_is_refused,
      an_empty_handle_of_a_closed_pool_starves,
      a_child_changes_nothing_of_its_parents,
      a_child_does_not_publish_into_a_ring_of_the_kernel,
      a_child_does_not_set_the_tail_back,
      a_child_does_not_wait_at_a_gate_of_its_parents,
      a_request_that_waits_fails_after_the_pool,
      a_request_that_waits_finds_no_younger_pool,
      a_request_that_waits_is_cancelled_after_the_pool,
      a_second_read_outlives_the_pool,
      a_second_read_is_cancelled_after_the_pool,
      a_worker_is_cancelled_before_the_pool)
