/*
 * demo.c - the program of stage 01.
 *
 *   demo            all three parts below, one after the other
 *   demo layout     register a ring and show what is where
 *   demo offers     what this kernel can do with rings
 *   demo refusals   registrations it says no to, and how
 *   demo trace      the layout once more, for drawing
 */
#include "probe.h"
#include "refusal.h"
#include "registration.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ENTRIES = 4, GROUP = 7 };

static int refused(int error)
{
    char text[READBUF_REFUSAL_MAX];

    readbuf_refusal(error, text, sizeof(text));
    fprintf(stderr, "cannot run here: %s.\n", text);
    return READBUF_EXIT_REFUSED;
}

static int layout(struct io_uring *ring)
{
    struct readbuf_ring buffers = {0};
    int ret = readbuf_ring_register(&buffers, ring->ring_fd, ENTRIES,
                                    GROUP, 0);

    if (ret < 0)
        return refused(ret);
    printf("group %d: %u descriptors of %zu bytes at %p\n",
           buffers.group, buffers.entries, sizeof(struct io_uring_buf),
           (void *)buffers.shared);
    for (uint32_t i = 0; i < buffers.entries; i++) {
        size_t at = i * sizeof(struct io_uring_buf);

        printf("  slot %u: addr +%-3zu len +%-3zu bid +%-3zu resv +%zu",
               i, at + offsetof(struct io_uring_buf, addr),
               at + offsetof(struct io_uring_buf, len),
               at + offsetof(struct io_uring_buf, bid),
               at + offsetof(struct io_uring_buf, resv));
        puts(i == 0 ? "  <- the tail is here" : "");
    }
    printf("tail +%zu = %u\n", offsetof(struct io_uring_buf_ring, tail),
           buffers.shared->tail);
    ret = readbuf_ring_unregister(&buffers);
    printf("unregister: %s\n",
           ret < 0 ? readbuf_errno_name(ret) : "done");
    return ret < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The same numbers as one line of JSON; the figure is drawn from it. */
static void trace_layout(void)
{
    printf("{\"event\":\"layout\",\"entries\":%d,\"descriptor\":%zu,"
           "\"fields\":[",
           ENTRIES, sizeof(struct io_uring_buf));
#define FIELD(name)                                                \
    printf("{\"name\":\"" #name "\",\"offset\":%zu,\"size\":%zu}", \
           offsetof(struct io_uring_buf, name),                    \
           sizeof(((struct io_uring_buf *)NULL)->name))
    FIELD(addr);
    putchar(',');
    FIELD(len);
    putchar(',');
    FIELD(bid);
    putchar(',');
    FIELD(resv);
#undef FIELD
    printf("],\"tail\":{\"offset\":%zu,\"size\":%zu}}\n",
           offsetof(struct io_uring_buf_ring, tail),
           sizeof(((struct io_uring_buf_ring *)NULL)->tail));
}

static void offer(const char *what, const char *since, bool there)
{
    printf("  %-34s %-6s %s\n", what, since, there ? "yes" : "no");
}

static int offers(void)
{
    struct readbuf_features has;
    int ret = readbuf_probe(&has);

    if (ret < 0)
        return refused(ret);
    puts("                                     since  here");
    offer("provided buffer rings", "5.19", has.rings);
    offer("rings the kernel allocates", "6.4", has.kernel_rings);
    offer("multishot read", "6.7", has.read_multishot);
    offer("the head of a ring can be asked", "6.8", has.status);
    offer("receive bundles", "6.10", has.bundles);
    offer("incremental buffers", "6.12", has.incremental);
    offer("  with a minimum left", "7.1", has.min_left);
    return EXIT_SUCCESS;
}

/* Register straight, past the checks of our own layer. */
static void attempt(int fd, const char *what,
                    struct readbuf_buf_reg reg)
{
    int ret = readbuf_sys_register(fd, IORING_REGISTER_PBUF_RING, &reg);

    printf("  %-34s %s\n", what,
           ret < 0 ? readbuf_errno_name(ret) : "accepted");
}

/* Each attempt is the good one with one thing wrong. */
static void attempts(int fd, uint64_t page, uint64_t read_only)
{
    const struct readbuf_buf_reg good = {
        .ring_addr = page, .ring_entries = ENTRIES, .bgid = GROUP + 1};
    struct readbuf_buf_reg reg = good;

    reg.ring_entries = 3;
    attempt(fd, "3 entries", reg);
    reg.ring_entries = 65536;
    attempt(fd, "65536 entries", reg);
    reg = good;
    reg.ring_addr = 0;
    attempt(fd, "no address", reg);
    reg.ring_addr = page + 16;
    attempt(fd, "an address inside a page", reg);
    reg.ring_addr = read_only;
    attempt(fd, "memory that is read-only", reg);
    reg = good;
    reg.flags = 1u << 15;
    attempt(fd, "a flag nobody knows", reg);
    reg = good;
    reg.resv[4] = 1;
    attempt(fd, "a reserved word that is not zero", reg);
    reg = good;
    reg.bgid = GROUP;
    attempt(fd, "a group id that is taken", reg);
    attempt(STDOUT_FILENO, "a file that is no io_uring", good);
    attempt(fd, "the same memory a second time", good);
}

static int refusals(struct io_uring *ring)
{
    const size_t size = ENTRIES * sizeof(struct io_uring_buf);
    struct readbuf_ring good = {0};
    void *read_only =
        mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int ret =
        readbuf_ring_register(&good, ring->ring_fd, ENTRIES, GROUP, 0);

    if (ret < 0)
        return refused(ret);
    if (read_only == MAP_FAILED)
        return EXIT_FAILURE;
    attempts(ring->ring_fd, (uintptr_t)good.shared,
             (uintptr_t)read_only);
    munmap(read_only, size);
    return readbuf_ring_unregister(&good) < 0 ? EXIT_FAILURE
                                              : EXIT_SUCCESS;
}

static int run(struct io_uring *ring, const char *part)
{
    bool all = strcmp(part, "") == 0;
    int ret = EXIT_SUCCESS;

    if (all || strcmp(part, "layout") == 0) {
        puts("A ring of four, registered");
        ret = layout(ring);
    }
    if (ret == EXIT_SUCCESS && (all || strcmp(part, "offers") == 0)) {
        puts("What this kernel offers");
        ret = offers();
    }
    if (ret == EXIT_SUCCESS && (all || strcmp(part, "refusals") == 0)) {
        puts("What this kernel refuses");
        ret = refusals(ring);
    }
    return ret;
}

int main(int argc, char **argv)
{
    const char *part = argc > 1 ? argv[1] : "";
    struct io_uring ring;
    int ret;

    if (strcmp(part, "trace") == 0) {
        trace_layout();
        return EXIT_SUCCESS;
    }
    if (strstr(" layout offers refusals", part) == NULL) {
        fprintf(stderr, "usage: demo [layout|offers|refusals|trace]\n");
        return EXIT_FAILURE;
    }
    ret = io_uring_queue_init(4, &ring, 0);
    if (ret < 0)
        return refused(ret);
    ret = run(&ring, part);
    io_uring_queue_exit(&ring);
    return ret;
}
