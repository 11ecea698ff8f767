/*
 * idle.c - EXHIBIT: what idle connections cost.
 *
 * A thousand connections say one message each and fall silent, every
 * one with a receive waiting for the next. First each receive names a
 * buffer of its own, then all of them pick from a ring of four. How
 * many of the buffers' pages are in memory is asked of the kernel.
 */
#include "refusal.h"
#include "registration.h"
#include "selection.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CONNECTIONS = 1000, ENTRIES = 4, SIZE = 16384, GROUP = 0 };

static struct io_uring uring;
static struct readbuf_ring ring;
static int here[CONNECTIONS], there[CONNECTIONS];
static char *memory; /* of all buffers there are */

static _Noreturn void give_up(int ret)
{
    char text[READBUF_REFUSAL_MAX];

    readbuf_refusal(ret, text, sizeof(text));
    fprintf(stderr, "cannot run here: %s.\n", text);
    exit(READBUF_EXIT_REFUSED);
}

/* Untouched memory: no page of it is there before it is written to. */
static void reserve(size_t bytes)
{
    memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        exit(EXIT_FAILURE);
    madvise(memory, bytes, MADV_NOHUGEPAGE);
}

/* As many as there are descriptors for: two a connection. */
static int connect_all(void)
{
    int count = 0;

    while (count < CONNECTIONS) {
        int pair[2];

        if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
            break;
        here[count] = pair[0];
        there[count] = pair[1];
        count++;
    }
    return count;
}

/* NULL means that the submission queue is full: submit, ask again. */
static struct io_uring_sqe *next_sqe(void)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&uring);

    if (sqe == NULL) {
        io_uring_submit(&uring);
        sqe = io_uring_get_sqe(&uring);
    }
    return sqe;
}

static void give(unsigned short bid)
{
    io_uring_buf_ring_add(ring.shared, memory + (size_t)bid * SIZE,
                          SIZE, bid, io_uring_buf_ring_mask(ENTRIES),
                          0);
    io_uring_buf_ring_advance(ring.shared, 1);
}

static void wait_for(int i, bool pick)
{
    struct io_uring_sqe *sqe = next_sqe();

    if (pick)
        readbuf_select_recv(sqe, here[i], GROUP, 0, 0);
    else
        io_uring_prep_recv(sqe, here[i], memory + (size_t)i * SIZE,
                           SIZE, 0);
}

/* One connection's message arrives, and it waits for another. */
static void serve(int i, bool pick)
{
    static const char message[SIZE];
    struct readbuf_completion completion;
    struct io_uring_cqe *cqe;

    if (send(there[i], message, SIZE, 0) != SIZE ||
        io_uring_submit_and_wait(&uring, 1) < 0 ||
        io_uring_peek_cqe(&uring, &cqe) < 0)
        exit(EXIT_FAILURE);
    completion = readbuf_decode(cqe->res, cqe->flags);
    io_uring_cqe_seen(&uring, cqe);
    if (completion.res != SIZE || completion.has_buffer != pick)
        exit(EXIT_FAILURE);
    if (completion.buffer_is_ours)
        give(completion.bid);
    wait_for(i, pick);
}

static size_t resident_kib(size_t bytes)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), count = 0;
    size_t pages = (bytes + page - 1) / page;
    unsigned char *there_is = calloc(pages, 1);

    if (there_is == NULL || mincore(memory, bytes, there_is) < 0)
        exit(EXIT_FAILURE);
    for (size_t i = 0; i < pages; i++)
        count += there_is[i] & 1;
    free(there_is);
    return count * page / 1024;
}

static void play(bool pick)
{
    int ret = io_uring_queue_init(256, &uring, 0);
    int connections = connect_all();
    size_t buffers = pick ? ENTRIES : (size_t)connections;

    if (ret == 0 && pick)
        ret = readbuf_ring_register(&ring, uring.ring_fd, ENTRIES,
                                    GROUP, 0);
    if (ret < 0)
        give_up(ret);
    reserve(buffers * SIZE);
    for (unsigned short bid = 0; pick && bid < ENTRIES; bid++)
        give(bid);
    for (int i = 0; i < connections; i++)
        wait_for(i, pick);
    for (int i = 0; i < connections; i++)
        serve(i, pick);
    io_uring_submit(&uring);
    printf("%d waiting, %s: %zu KiB of buffers in memory\n",
           connections, pick ? "a ring of four" : "a buffer each",
           resident_kib(buffers * SIZE));
    io_uring_queue_exit(&uring);
    munmap(memory, buffers * SIZE);
    for (int i = 0; i < connections; i++) {
        close(here[i]);
        close(there[i]);
    }
}

int main(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        setrlimit(RLIMIT_NOFILE, &limit);
    }
    play(false);
    play(true);
    return EXIT_SUCCESS;
}
