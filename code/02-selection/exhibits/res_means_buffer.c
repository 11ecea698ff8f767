/*
 * res_means_buffer.c - EXHIBIT: wrong on purpose.
 *
 * A pool with the completion handler that most programs have: bytes
 * came, so a buffer came; use it, give it back. No bytes, no buffer.
 * Reading files works for years. Then somebody closes a pipe.
 */
#include <fcntl.h>
#include <liburing.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ENTRIES = 4, SIZE = 32, GROUP = 0, MASK = ENTRIES - 1 };

static _Alignas(4096) unsigned char page[4096];
static char memory[ENTRIES][SIZE];
static struct io_uring ring;

static void give_back(int bid)
{
    struct io_uring_buf_ring *br = (void *)page;

    io_uring_buf_ring_add(br, memory[bid], SIZE, (unsigned short)bid,
                          MASK, 0);
    io_uring_buf_ring_advance(br, 1);
}

static void read_once(const char *what, int fd)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
    struct io_uring_cqe *cqe;

    io_uring_prep_read(sqe, fd, NULL, SIZE, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = GROUP;
    io_uring_submit(&ring);
    if (io_uring_wait_cqe(&ring, &cqe) < 0)
        exit(EXIT_FAILURE);

    printf("%-22s res %4d", what, cqe->res);
    if (cqe->res > 0) { /* THE MISTAKE */
        give_back(
            (unsigned short)(cqe->flags >> IORING_CQE_BUFFER_SHIFT));
        puts("   used, given back");
    } else {
        puts(cqe->res == -ENOBUFS ? "   the pool is dead" : "");
    }
    io_uring_cqe_seen(&ring, cqe);
}

static void read_closed_pipe(void)
{
    int fd[2];

    if (pipe(fd) < 0)
        exit(EXIT_FAILURE);
    close(fd[1]);
    read_once("a pipe that was closed", fd[0]);
    close(fd[0]);
}

int main(void)
{
    struct io_uring_buf_reg reg = {.ring_addr = (unsigned long)page,
                                   .ring_entries = ENTRIES,
                                   .bgid = GROUP};
    int file = open("LICENSE", O_RDONLY | O_CLOEXEC);
    int directory = open(".", O_RDONLY | O_CLOEXEC);
    int ret = io_uring_queue_init(4, &ring, 0);

    if (ret == 0)
        ret = io_uring_register_buf_ring(&ring, &reg, 0);
    if (ret < 0 || file < 0 || directory < 0) {
        fprintf(stderr, "cannot run here: %s\n", strerror(-ret));
        return ret < 0 ? 77 : EXIT_FAILURE;
    }
    for (int bid = 0; bid < ENTRIES; bid++)
        give_back(bid);
    for (int i = 0; i < 6; i++)
        read_once("a file", file);
    read_closed_pipe();
    read_once("a directory", directory);
    read_closed_pipe();
    read_once("a directory", directory);
    read_once("a file", file);
    return EXIT_SUCCESS;
}
