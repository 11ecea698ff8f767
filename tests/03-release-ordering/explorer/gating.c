/*
 * gating.c - plays of threads that meet at the gate.
 */
#include "stage.h"

static void prepare(void)
{
    stage_prepare(0);
}

/* ------------------------------------------------------------ inside
 */

/* Fill the slots with a chain, as the pool does it. */
static void put(uint32_t top)
{
    while (top != 0) {
        uint16_t bid = (uint16_t)(top - 1);

        top = atomic_load_explicit(&stage.links[bid],
                                   memory_order_relaxed);
        stage_fill(bid);
        explorer_forget(__LINE__, top);
    }
}

static void come_in(void)
{
    explorer_check(!stage.inside, "two are inside");
    stage.inside = true;
}

/* What somebody asked for. */
static void grant(void)
{
    if (atomic_load_explicit(&stage.wish, memory_order_relaxed) != 0)
        atomic_store_explicit(&stage.wish, 0, memory_order_relaxed);
}

/* Publish a chain and what comes meanwhile, and go out. */
static void settle(uint32_t top)
{
    uint32_t came;

    come_in();
    do {
        explorer_forget(__LINE__, top);
        if (stage.wishes)
            grant();
        put(top);
        readbuf_publisher_commit(&stage.publisher);
        came = stage.leave(&stage.gate,
                           readbuf_publisher_shown(&stage.publisher));
        top = came >> READBUF_GATE_SHIFT;
    } while (came != 0);
    stage.inside = false;
}

/* Even if it is true, pass may have written the last link. */
static void give(uint16_t first, uint16_t last)
{
    stage.given[first] = stage.given[last] = true;
    if (!readbuf_gate_enter(&stage.gate) &&
        !readbuf_gate_pass(&stage.gate, first, &stage.links[last]))
        return;
    atomic_store_explicit(&stage.links[last], 0, memory_order_relaxed);
    settle(first + 1u);
}

static void give_0(void)
{
    give(0, 0);
}

static void give_1(void)
{
    give(1, 1);
}

static void give_2(void)
{
    give(2, 2);
}

static void give_chain(void)
{
    atomic_store_explicit(&stage.links[2], 1 + 1, memory_order_relaxed);
    give(2, 1);
}

static void own_link(void)
{
    stage.given[2] = true;
    if (readbuf_gate_pass(&stage.gate, 2, &stage.links[2]))
        settle(2 + 1); /* by the links of the chain: THE MISTAKE */
}

/* ----------------------------------------------------- out, but wrong
 */

/* Look, and then leave. */
static uint32_t leave_by_store(struct readbuf_gate *gate,
                               uint32_t count)
{
    if (atomic_load_explicit(&gate->word, memory_order_acquire) !=
        READBUF_GATE_INSIDE)
        return readbuf_gate_turn(gate, count);
    atomic_store_explicit(&gate->word, 0, memory_order_release);
    return 0;
}

static void prepare_store(void)
{
    stage_prepare(0);
    stage.leave = leave_by_store;
}

/* What was done inside may come out after it. */
static uint32_t leave_late(struct readbuf_gate *gate, uint32_t count)
{
    uint32_t alone = READBUF_GATE_INSIDE;

    if (atomic_compare_exchange_strong_explicit(&gate->word, &alone, 0,
                                                memory_order_relaxed,
                                                memory_order_relaxed))
        return 0;
    return readbuf_gate_turn(gate, count);
}

static void prepare_late(void)
{
    stage_prepare(0);
    stage.leave = leave_late;
}

/* A sleeper is no reason to stay. */
static uint32_t leave_past_sleeper(struct readbuf_gate *gate,
                                   uint32_t count)
{
    uint32_t alone = READBUF_GATE_INSIDE | READBUF_GATE_ASLEEP;

    if (atomic_compare_exchange_strong_explicit(
            &gate->word, &alone, READBUF_GATE_ASLEEP,
            memory_order_release, memory_order_relaxed))
        return 0;
    return readbuf_gate_leave(gate, count);
}

static void prepare_past_sleeper(void)
{
    stage_prepare(0);
    stage.leave = leave_past_sleeper;
}

/* Read when to wake while ASLEEP still stands in the word. */
static uint32_t leave_reading_early(struct readbuf_gate *gate,
                                    uint32_t count)
{
    uint32_t alone = READBUF_GATE_INSIDE | READBUF_GATE_ASLEEP;

    if (atomic_load_explicit(&gate->word, memory_order_acquire) ==
            alone &&
        (int32_t)(count - atomic_load_explicit(&gate->wake_at,
                                               memory_order_relaxed)) <
            0 &&
        atomic_compare_exchange_strong_explicit(
            &gate->word, &alone, READBUF_GATE_ASLEEP,
            memory_order_acq_rel, memory_order_relaxed))
        return 0;
    return readbuf_gate_leave(gate, count);
}

static void prepare_reads_early(void)
{
    stage_prepare(0);
    stage.leave = leave_reading_early;
}

/* --------------------------------------------------- a gate in two
 * words
 */

static bool lock(void)
{
    uint32_t open = 0;

    return atomic_compare_exchange_strong_explicit(
        &stage.gate.word, &open, READBUF_GATE_INSIDE,
        memory_order_acquire, memory_order_relaxed);
}

static void unlock(void)
{
    stage.inside = false;
    atomic_store_explicit(&stage.gate.word, 0, memory_order_release);
}

static void push(uint16_t bid)
{
    uint32_t top =
        atomic_load_explicit(&stage.stack, memory_order_relaxed);

    do {
        atomic_store_explicit(&stage.links[bid], (uint16_t)top,
                              memory_order_relaxed);
    } while (!atomic_compare_exchange_weak_explicit(
        &stage.stack, &top, bid + 1u, memory_order_release,
        memory_order_relaxed));
}

/* Leave first, then look whether somebody left a number meanwhile. */
static void give_in_two_words(uint16_t bid)
{
    uint32_t top = bid + 1u;

    stage.given[bid] = true;
    if (!lock()) {
        push(bid);
        return;
    }
    do {
        come_in();
        put(top);
        readbuf_publisher_commit(&stage.publisher);
        unlock();
        top = atomic_load_explicit(&stage.stack, memory_order_acquire);
        if (top == 0 || !lock())
            return;
        top = atomic_exchange_explicit(&stage.stack, 0,
                                       memory_order_acquire);
    } while (true);
}

static void two_words_0(void)
{
    give_in_two_words(0);
}

static void two_words_1(void)
{
    give_in_two_words(1);
}

/* ------------------------------------------------------------ asking
 */

static void prepare_ask(void)
{
    stage_prepare(0);
    stage.wishes = true;
}

static void ask_for(void)
{
    atomic_store_explicit(&stage.wish, 1, memory_order_relaxed);
    if (readbuf_gate_ask(&stage.gate))
        settle(0);
}

static const char *wish_granted(void)
{
    if (stage.wish != 0)
        return "a wish was not seen to";
    return stage_published();
}

/* ---------------------------------------------------------- sleeping
 */

static bool has_come(uint32_t wanted)
{
    return (int32_t)(readbuf_publisher_shown(&stage.publisher) -
                     wanted) >= 0;
}

/* In a system call, until the other end of an eventfd is written. */
static void sleep_until_woken(void)
{
    explorer_await(&stage.woken, sizeof(stage.woken), 0);
    atomic_exchange_explicit(&stage.woken, 0, memory_order_acq_rel);
}

/* What was counted is in the ring: a read that starved can go on. */
static bool is_visible(uint32_t wanted)
{
    return __atomic_load_n(&stage.slots[0].resv, __ATOMIC_RELAXED) >=
           wanted;
}

static void sleep_until(uint32_t wanted)
{
    while (!has_come(wanted)) {
        explorer_forget(__LINE__, wanted);
        readbuf_gate_sleep(&stage.gate, wanted);
        if (!has_come(wanted))
            sleep_until_woken();
        explorer_forget(__LINE__, wanted);
        readbuf_gate_awake(&stage.gate);
        explorer_forget(__LINE__, wanted);
    }
    explorer_check(is_visible(wanted),
                   "the kernel does not see what was counted");
}

static void sleep_1(void)
{
    sleep_until(1);
}

static void sleep_2(void)
{
    sleep_until(2);
}

static void sleep_anew(void)
{
    readbuf_gate_sleep(&stage.gate, 2);
    readbuf_gate_awake(&stage.gate);
    sleep_until(1);
}

static void sleep_at_once(void)
{
    if (has_come(1))
        return;
    readbuf_gate_sleep(&stage.gate, 1); /* and look again: MISSING */
    sleep_until_woken();
    readbuf_gate_awake(&stage.gate);
}

/* ----------------------------------------------------------- closing
 */

static void await_a_buffer(void)
{
    explorer_await(&stage.publisher.shown,
                   sizeof(stage.publisher.shown), 0);
    (void)readbuf_publisher_shown(&stage.publisher);
}

static void close_pool(void)
{
    await_a_buffer();
    readbuf_gate_wait(&stage.gate);
    come_in();
    explorer_gone();
}

static void close_two_words(void)
{
    await_a_buffer();
    explorer_await(&stage.gate.word, sizeof(stage.gate.word),
                   READBUF_GATE_INSIDE);
    if (!lock())
        return;
    come_in();
    explorer_gone();
}

/* The gate is shut for ever, the buffer is where it must be. */
static const char *closed(void)
{
    return stage.slots[0].resv != 1 ? "a buffer was lost" : NULL;
}

/* ------------------------------------------------------------- plays
 */

#define KERNEL                       \
    {                                \
        "kernel", stage_kernel, true \
    }
#define GIVES(n)                     \
    {                                \
        "giver " #n, give_##n, false \
    }
#define IS(who, script)    \
    {                      \
        who, script, false \
    }
#define PLAY(name, about, prepare, verdict, ...) \
    {                                            \
        name, about, false, prepare, verdict,    \
        {                                        \
            __VA_ARGS__                          \
        }                                        \
    }
#define COARSE(name, about, prepare, verdict, ...) \
    {                                              \
        name, about, true, prepare, verdict,       \
        {                                          \
            __VA_ARGS__                            \
        }                                          \
    }

const struct explorer_play gating_plays[] = {
    PLAY("gate-2", "two give back, the kernel picks", prepare,
         stage_picked, GIVES(0), GIVES(1), KERNEL),
    COARSE("gate-3", "three give back", prepare, stage_published,
           GIVES(0), GIVES(1), GIVES(2)),
    PLAY("chain", "one gives back two at once", prepare,
         stage_published, GIVES(0), IS("giver 2,1", give_chain)),
    PLAY("ask", "one has a wish", prepare_ask, wish_granted, GIVES(0),
         IS("asker", ask_for)),
    PLAY("sleeper-1", "sleeps until a buffer came", prepare,
         stage_published, GIVES(0), IS("owner", sleep_1)),
    COARSE("sleeper-2", "sleeps until two came", prepare,
           stage_published, GIVES(0), GIVES(1), IS("owner", sleep_2)),
    PLAY("anew", "sleeps anew for another number", prepare,
         stage_published, GIVES(0), IS("owner", sleep_anew)),
    PLAY("close", "the pool goes when a buffer came", prepare, closed,
         GIVES(0), IS("closer", close_pool)),
    COARSE("store", "leaves by a store", prepare_store, stage_published,
           GIVES(0), GIVES(1)),
    PLAY("late", "leaves without release", prepare_late,
         stage_published, GIVES(0), GIVES(1)),
    COARSE("own-link", "trusts the last link of its chain", prepare,
           stage_published, GIVES(0), GIVES(1),
           IS("giver 2", own_link)),
    COARSE("two-words", "lock and stack in two words", prepare,
           stage_published, IS("giver 0", two_words_0),
           IS("giver 1", two_words_1)),
    COARSE("touch", "looks after it left", prepare, closed,
           IS("giver 0", two_words_0), IS("closer", close_two_words)),
    COARSE("past", "leaves past a sleeper", prepare_past_sleeper,
           stage_published, GIVES(0), IS("owner", sleep_1)),
    COARSE("no-look", "sleeps without looking again", prepare,
           stage_published, GIVES(0), IS("owner", sleep_at_once)),
    COARSE("early", "reads wake_at too early", prepare_reads_early,
           stage_published, GIVES(0), IS("owner", sleep_anew)),
    {.name = NULL},
};
