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

/* "1000 waiting, a ring of four: 64 KiB of buffers in memory" */
START_TEST(idle_connections_need_no_buffers_in_memory)
{
    struct program program =
        program_run("02-selection/exhibits/idle", "2>&1");
    int count[2], kib[2];

    NEED_SUCCESS(program);
    ck_assert_int_eq(
        sscanf(program.output,
               "%d waiting, a buffer each: %d KiB of buffers in memory "
               "%d waiting, a ring of four: %d KiB of",
               &count[0], &kib[0], &count[1], &kib[1]),
        4);
    ck_assert_int_eq(count[0], count[1]);
    ck_assert_int_gt(count[0], 4);
    ck_assert_int_ge(kib[0], count[0] * 16);
    ck_assert_int_eq(kib[1], 64);
}
END_TEST

/* The rows that are the same on every kernel. */
START_TEST(the_matrix_is_as_the_claims_say)
{
    static const char *const rows[] = {
        "\nbytes                   5 buffer          5 buffer      "
        "    5 buffer more     5 buffer\n",
        "\nend of a pipe, a file   0 buffer\n",
        "\nend of a stream         0 buffer          0             "
        "    0 over            0 buffer\n",
        "\na directory             EISDIR buffer\n",
        "\nbytes, an empty ring    ENOBUFS           ENOBUFS       "
        "    ENOBUFS over      ENOBUFS\n",
    };
    struct program program =
        program_run("02-selection/exhibits/matrix", "2>&1");

    NEED_SUCCESS(program);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        ck_assert_msg(strstr(program.output, rows[i]) != NULL,
                      "no row '%s' in\n%s", rows[i] + 1,
                      program.output);
}
END_TEST

SUITE("exhibit", the_exhibit_dies_of_its_fourth_kept_buffer,
      the_exhibit_gives_back_all_that_has_bytes,
      the_demo_uses_each_buffer_once_and_starves,
      idle_connections_need_no_buffers_in_memory,
      the_matrix_is_as_the_claims_say)
