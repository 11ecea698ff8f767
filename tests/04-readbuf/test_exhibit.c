/* test_exhibit.c - what is wrong fails as the chapter says. */
#include "origin.h"
#include "program.h"
#include "support.h"

/* The sum wraps, so the check lets the largest length through. */
START_TEST(append_lets_the_largest_length_through)
{
    struct program exhibit =
        program_run("04-readbuf/exhibits/append", "2>&1");
    char expected[128];

    snprintf(expected, sizeof(expected),
             "17 bytes after 16: refused\n"
             "copying %zu bytes to position 16 of 32\n",
             SIZE_MAX);
    ck_assert_int_eq(exhibit.status, EXIT_SUCCESS);
    ck_assert_str_eq(exhibit.output, expected);
}
END_TEST

START_TEST(a_kept_pointer_shows_what_came_later)
{
    struct program exhibit;

#if defined(READBUF_OWN_ASAN) || defined(READBUF_OWN_MSAN)
    SKIP("built for a memory tool");
#endif
    exhibit = program_run("04-readbuf/exhibits/kept_pointer", "2>&1");
    ck_assert_int_eq(exhibit.status, EXIT_SUCCESS);
    ck_assert_str_eq(exhibit.output, "found    /alice\n"
                                     "serving  /carol\n");
}
END_TEST

START_TEST(a_kept_pointer_is_caught_by_the_tool)
{
    struct program exhibit =
        program_run("04-readbuf/exhibits/kept_pointer.asan", "2>&1");

    NEED_SANITIZED(exhibit);
    ck_assert_int_ne(exhibit.status, EXIT_SUCCESS);
    ck_assert_int_eq(strncmp(exhibit.output, "found    /alice\n", 16),
                     0);
    ck_assert_ptr_nonnull(
        strstr(exhibit.output, "AddressSanitizer: use-after-poison"));
    ck_assert_ptr_null(strstr(exhibit.output, "/carol"));
}
END_TEST

SUITE("exhibit", append_lets_the_largest_length_through,
      a_kept_pointer_shows_what_came_later,
      a_kept_pointer_is_caught_by_the_tool)
