/*
 * demo.c - the program of stage 03.
 *
 *   demo         buffers go round: one at a time, in a batch and in
 *                another order, through the wrap of the counters, from
 *                two threads
 *   demo trace   the first two rounds as lines of JSON, for drawing
 */
#include "gate.h"
#include "publisher.h"
#include "refusal.h"
#include "registration.h"
#include "selection.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 4, SIZE = 32, GROUP = 7, ROUNDS = 100000 };

static struct io_uring ring;
static struct readbuf_ring buffers;
static struct readbuf_publisher publisher;
static char memory[ENTRIES][SIZE];
static int zero; /* a file that never runs out of bytes */
static bool tracing;

static void fill(uint16_t bid)
{
    readbuf_publisher_fill(&publisher, memory[bid], SIZE, bid);
    if (tracing)
        printf("{\"event\":\"add\",\"bid\":%u}\n", bid);
}

static void give(const uint16_t *bids, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        fill(bids[i]);
    readbuf_publisher_commit(&publisher);
}

/* Read once; the buffer that the kernel picked, or -1 for none. */
static int pick(void)
{
    struct readbuf_completion completion;
    struct io_uring_cqe *cqe;

    readbuf_select_read(io_uring_get_sqe(&ring), zero, GROUP, 0, 0);
    if (io_uring_submit_and_wait(&ring, 1) < 0 ||
        io_uring_peek_cqe(&ring, &cqe) < 0)
        exit(EXIT_FAILURE);
    completion = readbuf_decode(cqe->res, cqe->flags);
    io_uring_cqe_seen(&ring, cqe);
    if (!completion.buffer_is_ours)
        return -1;
    if (tracing)
        printf("{\"event\":\"pick\",\"bid\":%u,\"by\":\"read\","
               "\"bytes\":%d}\n",
               completion.bid, completion.res);
    return completion.bid;
}

static void frame(const char *label)
{
    if (tracing)
        printf("{\"event\":\"frame\",\"label\":\"%s\"}\n", label);
}

static void pick_all(const char *label)
{
    if (!tracing)
        printf("%-34s", "picked");
    for (int i = 0; i < ENTRIES; i++) {
        int bid = pick();

        if (!tracing)
            printf(" %d", bid);
    }
    if (!tracing)
        putchar('\n');
    frame(label);
}

static void round_trips(void)
{
    static const uint16_t in_order[] = {0, 1, 2, 3};
    static const uint16_t shuffled[] = {2, 0, 3, 1};

    if (tracing)
        printf("{\"event\":\"ring\",\"entries\":%d}\n", ENTRIES);
    for (int i = 0; i < ENTRIES; i++)
        give(&in_order[i], 1);
    frame("published: 0 1 2 3");
    if (!tracing)
        printf("%-34s tail %u\n", "published 0 1 2 3, one at a time",
               buffers.shared->tail);
    pick_all("picked");
    give(shuffled, ENTRIES);
    frame("published: 2 0 3 1");
    if (!tracing)
        printf("%-34s tail %u\n", "published 2 0 3 1, in a batch",
               buffers.shared->tail);
    pick_all("picked");
}

static void wrap(void)
{
    unsigned wrong = 0;

    for (unsigned i = 0; i < 70000; i++) {
        uint16_t bid = (uint16_t)(i % ENTRIES);

        give(&bid, 1);
        wrong += pick() != bid;
    }
    printf("%-34s tail %u, %u wrong\n", "70000 more, one at a time",
           buffers.shared->tail, wrong);
}

static struct readbuf_gate gate;
static _Atomic uint16_t links[ENTRIES]; /* the next at the gate, + 1 */

/*
 * From any thread: in through the gate, publish, and take along what
 * others left there meanwhile. Or leave the buffer to whoever is in.
 */
static void give_back(uint16_t bid)
{
    uint32_t came, top = bid + UINT32_C(1);

    if (!readbuf_gate_pass(&gate, bid, &links[bid]))
        return;
    links[bid] = 0;
    do {
        for (; top != 0; top = links[top - 1])
            fill((uint16_t)(top - 1));
        readbuf_publisher_commit(&publisher);
        came = readbuf_gate_leave(&gate,
                                  readbuf_publisher_shown(&publisher));
        top = came >> READBUF_GATE_SHIFT;
    } while (came != 0);
}

/* Buffers on their way from the reading thread to a giving one. */
static _Atomic bool out[ENTRIES];
static _Atomic bool done_reading;

static void *giver(void *first)
{
    uint16_t bid = *(const uint16_t *)first;

    while (!done_reading) {
        if (atomic_exchange(&out[bid], false))
            give_back(bid);
        else
            sched_yield();
        bid = (uint16_t)((bid + 2) % ENTRIES);
    }
    return NULL;
}

static void two_threads(void)
{
    static uint16_t first[] = {0, 1};
    static const uint16_t all[] = {0, 1, 2, 3};
    unsigned twice = 0, starved = 0;
    pthread_t threads[2];

    give(all, ENTRIES);
    for (int i = 0; i < 2; i++)
        if (pthread_create(&threads[i], NULL, giver, &first[i]) != 0)
            exit(EXIT_FAILURE);
    for (unsigned i = 0; i < ROUNDS;) {
        int bid = pick();

        if (bid < 0) {
            starved++;
            sched_yield();
            continue;
        }
        twice += out[bid];
        out[bid] = true;
        i++;
    }
    done_reading = true;
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    printf("%-34s %u twice, some reads starved: %s\n",
           "100000 given back by two threads", twice,
           starved > 0 ? "yes" : "no");
}

int main(int argc, char **argv)
{
    char text[READBUF_REFUSAL_MAX];
    int ret = io_uring_queue_init(4, &ring, 0);

    if (ret == 0)
        ret = readbuf_ring_register(&buffers, ring.ring_fd, ENTRIES,
                                    GROUP, 0);
    if (ret < 0) {
        readbuf_refusal(ret, text, sizeof(text));
        fprintf(stderr, "cannot run here: %s.\n", text);
        return READBUF_EXIT_REFUSED;
    }
    zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    if (zero < 0)
        return EXIT_FAILURE;
    readbuf_publisher_init(&publisher, buffers.shared, ENTRIES);
    tracing = argc > 1 && strcmp(argv[1], "trace") == 0;
    round_trips();
    if (!tracing) {
        wrap();
        two_threads();
    }
    readbuf_ring_unregister(&buffers);
    io_uring_queue_exit(&ring);
    return EXIT_SUCCESS;
}
