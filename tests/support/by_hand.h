/*
 * by_hand.h - rings and reads without the layer under test.
 *
 * What the kernel does is shown with these, and what our layers do is
 * compared with them: raw registrations, a descriptor written by
 * liburing's own helpers, one read at a time.
 */
#ifndef READBUF_TESTS_BY_HAND_H
#define READBUF_TESTS_BY_HAND_H

#include "registration.h"
#include "support.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/*
 * A group id that every kernel treats alike: before Linux 6.9 the ids
 * below 64 live in an array, and are never quite unknown.
 */
enum { BY_HAND_GROUP = 500, BY_HAND_LENGTH = 32 };

/* Zeroed memory of our own. */
static inline void *by_hand_memory(size_t bytes)
{
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    ck_assert_ptr_ne(memory, MAP_FAILED);
    return memory;
}

static inline int by_hand_register(int ring_fd,
                                   struct readbuf_buf_reg reg)
{
    return readbuf_sys_register(ring_fd, IORING_REGISTER_PBUF_RING,
                                &reg);
}

static inline int by_hand_unregister(int ring_fd, uint16_t group)
{
    struct readbuf_buf_reg reg = {.bgid = group};

    return readbuf_sys_register(ring_fd, IORING_UNREGISTER_PBUF_RING,
                                &reg);
}

/* Our memory as a ring: 0 or the kernel's error. */
static inline int by_hand_ring(int ring_fd, const void *memory,
                               uint32_t entries, uint16_t group)
{
    return by_hand_register(ring_fd, (struct readbuf_buf_reg){
                                         .ring_addr = (uintptr_t)memory,
                                         .ring_entries = entries,
                                         .bgid = group});
}

/* Give one buffer of BY_HAND_LENGTH bytes to the kernel. */
static inline void by_hand_give(struct io_uring_buf_ring *shared,
                                uint32_t entries, void *buffer,
                                uint16_t bid)
{
    io_uring_buf_ring_add(shared, buffer, BY_HAND_LENGTH, bid,
                          (int)entries - 1, 0);
    io_uring_buf_ring_advance(shared, 1);
}

/* Prepare a read of `fd` into whatever buffer the kernel picks. */
static inline struct io_uring_sqe *
by_hand_prepare(struct io_uring *ring, int fd, uint16_t group)
{
    struct io_uring_sqe *sqe = io_uring_get_sqe(ring);

    ck_assert_ptr_nonnull(sqe);
    io_uring_prep_read(sqe, fd, NULL, BY_HAND_LENGTH, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = group;
    return sqe;
}

/* Write `text` to a new pipe and read it through the group. */
static inline struct support_cqe
by_hand_read(struct io_uring *ring, uint16_t group, const char *text)
{
    size_t length = strlen(text);
    int ends[2];

    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], text, length), (ssize_t)length);
    by_hand_prepare(ring, ends[0], group);
    return support_complete(ring);
}

/* The buffer of a completion that has one. */
static inline uint16_t by_hand_bid(struct support_cqe cqe)
{
    ck_assert_uint_ne(cqe.flags & IORING_CQE_F_BUFFER, 0);
    return (uint16_t)(cqe.flags >> IORING_CQE_BUFFER_SHIFT);
}

#endif
