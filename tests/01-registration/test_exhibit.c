/*
 * test_exhibit.c - the stage's programs print what the chapter says.
 */
#include "program.h"
#include "support.h"

#include <string.h>

START_TEST(dirty_ring_overwrites_memory_it_was_never_given)
{
    static const char last[] =
        "reading five bytes through it: 5\n"
        "that memory now holds \"wrongct horse battery staple\"\n";
    struct program exhibit =
        program_run("01-registration/exhibits/dirty_ring", "2>&1");
    size_t length;

    NEED_SUCCESS(exhibit);
    length = strlen(exhibit.output);
    ck_assert_uint_gt(length, strlen(last));
    ck_assert_str_eq(exhibit.output + length - strlen(last), last);
}
END_TEST

START_TEST(demo_prints_the_layout)
{
    struct program demo = program_run("01-registration/demo", "2>&1");
    int after = 0;

    NEED_SUCCESS(demo);
    /* Only the address differs from run to run. */
    ck_assert_int_eq(sscanf(demo.output,
                            "A ring of four, registered\n"
                            "group 7: 4 descriptors of 16 bytes at "
                            "%*p%n",
                            &after),
                     0);
    ck_assert_int_gt(after, 0);
    ck_assert_ptr_eq(
        strstr(demo.output,
               "\n"
               "  slot 0: addr +0   len +8   bid +12  resv +14"
               "  <- the tail is here\n"
               "  slot 1: addr +16  len +24  bid +28  resv +30\n"
               "  slot 2: addr +32  len +40  bid +44  resv +46\n"
               "  slot 3: addr +48  len +56  bid +60  resv +62\n"
               "tail +14 = 0\n"
               "unregister: done\n"),
        demo.output + after);
}
END_TEST

START_TEST(demo_prints_the_refusals)
{
    struct program demo = program_run("01-registration/demo", "2>&1");

    NEED_PROGRAM(demo);
    ck_assert_ptr_nonnull(
        strstr(demo.output,
               "What this kernel refuses\n"
               "  3 entries                          EINVAL\n"
               "  65536 entries                      EINVAL\n"
               "  no address                         EFAULT\n"
               "  an address inside a page           EINVAL\n"
               "  memory that is read-only           EFAULT\n"
               "  a flag nobody knows                EINVAL\n"
               "  a reserved word that is not zero   EINVAL\n"
               "  a group id that is taken           EEXIST\n"
               "  a file that is no io_uring         EOPNOTSUPP\n"
               "  the same memory a second time      accepted\n"));
}
END_TEST

/* The rows of the table, in order, with the probe's word for each. */
START_TEST(demo_prints_what_the_probe_says)
{
    const struct readbuf_features *has = support_features();
    const struct {
        const char *row;
        bool there;
    } rows[] = {
        {"\n  provided buffer rings              5.19   ", has->rings},
        {"\n  rings the kernel allocates         6.4    ",
         has->kernel_rings},
        {"\n  multishot read                     6.7    ",
         has->read_multishot},
        {"\n  the head of a ring can be asked    6.8    ", has->status},
        {"\n  receive bundles                    6.10   ",
         has->bundles},
        {"\n  incremental buffers                6.12   ",
         has->incremental},
        {"\n    with a minimum left              7.1    ",
         has->min_left},
    };
    struct program demo = program_run("01-registration/demo", "2>&1");
    const char *at = demo.output;

    NEED_PROGRAM(demo);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        at = strstr(at, rows[i].row);
        ck_assert_msg(at != NULL, "no row '%s'", rows[i].row + 1);
        at += strlen(rows[i].row);
        ck_assert_int_eq(strncmp(at, "yes\n", 4) == 0, rows[i].there);
        ck_assert_int_eq(strncmp(at, "no\n", 3) == 0, !rows[i].there);
    }
}
END_TEST

SUITE("exhibit", dirty_ring_overwrites_memory_it_was_never_given,
      demo_prints_the_layout, demo_prints_the_refusals,
      demo_prints_what_the_probe_says)
