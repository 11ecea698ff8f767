/*
 * gate.c - the ways through the gate that are not one instruction.
 */
#include "gate.h"

#include <assert.h>
#include <pthread.h>
#include <time.h>

#if defined(__x86_64__) || defined(__i386__)
#define RELAX() __builtin_ia32_pause()
#elif defined(__aarch64__)
#define RELAX() __asm__ volatile("yield")
#else
#define RELAX() __asm__ volatile("")
#endif

/* Looks before a number is left at the gate, and how far apart. */
enum { PAUSES_FIRST = 8, PAUSES_LAST = 64 };

/*
 * The thread inside will be out before long, and going in oneself is
 * cheaper for both than leaving a number. Not for ever: it may have
 * been put aside by the scheduler.
 */
static uint32_t look(struct readbuf_gate *gate)
{
    uint32_t word =
        atomic_load_explicit(&gate->word, memory_order_relaxed);

    for (unsigned pauses = PAUSES_FIRST;
         (word & READBUF_GATE_INSIDE) && pauses <= PAUSES_LAST;
         pauses *= 2) {
        for (unsigned i = 0; i < pauses; i++)
            RELAX();
        word = atomic_load_explicit(&gate->word, memory_order_relaxed);
    }
    return word;
}

bool readbuf_gate_pass(struct readbuf_gate *gate, uint16_t first,
                       _Atomic uint16_t *link)
{
    uint32_t word = look(gate), next;

    assert(first < UINT16_MAX); /* plus 1 is not 0 */
    do {
        next = word | READBUF_GATE_INSIDE;
        if (word & READBUF_GATE_INSIDE) {
            atomic_store_explicit(
                link, (uint16_t)(word >> READBUF_GATE_SHIFT),
                memory_order_relaxed);
            next = (first + UINT32_C(1)) << READBUF_GATE_SHIFT |
                   (word & READBUF_GATE_FLAGS);
        }
    } while (!atomic_compare_exchange_weak_explicit(
        &gate->word, &word, next, memory_order_acq_rel,
        memory_order_relaxed));
    return !(word & READBUF_GATE_INSIDE);
}

bool readbuf_gate_ask(struct readbuf_gate *gate)
{
    uint32_t word =
        atomic_load_explicit(&gate->word, memory_order_relaxed);
    uint32_t next;

    do {
        next = word & READBUF_GATE_INSIDE ? word | READBUF_GATE_AGAIN
                                          : word | READBUF_GATE_INSIDE;
    } while (!atomic_compare_exchange_weak_explicit(
        &gate->word, &word, next, memory_order_acq_rel,
        memory_order_relaxed));
    return !(word & READBUF_GATE_INSIDE);
}

/*
 * A short sleep and not a yield: the thread inside may have a priority
 * to which a yield gives nothing. No thread is cancelled in it, since
 * the caller has begun something that must be brought to its end.
 */
void readbuf_gate_wait(struct readbuf_gate *gate)
{
    uint32_t word = look(gate);
    int cancel;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    for (;;) {
        word &= ~(uint32_t)READBUF_GATE_INSIDE;
        if (atomic_compare_exchange_strong_explicit(
                &gate->word, &word, word | READBUF_GATE_INSIDE,
                memory_order_acquire, memory_order_relaxed))
            break;
        if (word & READBUF_GATE_INSIDE)
            clock_nanosleep(CLOCK_MONOTONIC, 0,
                            &(struct timespec){.tv_nsec = 1000}, NULL);
    }
    pthread_setcancelstate(cancel, NULL);
}

/* Has the count come to where the sleeper wants to be woken? */
static bool is_due(const struct readbuf_gate *gate, uint32_t count)
{
    uint32_t wake_at =
        atomic_load_explicit(&gate->wake_at, memory_order_relaxed);

    return (int32_t)(count - wake_at) >= 0;
}

/*
 * Everything that came is taken out of the word, the sleeper too, and
 * only then is `wake_at` read: as long as ASLEEP stands in the word the
 * sleeper may get up and lie down again under another number, and the
 * word would look the same. One whose time has not come is put back.
 */
uint32_t readbuf_gate_turn(struct readbuf_gate *gate, uint32_t count)
{
    for (;;) {
        uint32_t alone = READBUF_GATE_INSIDE;
        uint32_t came = atomic_exchange_explicit(
            &gate->word, READBUF_GATE_INSIDE, memory_order_acq_rel);

        assert(came & READBUF_GATE_INSIDE);
        if (!(came & READBUF_GATE_ASLEEP))
            return came;
        came &= ~(uint32_t)READBUF_GATE_ASLEEP;
        if (is_due(gate, count)) {
            gate->wake(gate->sleeper);
            return came;
        }
        if (came == READBUF_GATE_INSIDE &&
            atomic_compare_exchange_strong_explicit(
                &gate->word, &alone, READBUF_GATE_ASLEEP,
                memory_order_release, memory_order_relaxed))
            return 0;
        atomic_fetch_or_explicit(&gate->word, READBUF_GATE_ASLEEP,
                                 memory_order_relaxed);
        if (came != READBUF_GATE_INSIDE)
            return came;
    }
}

void readbuf_gate_sleep(struct readbuf_gate *gate, uint32_t wake_at)
{
    atomic_store_explicit(&gate->wake_at, wake_at,
                          memory_order_relaxed);
    atomic_fetch_or_explicit(&gate->word, READBUF_GATE_ASLEEP,
                             memory_order_acq_rel);
}

void readbuf_gate_awake(struct readbuf_gate *gate)
{
    atomic_fetch_and_explicit(&gate->word,
                              ~(uint32_t)READBUF_GATE_ASLEEP,
                              memory_order_relaxed);
}
