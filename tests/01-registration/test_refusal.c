/*
 * test_refusal.c - the right sentence for each system, and it fits.
 */
#include "program.h"
#include "refusal.h"
#include "sandbox.h"
#include "support.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/utsname.h>

static const struct readbuf_system allowed = {
    .release = "9.8.7-test", .disabled = 0, .lockable = 8192 * 1024};

/* The sentence for an error on a system; the next call reuses it. */
static const char *sentence(struct readbuf_system system, int error)
{
    static char text[READBUF_REFUSAL_MAX];
    int length = readbuf_refusal_of(&system, error, text, sizeof(text));

    ck_assert_int_eq(length, (int)strlen(text));
    return text;
}

static void ck_says(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) != NULL, "'%s' lacks '%s'", text,
                  part);
}

static void ck_silent(const char *text, const char *part)
{
    ck_assert_msg(strstr(text, part) == NULL, "'%s' says '%s'", text,
                  part);
}

START_TEST(eperm_with_the_sysctl_at_2_is_the_machine)
{
    struct readbuf_system system = allowed;
    const char *text;

    system.disabled = 2;
    text = sentence(system, -EPERM);
    ck_says(text, "switched off on this machine");
    ck_says(text, "kernel.io_uring_disabled is 2");
    ck_says(text, "sysctl kernel.io_uring_disabled=0");
    ck_silent(text, "sandbox");
}
END_TEST

START_TEST(eperm_with_the_sysctl_at_1_is_privilege)
{
    struct readbuf_system system = allowed;
    const char *text;

    system.disabled = 1;
    text = sentence(system, -EPERM);
    ck_says(text, "privileged processes");
    ck_says(text, "kernel.io_uring_disabled is 1");
    ck_says(text, "kernel.io_uring_group");
    ck_silent(text, "sandbox");
}
END_TEST

START_TEST(eperm_otherwise_is_a_sandbox)
{
    for (int disabled = -1; disabled <= 0; disabled++) {
        struct readbuf_system system = allowed;
        const char *text;

        system.disabled = disabled;
        text = sentence(system, -EPERM);
        ck_says(text, "a sandbox refuses io_uring");
        ck_says(text, "seccomp");
        ck_silent(text, "io_uring_disabled");
        ck_silent(text, "--privileged");
    }
}
END_TEST

START_TEST(enomem_with_a_limit_names_it)
{
    const char *text = sentence(allowed, -ENOMEM);

    ck_says(text, "limit is 8192 KiB");
    ck_says(text, "ulimit -l");
}
END_TEST

START_TEST(enomem_without_a_limit_is_memory)
{
    struct readbuf_system system = allowed;
    const char *text;

    system.lockable = -1;
    text = sentence(system, -ENOMEM);
    ck_says(text, "no memory left");
    ck_silent(text, "limit");
}
END_TEST

START_TEST(a_limit_of_nothing_is_a_limit)
{
    struct readbuf_system system = allowed;

    system.lockable = 0;
    ck_says(sentence(system, -ENOMEM), "limit is 0 KiB");
}
END_TEST

START_TEST(enosys_names_the_kernel_and_doubts_it)
{
    const char *text = sentence(allowed, -ENOSYS);

    ck_says(text, "Linux 9.8.7-test");
    ck_says(text, "without io_uring");
    ck_says(text, "sandbox");
}
END_TEST

START_TEST(einval_is_a_kernel_without_rings)
{
    const char *text = sentence(allowed, -EINVAL);

    ck_says(text, "Linux 9.8.7-test");
    ck_says(text, "no provided buffer rings");
    ck_says(text, "5.19");
}
END_TEST

START_TEST(other_errors_are_named)
{
    ck_assert_str_eq(sentence(allowed, -EMFILE),
                     "io_uring answers EMFILE");
    ck_assert_str_eq(sentence(allowed, -4711),
                     "io_uring answers an unknown error");
}
END_TEST

START_TEST(every_sentence_fits_and_ends_without_newline_or_stop)
{
    static const int errors[] = {-EPERM, -ENOMEM, -ENOSYS, -EINVAL,
                                 -EOPNOTSUPP};
    struct readbuf_system system = {.lockable = LLONG_MAX};

    memset(system.release, 'r', sizeof(system.release) - 1);
    for (system.disabled = -1; system.disabled <= 2; system.disabled++)
        for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]);
             i++) {
            const char *text = sentence(system, errors[i]);
            size_t length = strlen(text);

            ck_assert_uint_lt(length, READBUF_REFUSAL_MAX);
            ck_assert_int_ne(text[length - 1], '\n');
            ck_assert_int_ne(text[length - 1], '.');
        }
}
END_TEST

START_TEST(a_small_buffer_is_terminated_and_not_overrun)
{
    static const int errors[] = {-EPERM, -ENOMEM, -ENOSYS, -EINVAL,
                                 -EOPNOTSUPP};
    char whole[READBUF_REFUSAL_MAX], small[READBUF_REFUSAL_MAX];

    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        int wanted = readbuf_refusal_of(&allowed, errors[i], whole,
                                        sizeof(whole));

        for (size_t size = 1; size <= 16; size++) {
            memset(small, '#', sizeof(small));
            ck_assert_int_eq(
                readbuf_refusal_of(&allowed, errors[i], small, size),
                wanted);
            ck_assert_uint_eq(strlen(small), size - 1);
            ck_assert_mem_eq(small, whole, size - 1);
            ck_assert_int_eq(small[size], '#');
        }
    }
}
END_TEST

START_TEST(a_size_of_zero_writes_nothing)
{
    char byte = '#';
    char whole[READBUF_REFUSAL_MAX];
    int wanted =
        readbuf_refusal_of(&allowed, -EPERM, whole, sizeof(whole));

    ck_assert_int_eq(readbuf_refusal_of(&allowed, -EPERM, &byte, 0),
                     wanted);
    ck_assert_int_eq(byte, '#');
    ck_assert_int_eq(readbuf_refusal_of(&allowed, -EPERM, NULL, 0),
                     wanted);
}
END_TEST

START_TEST(errors_have_their_names)
{
    static const struct {
        int error;
        const char *name;
    } table[] = {
        {EPERM, "EPERM"},
        {ENOENT, "ENOENT"},
        {EIO, "EIO"},
        {EBADF, "EBADF"},
        {EAGAIN, "EAGAIN"},
        {ENOMEM, "ENOMEM"},
        {EACCES, "EACCES"},
        {EFAULT, "EFAULT"},
        {EBUSY, "EBUSY"},
        {EEXIST, "EEXIST"},
        {EISDIR, "EISDIR"},
        {EINVAL, "EINVAL"},
        {ENFILE, "ENFILE"},
        {EMFILE, "EMFILE"},
        {ENOSPC, "ENOSPC"},
        {EPIPE, "EPIPE"},
        {ENOSYS, "ENOSYS"},
        {EOVERFLOW, "EOVERFLOW"},
        {EBADFD, "EBADFD"},
        {EOPNOTSUPP, "EOPNOTSUPP"},
        {ECONNRESET, "ECONNRESET"},
        {ENOBUFS, "ENOBUFS"},
        {ECANCELED, "ECANCELED"},
        {EINTR, "EINTR"},
        {ECHILD, "ECHILD"},
        {EPROTO, "EPROTO"},
        {ESTALE, "ESTALE"},
        {ENOTRECOVERABLE, "ENOTRECOVERABLE"},
        {4711, "an unknown error"},
        {0, "an unknown error"},
    };

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        ck_assert_str_eq(readbuf_errno_name(table[i].error),
                         table[i].name);
        ck_assert_str_eq(readbuf_errno_name(-table[i].error),
                         table[i].name);
    }
}
END_TEST

/* ------------------------------------------- this system's own word */

START_TEST(the_system_is_read)
{
    struct readbuf_system system;
    struct utsname name;
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    int disabled = -1;

    if (file != NULL) {
        ck_assert_int_eq(fscanf(file, "%d", &disabled), 1);
        fclose(file);
    }
    ck_assert_int_eq(uname(&name), 0);
    errno = 4711;
    readbuf_system_read(&system);
    ck_assert_int_eq(errno, 4711);
    ck_assert_str_eq(system.release, name.release);
    ck_assert_int_eq(system.disabled, disabled);
}
END_TEST

START_TEST(the_limit_is_the_soft_one_in_bytes)
{
    struct readbuf_system system;
    struct rlimit limit;

    ck_assert_int_eq(getrlimit(RLIMIT_MEMLOCK, &limit), 0);
    limit.rlim_cur = 12288;
    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &limit), 0);
    readbuf_system_read(&system);
    ck_assert_int_eq(system.lockable, 12288);
}
END_TEST

START_TEST(no_limit_is_minus_one)
{
    const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
    struct readbuf_system system;

    if (setrlimit(RLIMIT_MEMLOCK, &none) < 0)
        SKIP("the limit of locked memory may not be raised here");
    readbuf_system_read(&system);
    ck_assert_int_eq(system.lockable, -1);
}
END_TEST

START_TEST(an_unreadable_sysctl_is_minus_one)
{
    struct readbuf_system system = {.disabled = 4711};
    struct rlimit files, none;

    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &files), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = files.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
    errno = 4711;
    readbuf_system_read(&system);
    ck_assert_int_eq(errno, 4711);
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &files), 0);
    ck_assert_int_eq(system.disabled, -1);
}
END_TEST

START_TEST(a_refusal_is_about_this_system)
{
    struct readbuf_system system;
    char text[READBUF_REFUSAL_MAX];

    readbuf_system_read(&system);
    errno = 4711;
    readbuf_refusal(-ENOSYS, text, sizeof(text));
    ck_assert_int_eq(errno, 4711);
    ck_assert_str_eq(text, sentence(system, -ENOSYS));
}
END_TEST

/* -------------------------------------------- the stage's program */

/* In a sandbox that answers `error`, for the program as well. */
static void ck_demo_refused(int error)
{
    char text[READBUF_REFUSAL_MAX], expected[READBUF_REFUSAL_MAX + 32];
    struct program demo;

    sandbox_refuse_setup(error);
    readbuf_refusal(-error, text, sizeof(text));
    snprintf(expected, sizeof(expected), "cannot run here: %s.\n",
             text);
    demo = program_run("01-registration/demo", "2>&1 >/dev/null");
    ck_assert_str_eq(demo.output, expected);
    ck_assert_int_eq(demo.status, READBUF_EXIT_REFUSED);
    demo = program_run("01-registration/demo", "2>/dev/null");
    ck_assert_str_eq(demo.output, "");
}

START_TEST(the_program_says_why_eperm)
{
    ck_demo_refused(EPERM);
}
END_TEST

START_TEST(the_program_says_why_enosys)
{
    ck_demo_refused(ENOSYS);
}
END_TEST

SUITE("refusal", eperm_with_the_sysctl_at_2_is_the_machine,
      eperm_with_the_sysctl_at_1_is_privilege,
      eperm_otherwise_is_a_sandbox, enomem_with_a_limit_names_it,
      enomem_without_a_limit_is_memory, a_limit_of_nothing_is_a_limit,
      enosys_names_the_kernel_and_doubts_it,
      einval_is_a_kernel_without_rings, other_errors_are_named,
      every_sentence_fits_and_ends_without_newline_or_stop,
      a_small_buffer_is_terminated_and_not_overrun,
      a_size_of_zero_writes_nothing, errors_have_their_names,
      the_system_is_read, the_limit_is_the_soft_one_in_bytes,
      no_limit_is_minus_one, an_unreadable_sysctl_is_minus_one,
      a_refusal_is_about_this_system, the_program_says_why_eperm,
      the_program_says_why_enosys)
