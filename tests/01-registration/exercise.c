/* exercise.c - grades exercise 2 of chapter 1. */
#include "exercise.h"

#include "faults.h"
#include "sandbox.h"
#include "support.h"

#include <errno.h>

/* Where little memory may be locked, rings are refused for that. */
#define NEED_MEMORY(ret)                        \
    do {                                        \
        if ((ret) == -ENOMEM)                   \
            SKIP("no memory for another ring"); \
    } while (0)

START_TEST(takes_the_lowest_free_id)
{
    struct io_uring uring;
    struct readbuf_ring ring[3];

    NEED_RING(&uring, 2, 0);
    for (int i = 0; i < 3; i++) {
        int ret = exercise_register_free(&ring[i], uring.ring_fd, 4, 0);

        NEED_MEMORY(ret);
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
    struct readbuf_ring ring[3] = {{0}}, again;

    NEED_RING(&uring, 2, 0);
    for (int i = 0; i < 3; i++)
        NEED_MEMORY(
            exercise_register_free(&ring[i], uring.ring_fd, 4, 0));
    readbuf_ring_unregister(&ring[1]);
    ck_assert_int_eq(
        exercise_register_free(&again, uring.ring_fd, 4, 0), 0);
    ck_assert_msg(again.group == 1,
                  "group 1 was free and %u was taken; hint: an id that "
                  "was given back is free again",
                  again.group);
}
END_TEST

/* Rings that nobody told you of, and another io_uring with its own. */
START_TEST(only_the_kernel_knows_who_has_which_id)
{
    struct io_uring uring, second;
    struct readbuf_ring other, mine = {0};

    NEED_RING(&uring, 2, 0);
    NEED_RING(&second, 2, 0);
    for (uint16_t group = 0; group < 4; group += 2)
        NEED_MEMORY(
            readbuf_ring_register(&other, uring.ring_fd, 4, group, 0));
    NEED_MEMORY(exercise_register_free(&mine, uring.ring_fd, 4, 0));
    ck_assert_msg(mine.group == 1,
                  "0 and 2 are somebody's, and you took %u; hint: "
                  "1 is the lowest free id",
                  mine.group);
    NEED_MEMORY(exercise_register_free(&mine, uring.ring_fd, 4, 0));
    ck_assert_msg(mine.group == 3,
                  "0 to 2 are taken, and you took %u; hint: whoever "
                  "took the others",
                  mine.group);
    NEED_MEMORY(exercise_register_free(&mine, second.ring_fd, 4, 0));
    ck_assert_msg(mine.group == 0,
                  "on another io_uring you took %u; hint: each "
                  "io_uring has ids of its own",
                  mine.group);
}
END_TEST

/* The same page is all 65535 rings; what matters is that they exist. */
START_TEST(the_highest_id_is_tried_too)
{
    static _Alignas(65536) unsigned char page[65536];
    struct io_uring uring;
    struct readbuf_ring ring = {0};
    struct readbuf_buf_reg reg = {.ring_addr = (uintptr_t)page,
                                  .ring_entries = 1};

    NEED_RING(&uring, 2, 0);
    for (unsigned group = 0; group < UINT16_MAX; group++) {
        reg.bgid = (uint16_t)group;
        if (readbuf_sys_register(uring.ring_fd,
                                 IORING_REGISTER_PBUF_RING, &reg) < 0)
            SKIP("no memory for %u rings", group + 1);
    }
    exercise_register_free(&ring, uring.ring_fd, 1, 0);
    ck_assert_msg(ring.shared != NULL && ring.group == UINT16_MAX,
                  "65535 was free; hint: 65535 is an id too");
}
END_TEST

START_TEST(an_error_that_passes_comes_through)
{
    struct io_uring uring;
    struct readbuf_ring ring = {0};
    int ret;

    NEED_RING(&uring, 2, 0);
    faults_mmap_after(0, ENOMEM);
    ret = exercise_register_free(&ring, uring.ring_fd, 4, 0);
    ck_assert_msg(ret == -ENOMEM,
                  "without memory for a moment: %d, not -ENOMEM; hint: "
                  "after another error do not go on",
                  ret);
    ck_assert_ptr_null(ring.shared);
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
    struct readbuf_ring ring = {0};
    int ret;

    NEED_RING(&uring, 2, 0);
    sandbox_refuse_register(IORING_REGISTER_PBUF_RING, EEXIST);
    ret = exercise_register_free(&ring, uring.ring_fd, 1,
                                 READBUF_RING_KERNEL);
    ck_assert_msg(ret == -EEXIST,
                  "with all ids taken: %d, not -EEXIST; hint: a kernel "
                  "ring can only be mapped for 2048 ids",
                  ret);
    ck_assert_msg(ring.shared == NULL && ring.entries == 0,
                  "hint: after an error the ring is as it was");
}
END_TEST

SUITE("exercise 1", takes_the_lowest_free_id,
      an_id_given_back_is_used_again,
      only_the_kernel_knows_who_has_which_id,
      the_highest_id_is_tried_too, other_errors_come_through,
      an_error_that_passes_comes_through, kernel_rings_end_at_2048)
