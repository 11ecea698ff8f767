/*
 * publishing.c - plays of one thread that publishes, and of two.
 */
#include "stage.h"

/* Four buffers by two commits, through the end of sixteen bits. */
static void prepare_four(void)
{
    stage_prepare(65533);
    for (int bid = 0; bid < 4; bid++)
        stage.given[bid] = true;
}

static void publish_four(void)
{
    stage_fill(0);
    stage_fill(1);
    readbuf_publisher_commit(&stage.publisher);
    stage_fill(2);
    stage_fill(3);
    readbuf_publisher_commit(&stage.publisher);
}

/* All four were picked, from slots in which they still stand. */
static void prepare_full_round(void)
{
    stage_prepare(0);
    for (uint16_t bid = 0; bid < STAGE_ENTRIES; bid++)
        stage_fill(bid);
    readbuf_publisher_commit(&stage.publisher);
    stage.start = STAGE_ENTRIES;
    stage.given[3] = true;
}

static void store_whole(void)
{
    struct io_uring_buf whole = {
        .addr = stage.slots[3].addr, .len = STAGE_SIZE, .bid = 3};
    uint64_t tail = stage.publisher.filled++;

    stage.slots[tail % STAGE_ENTRIES] = whole; /* THE MISTAKE */
    readbuf_publisher_commit(&stage.publisher);
}

static void prepare_masked(void)
{
    stage_prepare(STAGE_ENTRIES - 1);
    stage.given[0] = true;
}

static void store_masked(void)
{
    stage_fill(0);
    __atomic_store_n(&stage.publisher.shared->tail,
                     stage.publisher.filled % STAGE_ENTRIES,
                     __ATOMIC_RELEASE); /* THE MISTAKE: % */
}

static void prepare_one(void)
{
    stage_prepare(0);
    stage.given[0] = true;
}

static void store_relaxed(void)
{
    stage_fill(0);
    __atomic_store_n(&stage.publisher.shared->tail,
                     (uint16_t)stage.publisher.filled,
                     __ATOMIC_RELAXED); /* THE MISTAKE */
}

/* Two publishers, and no gate. */
static void prepare_two(void)
{
    stage_prepare(0);
    stage.given[0] = stage.given[1] = true;
}

static void publish_first(void)
{
    stage_fill(0);
    readbuf_publisher_commit(&stage.publisher);
}

static void publish_second(void)
{
    stage_fill(1);
    readbuf_publisher_commit(&stage.publisher);
}

#define KERNEL                       \
    {                                \
        "kernel", stage_kernel, true \
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

const struct explorer_play publishing_plays[] = {
    PLAY("publish", "four buffers, two commits", prepare_four,
         stage_picked, IS("app", publish_four), KERNEL),
    PLAY("whole", "slot 0 stored as a struct", prepare_full_round,
         stage_picked, IS("app", store_whole), KERNEL),
    PLAY("masked", "the tail kept below the entries", prepare_masked,
         stage_picked, IS("app", store_masked), KERNEL),
    PLAY("relaxed", "the tail stored without release", prepare_one,
         stage_picked, IS("app", store_relaxed), KERNEL),
    PLAY("no-gate", "two publishers at once", prepare_two,
         stage_published, IS("app 0", publish_first),
         IS("app 1", publish_second)),
    {.name = NULL},
};
