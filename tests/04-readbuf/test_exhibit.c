/* test_exhibit.c - the wrong check fails as the chapter says. */
#include "program.h"
#include "support.h"

/* The sum wraps, so the check lets the largest length through. */
START_TEST(append_lets_the_largest_length_through)
{
    struct program exhibit =
        program_run("04-readbuf/exhibits/append", "2>&1");

    ck_assert_int_eq(exhibit.status, EXIT_SUCCESS);
    ck_assert_str_eq(exhibit.output,
                     "17 bytes after 16: refused\n"
                     "copying 18446744073709551615 bytes to position "
                     "16 of 32\n");
}
END_TEST

SUITE("exhibit", append_lets_the_largest_length_through)
