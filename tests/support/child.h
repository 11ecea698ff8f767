/*
 * child.h - make a mistake in a child, and read what was said of it.
 */
#ifndef READBUF_TESTS_CHILD_H
#define READBUF_TESTS_CHILD_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

struct child {
    char words[8192]; /* from stderr, terminated */
    int status;       /* as of waitpid(2) */
};

/* A body that returns makes a child that exits with 0. */
static inline struct child child_run(void (*body)(void))
{
    struct child child;
    int ends[2];
    pid_t pid;
    FILE *words;
    size_t length;

    ck_assert_int_eq(pipe(ends), 0);
    pid = fork();
    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        body();
        _exit(EXIT_SUCCESS);
    }
    close(ends[1]);
    words = fdopen(ends[0], "r");
    ck_assert_ptr_nonnull(words);
    length = fread(child.words, 1, sizeof(child.words) - 1, words);
    child.words[length] = '\0';
    while (fgetc(words) != EOF)
        ; /* let it finish its sentence */
    fclose(words);
    ck_assert_int_eq(waitpid(pid, &child.status, 0), pid);
    return child;
}

#endif
