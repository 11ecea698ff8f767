/*
 * gate.h - one at a time inside, and nobody waits outside.
 *
 * A buffer is sent back by whoever is inside. A thread that finds
 * somebody inside leaves its buffer's number at the gate and goes;
 * whoever is inside takes it along. All of that is one word:
 *
 *      18                             3      2       1        0
 *     +--------------------------------+-------+--------+--------+
 *     | top of the stack: number + 1,  | AGAIN | ASLEEP | INSIDE |
 *     | or 0 if nothing was left       |       |        |        |
 *     +--------------------------------+-------+--------+--------+
 *
 * Invariants:
 *   - a number is pushed only onto a word with INSIDE in it, and INSIDE
 *     is given up only by a compare-and-swap that expects an empty
 *     stack. So no number stays behind.
 *   - ASLEEP stands in the same word, so that it is not passed unseen
 *     either: whoever leaves has woken the sleeper, or has published
 *     too little to wake it for.
 *   - whoever pushed or left touches nothing behind the gate any more:
 *     it may be gone.
 *
 * Threads: any. No call makes a system call, but for
 * readbuf_gate_wait, and `wake`, which is the sleeper's own.
 */
#ifndef READBUF_GATE_H
#define READBUF_GATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum {
    READBUF_GATE_INSIDE = 1, /* somebody is */
    READBUF_GATE_ASLEEP = 2, /* a sleeper is to be woken */
    READBUF_GATE_AGAIN = 4,  /* look once more before you leave */
    READBUF_GATE_FLAGS = 7,
    READBUF_GATE_SHIFT = 3, /* above: the stack */
};

/* All zero is an open gate. */
struct readbuf_gate {
    _Atomic uint32_t word;
    _Atomic uint32_t wake_at; /* the count that the sleeper waits for */
    void (*wake)(void *sleeper);
    void *sleeper;
};

/* Go in, if that is possible at once. */
static inline bool readbuf_gate_enter(struct readbuf_gate *gate)
{
    uint32_t word = 0;

    return atomic_compare_exchange_strong_explicit(
        &gate->word, &word, READBUF_GATE_INSIDE, memory_order_acquire,
        memory_order_relaxed);
}

/*
 * Go in, or leave a chain of numbers at the gate. `first` is the number
 * at its head, and `link` belongs to the one at its end; the links
 * between are the caller's business, number + 1 each. True: inside, and
 * the chain is still yours; `*link` may have been written, so end it
 * before you follow it. False: it was left there.
 */
bool readbuf_gate_pass(struct readbuf_gate *gate, uint16_t first,
                       _Atomic uint16_t *link);

/*
 * Go in, or have whoever is inside look once more before leaving.
 * True: inside.
 */
bool readbuf_gate_ask(struct readbuf_gate *gate);

/*
 * Go in, and wait until that is possible: for calls that make system
 * calls themselves.
 */
void readbuf_gate_wait(struct readbuf_gate *gate);

/* Go out, if nothing came and nobody sleeps. True: touch nothing. */
static inline bool readbuf_gate_exit(struct readbuf_gate *gate)
{
    uint32_t word = READBUF_GATE_INSIDE;

    return atomic_compare_exchange_strong_explicit(
        &gate->word, &word, 0, memory_order_release,
        memory_order_relaxed);
}

/*
 * When that was not possible: take what came, and wake the sleeper if
 * `count` has come to where it wants to be woken. 0: out after all,
 * touch nothing. Else still inside: see to what came, then try again.
 * What came: above READBUF_GATE_SHIFT the top of a chain, number + 1,
 * or 0.
 */
uint32_t readbuf_gate_turn(struct readbuf_gate *gate, uint32_t count);

/* Both in one. */
static inline uint32_t readbuf_gate_leave(struct readbuf_gate *gate,
                                          uint32_t count)
{
    return readbuf_gate_exit(gate) ? 0 : readbuf_gate_turn(gate, count);
}

/*
 * From now on, until readbuf_gate_awake: whoever leaves when the count
 * has come to `wake_at` or past it calls `wake`, inside. Then look at
 * the count once more, and only after that go to sleep, since it may
 * have come there before. One sleeper at a time. It may be woken
 * without need, also after readbuf_gate_awake, if a thread was inside
 * just then. To end that for good, and take `wake` away: go in, and
 * call readbuf_gate_awake there.
 */
void readbuf_gate_sleep(struct readbuf_gate *gate, uint32_t wake_at);
void readbuf_gate_awake(struct readbuf_gate *gate);

#endif
