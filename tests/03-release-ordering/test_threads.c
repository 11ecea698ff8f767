/*
 * test_threads.c - several threads publish, the kernel is another.
 *
 * What they can see of each other's mistakes depends on the processor;
 * built with SAN=-fsanitize=thread they see them all. No kernel needed.
 */
#include "support.h"
#include "two_ends.h"

#include <sched.h>

enum { ENTRIES = 8, HALF = 4, GIVERS = 3, PICKS = 20000, TURNS = 1000 };

static struct two_ends t;
static _Atomic bool ours[ENTRIES]; /* picked, and not given back yet */
static _Atomic bool over;

/* How often something went wrong, from a thread to its joiner. */
static void *verdict(uintptr_t wrong)
{
    return (void *)wrong;
}

static uintptr_t join(pthread_t thread)
{
    void *said;

    ck_assert_int_eq(pthread_join(thread, &said), 0);
    return (uintptr_t)said;
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
    struct readbuf_descriptor batch[ENTRIES];
    uintptr_t wrong = 0;

    while (!over) {
        uint32_t count = 0;

        for (uint16_t bid = begin; bid < ENTRIES; bid += GIVERS)
            if (atomic_exchange(&ours[bid], false))
                batch[count++] = two_ends_buffer(bid);
        if (count > 0)
            wrong += readbuf_publish(&t.publisher, batch, count) != 0;
        else
            sched_yield();
    }
    return verdict(wrong);
}

/*
 * The kernel. Each buffer is kept until the next one was picked: only
 * then is it known what must have been remembered as coming after it.
 * The one that was picked last is in `*last`.
 */
static uintptr_t pick_many(int *last)
{
    uintptr_t wrong = 0;

    *last = -1;
    for (unsigned picks = 0; picks < PICKS;) {
        int bid = two_ends_pick(&t);

        if (bid == -1) {
            sched_yield();
            continue;
        }
        picks++;
        if (bid < 0 || bid >= ENTRIES || ours[bid] || bid == *last) {
            wrong++;
            continue;
        }
        if (*last >= 0) {
            wrong += readbuf_publisher_after(&t.publisher,
                                             (uint16_t)*last) != bid;
            ours[*last] = true;
        }
        *last = bid;
    }
    return wrong;
}

START_TEST(nothing_is_lost_and_nothing_is_picked_twice)
{
    static const uint16_t first[GIVERS] = {0, 1, 2};
    pthread_t givers[GIVERS];
    uintptr_t wrong = 0;
    int last, bid;

    two_ends_open(&t, ENTRIES);
    ck_assert_int_eq(two_ends_give_first(&t, ENTRIES), 0);
    for (int i = 0; i < GIVERS; i++)
        givers[i] = start(give_back, &first[i]);
    wrong += pick_many(&last);
    over = true;
    for (int i = 0; i < GIVERS; i++)
        wrong += join(givers[i]);
    ck_assert_uint_eq(wrong, 0);
    ours[last] = true;
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
    struct readbuf_descriptor batch[HALF];
    uintptr_t wrong = 0;

    for (uint16_t i = 0; i < HALF; i++)
        batch[i] = two_ends_buffer((uint16_t)(base + i));
    while (!over)
        if (atomic_exchange(&ours[base], false))
            wrong += readbuf_publish(&t.publisher, batch, HALF) != 0;
        else
            sched_yield();
    return verdict(wrong);
}

/* Picked must be one half, whole, in its order. */
static uintptr_t pick_half(void)
{
    struct io_uring_buf bundle[HALF];
    uintptr_t wrong = 0;

    simkernel_pick_bundle(&t.kernel, bundle, HALF);
    readbuf_publisher_taken(&t.publisher, HALF);
    for (unsigned i = 0; i < HALF; i++)
        wrong += !two_ends_is_buffer(&bundle[i]) ||
                 bundle[i].bid != bundle[0].bid / HALF * HALF + i;
    if (wrong == 0)
        ours[bundle[0].bid] = true;
    return wrong;
}

/* What is there must be whole halves. */
static uintptr_t pick_halves(void)
{
    uintptr_t wrong = 0;

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
    uintptr_t wrong = 0;

    two_ends_open(&t, ENTRIES);
    for (int i = 0; i < 2; i++) {
        ours[bases[i]] = true;
        givers[i] = start(give_half, &bases[i]);
    }
    wrong += pick_halves();
    over = true;
    for (int i = 0; i < 2; i++)
        wrong += join(givers[i]);
    ck_assert_uint_eq(wrong, 0);
}
END_TEST

static unsigned own; /* protected by the publisher's lock */

/* Whoever comes in between is not counted. */
static void *count_up(void *unused)
{
    for (int i = 0; i < TURNS; i++) {
        unsigned seen;

        readbuf_publisher_lock(&t.publisher);
        seen = own;
        sched_yield();
        own = seen + 1;
        readbuf_publisher_unlock(&t.publisher);
    }
    return unused;
}

START_TEST(the_lock_protects_what_the_caller_likes)
{
    pthread_t threads[GIVERS];

    two_ends_open(&t, ENTRIES);
    for (int i = 0; i < GIVERS; i++)
        threads[i] = start(count_up, NULL);
    for (int i = 0; i < GIVERS; i++)
        ck_assert_uint_eq(join(threads[i]), 0);
    ck_assert_uint_eq(own, GIVERS * TURNS);
}
END_TEST

SUITE("threads", nothing_is_lost_and_nothing_is_picked_twice,
      a_batch_is_seen_whole_and_in_one_piece,
      the_lock_protects_what_the_caller_likes)
