/*
 * test_demo.c - the stage's program copies, or says why not, and never
 * loses a buffer on the way.
 */
#include "program.h"
#include "refusal.h"
#include "support.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 512, LARGE = 1500 * PIECE + 13 };

static char directory[] = P_tmpdir "/copy-XXXXXX";
static char from[64], to[64];
static unsigned char source[LARGE], copy[LARGE + 1];

/* A directory of this test, and two paths in it. */
static void prepare(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(from, sizeof(from), "%s/from", directory);
    snprintf(to, sizeof(to), "%s/to", directory);
}

static void tidy(void)
{
    unlink(from);
    unlink(to);
    ck_assert_int_eq(rmdir(directory), 0);
}

static void write_source(size_t size)
{
    int fd = open(from, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

    ck_assert_int_ge(fd, 0);
    for (size_t i = 0; i < size; i++)
        source[i] = (unsigned char)(i * 31 + i / PIECE);
    ck_assert_int_eq(write(fd, source, size), (ssize_t)size);
    close(fd);
}

static void ck_copied(size_t size)
{
    int fd = open(to, O_RDONLY | O_CLOEXEC);

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(read(fd, copy, sizeof(copy)), (ssize_t)size);
    ck_assert(memcmp(source, copy, size) == 0);
    close(fd);
}

static struct program demo(const char *one, const char *other,
                           const char *redirection)
{
    char arguments[256];

    snprintf(arguments, sizeof(arguments), "%s %s %s", one, other,
             redirection);
    return program_run("05-pool/demo", arguments);
}

/* Its last line. Before Linux 6.8 nobody can say what is free. */
static const char *whole(void)
{
    return support_features()->status ? "buffers held 0, free 4\n"
                                      : "buffers held 0, free -22\n";
}

static void ck_success(const struct program *program, size_t bytes)
{
    char expected[256];

    snprintf(expected, sizeof(expected),
             "%zu bytes in pieces of 512, through 4 buffers: "
             "identical\n%s",
             bytes, whole());
    ck_assert_str_eq(program->output, expected);
    ck_assert_int_eq(program->status, EXIT_SUCCESS);
}

START_TEST(without_arguments_it_copies_the_license)
{
    struct program program = program_run("05-pool/demo", "2>&1");
    struct stat license;

    NEED_PROGRAM(program);
    ck_assert_int_eq(stat("LICENSE", &license), 0);
    ck_success(&program, (size_t)license.st_size);
}
END_TEST

/* Around a piece, a buffer's worth and all buffers' worth. */
START_TEST(files_of_all_sizes_are_copied)
{
    const size_t sizes[] = {0,         1,         PIECE - 1, PIECE,
                            PIECE + 1, 3 * PIECE, 4 * PIECE, LARGE};

    prepare();
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct program program;

        unlink(from);
        write_source(sizes[i]);
        program = demo(from, to, "2>&1");
        if (program.status == READBUF_EXIT_REFUSED)
            tidy();
        NEED_PROGRAM(program);
        ck_success(&program, sizes[i]);
        ck_copied(sizes[i]);
    }
    tidy();
}
END_TEST

START_TEST(what_was_in_the_destination_is_gone)
{
    struct program program;

    prepare();
    write_source(LARGE);
    program = demo(from, to, "2>&1");
    unlink(from);
    if (program.status == READBUF_EXIT_REFUSED)
        tidy();
    NEED_PROGRAM(program);
    write_source(PIECE + 1);
    program = demo(from, to, "2>&1");
    ck_success(&program, PIECE + 1);
    ck_copied(PIECE + 1);
    tidy();
}
END_TEST

/* What it prints, what it complains of, and its status. */
static void ck_failure(const char *one, const char *other,
                       const char *printed, const char *complaint)
{
    struct program program = demo(one, other, "2>/dev/null");

    ck_assert_int_eq(program.status, EXIT_FAILURE);
    ck_assert_str_eq(program.output, printed);
    program = demo(one, other, "2>&1 >/dev/null");
    ck_assert_int_eq(program.status, EXIT_FAILURE);
    ck_assert_str_eq(program.output, complaint);
}

/* For files that can be opened; else it does not come that far. */
#define NEED_DEMO()                                                 \
    do {                                                            \
        struct program trial = program_run("05-pool/demo", "2>&1"); \
        NEED_PROGRAM(trial);                                        \
    } while (0)

START_TEST(a_directory_cannot_be_read)
{
    NEED_DEMO();
    prepare();
    ck_failure("/", to, whole(), "reading: Is a directory\n");
    tidy();
}
END_TEST

START_TEST(a_full_disk_is_not_a_success)
{
    NEED_DEMO();
    ck_failure("LICENSE", "/dev/full", whole(),
               "writing: No space left on device\n");
}
END_TEST

/* Its writer never says another word, and does not hang up. */
START_TEST(a_read_that_waits_does_not_keep_the_program)
{
    struct program program;
    int writer;

    NEED_DEMO();
    prepare();
    ck_assert_int_eq(mkfifo(from, 0600), 0);
    writer = open(from, O_RDWR | O_CLOEXEC);
    ck_assert_int_ge(writer, 0);
    ck_assert_int_eq(write(writer, source, PIECE), PIECE);
    program = demo(from, "/dev/full", "2>/dev/null");
    ck_assert_str_eq(program.output, whole());
    close(writer);
    tidy();
}
END_TEST

START_TEST(a_missing_file_is_named)
{
    char complaint[256];

    prepare();
    snprintf(complaint, sizeof(complaint),
             "%s: No such file or directory\n", from);
    ck_failure(from, to, "", complaint);
    ck_assert_int_eq(access(to, F_OK), -1);
    tidy();
}
END_TEST

START_TEST(a_missing_destination_is_named)
{
    ck_failure("LICENSE", "/nowhere/at/all", "",
               "/nowhere/at/all: No such file or directory\n");
}
END_TEST

/* Can somebody without privileges run the program at all? */
static void as_nobody_runs(void)
{
    int status = demo("/nowhere", "/dev/null", "2>/dev/null").status;

    _exit(status == EXIT_FAILURE ? EXIT_SUCCESS : EXIT_FAILURE);
}

static void as_nobody_fails(void)
{
    char complaint[256];

    snprintf(complaint, sizeof(complaint), "%s: Permission denied\n",
             from);
    ck_failure(from, "/dev/null", "", complaint);
}

START_TEST(an_unreadable_file_is_named)
{
    if (support_as_nobody(as_nobody_runs) != 0)
        SKIP("nobody may not run the program here");
    prepare();
    write_source(1);
    ck_assert_int_eq(chmod(directory, 0755), 0);
    ck_assert_int_eq(chmod(from, 0), 0);
    ck_assert_int_eq(support_as_nobody(as_nobody_fails), 0);
    tidy();
}
END_TEST

SUITE("demo", without_arguments_it_copies_the_license,
      files_of_all_sizes_are_copied,
      what_was_in_the_destination_is_gone, a_directory_cannot_be_read,
      a_full_disk_is_not_a_success,
      a_read_that_waits_does_not_keep_the_program,
      a_missing_file_is_named, a_missing_destination_is_named,
      an_unreadable_file_is_named)
