/*
 * test_threads.c - several threads give back, the kernel is another.
 *
 * What they can see of each other's mistakes depends on the processor;
 * built with SAN=-fsanitize=thread they see them all. No kernel needed.
 */
#include "support.h"
#include "two_ends.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <time.h>

enum {
    ENTRIES = 8,
    HALF = 4,
    GIVERS = 3,
    PICKS = 20000,
    NUMBERS = 4, /* of each giver, at the gate alone */
    TURNS = 50000,
    NIGHTS = 3000,
    PATIENCE = 10 /* seconds */
};

static struct two_ends t;
static _Atomic bool ours[ENTRIES]; /* picked, and not given back yet */
static _Atomic bool over;

static void join(pthread_t thread)
{
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
}

static pthread_t start(void *(*body)(void *), const void *argument)
{
    pthread_t thread;

    ck_assert_int_eq(pthread_create(&thread, NULL, body,
                                    (void *)(uintptr_t)argument),
                     0);
    return thread;
}

/*
 * One giver of several: each has bids of its own to watch. What is ours
 * goes back: one alone, more as a batch.
 */
static void *give_back(void *first)
{
    uint16_t begin = *(const uint16_t *)first;
    uint16_t bids[ENTRIES];

    while (!over) {
        uint32_t count = 0;

        for (uint16_t bid = begin; bid < ENTRIES; bid += GIVERS)
            if (atomic_exchange(&ours[bid], false))
                bids[count++] = bid;
        if (count > 0)
            two_ends_return(&t, bids, count);
        else
            sched_yield();
    }
    return NULL;
}

/* The kernel. */
static unsigned pick_many(void)
{
    unsigned wrong = 0;

    for (unsigned picks = 0; picks < PICKS;) {
        int bid = two_ends_pick(&t);

        if (bid == -1) {
            sched_yield();
            continue;
        }
        picks++;
        if (bid < 0 || bid >= ENTRIES || ours[bid])
            wrong++;
        else
            ours[bid] = true;
    }
    return wrong;
}

START_TEST(nothing_is_lost_and_nothing_is_picked_twice)
{
    static const uint16_t first[GIVERS] = {0, 1, 2};
    pthread_t givers[GIVERS];
    unsigned wrong = 0;
    int bid;

    two_ends_open(&t, ENTRIES);
    two_ends_give_first(&t, ENTRIES);
    for (int i = 0; i < GIVERS; i++)
        givers[i] = start(give_back, &first[i]);
    wrong += pick_many();
    over = true;
    for (int i = 0; i < GIVERS; i++)
        join(givers[i]);
    ck_assert_uint_eq(wrong, 0);
    ck_assert_uint_eq(t.gate.word, 0);
    while ((bid = two_ends_pick(&t)) >= 0) {
        ck_assert(!ours[bid]);
        ours[bid] = true;
    }
    for (bid = 0; bid < ENTRIES; bid++)
        ck_assert_msg(ours[bid], "buffer %d is lost", bid);
}
END_TEST

/* A giver of one batch, over and over: the upper or the lower half. */
static void *give_half(void *first)
{
    uint16_t base = *(const uint16_t *)first;
    uint16_t batch[HALF];

    for (uint16_t i = 0; i < HALF; i++)
        batch[i] = (uint16_t)(base + i);
    while (!over)
        if (atomic_exchange(&ours[base], false))
            two_ends_return(&t, batch, HALF);
        else
            sched_yield();
    return NULL;
}

/* Picked must be one half, whole, in its order. */
static unsigned pick_half(void)
{
    struct io_uring_buf bundle[HALF];
    unsigned wrong = 0;

    simkernel_pick_bundle(&t.kernel, bundle, HALF);
    atomic_fetch_add_explicit(&t.consumed, HALF, memory_order_relaxed);
    for (unsigned i = 0; i < HALF; i++)
        wrong += !two_ends_is_buffer(&bundle[i]) ||
                 bundle[i].bid != bundle[0].bid / HALF * HALF + i;
    if (wrong == 0)
        ours[bundle[0].bid] = true;
    return wrong;
}

/* What is there must be whole halves. */
static unsigned pick_halves(void)
{
    unsigned wrong = 0;

    for (int picks = 0; picks < PICKS && wrong == 0;) {
        uint16_t available = simkernel_available(&t.kernel);

        wrong += available % HALF != 0;
        if (available >= HALF) {
            wrong += pick_half();
            picks += HALF;
        } else {
            sched_yield();
        }
    }
    return wrong;
}

START_TEST(a_batch_is_seen_whole_and_in_one_piece)
{
    static const uint16_t bases[] = {0, HALF};
    pthread_t givers[2];
    unsigned wrong = 0;

    two_ends_open(&t, ENTRIES);
    for (int i = 0; i < 2; i++) {
        ours[bases[i]] = true;
        givers[i] = start(give_half, &bases[i]);
    }
    wrong += pick_halves();
    over = true;
    for (int i = 0; i < 2; i++)
        join(givers[i]);
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

/*
 * The gate alone. Numbers go in, and whoever is inside counts them in a
 * variable that is no more than a variable.
 */
static struct readbuf_gate gate;
static _Atomic uint16_t links[GIVERS * NUMBERS];
static _Atomic bool busy[GIVERS * NUMBERS]; /* not counted yet */
static unsigned carried[GIVERS * NUMBERS];  /* and what it is worth */
static unsigned own;
static _Atomic uint32_t counted; /* the same, for a sleeper to see */

/* Whoever comes in between shows: a step of `own` is lost. */
static void count_and_leave(uint32_t top)
{
    uint32_t came;

    do {
        unsigned seen = own;

        if (seen % 8 == 0)
            sched_yield();
        while (top != 0) {
            uint32_t number = top - 1;

            top = atomic_load_explicit(&links[number],
                                       memory_order_relaxed);
            seen += carried[number];
            atomic_store_explicit(&busy[number], false,
                                  memory_order_release);
        }
        own = seen;
        atomic_store_explicit(&counted, own, memory_order_release);
        came = readbuf_gate_leave(&gate, own);
        top = came >> READBUF_GATE_SHIFT;
    } while (came != 0);
}

/* In at once, or through the gate with a number. */
static void bring(uint16_t number, bool at_once)
{
    carried[number] = 1;
    busy[number] = true;
    if (!(at_once && readbuf_gate_enter(&gate)) &&
        !readbuf_gate_pass(&gate, number, &links[number]))
        return;
    atomic_store_explicit(&links[number], 0, memory_order_relaxed);
    count_and_leave(number + UINT32_C(1));
}

/* A number of one's own that is not on its way. */
static void *bring_many(void *first)
{
    uint16_t begin = *(const uint16_t *)first;

    for (unsigned turn = 0; turn < TURNS; turn++) {
        uint16_t number = (uint16_t)(begin + turn % NUMBERS);

        while (busy[number])
            sched_yield();
        bring(number, turn % 2 == 0);
    }
    return NULL;
}

static const uint16_t own_numbers[GIVERS] = {0, NUMBERS, 2 * NUMBERS};

static void bring_all(void)
{
    pthread_t threads[GIVERS];

    for (int i = 0; i < GIVERS; i++)
        threads[i] = start(bring_many, &own_numbers[i]);
    for (int i = 0; i < GIVERS; i++)
        join(threads[i]);
    ck_assert_uint_eq(gate.word, 0);
    ck_assert_uint_eq(own, GIVERS * TURNS);
}

START_TEST(one_at_a_time_is_inside_and_every_number_is_taken_along)
{
    bring_all();
}
END_TEST

static void count_calls(void *calls)
{
    ++*(unsigned *)calls; /* inside: no more than a variable either */
}

/* Whoever leaves takes him out of the word and puts him back. */
START_TEST(with_a_sleeper_too_who_is_woken_by_the_last_one)
{
    unsigned calls = 0;

    gate.wake = count_calls;
    gate.sleeper = &calls;
    readbuf_gate_sleep(&gate, GIVERS * TURNS);
    bring_all();
    ck_assert_uint_eq(calls, 1);
}
END_TEST

static sem_t wanted, bell;

/* As many numbers as are wanted, and no more. */
static void *bring_when_wanted(void *first)
{
    uint16_t begin = *(const uint16_t *)first;

    for (unsigned turn = 0;; turn++) {
        uint16_t number = (uint16_t)(begin + turn % NUMBERS);

        sem_wait(&wanted);
        if (over)
            return NULL;
        while (busy[number])
            sched_yield();
        bring(number, turn % 2 == 0);
    }
}

static void ring_the_bell(void *sleeper)
{
    sem_post(sleeper);
}

/* Not missed: he is woken, or sees for himself. */
static bool sleep_until(uint32_t wake_at)
{
    struct timespec end;
    bool late = false;

    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += PATIENCE;
    readbuf_gate_sleep(&gate, wake_at);
    while (counted != wake_at && !late)
        late = sem_timedwait(&bell, &end) < 0 && errno == ETIMEDOUT;
    readbuf_gate_awake(&gate);
    return !late;
}

/* Nobody else publishes any more when the last wanted one has come. */
START_TEST(no_sleeper_is_missed)
{
    pthread_t threads[GIVERS];
    uint32_t want = 0;
    bool right = true;

    ck_assert_int_eq(sem_init(&wanted, 0, 0), 0);
    ck_assert_int_eq(sem_init(&bell, 0, 0), 0);
    gate.wake = ring_the_bell;
    gate.sleeper = &bell;
    for (int i = 0; i < GIVERS; i++)
        threads[i] = start(bring_when_wanted, &own_numbers[i]);
    for (unsigned night = 0; night < NIGHTS && right; night++) {
        unsigned more = 1 + night % GIVERS;

        for (unsigned i = 0; i < more; i++)
            sem_post(&wanted);
        want += more;
        right = sleep_until(want);
    }
    over = true;
    for (int i = 0; i < GIVERS; i++)
        sem_post(&wanted);
    for (int i = 0; i < GIVERS; i++)
        join(threads[i]);
    ck_assert_msg(right, "asleep at %u, and %u came", want, own);
}
END_TEST

SUITE("threads", nothing_is_lost_and_nothing_is_picked_twice,
      a_batch_is_seen_whole_and_in_one_piece,
      one_at_a_time_is_inside_and_every_number_is_taken_along,
      with_a_sleeper_too_who_is_woken_by_the_last_one,
      no_sleeper_is_missed)
