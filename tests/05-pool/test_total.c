/*
 * test_total.c - every completion there can be, and many in a row.
 *
 * The kernel is simulated, so it can be made to say what the real one
 * rarely does. After each answer the buffers are counted: each is in
 * the ring, held, or picked and not yet completed, and at one of these
 * places only.
 */
#include "faults.h"
#include "simhead.h"
#include "simpool.h"
#include "support.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { COUNT = 4, SIZE = 24, ASYNC_LAPS = 3 };

/* Which buffer a completion names. */
enum named {
    NAMES_PICKED,   /* one the kernel has just picked for it */
    NAMES_OURS,     /* one that somebody holds */
    NAMES_BEYOND,   /* the first bid there is not */
    NAMES_FARTHEST, /* the last bid that can be said */
    NAMES_COUNT
};

/* What the handle was like when the request was made. */
enum before { EMPTY, PARTLY, FULL, BEFORE_COUNT };

static bool same(const struct readbuf *one, const struct readbuf *other)
{
    return one->data == other->data && one->pool == other->pool &&
           one->len == other->len && one->loan == other->loan;
}

/* A handle with `len` bytes; an empty one with 0. */
static struct readbuf loaned(struct simpool *sim, uint32_t len)
{
    struct readbuf buf = readbuf_pool_get(sim->pool);

    if (len > 0)
        ck_quick(simpool_complete(&buf, (int32_t)len,
                                  simkernel_flags(simpool_pick(sim))) ==
                 (int)len);
    return buf;
}

/* ------------------------------------------------------- one answer */

/* One completion, and what was there when it came. */
struct event {
    struct simpool *sim;
    struct readbuf ours; /* somebody's, with a byte */
    enum before before;
    enum named named;
    int32_t res;
    unsigned low; /* the low eight bits of the flags */
};

/* A buffer leaves the ring: one is named, and not to go on. */
static bool takes_buffer(const struct event *e)
{
    return (e->low & IORING_CQE_F_BUFFER) &&
           !(e->low & READBUF_CQE_F_BUF_MORE);
}

static uint16_t bid_at_head(const struct simpool *sim)
{
    const struct simkernel *kernel = &sim->kernel;

    return kernel->shared->bufs[kernel->head & (kernel->entries - 1)]
        .bid;
}

/* The flags; the kernel picks now, if it is to, or goes on. */
static uint32_t flags_of(const struct event *e)
{
    uint32_t bid = e->named == NAMES_BEYOND ? COUNT : UINT16_MAX;

    if (e->named == NAMES_OURS)
        bid =
            (uint32_t)(e->ours.data - e->sim->pool->slab.memory) / SIZE;
    if (e->named == NAMES_PICKED)
        bid = takes_buffer(e) ? simpool_pick(e->sim)
                              : bid_at_head(e->sim);
    return bid << IORING_CQE_BUFFER_SHIFT | e->low;
}

static int expected_return(const struct event *e)
{
    if (e->res > 0 && !takes_buffer(e) &&
        (e->before == EMPTY || (e->low & IORING_CQE_F_BUFFER)))
        return -ENOTRECOVERABLE;
    if (takes_buffer(e) && e->named != NAMES_PICKED)
        return -EPROTO;
    if (takes_buffer(e) && e->before != EMPTY && e->res > 0)
        return -EBUSY;
    return e->res;
}

static uint32_t at_most(int32_t n, uint32_t most)
{
    return (uint32_t)n < most ? (uint32_t)n : most;
}

/* The handle as it must be: what it was, more bytes, or a buffer. */
static void check_handle(const struct event *e,
                         const struct readbuf *was,
                         const struct readbuf *is)
{
    struct readbuf wanted = *was;

    ck_quick(readbuf_len(is) <= readbuf_capacity(is));
    if (e->before != EMPTY && e->res > 0 &&
        !(e->low & IORING_CQE_F_BUFFER))
        wanted.len += at_most(e->res, SIZE - was->len);
    if (e->before == EMPTY && e->res > 0 && takes_buffer(e) &&
        e->named == NAMES_PICKED) {
        ck_quick(is->data != NULL);
        ck_quick(is->data != e->ours.data);
        ck_quick(is->len == at_most(e->res, SIZE));
        return;
    }
    ck_quick(same(is, &wanted));
}

static void play(const struct event *e)
{
    const uint32_t lengths[BEFORE_COUNT] = {0, SIZE / 2, SIZE};
    struct readbuf buf = loaned(e->sim, lengths[e->before]);
    struct readbuf was = buf;
    uint32_t flags = flags_of(e);

    ck_quick(simpool_complete(&buf, e->res, flags) ==
             expected_return(e));
    check_handle(e, &was, &buf);
    simpool_check(e->sim, buf.data != NULL ? 2 : 1, 0);
    ck_quick(readbuf_release(&buf) == 0);
    simpool_check(e->sim, 1, 0);
}

/* The same into a fresh handle. */
static void play_take(const struct event *e)
{
    struct readbuf was = readbuf_pool_get(e->sim->pool), out;
    uint32_t flags = flags_of(e);

    memset(&out, 0xa5, sizeof(out));
    ck_quick(simpool_take(e->sim, e->res, flags, &out) ==
             expected_return(e));
    check_handle(e, &was, &out);
    simpool_check(e->sim, out.data != NULL ? 2 : 1, 0);
    ck_quick(readbuf_release(&out) == 0);
}

static void play_all(struct event e)
{
    for (int named = 0; named < NAMES_COUNT; named++) {
        e.named = (enum named)named;
        for (int before = 0; before < BEFORE_COUNT; before++) {
            e.before = (enum before)before;
            play(&e);
        }
        e.before = EMPTY;
        play_take(&e);
    }
}

/* All flags with the results that differ in kind. */
static void play_every_flag(struct simpool *sim)
{
    const int32_t results[] = {
        INT32_MIN, -4095,    -ENOBUFS, -ECANCELED,   -EISDIR,
        -1,        0,        1,        SIZE / 2 + 1, SIZE - 1,
        SIZE,      SIZE + 1, INT32_MAX};
    struct event e = {.sim = sim, .ours = loaned(sim, 1)};

    for (size_t i = 0; i < sizeof(results) / sizeof(results[0]); i++)
        for (e.low = 0; e.low < 256; e.low++) {
            e.res = results[i];
            play_all(e);
        }
    ck_assert_int_eq(readbuf_release(&e.ours), 0);
}

START_TEST(every_flag_has_an_answer)
{
    struct simpool sim;

    simpool_open(&sim, COUNT, SIZE);
    play_every_flag(&sim);
    simpool_close(&sim);
}
END_TEST

START_TEST(every_flag_has_an_answer_where_nobody_knows_the_head)
{
    struct simpool sim;

    simpool_open(&sim, COUNT, SIZE);
    simhead_refuse(-EINVAL);
    play_every_flag(&sim);
    simpool_close(&sim);
}
END_TEST

START_TEST(every_error_has_an_answer)
{
    struct event e = {.low = 0};
    struct simpool sim;

    simpool_open(&sim, COUNT, SIZE);
    e.sim = &sim;
    e.ours = loaned(&sim, 1);
    for (e.res = -4095; e.res <= -1; e.res++) {
        e.low = 0;
        play_all(e);
        e.low = IORING_CQE_F_BUFFER;
        play_all(e);
    }
    ck_assert_int_eq(readbuf_release(&e.ours), 0);
    simpool_close(&sim);
}
END_TEST

/* The largest buffer has more bytes than an answer can bring. */
START_TEST(an_error_of_the_largest_buffer_is_no_length)
{
    void *room = mmap(NULL, UINT32_MAX, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct readbuf buf;
    struct simpool sim;

    if (room == MAP_FAILED)
        SKIP("there is no room for a mapping of 4 GiB");
    munmap(room, UINT32_MAX);
#ifdef READBUF_OWN_ASAN
    SKIP("AddressSanitizer would need 512 MiB to mark 4 GiB");
#endif
    simpool_open(&sim, 1, UINT32_MAX);
    buf = readbuf_pool_get(sim.pool);
    for (int32_t res = -2; res <= 0; res++) {
        uint32_t flags = simkernel_flags(simpool_pick(&sim));

        ck_assert_int_eq(simpool_complete(&buf, res, flags), res);
        ck_assert_ptr_null(buf.data);
        simpool_check(&sim, 0, 0);
    }
    simpool_close(&sim);
}
END_TEST

START_TEST(completing_leaves_errno_alone)
{
    uint32_t flags;
    struct readbuf buf;
    struct simpool sim;

    simpool_open(&sim, COUNT, SIZE);
    simhead_real(); /* is refused, for there is no io_uring */
    buf = readbuf_pool_get(sim.pool);
    flags = simkernel_flags(simpool_pick(&sim));
    errno = 12345;
    ck_assert_int_eq(simpool_complete(&buf, -EIO, flags), -EIO);
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert_int_eq(errno, 12345);
    simpool_close(&sim);
}
END_TEST

/* ---------------------------- errors that name what was not consumed
 */

/* The kernel names the buffer at its head and leaves it there. */
static int spurious(const struct simpool *sim, struct readbuf *buf)
{
    return simpool_complete(buf, -ECONNRESET,
                            simkernel_flags(bid_at_head(sim)));
}

/* Pick a buffer and release it. */
static void use_one(struct simpool *sim)
{
    struct readbuf buf = loaned(sim, 1);

    ck_quick(readbuf_release(&buf) == 0);
}

START_TEST(the_buffer_of_an_error_goes_back)
{
    struct readbuf buf;
    struct simpool sim;
    uint16_t bid;

    simpool_open(&sim, COUNT, SIZE);
    buf = readbuf_pool_get(sim.pool);
    bid = simpool_pick(&sim);
    ck_assert_int_eq(
        simpool_complete(&buf, -ECONNRESET, simkernel_flags(bid)),
        -ECONNRESET);
    simpool_check(&sim, 0, 0);
    for (int i = 1; i < COUNT; i++)
        ck_assert_uint_ne(simpool_pick(&sim), bid);
    ck_assert_uint_eq(simpool_pick(&sim), bid);
}
END_TEST

START_TEST(the_unconsumed_buffer_of_an_error_stays)
{
    struct readbuf buf;
    struct simpool sim;
    uint16_t tail;

    simpool_open(&sim, COUNT, SIZE);
    buf = readbuf_pool_get(sim.pool);
    tail = sim.kernel.shared->tail;
    ck_assert_int_eq(spurious(&sim, &buf), -ECONNRESET);
    ck_assert_ptr_null(buf.data);
    ck_assert_uint_eq(sim.kernel.shared->tail, tail);
    simpool_check(&sim, 0, 0);
    ck_assert_uint_eq(simpool_pick(&sim), 0);
}
END_TEST

START_TEST(two_errors_may_name_the_same_unconsumed_buffer)
{
    struct readbuf buf;
    struct simpool sim;

    simpool_open(&sim, 1, SIZE);
    buf = readbuf_pool_get(sim.pool);
    ck_assert_int_eq(spurious(&sim, &buf), -ECONNRESET);
    ck_assert_int_eq(spurious(&sim, &buf), -ECONNRESET);
    simpool_check(&sim, 0, 0);
    use_one(&sim);
    ck_assert_int_eq(spurious(&sim, &buf), -ECONNRESET);
    simpool_close(&sim);
}
END_TEST

START_TEST(both_verdicts_at_every_position_of_the_ring)
{
    uint32_t flags;
    struct readbuf buf;
    struct simpool sim;

    simpool_open(&sim, COUNT, SIZE);
    buf = readbuf_pool_get(sim.pool);
    for (int i = 0; i < 70000; i++) {
        ck_quick(spurious(&sim, &buf) == -ECONNRESET);
        ck_quick(simkernel_available(&sim.kernel) == COUNT);
        flags = simkernel_flags(simpool_pick(&sim));
        ck_quick(simpool_complete(&buf, -EIO, flags) == -EIO);
        ck_quick(simkernel_available(&sim.kernel) == COUNT);
        ck_quick(readbuf_pool_available(sim.pool) == COUNT);
    }
    simpool_close(&sim);
}
END_TEST

/*
 * A worker keeps the buffer it picked for as long as its read waits,
 * and the ring goes round without it meanwhile.
 */
static void cancelled_after(int others)
{
    uint32_t flags;
    struct readbuf buf;
    struct simpool sim;

    simpool_open(&sim, COUNT, SIZE);
    buf = readbuf_pool_get(sim.pool);
    flags = simkernel_flags(simpool_pick(&sim));
    for (int i = 0; i < others; i++)
        use_one(&sim);
    ck_quick(simpool_complete(&buf, -ECANCELED, flags) == -ECANCELED);
    ck_assert_msg(simkernel_available(&sim.kernel) == COUNT,
                  "lost after %d others", others);
    simpool_close(&sim);
}

START_TEST(a_buffer_may_be_out_for_many_laps)
{
    for (int others = 0; others <= ASYNC_LAPS * COUNT; others++)
        cancelled_after(others);
}
END_TEST

/* Its place seems to be in the ring again, and is another's. */
START_TEST(a_buffer_may_be_out_until_the_counts_wrap)
{
    cancelled_after(65534);
    cancelled_after(65535);
}
END_TEST

/* ------------------------------------------------------- the gate */

/* With somebody inside, all others return and have left their own. */
START_TEST(what_comes_back_meanwhile_is_taken_along)
{
    struct readbuf bufs[COUNT], copy;
    struct simpool sim;

    simpool_open(&sim, COUNT, SIZE);
    for (int i = 0; i < COUNT; i++)
        bufs[i] = loaned(&sim, 1);
    copy = bufs[0];
    ck_assert(readbuf_gate_enter(&sim.pool->gate));
    ck_assert_int_eq(readbuf_release(&bufs[0]), 0);
    ck_assert_ptr_null(bufs[0].data);
    ck_assert_int_eq(readbuf_release(&copy), -ESTALE);
    ck_assert_int_eq(readbuf_release_all(&bufs[1], COUNT - 1), 0);
    ck_assert_uint_eq(simkernel_available(&sim.kernel), 0);
    ck_assert_uint_eq(readbuf_pool_held(sim.pool), COUNT);
    readbuf_pool_leave(sim.pool, 0);
    simpool_check(&sim, 0, 0);
    simpool_close(&sim);
}
END_TEST

/* Given up, and not the kernel's: it cannot be named. */
static void ck_not_to_be_named(struct simpool *sim, uint16_t bid)
{
    struct readbuf again = readbuf_pool_get(sim->pool);
    uint32_t flags = simkernel_flags(bid);

    ck_assert_int_eq(simpool_complete(&again, 1, flags), -EPROTO);
    ck_assert_int_eq(simpool_take(sim, 1, flags, &again), -EPROTO);
    ck_assert_int_eq(simpool_complete(&again, -EIO, flags), -EPROTO);
    ck_assert_ptr_null(again.data);
}

START_TEST(a_buffer_at_the_gate_is_not_to_be_named)
{
    struct simpool sim;
    struct readbuf buf;
    uint16_t bid;

    simpool_open(&sim, COUNT, SIZE);
    buf = loaned(&sim, 1);
    bid = (uint16_t)readbuf_slab_bid(&sim.pool->slab, buf.data);
    ck_assert(readbuf_gate_enter(&sim.pool->gate));
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_not_to_be_named(&sim, bid);
    readbuf_pool_leave(sim.pool, 0);
    simpool_check(&sim, 0, 0);
    simpool_close(&sim);
}
END_TEST

/* With a ring that may hold none, what comes back is kept. */
START_TEST(a_buffer_in_reserve_is_not_to_be_named)
{
    struct simpool sim;
    struct readbuf buf;
    uint16_t bid;

    simpool_open(&sim, COUNT, SIZE);
    buf = loaned(&sim, 1);
    bid = (uint16_t)readbuf_slab_bid(&sim.pool->slab, buf.data);
    sim.pool->depot.window = 0;
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert_uint_eq(readbuf_depot_level(&sim.pool->depot), 1);
    ck_not_to_be_named(&sim, bid);
    sim.pool->depot.window = COUNT;
    readbuf_gate_wait(&sim.pool->gate);
    readbuf_pool_leave(sim.pool, 0);
    simpool_check(&sim, 0, 0);
    simpool_close(&sim);
}
END_TEST

/* It came between the look at the ring and the way out. */
START_TEST(what_comes_at_the_last_moment_is_taken_along)
{
    struct simpool sim;
    struct readbuf buf;

    simpool_open(&sim, COUNT, SIZE);
    buf = loaned(&sim, 1);
    ck_assert(readbuf_gate_enter(&sim.pool->gate));
    ck_assert_int_eq(readbuf_release(&buf), 0);
    ck_assert(!readbuf_gate_exit(&sim.pool->gate));
    ck_assert_int_eq(readbuf_pool_turn(sim.pool), 0);
    simpool_check(&sim, 0, 0);
    simpool_close(&sim);
}
END_TEST

static struct simpool busy;
static bool has_left;

static void leave_now(void)
{
    readbuf_pool_leave(busy.pool, 0);
    has_left = true;
}

/* Whoever asks waits for that, and counts what was left at the gate. */
START_TEST(what_comes_back_meanwhile_is_available)
{
    struct readbuf buf;

    simpool_open(&busy, COUNT, SIZE);
    buf = loaned(&busy, 1);
    ck_assert(readbuf_gate_enter(&busy.pool->gate));
    ck_assert_int_eq(readbuf_release(&buf), 0);
    faults_sleep_hook(leave_now);
    ck_assert_int_eq(readbuf_pool_available(busy.pool), COUNT);
    ck_assert(has_left);
    simpool_close(&busy);
}
END_TEST

/* ------------------------------------------------- many in a row */

enum { STEPS = 20000, STALE_MAX = 16, HANDLES = 6 };

/*
 * A naive pool: a queue of what is in the ring, a list of what was
 * picked, handles that hold what they hold, and copies known as stale.
 */
struct model {
    struct simpool sim;
    unsigned seed;
    uint64_t state;
    uint16_t queue[COUNT], picked[COUNT];
    uint32_t queued, in_flight;
    struct readbuf handles[HANDLES];
    int bids[HANDLES]; /* -1: empty */
    struct readbuf stale[STALE_MAX];
    unsigned stales;
};

#define ck_model(m, condition)                                       \
    do {                                                             \
        if (!(condition))                                            \
            ck_abort_msg(#condition " with SIM_SEED=%u", (m)->seed); \
    } while (0)

/* A small generator of our own: the same numbers everywhere. */
static uint32_t below(struct model *m, uint32_t limit)
{
    m->state = m->state * UINT64_C(6364136223846793005) +
               UINT64_C(1442695040888963407);
    return (uint32_t)(m->state >> 33) % limit;
}

static uint16_t removed(uint16_t *list, uint32_t *length, uint32_t at)
{
    uint16_t bid = list[at];

    (*length)--;
    memmove(&list[at], &list[at + 1], (*length - at) * sizeof(*list));
    return bid;
}

static void model_pick(struct model *m)
{
    struct io_uring_buf picked;
    int ret = simkernel_pick(&m->sim.kernel, &picked);

    ck_model(m, ret == (m->queued == 0 ? -ENOBUFS : 0));
    if (ret < 0)
        return;
    ck_model(m, picked.bid == removed(m->queue, &m->queued, 0));
    for (int i = 0; i < HANDLES; i++)
        ck_model(m, m->bids[i] != picked.bid);
    m->picked[m->in_flight++] = picked.bid;
}

/* Of what was picked, anything completes, in any order and way. */
static void model_complete(struct model *m)
{
    const int32_t results[] = {-EIO, -ECANCELED, 0, 1, SIZE, SIZE + 9};
    uint32_t i = below(m, HANDLES);
    int32_t res = results[below(m, 6)];
    uint16_t bid;
    int ret;

    if (m->in_flight == 0)
        return;
    bid = removed(m->picked, &m->in_flight, below(m, m->in_flight));
    ret = simpool_complete(&m->handles[i], res, simkernel_flags(bid));
    if (res > 0 && m->bids[i] < 0) {
        m->bids[i] = bid;
        ck_model(m, ret == res);
    } else {
        m->queue[m->queued++] = bid;
        ck_model(m, ret == (res > 0 ? -EBUSY : res));
    }
}

/* A completion of a buffer that the kernel does not have. */
static void model_foreign(struct model *m)
{
    uint32_t i = below(m, HANDLES);
    struct readbuf out;
    uint32_t flags;

    if (m->bids[i] < 0)
        return;
    flags = simkernel_flags((uint16_t)m->bids[i]);
    ck_model(m, simpool_take(&m->sim, 1, flags, &out) == -EPROTO);
    ck_model(m, simpool_complete(&m->handles[i], 1, flags) == -EPROTO);
}

static void model_remember(struct model *m, struct readbuf copy)
{
    m->stale[m->stales++ % STALE_MAX] = copy;
}

static void model_release(struct model *m)
{
    uint32_t i = below(m, HANDLES);
    struct readbuf copy = m->handles[i];

    ck_model(m, readbuf_release(&m->handles[i]) == 0);
    ck_model(m, m->handles[i].data == NULL && m->handles[i].len == 0);
    if (m->bids[i] < 0)
        return;
    m->queue[m->queued++] = (uint16_t)m->bids[i];
    m->bids[i] = -1;
    model_remember(m, copy);
}

static void model_stale(struct model *m)
{
    uint32_t known = m->stales < STALE_MAX ? m->stales : STALE_MAX;
    struct readbuf *stale, copy;

    if (known == 0)
        return;
    stale = &m->stale[below(m, known)];
    copy = *stale;
    ck_model(m, readbuf_release(stale) == -ESTALE);
    ck_model(m, same(stale, &copy));
}

/* Some handles, one of them twice, and a stale one among them. */
static void model_release_all(struct model *m)
{
    struct readbuf all[HANDLES + 2];
    uint32_t some = 1 + below(m, HANDLES);
    bool wrong = false;

    memcpy(all, m->handles, some * sizeof(all[0]));
    all[some] = all[0];
    all[some + 1] = m->stales > 0 ? m->stale[0] : m->handles[0];
    wrong = all[some].data != NULL || all[some + 1].data != NULL;
    ck_model(m, readbuf_release_all(all, some + 2) ==
                    (wrong ? -ESTALE : 0));
    for (uint32_t i = 0; i < some; i++) {
        ck_model(m, all[i].data == NULL);
        if (m->bids[i] < 0)
            continue;
        m->queue[m->queued++] = (uint16_t)m->bids[i];
        m->bids[i] = -1;
        model_remember(m, m->handles[i]);
        m->handles[i] = all[i];
    }
}

static void model_check(struct model *m)
{
    uint32_t held = 0;

    for (int i = 0; i < HANDLES; i++) {
        held += m->bids[i] >= 0;
        ck_model(m, (m->handles[i].data != NULL) == (m->bids[i] >= 0));
    }
    ck_model(m, m->queued + m->in_flight + held == COUNT);
    ck_model(m, simkernel_available(&m->sim.kernel) == m->queued);
    ck_model(m, readbuf_pool_held(m->sim.pool) == held);
    ck_model(m, readbuf_pool_available(m->sim.pool) == (int)m->queued);
    simpool_check(&m->sim, held, m->in_flight);
}

static void model_open(struct model *m, unsigned seed)
{
    *m = (struct model){.seed = seed, .state = seed, .queued = COUNT};
    simpool_open(&m->sim, COUNT, SIZE);
    for (uint16_t bid = 0; bid < COUNT; bid++)
        m->queue[bid] = bid;
    for (int i = 0; i < HANDLES; i++) {
        m->handles[i] = readbuf_pool_get(m->sim.pool);
        m->bids[i] = -1;
    }
}

static void model_close(struct model *m)
{
    while (m->in_flight > 0)
        model_complete(m);
    ck_model(m, readbuf_release_all(m->handles, HANDLES) == 0);
    simpool_close(&m->sim);
}

/* SIM_SEED=N repeats a failure. */
static unsigned seed_of_this_run(void)
{
    const char *given = getenv("SIM_SEED");

    return given != NULL ? (unsigned)strtoul(given, NULL, 0)
                         : (unsigned)time(NULL) ^ (unsigned)getpid();
}

START_TEST(a_random_sequence_follows_the_model)
{
    void (*const moves[])(struct model *) = {
        model_pick,    model_pick,  model_complete, model_complete,
        model_release, model_stale, model_foreign,  model_release_all};
    static struct model m;

    model_open(&m, seed_of_this_run());
    printf("test_total: SIM_SEED=%u\n", m.seed);
    fflush(stdout);
    for (int step = 0; step < STEPS; step++) {
        moves[below(&m, 8)](&m);
        model_check(&m);
    }
    model_close(&m);
}
END_TEST

SUITE("total", every_flag_has_an_answer,
      every_flag_has_an_answer_where_nobody_knows_the_head,
      every_error_has_an_answer,
      an_error_of_the_largest_buffer_is_no_length,
      completing_leaves_errno_alone, the_buffer_of_an_error_goes_back,
      the_unconsumed_buffer_of_an_error_stays,
      two_errors_may_name_the_same_unconsumed_buffer,
      both_verdicts_at_every_position_of_the_ring,
      a_buffer_may_be_out_for_many_laps,
      a_buffer_may_be_out_until_the_counts_wrap,
      a_buffer_at_the_gate_is_not_to_be_named,
      a_buffer_in_reserve_is_not_to_be_named,
      what_comes_at_the_last_moment_is_taken_along,
      what_comes_back_meanwhile_is_taken_along,
      what_comes_back_meanwhile_is_available,
      a_random_sequence_follows_the_model)
