/*
 * test_gate.c - who gets in, what is left at the gate, who is woken.
 *
 * One thread plays everybody, or a second one is stopped where the test
 * wants it. No kernel needed.
 */
#include "child.h"
#include "support.h"
#include "two_ends.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <time.h>

enum { LAST = TWO_ENDS_MAX - 1 };

static struct readbuf_gate gate;
static _Atomic uint16_t links[TWO_ENDS_MAX];

static bool pass(uint16_t number)
{
    return readbuf_gate_pass(&gate, number, &links[number]);
}

/* Out at last, and not before. */
static void ck_leaves(uint32_t count)
{
    ck_assert_uint_eq(readbuf_gate_leave(&gate, count), 0);
    ck_assert_uint_eq(gate.word & READBUF_GATE_INSIDE, 0);
}

/* Not out: these came, and the stack is empty again. */
static void ck_came(uint32_t count, const uint16_t *numbers,
                    unsigned how_many)
{
    uint32_t came = readbuf_gate_leave(&gate, count);
    uint32_t top = came >> READBUF_GATE_SHIFT;

    ck_assert_uint_ne(came, 0);
    for (unsigned i = 0; i < how_many; i++) {
        ck_assert_uint_eq(top, numbers[i] + 1u);
        top = links[numbers[i]];
    }
    ck_assert_uint_eq(top, 0);
    ck_assert_uint_eq(gate.word >> READBUF_GATE_SHIFT, 0);
    ck_assert_uint_ne(gate.word & READBUF_GATE_INSIDE, 0);
}

/* -------------------------------------------------------- in and out
 */

START_TEST(one_is_inside)
{
    for (int i = 0; i < 3; i++) {
        ck_assert(readbuf_gate_enter(&gate));
        ck_assert(!readbuf_gate_enter(&gate));
        ck_leaves(0);
    }
}
END_TEST

START_TEST(every_way_leads_in_when_nobody_is)
{
    ck_assert(pass(3));
    ck_assert(!readbuf_gate_enter(&gate));
    ck_leaves(0);
    ck_assert(readbuf_gate_ask(&gate));
    ck_assert(!readbuf_gate_enter(&gate));
    ck_leaves(0);
    readbuf_gate_wait(&gate);
    ck_assert(!readbuf_gate_enter(&gate));
    ck_leaves(0);
}
END_TEST

static void leave_from_outside(void)
{
    readbuf_gate_leave(&gate, 0);
}

START_TEST(who_leaves_without_being_inside_is_stopped)
{
    struct child child = child_run(leave_from_outside);

    ck_assert(WIFSIGNALED(child.status));
    ck_assert_int_eq(WTERMSIG(child.status), SIGABRT);
    ck_assert_ptr_nonnull(strstr(child.words, "came & READBUF_GATE"));
}
END_TEST

/* -------------------------------------------- what is left behind it
 */

START_TEST(a_number_is_left_while_somebody_is_inside)
{
    ck_assert(readbuf_gate_enter(&gate));
    ck_assert(!pass(3));
    ck_came(0, (const uint16_t[]){3}, 1);
    ck_leaves(0);
}
END_TEST

START_TEST(the_quick_way_out_is_for_who_has_nothing_to_do)
{
    ck_assert(readbuf_gate_enter(&gate));
    ck_assert(!pass(3));
    ck_assert(!readbuf_gate_exit(&gate));
    ck_came(0, (const uint16_t[]){3}, 1);
    ck_assert(!readbuf_gate_ask(&gate));
    ck_assert(!readbuf_gate_exit(&gate));
    ck_came(0, NULL, 0);
    readbuf_gate_sleep(&gate, 1);
    ck_assert(!readbuf_gate_exit(&gate));
    readbuf_gate_awake(&gate);
    ck_assert(readbuf_gate_exit(&gate));
    ck_assert_uint_eq(gate.word, 0);
}
END_TEST

START_TEST(the_last_one_left_is_on_top)
{
    ck_assert(readbuf_gate_enter(&gate));
    ck_assert(!pass(3));
    ck_assert(!pass(0));
    ck_assert(!pass(LAST));
    ck_assert(!pass(5));
    ck_came(0, (const uint16_t[]){5, LAST, 0, 3}, 4);
    ck_leaves(0);
}
END_TEST

START_TEST(a_chain_is_left_as_it_is)
{
    ck_assert(readbuf_gate_enter(&gate));
    ck_assert(!pass(1));
    links[4] = 5 + 1;
    links[5] = 6 + 1;
    ck_assert(!readbuf_gate_pass(&gate, 4, &links[6]));
    ck_assert(!pass(2));
    ck_came(0, (const uint16_t[]){2, 4, 5, 6, 1}, 5);
    ck_leaves(0);
}
END_TEST

START_TEST(what_comes_meanwhile_comes_at_the_next_try)
{
    ck_assert(readbuf_gate_enter(&gate));
    for (uint16_t number = 0; number < 4; number++) {
        ck_assert(!pass(number));
        ck_came(0, &number, 1);
    }
    ck_leaves(0);
}
END_TEST

START_TEST(asked_one_looks_again_and_once)
{
    ck_assert(readbuf_gate_enter(&gate));
    ck_assert(!readbuf_gate_ask(&gate));
    ck_assert(!readbuf_gate_ask(&gate));
    ck_came(0, NULL, 0);
    ck_leaves(0);
}
END_TEST

START_TEST(to_ask_loses_no_number)
{
    ck_assert(readbuf_gate_enter(&gate));
    ck_assert(!pass(3));
    ck_assert(!readbuf_gate_ask(&gate));
    ck_assert(!pass(4));
    ck_assert_uint_ne(gate.word & READBUF_GATE_AGAIN, 0);
    ck_came(0, (const uint16_t[]){4, 3}, 2);
    ck_leaves(0);
}
END_TEST

/* ------------------------------------------------------- the sleeper
 */

static unsigned wakes;
static bool woken_inside;

static void wake(void *sleeper)
{
    ck_assert_ptr_eq(sleeper, &wakes);
    wakes++;
    woken_inside = (gate.word & READBUF_GATE_INSIDE) != 0;
}

static void lie_down(uint32_t wake_at)
{
    gate.wake = wake;
    gate.sleeper = &wakes;
    readbuf_gate_sleep(&gate, wake_at);
}

/* Go in and try to leave at this count: is the sleeper woken? */
static bool wakes_at(uint32_t count)
{
    unsigned before = wakes;

    ck_assert(pass(0));
    while (readbuf_gate_leave(&gate, count) != 0)
        ;
    ck_assert_uint_le(wakes - before, 1);
    return wakes != before;
}

START_TEST(a_sleeper_is_woken_when_the_count_is_there)
{
    lie_down(5);
    ck_assert(!wakes_at(3));
    ck_assert(!wakes_at(4));
    ck_assert(wakes_at(5));
    ck_assert(woken_inside);
    ck_assert_uint_eq(gate.word, 0);
    ck_assert(!wakes_at(6));
}
END_TEST

START_TEST(or_past_it)
{
    lie_down(5);
    ck_assert(wakes_at(500));
}
END_TEST

START_TEST(a_count_that_wrapped_is_past)
{
    lie_down(2);
    ck_assert(!wakes_at(UINT32_MAX));
    ck_assert(!wakes_at(0));
    ck_assert(wakes_at(2));
    lie_down(UINT32_MAX);
    ck_assert(!wakes_at(UINT32_MAX - 1));
    ck_assert(wakes_at(1));
}
END_TEST

START_TEST(a_sleeper_is_seen_on_every_way_out)
{
    ck_assert(readbuf_gate_enter(&gate));
    lie_down(1);
    ck_came(1, NULL, 0);
    ck_assert_uint_eq(wakes, 1);
    ck_leaves(1);
    lie_down(2);
    ck_assert(!readbuf_gate_enter(&gate));
    ck_assert(readbuf_gate_ask(&gate));
    ck_came(2, NULL, 0);
    ck_assert_uint_eq(wakes, 2);
    ck_leaves(2);
    lie_down(3);
    readbuf_gate_wait(&gate);
    ck_came(3, NULL, 0);
    ck_assert_uint_eq(wakes, 3);
    ck_leaves(3);
}
END_TEST

START_TEST(a_number_and_a_sleeper_come_together)
{
    ck_assert(readbuf_gate_enter(&gate));
    ck_assert(!pass(3));
    lie_down(7);
    ck_assert(!pass(4));
    ck_came(7, (const uint16_t[]){4, 3}, 2);
    ck_assert_uint_eq(wakes, 1);
    ck_leaves(7);
}
END_TEST

/* What was left may be what he waits for. */
START_TEST(a_number_comes_and_the_sleeper_stays)
{
    ck_assert(readbuf_gate_enter(&gate));
    lie_down(7);
    ck_assert(!pass(3));
    ck_came(6, (const uint16_t[]){3}, 1);
    ck_assert_uint_eq(wakes, 0);
    ck_assert(!readbuf_gate_ask(&gate));
    ck_came(6, NULL, 0);
    ck_assert_uint_eq(wakes, 0);
    ck_came(7, NULL, 0);
    ck_assert_uint_eq(wakes, 1);
    ck_leaves(7);
}
END_TEST

START_TEST(who_got_up_is_not_woken)
{
    lie_down(5);
    readbuf_gate_awake(&gate);
    ck_assert(!wakes_at(5));
    ck_assert(readbuf_gate_enter(&gate));
    lie_down(5);
    ck_assert(!pass(3));
    readbuf_gate_awake(&gate);
    ck_came(5, (const uint16_t[]){3}, 1);
    ck_leaves(5);
    ck_assert_uint_eq(wakes, 0);
}
END_TEST

START_TEST(who_lies_down_again_is_woken_at_the_new_count)
{
    lie_down(5);
    readbuf_gate_awake(&gate);
    lie_down(7);
    ck_assert(!wakes_at(5));
    ck_assert(wakes_at(7));
}
END_TEST

/* -------------------------------------------- stopped where it counts
 */

static struct two_ends t;
static sem_t is_inside, go_on;
static _Atomic bool going_on;
static bool was_inside; /* ordered by the gate alone */

/* Inside, for as long as the test likes. */
static void *stay_inside(void *unused)
{
    if (!readbuf_gate_enter(&t.gate))
        abort();
    sem_post(&is_inside);
    sem_wait(&go_on);
    going_on = true;
    was_inside = true;
    two_ends_fill(&t, 4);
    two_ends_publish_and_leave(&t, 0);
    return unused;
}

static pthread_t somebody_inside(void)
{
    pthread_t thread;

    two_ends_open(&t, 8);
    ck_assert_int_eq(sem_init(&is_inside, 0, 0), 0);
    ck_assert_int_eq(sem_init(&go_on, 0, 0), 0);
    ck_assert_int_eq(pthread_create(&thread, NULL, stay_inside, NULL),
                     0);
    sem_wait(&is_inside);
    return thread;
}

/* They are back here while he is still in there: nobody waited. */
START_TEST(who_gives_back_does_not_wait_for_the_one_inside)
{
    pthread_t inside = somebody_inside();

    two_ends_return(&t, (const uint16_t[]){0}, 1);
    two_ends_return(&t, (const uint16_t[]){3, 1}, 2);
    two_ends_return(&t, (const uint16_t[]){2}, 1);
    ck_assert_int_eq(two_ends_pick(&t), -1);
    sem_post(&go_on);
    ck_assert_int_eq(pthread_join(inside, NULL), 0);
    ck_assert_int_eq(two_ends_pick(&t), 4);
    ck_assert_int_eq(two_ends_pick(&t), 2);
    ck_assert_int_eq(two_ends_pick(&t), 3);
    ck_assert_int_eq(two_ends_pick(&t), 1);
    ck_assert_int_eq(two_ends_pick(&t), 0);
    ck_assert_uint_eq(t.gate.word, 0);
}
END_TEST

/* Was the other one let go before this one got in? */
static void *wait_until_inside(void *seen)
{
    sem_post(&is_inside);
    readbuf_gate_wait(&t.gate);
    *(bool *)seen = was_inside;
    two_ends_fill(&t, 5);
    two_ends_publish_and_leave(&t, 0);
    return NULL;
}

START_TEST(who_waits_gets_in_when_the_other_is_out)
{
    const struct timespec a_moment = {.tv_nsec = 20000000};
    pthread_t inside = somebody_inside(), waiting;
    bool seen = false;

    ck_assert_int_eq(
        pthread_create(&waiting, NULL, wait_until_inside, &seen), 0);
    sem_wait(&is_inside);
    nanosleep(&a_moment, NULL); /* time to make the mistake */
    sem_post(&go_on);
    ck_assert_int_eq(pthread_join(inside, NULL), 0);
    ck_assert_int_eq(pthread_join(waiting, NULL), 0);
    ck_assert(seen);
    ck_assert_int_eq(two_ends_pick(&t), 4);
    ck_assert_int_eq(two_ends_pick(&t), 5);
}
END_TEST

SUITE("gate", one_is_inside, every_way_leads_in_when_nobody_is,
      who_leaves_without_being_inside_is_stopped,
      a_number_is_left_while_somebody_is_inside,
      the_quick_way_out_is_for_who_has_nothing_to_do,
      the_last_one_left_is_on_top, a_chain_is_left_as_it_is,
      what_comes_meanwhile_comes_at_the_next_try,
      asked_one_looks_again_and_once, to_ask_loses_no_number,
      a_sleeper_is_woken_when_the_count_is_there, or_past_it,
      a_count_that_wrapped_is_past, a_sleeper_is_seen_on_every_way_out,
      a_number_and_a_sleeper_come_together,
      a_number_comes_and_the_sleeper_stays, who_got_up_is_not_woken,
      who_lies_down_again_is_woken_at_the_new_count,
      who_gives_back_does_not_wait_for_the_one_inside,
      who_waits_gets_in_when_the_other_is_out)
