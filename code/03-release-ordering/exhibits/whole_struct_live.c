/*
 * whole_struct_live.c - EXHIBIT: wrong on purpose, unless told
 * otherwise.
 *
 *   whole_struct_live             store each descriptor as a struct
 *   whole_struct_live fields      store address, length and id
 *   whole_struct_live deferred    the struct, on an io_uring set up
 *                                 with DEFER_TASKRUN
 *
 * The mistake of whole_struct.c before the real kernel. One thread
 * holds all four buffers, has two reads waiting on a pipe, and gives
 * back buffer 3. Between the two stores it stands still, as if it had
 * been interrupted there, and makes no system call. Meanwhile another
 * process writes into the pipe.
 */
#include "refusal.h"
#include "registration.h"
#include "selection.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    ENTRIES = 4,
    SIZE = 32,
    MASK = ENTRIES - 1,
    GROUP = 7,
    READS = 2,
    ROUNDS = 10,
    SOON = 2,    /* milliseconds: when the other process writes */
    LATEST = 100 /* milliseconds: the end of the gap */
};

static struct io_uring uring;
static struct readbuf_ring buffers;
static char memory[ENTRIES][SIZE];
static bool held[ENTRIES];
static bool fields;
static unsigned flags;

static bool start(void)
{
    char text[READBUF_REFUSAL_MAX];
    int ret = io_uring_queue_init(8, &uring, flags);

    if (ret == 0)
        ret = readbuf_ring_register(&buffers, uring.ring_fd, ENTRIES,
                                    GROUP, 0);
    if (ret == 0)
        return true;
    readbuf_refusal(ret, text, sizeof(text));
    fprintf(stderr, "cannot run here: %s.\n", text);
    return false;
}

/* The coarse clock is read from memory, without a system call. */
static long milliseconds(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* Stand still until both reads are complete, but not for ever. */
static void gap(void)
{
    long end = milliseconds() + LATEST;

    while (io_uring_cq_ready(&uring) < READS && milliseconds() < end)
        ;
}

static void give(unsigned short bid, bool interrupted)
{
    unsigned short tail = buffers.shared->tail;
    struct io_uring_buf *slot = &buffers.shared->bufs[tail & MASK];
    struct io_uring_buf whole = {
        .addr = (uintptr_t)memory[bid], .len = SIZE, .bid = bid};

    held[bid] = false;
    if (fields) {
        slot->addr = whole.addr;
        slot->len = whole.len;
        slot->bid = whole.bid;
    } else {
        *slot = whole; /* THE MISTAKE */
    }
    if (interrupted)
        gap();
    __atomic_store_n(&buffers.shared->tail, (unsigned short)(tail + 1),
                     __ATOMIC_RELEASE);
}

/* Take a completion; was it given a buffer that we hold? */
static bool picked_a_held_one(void)
{
    struct readbuf_completion completion = {.buffer_is_ours = false};
    struct io_uring_cqe *cqe;

    if (io_uring_peek_cqe(&uring, &cqe) == 0) {
        completion = readbuf_decode(cqe->res, cqe->flags);
        io_uring_cqe_seen(&uring, cqe);
    }
    if (!completion.buffer_is_ours)
        return false;
    if (held[completion.bid])
        return true;
    held[completion.bid] = true;
    return false;
}

static void read_from(int fd, uint64_t offset)
{
    readbuf_select_read(io_uring_get_sqe(&uring), fd, GROUP, 0, offset);
}

/* Another process, which writes what both reads wait for. */
static pid_t neighbour(int fd)
{
    const struct timespec soon = {.tv_nsec = SOON * 1000000L};
    char bytes[READS * SIZE] = "";
    pid_t child = fork();

    if (child != 0)
        return child;
    nanosleep(&soon, NULL);
    _exit(write(fd, bytes, sizeof(bytes)) != sizeof(bytes));
}

/* What happened in the gap of one round. */
struct outcome {
    bool complete; /* both reads */
    bool twice;    /* one was given a buffer that we hold */
};

static struct outcome one_round(int zero, const int pipe_ends[2])
{
    struct outcome outcome = {false, false};
    unsigned ready;
    pid_t child;

    for (unsigned short bid = 0; bid < ENTRIES; bid++)
        give(bid, false);
    for (int i = 0; i < READS; i++)
        read_from(pipe_ends[0], UINT64_MAX);
    io_uring_submit(&uring);
    for (int i = 0; i < ENTRIES; i++) {
        read_from(zero, 0);
        io_uring_submit_and_wait(&uring, 1);
        picked_a_held_one();
    }
    child = neighbour(pipe_ends[1]);
    give(3, true);
    ready = io_uring_cq_ready(&uring);
    outcome.complete = ready == READS;
    while (ready-- > 0)
        outcome.twice |= picked_a_held_one();
    waitpid(child, NULL, 0);
    return outcome;
}

int main(int argc, char **argv)
{
    const char *manner = argc > 1 ? argv[1] : "";
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    unsigned complete = 0, twice = 0;

    fields = strcmp(manner, "fields") == 0;
    if (strcmp(manner, "deferred") == 0)
        flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
    for (int round = 0; round < ROUNDS; round++) {
        struct outcome outcome;
        int ends[2];

        if (zero < 0 || pipe(ends) < 0)
            return EXIT_FAILURE;
        if (!start())
            return READBUF_EXIT_REFUSED;
        outcome = one_round(zero, ends);
        complete += outcome.complete;
        twice += outcome.twice;
        readbuf_ring_unregister(&buffers);
        io_uring_queue_exit(&uring);
        close(ends[0]);
        close(ends[1]);
    }
    printf("%2d rounds\n"
           "%2u with both reads complete\n"
           "%2u with a buffer that we held\n",
           ROUNDS, complete, twice);
    return EXIT_SUCCESS;
}
