/*
 * compat.h - what the kernel knows and older headers do not.
 *
 * Debian 12 ships the kernel's headers of Linux 6.1 and liburing 2.3.
 * A kernel may be years younger than the headers a program was built
 * with, so everything newer that this library uses is defined here,
 * once, under names of our own: no later header can clash with them.
 *
 * The numbers are kernel ABI. They never change.
 */
#ifndef READBUF_COMPAT_H
#define READBUF_COMPAT_H

#include <liburing.h>
#include <stddef.h>
#include <stdint.h>

/* Flags of a registration. */
#define READBUF_PBUF_RING_MMAP (1u << 0) /* Linux 6.4 */
#define READBUF_PBUF_RING_INC (1u << 1)  /* Linux 6.12 */

/* Where a ring that the kernel allocated is mapped (Linux 6.4). */
#define READBUF_OFF_PBUF_RING 0x80000000ull
#define READBUF_OFF_PBUF_SHIFT 16
#define READBUF_OFF_PBUF_GROUPS 2048u

/* An opcode of io_uring_register(2), and one of a submission. */
#define READBUF_REGISTER_PBUF_STATUS 26u /* Linux 6.8 */
#define READBUF_OP_READ_MULTISHOT 49     /* Linux 6.7 */

/* Receiving into several buffers at once (Linux 6.10). */
#define READBUF_FEAT_RECVSEND_BUNDLE (1u << 14)

/* In a completion's flags: the buffer goes on (Linux 6.12). */
#define READBUF_CQE_F_BUF_MORE (1u << 4)

/*
 * The argument of IORING_REGISTER_PBUF_RING. Older headers call `flags`
 * a padding and count `min_left` among the reserved words; the size has
 * been the same since the first day, and old kernels insist that what
 * they don't know is zero.
 */
struct readbuf_buf_reg {
    uint64_t ring_addr;
    uint32_t ring_entries;
    uint16_t bgid;
    uint16_t flags;
    uint32_t min_left;
    uint32_t resv[5];
};

/* The argument of IORING_REGISTER_PBUF_STATUS. */
struct readbuf_buf_status {
    uint32_t buf_group;
    uint32_t head;
    uint32_t resv[8];
};

/*
 * What the kernel and we must agree on to the byte. The tail of the
 * ring lies on top of the last two bytes of its first descriptor.
 */
_Static_assert(sizeof(struct io_uring_buf) == 16,
               "a descriptor is 16 bytes");
_Static_assert(offsetof(struct io_uring_buf, addr) == 0 &&
                   offsetof(struct io_uring_buf, len) == 8 &&
                   offsetof(struct io_uring_buf, bid) == 12 &&
                   offsetof(struct io_uring_buf, resv) == 14,
               "the fields of a descriptor");
_Static_assert(offsetof(struct io_uring_buf_ring, bufs) == 0 &&
                   offsetof(struct io_uring_buf_ring, tail) ==
                       offsetof(struct io_uring_buf, resv),
               "the tail lies on entry zero's resv");
_Static_assert(sizeof(struct readbuf_buf_reg) == 40 &&
                   sizeof(struct io_uring_buf_reg) == 40 &&
                   sizeof(struct readbuf_buf_status) == 40,
               "arguments of io_uring_register(2)");

#endif
