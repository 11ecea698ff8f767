/*
 * stage.c - what all plays share.
 */
#include "stage.h"

#include "simkernel.h"

#include <stdio.h>

static char memory[STAGE_ENTRIES][STAGE_SIZE];
struct stage stage;

static void show_number(char *text, size_t size, uint64_t value)
{
    snprintf(text, size, "%llu", (unsigned long long)value);
}

static void show_address(char *text, size_t size, uint64_t value)
{
    uint64_t buffer = (value - (uintptr_t)memory) / STAGE_SIZE;

    if (buffer < STAGE_ENTRIES)
        snprintf(text, size, "of buffer %llu",
                 (unsigned long long)buffer);
    else
        show_number(text, size, value);
}

/* A stack's top and a link are a number and one more. */
static void show_link(char *text, size_t size, uint64_t value)
{
    if (value == 0)
        snprintf(text, size, "none");
    else
        snprintf(text, size, "buffer %llu",
                 (unsigned long long)value - 1);
}

static void show_gate(char *text, size_t size, uint64_t value)
{
    char top[24] = "";

    if (value >> READBUF_GATE_SHIFT)
        snprintf(top, sizeof(top), "+buffer %u",
                 (unsigned)(value >> READBUF_GATE_SHIFT) - 1);
    snprintf(text, size, "%s%s%s%s",
             value & READBUF_GATE_INSIDE ? "+INSIDE" : "",
             value & READBUF_GATE_ASLEEP ? "+ASLEEP" : "",
             value & READBUF_GATE_AGAIN ? "+AGAIN" : "", top);
    if (*text == '\0')
        snprintf(text, size, "+0");
    for (; text[0] != '\0'; text++) /* the first plus goes */
        text[0] = text[1];
}

#define NAME(word, show, ...) \
    explorer_word(&(word), sizeof(word), show, __VA_ARGS__)

/* What only one inside accesses, and the kernel. */
static void name_slots(void)
{
    for (unsigned i = 0; i < STAGE_ENTRIES; i++) {
        NAME(stage.slots[i].addr, show_address, "slot %u addr", i);
        NAME(stage.slots[i].len, show_number, "slot %u len", i);
        NAME(stage.slots[i].bid, show_number, "slot %u bid", i);
    }
}

void stage_name(bool coarse)
{
    explorer_stage(&stage, sizeof(stage));
    if (!coarse)
        name_slots();
    for (unsigned i = 0; i < STAGE_ENTRIES; i++)
        NAME(stage.links[i], show_link, "link of %u", i);
    NAME(stage.slots[0].resv, show_number, "tail");
    NAME(stage.publisher.filled, show_number, "filled");
    NAME(stage.publisher.shown, show_number, "shown");
    NAME(stage.gate.word, show_gate, "gate");
    NAME(stage.gate.wake_at, show_number, "wake_at");
    NAME(stage.stack, show_link, "stack");
    NAME(stage.woken, show_number, "woken");
    NAME(stage.wish, show_number, "wish");
}

static struct io_uring_buf_ring *ring(void)
{
    return (struct io_uring_buf_ring *)(void *)stage.slots;
}

static void wake(void *sleeper)
{
    atomic_exchange_explicit((_Atomic uint32_t *)sleeper, 1,
                             memory_order_acq_rel);
}

void stage_prepare(uint16_t start)
{
    readbuf_publisher_init(&stage.publisher, ring(), STAGE_ENTRIES);
    stage.publisher.filled = stage.start = start;
    stage.publisher.shown = start;
    stage.slots[0].resv = start;
    stage.gate.wake = wake;
    stage.gate.sleeper = &stage.woken;
    stage.leave = readbuf_gate_leave;
}

void stage_fill(uint16_t bid)
{
    readbuf_publisher_fill(&stage.publisher, memory[bid], STAGE_SIZE,
                           bid);
}

static bool is_whole(const struct io_uring_buf *slot)
{
    return slot->bid < STAGE_ENTRIES && slot->len == STAGE_SIZE &&
           slot->addr == (uintptr_t)memory[slot->bid];
}

static void pick(struct simkernel *kernel)
{
    struct io_uring_buf picked;

    explorer_check(simkernel_pick(kernel, &picked) == 0,
                   "the kernel picked from an empty ring");
    explorer_check(is_whole(&picked),
                   "the kernel picked what no one gave");
    explorer_check(stage.given[picked.bid],
                   "the kernel picked a buffer that is ours");
    explorer_check(!stage.picked[picked.bid],
                   "the kernel picked a buffer twice");
    stage.picked[picked.bid] = true;
}

void stage_kernel(void)
{
    struct simkernel kernel;

    simkernel_register(&kernel, ring(), STAGE_ENTRIES);
    kernel.head = stage.start;
    for (;;) {
        explorer_forget(__LINE__, kernel.head);
        explorer_await(&stage.slots[0].resv,
                       sizeof(stage.slots[0].resv), kernel.head);
        pick(&kernel);
    }
}

/* How often a buffer stands between the start and the tail. */
static unsigned times(uint16_t bid)
{
    unsigned found = 0;

    for (uint16_t i = stage.start; i != stage.slots[0].resv; i++)
        found += is_whole(&stage.slots[i % STAGE_ENTRIES]) &&
                 stage.slots[i % STAGE_ENTRIES].bid == bid;
    return found;
}

const char *stage_published(void)
{
    uint16_t given = 0;

    for (uint16_t bid = 0; bid < STAGE_ENTRIES; bid++) {
        given += stage.given[bid];
        if (times(bid) < stage.given[bid])
            return "a buffer that was given back is not in the ring";
        if (times(bid) > stage.given[bid])
            return "a buffer is in the ring twice";
    }
    if ((uint16_t)(stage.slots[0].resv - stage.start) != given)
        return "the tail is not how many were given";
    return stage.gate.word & ~(unsigned)READBUF_GATE_ASLEEP
               ? "the gate was not left open"
               : NULL;
}

const char *stage_picked(void)
{
    for (uint16_t bid = 0; bid < STAGE_ENTRIES; bid++)
        if (stage.given[bid] && !stage.picked[bid])
            return "a buffer that was given back is never picked";
    return stage_published();
}
