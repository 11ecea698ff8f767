/*
 * simkernel.h - the kernel's end of a ring, without a kernel.
 *
 * What io_uring does with a provided buffer ring fits on a page: keep a
 * head, load the tail with acquire, take the descriptor in between.
 * This is that page. Unlike the real one it runs where io_uring is
 * forbidden, ThreadSanitizer can watch it, and it can be made to stop
 * half way.
 */
#ifndef READBUF_SIMKERNEL_H
#define READBUF_SIMKERNEL_H

#include <liburing.h>
#include <stdint.h>

struct simkernel {
    struct io_uring_buf_ring *shared;
    uint32_t entries;
    uint16_t head;
};

/* Registration: the head starts at 0, the tail is taken as it is. */
void simkernel_register(struct simkernel *kernel,
                        struct io_uring_buf_ring *shared,
                        uint32_t entries);

/* How many descriptors the kernel believes are there. */
uint16_t simkernel_available(const struct simkernel *kernel);

/*
 * Pick the buffer at the head and consume it. 0 and a copy of its
 * descriptor, or -ENOBUFS. As in the kernel, nothing is checked.
 */
int simkernel_pick(struct simkernel *kernel,
                   struct io_uring_buf *picked);

/* The same for a bundle: up to `most`; how many were picked. */
unsigned simkernel_pick_bundle(struct simkernel *kernel,
                               struct io_uring_buf *picked,
                               unsigned most);

/* Flags of a completion that names `bid`. */
uint32_t simkernel_flags(uint16_t bid);

#endif
