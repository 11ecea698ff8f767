/*
 * test_exhibit.c - the stage's programs end as the chapter says.
 *
 * Run from the top of the repository; BUILD names the directory of the
 * programs, `build` unless it is set.
 */
#include "refusal.h"
#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

enum { LINES_MAX = 32, LINE_MAX_CHARS = 128 };

struct output {
    char lines[LINES_MAX][LINE_MAX_CHARS];
    int count;
    int status; /* of its exit; -1: it was killed */
};

/* Run a program of the stage; its lines without their newlines. */
static struct output run(const char *program)
{
    static struct output out;
    const char *build = getenv("BUILD");
    char command[4096];
    FILE *file;
    int status;

    snprintf(command, sizeof(command), "%s/02-selection/%s 2>&1",
             build != NULL ? build : "build", program);
    file = popen(command, "re");
    ck_assert_ptr_nonnull(file);
    while (out.count < LINES_MAX &&
           fgets(out.lines[out.count], LINE_MAX_CHARS, file) != NULL) {
        char *line = out.lines[out.count++];

        line[strcspn(line, "\n")] = '\0';
    }
    status = pclose(file);
    out.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return out;
}

#define NEED_RUN(out)                                 \
    do {                                              \
        if ((out).status == READBUF_EXIT_REFUSED)     \
            SKIP("it said: %s", (out).lines[0]);      \
        ck_assert_int_eq((out).status, EXIT_SUCCESS); \
    } while (0)

static bool ends_with(const char *line, const char *end)
{
    size_t length = strlen(line), tail = strlen(end);

    return length >= tail && strcmp(line + length - tail, end) == 0;
}

/* The result that a line of the exhibit prints. */
static int result_of(const char *line)
{
    const char *res = strstr(line, " res ");

    ck_assert_msg(res != NULL, "no result in: %s", line);
    return atoi(res + strlen(" res "));
}

START_TEST(the_exhibit_dies_of_its_fourth_kept_buffer)
{
    struct output out = run("exhibits/res_means_buffer");
    int kept = 0;

    NEED_RUN(out);
    ck_assert_int_ge(out.count, 6);
    for (int i = 0; i < out.count - 1; i++) {
        ck_assert_int_lt(kept, 4);
        if (!ends_with(out.lines[i], "given back"))
            kept++;
    }
    ck_assert_int_eq(kept, 4);
    ck_assert_msg(
        ends_with(out.lines[out.count - 1], "-105   the pool is dead"),
        "%s", out.lines[out.count - 1]);
}
END_TEST

START_TEST(the_exhibit_gives_back_all_that_has_bytes)
{
    struct output out = run("exhibits/res_means_buffer");

    NEED_RUN(out);
    for (int i = 0; i < out.count; i++)
        ck_assert_int_eq(ends_with(out.lines[i], "given back"),
                         result_of(out.lines[i]) > 0);
}
END_TEST

START_TEST(the_demo_uses_each_buffer_once_and_starves)
{
    struct output out = run("demo");
    bool used[4] = {false, false, false, false};

    NEED_RUN(out);
    ck_assert_int_eq(out.count, 5);
    for (int i = 0; i < 4; i++) {
        const char *named = strstr(out.lines[i], " buffer ");
        int bid;

        ck_assert_ptr_nonnull(named);
        bid = named[strlen(" buffer ")] - '0';
        ck_assert_int_ge(bid, 0);
        ck_assert_int_le(bid, 3);
        ck_assert(!used[bid]);
        used[bid] = true;
    }
    ck_assert_ptr_nonnull(strstr(out.lines[4], "ENOBUFS no buffer"));
}
END_TEST

SUITE("exhibit", the_exhibit_dies_of_its_fourth_kept_buffer,
      the_exhibit_gives_back_all_that_has_bytes,
      the_demo_uses_each_buffer_once_and_starves)
