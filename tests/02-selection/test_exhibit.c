/*
 * test_exhibit.c - the stage's programs end as the chapter says.
 */
#include "program.h"
#include "support.h"

#include <stdlib.h>
#include <string.h>

enum { LINES_MAX = 32 };

struct lines {
    char *line[LINES_MAX];
    int count;
};

/* What it printed, cut into lines without their newlines. */
static struct lines cut(struct program *program)
{
    struct lines out = {.count = 0};
    char *rest = program->output;

    while (rest != NULL && *rest != '\0' && out.count < LINES_MAX)
        out.line[out.count++] = strsep(&rest, "\n");
    return out;
}

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
    struct program program =
        program_run("02-selection/exhibits/res_means_buffer", "2>&1");
    struct lines out;
    int kept = 0;

    NEED_SUCCESS(program);
    out = cut(&program);
    ck_assert_int_ge(out.count, 6);
    for (int i = 0; i < out.count - 1; i++) {
        ck_assert_int_lt(kept, 4);
        if (!ends_with(out.line[i], "given back"))
            kept++;
    }
    ck_assert_int_eq(kept, 4);
    ck_assert_msg(
        ends_with(out.line[out.count - 1], "-105   the pool is dead"),
        "%s", out.line[out.count - 1]);
}
END_TEST

START_TEST(the_exhibit_gives_back_all_that_has_bytes)
{
    struct program program =
        program_run("02-selection/exhibits/res_means_buffer", "2>&1");
    struct lines out;

    NEED_SUCCESS(program);
    out = cut(&program);
    for (int i = 0; i < out.count; i++)
        ck_assert_int_eq(ends_with(out.line[i], "given back"),
                         result_of(out.line[i]) > 0);
}
END_TEST

START_TEST(the_demo_uses_each_buffer_once_and_starves)
{
    struct program program = program_run("02-selection/demo", "2>&1");
    struct lines out;
    bool used[4] = {false, false, false, false};

    NEED_SUCCESS(program);
    out = cut(&program);
    ck_assert_int_eq(out.count, 5);
    for (int i = 0; i < 4; i++) {
        const char *named = strstr(out.line[i], " buffer ");
        int bid;

        ck_assert_ptr_nonnull(named);
        bid = named[strlen(" buffer ")] - '0';
        ck_assert_int_ge(bid, 0);
        ck_assert_int_le(bid, 3);
        ck_assert(!used[bid]);
        used[bid] = true;
    }
    ck_assert_ptr_nonnull(strstr(out.line[4], "ENOBUFS no buffer"));
}
END_TEST

SUITE("exhibit", the_exhibit_dies_of_its_fourth_kept_buffer,
      the_exhibit_gives_back_all_that_has_bytes,
      the_demo_uses_each_buffer_once_and_starves)
