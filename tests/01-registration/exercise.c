/* exercise.c - grades exercise 2 of chapter 1. */
#include "exercise.h"

#include "sandbox.h"
#include "support.h"

#include <errno.h>

START_TEST(takes_the_lowest_free_id)
{
    struct io_uring uring;
    struct readbuf_ring ring[3];

    NEED_RING(&uring, 2, 0);
    for (int i = 0; i < 3; i++) {
        int ret = exercise_register_free(&ring[i], uring.ring_fd, 4, 0);

        ck_assert_msg(ret == 0,
                      "ring %d was refused (%d); hint: try the next id "
                      "while the kernel says EEXIST",
                      i, ret);
        ck_assert_msg(ring[i].group == i,
                      "ring %d became group %u; hint: the lowest free "
                      "id is wanted",
                      i, ring[i].group);
    }
}
END_TEST

START_TEST(an_id_given_back_is_used_again)
{
    struct io_uring uring;
    struct readbuf_ring ring[3], again;

    NEED_RING(&uring, 2, 0);
    for (int i = 0; i < 3; i++)
        exercise_register_free(&ring[i], uring.ring_fd, 4, 0);
    readbuf_ring_unregister(&ring[1]);
    ck_assert_int_eq(
        exercise_register_free(&again, uring.ring_fd, 4, 0), 0);
    ck_assert_msg(again.group == 1,
                  "group 1 was free and %u was taken; hint: an id that "
                  "was given back is free again",
                  again.group);
}
END_TEST

START_TEST(other_errors_come_through)
{
    struct io_uring uring;
    struct readbuf_ring ring = {0};
    int ret;

    NEED_RING(&uring, 2, 0);
    ret = exercise_register_free(&ring, uring.ring_fd, 3, 0);
    ck_assert_msg(ret == -EINVAL,
                  "three entries gave %d, not -EINVAL; hint: only "
                  "EEXIST says that an id is taken",
                  ret);
    ck_assert_ptr_null(ring.shared);
}
END_TEST

/* A kernel that says "taken" to every id, so that all are tried. */
START_TEST(kernel_rings_end_at_2048)
{
    struct io_uring uring;
    struct readbuf_ring ring;
    int ret;

    NEED_RING(&uring, 2, 0);
    sandbox_refuse_register(IORING_REGISTER_PBUF_RING, EEXIST);
    ret = exercise_register_free(&ring, uring.ring_fd, 1,
                                 READBUF_RING_KERNEL);
    ck_assert_msg(ret == -EEXIST,
                  "with all ids taken: %d, not -EEXIST; hint: a kernel "
                  "ring can only be mapped for 2048 ids",
                  ret);
}
END_TEST

SUITE("exercise 1", takes_the_lowest_free_id,
      an_id_given_back_is_used_again, other_errors_come_through,
      kernel_rings_end_at_2048)
