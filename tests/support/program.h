/*
 * program.h - run a program of the book and keep what it printed.
 *
 * The programs are found below the directory named by the environment
 * variable BUILD, or below build/. EMULATOR is the command that runs
 * them where they are not this machine's own.
 */
#ifndef READBUF_TESTS_PROGRAM_H
#define READBUF_TESTS_PROGRAM_H

#include "refusal.h"
#include "support.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

/* What a program exits with that wants a tool that is missing. */
enum { EXIT_MISSING = 69 };

struct program {
    char output[8192]; /* terminated */
    int status;        /* as of exit(3) */
};

/* `redirection` is the shell's, such as "2>&1"; output is stdout. */
static inline struct program program_run(const char *path,
                                         const char *redirection)
{
    const char *build = getenv("BUILD");
    const char *emulator = getenv("EMULATOR");
    struct program program;
    char command[4096];
    size_t length;
    FILE *pipe;
    int status;

    if (emulator == NULL || strstr(path, ".sh") != NULL)
        emulator = "";
    snprintf(command, sizeof(command), "%s '%s/%s' %s", emulator,
             build == NULL ? "build" : build, path, redirection);
    pipe = popen(command, "re");
    ck_assert_ptr_nonnull(pipe);
    length = fread(program.output, 1, sizeof(program.output) - 1, pipe);
    program.output[length] = '\0';
    status = pclose(pipe);
    ck_assert_msg(WIFEXITED(status), "%s was killed", command);
    program.status = WEXITSTATUS(status);
    return program;
}

/* Skip where the program says that it cannot run, with its words. */
#define NEED_PROGRAM(program)                                  \
    do {                                                       \
        if ((program).status == READBUF_EXIT_REFUSED ||        \
            (program).status == EXIT_MISSING)                  \
            SKIP("%.*s", (int)strcspn((program).output, "\n"), \
                 (program).output);                            \
    } while (0)

/*
 * The same for a program with a sanitizer in it, which the loader may
 * not find: with a cross compiler it is another machine's.
 */
#define NEED_SANITIZED(program)                               \
    do {                                                      \
        NEED_PROGRAM(program);                                \
        if ((program).status == 127)                          \
            SKIP("the sanitizer's library is not installed"); \
    } while (0)

/* ... and it has to succeed where it can. */
#define NEED_SUCCESS(program)                                 \
    do {                                                      \
        NEED_PROGRAM(program);                                \
        ck_assert_msg((program).status == EXIT_SUCCESS, "%s", \
                      (program).output);                      \
    } while (0)

#endif
