/* test_demo.c - the stage's program prints what the chapter says. */
#include "program.h"
#include "support.h"

START_TEST(demo_prints_every_step)
{
    struct program demo = program_run("04-readbuf/demo", "2>&1");

    ck_assert_int_eq(demo.status, EXIT_SUCCESS);
    ck_assert_str_eq(
        demo.output,
        "nothing picked yet      0 of 24  \n"
        "the first read         16 of 24  GET /a|GET /b|GE\n"
        "a line is done          9 of 24  GET /b|GE\n"
        "another                 2 of 24  GE\n"
        "read into the rest     14 of 24  GET /c|GET /d|\n"
        "append, does not fit   14 of 24  GET /c|GET /d|\n"
        "append its own start   21 of 24  GET /c|GET /d|GET /c|\n"
        "cut to a line           7 of 24  GET /c|\n"
        "cleared                 0 of 24  \n");
}
END_TEST

SUITE("demo", demo_prints_every_step)
