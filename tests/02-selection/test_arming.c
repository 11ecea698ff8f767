/*
 * test_arming.c - what the arming functions write into a request, and
 * that they write nothing else.
 */
#include "selection.h"
#include "support.h"

#include <string.h>
#include <sys/socket.h>

static void ck_same_request(const struct io_uring_sqe *got,
                            const struct io_uring_sqe *want)
{
    ck_assert_mem_eq(got, want, sizeof(*want));
}

static const uint16_t groups[] = {0, 1, 7, 0x100, 0x7fff, 0xffff};

#define GROUPS (sizeof(groups) / sizeof(groups[0]))

START_TEST(select_sets_the_flag_and_the_group)
{
    for (size_t i = 0; i < GROUPS; i++) {
        struct io_uring_sqe got, want;

        memset(&got, 0x42, sizeof(got));
        memset(&want, 0x42, sizeof(want));
        want.flags = 0x42 | IOSQE_BUFFER_SELECT;
        want.buf_group = groups[i];
        readbuf_select(&got, groups[i]);
        ck_same_request(&got, &want);
    }
}
END_TEST

START_TEST(select_keeps_other_flags)
{
    struct io_uring_sqe sqe = {.flags = IOSQE_ASYNC | IOSQE_IO_LINK};

    readbuf_select(&sqe, 3);
    ck_assert_uint_eq(sqe.flags, IOSQE_ASYNC | IOSQE_IO_LINK |
                                     IOSQE_BUFFER_SELECT);
}
END_TEST

START_TEST(select_read_fills_in_a_read_without_an_address)
{
    const uint64_t offsets[] = {0, 1, 1ull << 40, UINT64_MAX};
    const uint32_t lens[] = {0, 1, 4096, UINT32_MAX};

    for (size_t i = 0; i < 4; i++) {
        struct io_uring_sqe got = {.user_data = 9};
        struct io_uring_sqe want = {.opcode = IORING_OP_READ,
                                    .flags = IOSQE_BUFFER_SELECT,
                                    .fd = 11,
                                    .off = offsets[i],
                                    .len = lens[i],
                                    .user_data = 9};

        want.buf_group = groups[i];
        readbuf_select_read(&got, 11, groups[i], lens[i], offsets[i]);
        ck_same_request(&got, &want);
    }
}
END_TEST

START_TEST(select_recv_fills_in_a_recv_without_an_address)
{
    const int flags[] = {0, MSG_DONTWAIT, MSG_TRUNC,
                         MSG_PEEK | MSG_WAITALL};
    const uint32_t lens[] = {0, 1, 4096, INT32_MAX};

    for (size_t i = 0; i < 4; i++) {
        struct io_uring_sqe got = {.user_data = 9};
        struct io_uring_sqe want = {.opcode = IORING_OP_RECV,
                                    .flags = IOSQE_BUFFER_SELECT,
                                    .fd = 11,
                                    .len = lens[i],
                                    .msg_flags = (uint32_t)flags[i],
                                    .user_data = 9};

        want.buf_group = groups[i];
        readbuf_select_recv(&got, 11, groups[i], lens[i], flags[i]);
        ck_same_request(&got, &want);
    }
}
END_TEST

/* Why select comes last. liburing 2.6 no longer does this. */
START_TEST(a_preparation_after_select_undoes_it)
{
    struct io_uring_sqe sqe = {0};

    readbuf_select(&sqe, 7);
    io_uring_prep_read(&sqe, 11, NULL, 0, 0);
    if (sqe.flags & IOSQE_BUFFER_SELECT)
        SKIP("this liburing's preparations keep the flags");
    ck_assert_uint_eq(sqe.flags, 0);
    ck_assert_uint_eq(sqe.buf_group, 0);
}
END_TEST

SUITE("arming", select_sets_the_flag_and_the_group,
      select_keeps_other_flags,
      select_read_fills_in_a_read_without_an_address,
      select_recv_fills_in_a_recv_without_an_address,
      a_preparation_after_select_undoes_it)
