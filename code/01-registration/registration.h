/*
 * registration.h - a ring of buffer descriptors, shared with the
 * kernel.
 *
 *     application                              kernel
 *         |   slot 0   slot 1   slot 2   slot 3    |
 *         |  +--------+--------+--------+--------+ |
 *         |  |addr len|addr len|addr len|addr len| |
 *         |  |bid tail|bid     |bid     |bid     | |
 *         |  +--------+--------+--------+--------+ |
 *         |                                        |
 *      writes descriptors and the tail          reads them,
 *                                               keeps the head
 *
 * One call makes such a ring and tells the kernel of it, another takes
 * it back. Whoever puts descriptors in, it is not this module: a fresh
 * ring is empty.
 */
#ifndef READBUF_REGISTRATION_H
#define READBUF_REGISTRATION_H

#include "compat.h"

#include <sys/types.h>

/* Entries of a ring: a power of two from 1 to this. */
#define READBUF_RING_ENTRIES_MAX 32768u

/*
 * Flags of readbuf_ring_register.
 *
 * KERNEL: the kernel allocates the ring and we map it (Linux 6.4).
 * INCREMENTAL: a buffer is consumed a piece at a time (Linux 6.12).
 */
#define READBUF_RING_KERNEL READBUF_PBUF_RING_MMAP
#define READBUF_RING_INCREMENTAL READBUF_PBUF_RING_INC

/*
 * A registered ring. Read the members, never write them: the next
 * layers publish through `shared`, everything else is settled when the
 * ring is registered. `shared` is NULL while the kernel does not know
 * the ring; the group stays readable when it knows it no more.
 */
struct readbuf_ring {
    struct io_uring_buf_ring *shared; /* seen by the kernel too */
    size_t bytes;                     /* size of that memory */
    int ring_fd;                      /* the io_uring it belongs to */
    uint32_t entries;
    uint16_t group; /* buffer group id (bgid) */
    uint16_t flags;
    dev_t device; /* the io_uring's own name, since numbers of */
    ino_t inode;  /* descriptors are used again */
};

/*
 * Register an empty ring of `entries` descriptors with the io_uring
 * behind `ring_fd`, as buffer group `group`.
 *
 * Errors: -EINVAL entries, flags or group out of range, or a kernel
 * older than the flag needs (5.19 without flags). -EEXIST the group id
 * is taken, or the io_uring belongs to another thread (SINGLE_ISSUER).
 * -ENOMEM out of memory, or over the limit of locked memory. -EBADF no
 * open descriptor. Any other error is the kernel's. After an error
 * nothing is registered, nothing is leaked, and `*ring` is as it was.
 *
 * Before Linux 6.9 the kernel's count for a group id below 64 goes on
 * from one registration to the next: there, use such an id once.
 *
 * Thread: the one that submits to the io_uring.
 */
int readbuf_ring_register(struct readbuf_ring *ring, int ring_fd,
                          uint32_t entries, uint16_t group,
                          unsigned flags);

/*
 * Take the ring back from the kernel and free its memory. Requests
 * that already picked a buffer still write into that buffer: the
 * kernel does not wait for them, and neither does this call.
 *
 * Errors: -ENOENT not registered. -EBADF the io_uring was closed, also
 * if its descriptor's number is another's by now. Any other error is
 * the kernel's, for example -EEXIST from a thread that may not touch
 * the io_uring. Then the ring stays registered and its memory stays
 * mapped, because the kernel may still read it. So unregister before
 * the io_uring is closed: after that the memory is lost.
 *
 * Thread: the one that submits to the io_uring.
 */
int readbuf_ring_unregister(struct readbuf_ring *ring);

/*
 * Ask the kernel how many descriptors it has consumed, modulo 2^16.
 * Needs Linux 6.8; -EINVAL before. -ENOENT not registered, -EBADF and
 * -EEXIST as above. System calls: for tests and statistics, not for
 * every read.
 */
int readbuf_ring_head(const struct readbuf_ring *ring, uint16_t *head);

/*
 * io_uring_register(2) with one argument: 0 or a negative errno, and
 * `errno` itself untouched. liburing 2.3 has wrappers for rings, but
 * they drop the flags.
 */
int readbuf_sys_register(int ring_fd, unsigned opcode, void *arg);

#endif
