/*
 * whole_struct_live.c - EXHIBIT: wrong on purpose, unless told
 * otherwise.
 *
 *   whole_struct_live           store each descriptor as a struct
 *   whole_struct_live fields    store address, length and id
 *
 * The mistake of whole_struct.c before the real kernel. One thread
 * reads, another gives back. The moment between its two stores is made
 * longer, as an interrupt would make it; short as it is by nature, it
 * can take weeks to be hit.
 */
#include "refusal.h"
#include "registration.h"
#include "selection.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ENTRIES = 4,
    SIZE = 32,
    MASK = ENTRIES - 1,
    GROUP = 7,
    READS = 20000,
    MOMENT = 20
};

static struct io_uring uring;
static struct readbuf_ring buffers;
static char memory[ENTRIES][SIZE];
static _Atomic bool held[ENTRIES]; /* by us: not given back yet */
static _Atomic bool done;
static unsigned short tail;
static bool fields;

static void give(unsigned short bid)
{
    struct io_uring_buf *slot = &buffers.shared->bufs[tail & MASK];
    struct io_uring_buf whole = {
        .addr = (uintptr_t)memory[bid], .len = SIZE, .bid = bid};

    if (fields) {
        slot->addr = whole.addr;
        slot->len = whole.len;
        slot->bid = whole.bid;
    } else {
        *slot = whole; /* THE MISTAKE */
    }
    for (int i = 0; i < MOMENT; i++)
        sched_yield();
    __atomic_store_n(&buffers.shared->tail, ++tail, __ATOMIC_RELEASE);
}

static void *giver(void *unused)
{
    while (!done)
        for (unsigned short bid = 0; bid < ENTRIES; bid++)
            if (atomic_exchange(&held[bid], false))
                give(bid);
    return unused;
}

/* Read once; the buffer that the kernel picked, or -1 for none. */
static int pick(int fd)
{
    struct readbuf_completion completion;
    struct io_uring_cqe *cqe;

    readbuf_select_read(io_uring_get_sqe(&uring), fd, GROUP, 0, 0);
    if (io_uring_submit_and_wait(&uring, 1) < 0 ||
        io_uring_peek_cqe(&uring, &cqe) < 0)
        exit(EXIT_FAILURE);
    completion = readbuf_decode(cqe->res, cqe->flags);
    io_uring_cqe_seen(&uring, cqe);
    return completion.buffer_is_ours ? completion.bid : -1;
}

static void read_on(int fd)
{
    unsigned twice = 0;

    for (int i = 0; i < READS; i++) {
        int bid = pick(fd);

        if (bid < 0)
            sched_yield();
        else if (atomic_exchange(&held[bid], true))
            twice++;
    }
    printf("%d reads, %u of them into a buffer we held\n", READS,
           twice);
}

/* On one processor each yield hands over to the other thread. */
static void stay_here(void)
{
    cpu_set_t here;

    CPU_ZERO(&here);
    CPU_SET((size_t)sched_getcpu(), &here);
    sched_setaffinity(0, sizeof(here), &here);
}

int main(int argc, char **argv)
{
    char text[READBUF_REFUSAL_MAX];
    int zero = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    int ret = io_uring_queue_init(4, &uring, 0);
    pthread_t thread;

    if (ret == 0)
        ret = readbuf_ring_register(&buffers, uring.ring_fd, ENTRIES,
                                    GROUP, 0);
    if (ret < 0) {
        readbuf_refusal(ret, text, sizeof(text));
        fprintf(stderr, "cannot run here: %s.\n", text);
        return READBUF_EXIT_REFUSED;
    }
    stay_here();
    fields = argc > 1 && strcmp(argv[1], "fields") == 0;
    for (unsigned short bid = 0; bid < ENTRIES; bid++)
        give(bid);
    if (zero < 0 || pthread_create(&thread, NULL, giver, NULL) != 0)
        return EXIT_FAILURE;
    read_on(zero);
    done = true;
    pthread_join(thread, NULL);
    return EXIT_SUCCESS;
}
