/*
 * dirty_ring.c - EXHIBIT: wrong on purpose.
 *
 * Two rings live one after the other in the same page, as they do when
 * the page comes from a pool of pages or from malloc. Nobody wiped it
 * in between. What the kernel finds in it, it believes.
 */
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { ENTRIES = 4, GROUP = 0 };

/* Not this program's point: it cannot run here. */
static int fail(const char *what, int ret)
{
    fprintf(stderr, "%s: %s\n", what, strerror(-ret));
    return 77;
}

static int register_page(struct io_uring *ring, void *page)
{
    struct io_uring_buf_reg reg = {.ring_addr = (unsigned long)page,
                                   .ring_entries = ENTRIES,
                                   .bgid = GROUP};

    return io_uring_register_buf_ring(ring, &reg, 0);
}

/* Let the kernel read `fd` into a buffer it picks; its answer. */
static int read_picked(struct io_uring *ring, int fd)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);
    struct io_uring_cqe *cqe;
    int res;

    io_uring_prep_read(sqe, fd, NULL, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    io_uring_submit(ring);
    if (io_uring_wait_cqe(ring, &cqe) < 0)
        return -1;
    res = cqe->res;
    io_uring_cqe_seen(ring, cqe);
    return res;
}

static int play(struct io_uring *ring, void *page, const int pipe_fd[2])
{
    static char memory[32];
    struct io_uring_buf_ring *first = page;
    int ret = register_page(ring, page);

    if (ret < 0)
        return fail("registering the first ring", ret);
    first->bufs[0].addr = (unsigned long)memory;
    first->bufs[0].len = sizeof(memory);
    first->tail = 1;
    puts("first ring: one buffer given to the kernel, never used");
    io_uring_unregister_buf_ring(ring, GROUP);
    strcpy(memory, "correct horse battery staple");
    printf("unregistered; its memory now holds \"%s\"\n", memory);

    ret = register_page(ring, page); /* THE MISTAKE: as it was left */
    if (ret < 0)
        return fail("registering the second ring", ret);
    puts("second ring, same page: no buffer given to the kernel");
    if (write(pipe_fd[1], "wrong", 5) != 5)
        return EXIT_FAILURE;
    printf("reading five bytes through it: %d\n",
           read_picked(ring, pipe_fd[0]));
    printf("that memory now holds \"%s\"\n", memory);
    return EXIT_SUCCESS;
}

int main(void)
{
    int pipe_fd[2];
    struct io_uring ring;
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int ret = io_uring_queue_init(4, &ring, 0);

    if (ret < 0)
        return fail("io_uring", ret);
    if (page == MAP_FAILED || pipe(pipe_fd) < 0)
        return EXIT_FAILURE;
    return play(&ring, page, pipe_fd);
}
