/*
 * test_parts.c - buffers that are held in parts, on their way back.
 *
 * This stage makes no parts. They are made here as a later stage makes
 * them: the loan of the buffer goes up by two, so that it is odd still
 * and the handle of the whole is stale, and beside it stands how many
 * hold a part. Their handles have the even loan below it.
 */
#include "crew.h"

#include <errno.h>
#include <sched.h>
#include <sys/wait.h>

enum { COUNT = 8, SIZE = 64, PARTS = 4, EACH = SIZE / PARTS };

static _Atomic uint64_t *record_of(const struct readbuf *buf)
{
    size_t bid = readbuf_slab_bid(&buf->pool->slab, buf->data);

    ck_often(bid < buf->pool->count);
    return &buf->pool->ledger->records[bid].state;
}

/* `whole` becomes stale, and each of `n` handles has EACH bytes. */
static void split_by(const struct readbuf *whole, struct readbuf *parts,
                     unsigned n, unsigned len)
{
    _Atomic uint64_t *record = record_of(whole);
    uint32_t loan = readbuf_state_loan(atomic_load(record));

    atomic_store(record, readbuf_state(loan + 2, n));
    for (unsigned i = 0; i < n; i++) {
        parts[i] = (struct readbuf){.data = whole->data + i * len,
                                    .pool = whole->pool,
                                    .len = len,
                                    .loan = whole->loan + 1};
        readbuf_own_app(parts[i].data, len);
    }
}

static void split(const struct readbuf *whole, struct readbuf *parts,
                  unsigned n)
{
    split_by(whole, parts, n, EACH);
}

static struct readbuf borrow(struct pooltest *t, struct readbuf *parts)
{
    struct readbuf whole;

    crew_borrow(t, &whole, 1);
    split(&whole, parts, PARTS);
    return whole;
}

static bool same(const struct readbuf *one, const struct readbuf *other)
{
    return one->data == other->data && one->pool == other->pool &&
           one->len == other->len && one->loan == other->loan;
}

/* The error, and that the handle and the pool are as they were. */
static void ck_refused(struct readbuf buf, int error)
{
    uint32_t held = readbuf_pool_held(buf.pool);
    struct readbuf before = buf;

    ck_assert_int_eq(readbuf_release(&buf), error);
    ck_assert(same(&buf, &before));
    ck_assert_int_eq(readbuf_release_all(&buf, 1), error);
    ck_assert(same(&buf, &before));
    ck_assert_uint_eq(readbuf_pool_held(buf.pool), held);
}

/* It is empty, and can be read into again. */
static void ck_released(struct readbuf *buf)
{
    struct readbuf_pool *pool = buf->pool;

    ck_often(readbuf_release(buf) == 0);
    ck_often(buf->data == NULL && buf->len == 0 && buf->loan == 0 &&
             buf->pool == pool);
}

/* Permutation number `k` of 24. */
static void order(unsigned k, unsigned places[PARTS])
{
    unsigned left[PARTS] = {0, 1, 2, 3};

    for (unsigned n = PARTS; n > 0; k /= n--) {
        unsigned which = k % n;

        places[PARTS - n] = left[which];
        left[which] = left[n - 1];
    }
}

START_TEST(the_last_part_sends_the_buffer_back)
{
    struct readbuf parts[PARTS];
    unsigned places[PARTS];
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (unsigned k = 0; k < 24; k++) {
        borrow(&t, parts);
        order(k, places);
        for (unsigned i = 0; i < PARTS; i++) {
            ck_often(readbuf_pool_held(t.pool) == 1);
            ck_released(&parts[places[i]]);
        }
        crew_ck_free(&t, COUNT);
    }
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

/* Its number is found wherever in the buffer it points. */
START_TEST(a_part_may_have_lost_bytes_at_its_ends)
{
    struct readbuf parts[PARTS];
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (int i = 0; i < COUNT; i++) {
        borrow(&t, parts);
        ck_assert_int_eq(readbuf_remove(&parts[0], 0, 1), 0);
        ck_assert_int_eq(readbuf_remove(&parts[1], 0, READBUF_END), 0);
        ck_assert_int_eq(readbuf_remove(&parts[3], 0, EACH - 1), 0);
        ck_assert_int_eq(readbuf_remove(&parts[3], 0, 1), 0);
        for (int part = 0; part < PARTS; part++)
            ck_released(&parts[part]);
        crew_ck_free(&t, COUNT);
    }
}
END_TEST

START_TEST(a_part_is_stale_once_the_buffer_went_back)
{
    struct readbuf parts[PARTS], later[PARTS], copy, whole;
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    borrow(&t, parts);
    copy = parts[2];
    for (int part = 0; part < PARTS; part++)
        ck_released(&parts[part]);
    ck_refused(copy, -ESTALE);
    crew_borrow(&t, &whole, 1);
    ck_refused(copy, -ESTALE);
    split(&whole, later, PARTS);
    ck_refused(copy, -ESTALE);
    for (int part = 0; part < PARTS; part++)
        ck_released(&later[part]);
    ck_refused(copy, -ESTALE);
    crew_ck_free(&t, 1);
}
END_TEST

/* In a pool of several, where loans of buffers are apart. */
START_TEST(a_part_is_of_one_buffer)
{
    struct readbuf parts[2][PARTS], moved;
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    borrow(&t, parts[0]);
    borrow(&t, parts[1]);
    moved = parts[0][1];
    moved.data = parts[1][1].data;
    ck_refused(moved, -ESTALE);
    moved.data = t.pool->slab.memory - 1;
    ck_refused(moved, -EINVAL);
    moved.data = t.pool->slab.memory + t.pool->slab.stride * COUNT;
    ck_refused(moved, -EINVAL);
    ck_assert_int_eq(readbuf_release_all(parts[0], 2 * PARTS), 0);
    crew_ck_free(&t, COUNT);
}
END_TEST

START_TEST(the_whole_is_stale_after_the_split)
{
    struct readbuf parts[PARTS], whole;
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    whole = borrow(&t, parts);
    for (int part = 0; part < PARTS; part++) {
        ck_refused(whole, -ESTALE);
        ck_released(&parts[part]);
    }
    ck_refused(whole, -ESTALE);
    crew_ck_free(&t, COUNT);
}
END_TEST

/* A handle whose loan was made up: no buffer is held in parts. */
START_TEST(a_whole_buffer_has_no_parts)
{
    struct readbuf whole, made_up;
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    crew_borrow(&t, &whole, 1);
    made_up = whole;
    made_up.loan = whole.loan - 1;
    ck_refused(made_up, -ESTALE);
    made_up.loan = whole.loan + 1;
    ck_refused(made_up, -ESTALE);
    ck_released(&whole);
    crew_ck_free(&t, COUNT);
}
END_TEST

/* Whole, all parts, some parts, and two that are wrong. */
START_TEST(whole_buffers_and_parts_go_back_in_one_call)
{
    struct readbuf bufs[12] = {{0}}, last[2], others[2];
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    crew_borrow(&t, &bufs[0], 2);
    borrow(&t, &bufs[2]);
    crew_borrow(&t, others, 2);
    split(&others[0], last, 2);
    bufs[6] = last[0];
    bufs[7] = others[0];
    bufs[8] = readbuf_pool_get(t.pool);
    bufs[9] = others[1];
    bufs[9].data++;
    bufs[10] = others[1];
    ck_assert_uint_eq(readbuf_pool_held(t.pool), 5);
    ck_assert_int_eq(readbuf_release_all(bufs, 12), -ESTALE);
    for (int i = 0; i < 12; i++)
        ck_assert((bufs[i].data != NULL) == (i == 7 || i == 9));
    ck_assert_uint_eq(readbuf_pool_held(t.pool), 1);
    ck_assert_int_eq(readbuf_release_all(last + 1, 1), 0);
    crew_ck_free(&t, COUNT);
    ck_assert_uint_eq(pooltest_count_free(&t), COUNT);
}
END_TEST

START_TEST(the_ring_gets_them_in_the_order_of_the_call)
{
    struct readbuf bufs[4], again[4], whole;
    struct pooltest t;

    NEED_POOL(&t, 0, 4, SIZE, 0);
    crew_borrow(&t, bufs, 4);
    whole = bufs[1];
    split(&whole, &bufs[1], 1);
    ck_assert_int_eq(readbuf_release_all(bufs, 4), 0);
    crew_borrow(&t, again, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_ptr_eq(again[i].data,
                         readbuf_slab_at(&t.pool->slab, i));
    ck_assert_int_eq(readbuf_release_all(again, 4), 0);
    crew_ck_free(&t, 4);
}
END_TEST

/* Also when a part is all that is left of it. */
START_TEST(the_last_part_frees_a_pool_without_owners)
{
    struct pooltest_usage usage;
    struct readbuf parts[2][PARTS], whole;
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    usage = pooltest_usage();
    t.pool = pooltest_create(&t.uring, COUNT, SIZE, 0);
    borrow(&t, parts[0]);
    crew_borrow(&t, &whole, 1);
    borrow(&t, parts[1]);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    for (int part = 0; part < PARTS; part++)
        ck_released(&parts[0][part]);
    ck_released(&whole);
    ck_assert_int_eq(readbuf_release_all(parts[1], PARTS - 1), 0);
    ck_assert_mem_eq(parts[1][PARTS - 1].data, "\0\0\0\0", 4);
    ck_released(&parts[1][PARTS - 1]);
    pooltest_ck_usage(usage);
}
END_TEST

START_TEST(a_child_releases_no_part)
{
    struct readbuf parts[PARTS];
    struct pooltest t;
    int status;
    pid_t child;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    borrow(&t, parts);
    child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0)
        _exit(readbuf_release(&parts[0]) == -ECHILD &&
                      readbuf_release_all(parts, PARTS) == -ECHILD
                  ? EXIT_SUCCESS
                  : EXIT_FAILURE);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert(WIFEXITED(status));
    ck_assert_int_eq(WEXITSTATUS(status), EXIT_SUCCESS);
    ck_assert_int_eq(readbuf_release_all(parts, PARTS), 0);
}
END_TEST

/* -------------------------------------------------------- threads */

enum { RACERS = 32, SHARE = 8, SHARES = RACERS * SHARE };

/* Each thread has a share of each buffer: SHARE parts of one byte. */
struct race {
    struct readbuf parts[RACERS][PARTS * SHARE];
    _Atomic unsigned wrong;
};

/*
 * All in the same order, so that they meet, and meet again; some one by
 * one, some in one call.
 */
static void release_parts(void *argument, unsigned who)
{
    struct race *race = argument;
    struct readbuf mine[SHARES];

    for (unsigned i = 0; i < SHARES; i++)
        mine[i] = race->parts[i / SHARE][who * SHARE + i % SHARE];
    for (unsigned i = 0; who != 2 && i < SHARES; i++)
        if (readbuf_release(&mine[i]) != 0)
            race->wrong++;
    if (who == 2 && readbuf_release_all(mine, SHARES) != 0)
        race->wrong++;
}

static void race_parts(struct pooltest *t, unsigned threads)
{
    unsigned rounds = 1000 / crew_slower();
    static struct race race;
    struct crew crew;

    crew_open(&crew, threads, release_parts, &race);
    for (unsigned round = 0; round < rounds; round++) {
        struct readbuf whole[RACERS];

        crew_borrow(t, whole, RACERS);
        for (int i = 0; i < RACERS; i++)
            split_by(&whole[i], race.parts[i], threads * SHARE, 1);
        crew_round(&crew);
        ck_often(race.wrong == 0);
        crew_ck_free(t, RACERS);
    }
    crew_close(&crew);
    ck_assert_uint_eq(pooltest_count_free(t), RACERS);
}

START_TEST(of_racing_parts_one_is_the_last)
{
    struct pooltest t;

    NEED_POOL(&t, 0, RACERS, SIZE, 0);
    for (unsigned threads = 2; threads <= CREW_MAX; threads++)
        race_parts(&t, threads);
}
END_TEST

enum { TURNS = 2000 };

/*
 * A thread that gets a part of the only buffer in each turn. What
 * orders its write before the next use of the bytes is the pool alone:
 * by way of `posted` it is told, and tells nothing. (A memset, which
 * gcc makes a store, is not seen by ThreadSanitizer.)
 */
struct writer {
    pthread_t thread;
    struct readbuf parts[TURNS];
    _Atomic unsigned posted;
    unsigned turns, wrong;
};

static void *write_and_release(void *argument)
{
    struct writer *writer = argument;

    for (unsigned turn = 0; turn < writer->turns; turn++) {
        while (atomic_load_explicit(&writer->posted,
                                    memory_order_acquire) <= turn)
            sched_yield();
        writer->parts[turn].data[0] = 0xee;
        writer->wrong += readbuf_release(&writer->parts[turn]) != 0;
    }
    return NULL;
}

/* When both have released, there is a buffer again. */
static struct readbuf the_only_buffer(struct pooltest *t)
{
    struct readbuf buf = readbuf_pool_get(t->pool);
    int ret;

    source_say(t->fd, "x");
    for (;;) {
        readbuf_prep_recv(io_uring_get_sqe(&t->uring), t->fd[0], &buf,
                          0);
        ret = pooltest_complete(&t->uring, &buf);
        if (ret != -ENOBUFS)
            break;
        sched_yield();
    }
    ck_often(ret == 1);
    return buf;
}

START_TEST(what_all_holders_did_is_done_before_the_next_read)
{
    unsigned turns = TURNS / crew_slower();
    static struct writer writers[2];
    struct pooltest t;

    NEED_POOL(&t, 0, 1, SIZE, 0);
    for (int i = 0; i < 2; i++) {
        writers[i].turns = turns;
        ck_assert_int_eq(pthread_create(&writers[i].thread, NULL,
                                        write_and_release, &writers[i]),
                         0);
    }
    for (unsigned turn = 0; turn < turns; turn++) {
        struct readbuf whole = the_only_buffer(&t), parts[2];

        split(&whole, parts, 2);
        parts[0].data[0] = parts[1].data[0] = 0xdd;
        for (int i = 0; i < 2; i++) {
            writers[i].parts[turn] = parts[i];
            atomic_store_explicit(&writers[i].posted, turn + 1,
                                  memory_order_release);
        }
    }
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(pthread_join(writers[i].thread, NULL), 0);
        ck_assert_uint_eq(writers[i].wrong, 0);
    }
    crew_ck_free(&t, 1);
}
END_TEST

SUITE("held", the_last_part_sends_the_buffer_back,
      a_part_may_have_lost_bytes_at_its_ends,
      a_part_is_stale_once_the_buffer_went_back,
      a_part_is_of_one_buffer, the_whole_is_stale_after_the_split,
      a_whole_buffer_has_no_parts,
      whole_buffers_and_parts_go_back_in_one_call,
      the_ring_gets_them_in_the_order_of_the_call,
      the_last_part_frees_a_pool_without_owners,
      a_child_releases_no_part, of_racing_parts_one_is_the_last,
      what_all_holders_did_is_done_before_the_next_read)
