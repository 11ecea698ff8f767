/*
 * test_exhibit.c - three small pools: each refuses what the one before
 * believed, and is wrong as the text says. And the order of
 * publications, which a ring does not keep.
 */
#include "program.h"
#include "support.h"

#define STAGE "05-pool/exhibits/"

#define RECEIVED "Mallory is in buffer 0: \"garbage\"\n"
#define BELIEVED "Mallory gives it back: believed\n"
#define REFUSED "Mallory gives it back: refused\n"
#define CAROL_AND_ALICE                          \
    "Carol   is in buffer 1: \"how are you?\"\n" \
    "Alice   is in buffer 0: \"my password is 1234\"\n"
#define READ_OVER                                       \
    "Bob     is in buffer 0: \"the weather is fine\"\n" \
    "Alice said \"the weather is fine\"\n"
#define LEFT_ALONE              \
    "Bob     finds no buffer\n" \
    "Alice said \"my password is 1234\"\n"

static void ck_plays(const char *program, const char *arguments,
                     const char *output)
{
    struct program exhibit = program_run(program, arguments);

    NEED_SUCCESS(exhibit);
    ck_assert_str_eq(exhibit.output, output);
}

START_TEST(an_id_is_believed_twice)
{
    ck_plays(STAGE "release_twice", "2>&1",
             RECEIVED BELIEVED BELIEVED CAROL_AND_ALICE READ_OVER);
}
END_TEST

START_TEST(a_flag_is_believed_once_it_is_lent_again)
{
    ck_plays(
        STAGE "a_flag", "2>&1",
        RECEIVED BELIEVED REFUSED CAROL_AND_ALICE BELIEVED READ_OVER);
}
END_TEST

START_TEST(a_number_that_two_threads_compare_is_believed_twice)
{
    ck_plays(
        STAGE "a_number", "2>&1",
        RECEIVED BELIEVED BELIEVED CAROL_AND_ALICE REFUSED READ_OVER);
}
END_TEST

START_TEST(a_number_that_is_swapped_is_believed_once)
{
    ck_plays(
        STAGE "a_number", "swap 2>&1",
        RECEIVED BELIEVED REFUSED CAROL_AND_ALICE REFUSED LEFT_ALONE);
}
END_TEST

START_TEST(slot_reread_finds_a_new_tenant)
{
    ck_plays(STAGE "slot_reread", "2>&1",
             "the bundle is buffers 0 and 1\n"
             "read again from the ring, 0 is followed by 2\n"
             "as it was published, 0 is followed by 1\n");
}
END_TEST

SUITE("exhibit", an_id_is_believed_twice,
      a_flag_is_believed_once_it_is_lent_again,
      a_number_that_two_threads_compare_is_believed_twice,
      a_number_that_is_swapped_is_believed_once,
      slot_reread_finds_a_new_tenant)
