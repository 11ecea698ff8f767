/* test_exhibit.c - a second release does its harm as the text says. */
#include "program.h"
#include "support.h"

#include <string.h>

START_TEST(released_twice_is_read_into_twice)
{
    struct program exhibit =
        program_run("05-pool/exhibits/release_twice", "2>&1");

    NEED_SUCCESS(exhibit);
    ck_assert_ptr_nonnull(
        strstr(exhibit.output,
               "Alice  is in buffer 0: \"my password is 1234\"\n"
               "Bob    is in buffer 0: \"the weather is fine\"\n"
               "Alice said \"the weather is fine\"\n"));
}
END_TEST

SUITE("exhibit", released_twice_is_read_into_twice)
