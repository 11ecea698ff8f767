/* exercise.c - grades exercise 2 of chapter 4. */
#include "exercise.h"

#include "held.h"

#include <errno.h>

enum { CAPACITY = 16 };

static struct held held;
static char line[CAPACITY + 1];

/* What the lines are taken from; a text is a whole array of char. */
#define HOLD(text)                                          \
    do {                                                    \
        held_make(&held, CAPACITY, text, sizeof(text) - 1); \
        memset(line, '#', sizeof(line));                    \
    } while (0)

/* The next line is this, and the text after it stays. */
#define TAKES(text, rest) \
    takes(text, sizeof(text) - 1, rest, sizeof(rest) - 1)

static void takes(const char *text, size_t length, const char *rest,
                  size_t left)
{
    int ret = exercise_next_line(&held.buf, line, sizeof(line));

    ck_assert_msg(
        ret == (int)length,
        "a line of %zu bytes gave %d; hint: the first newline "
        "ends the line, whatever is before it",
        length, ret);
    ck_assert_msg(memcmp(line, text, length + 1) == 0,
                  "the line of %zu bytes, or the NUL after it, is "
                  "wrong; hint: a NUL is a byte like others",
                  length);
    ck_assert_msg(held.buf.data != NULL,
                  "the buffer is gone after a line; hint: an empty "
                  "handle keeps its buffer until it is released");
    ck_assert_msg(held.buf.data == held.memory + HELD_MARGIN,
                  "the buffer was moved by %td bytes; hint: data stays "
                  "where it is, readbuf_remove moves the bytes",
                  held.buf.data - held.memory - HELD_MARGIN);
    ck_assert_msg(readbuf_len(&held.buf) == left &&
                      memcmp(held.buf.data, rest, left) == 0,
                  "after a line of %zu bytes %zu are left, or others "
                  "than the %zu behind it; hint: the newline goes with "
                  "its line",
                  length, readbuf_len(&held.buf), left);
    ck_assert_msg(held_is_guarded(&held),
                  "bytes outside the buffer were changed");
}

/* `size` bytes of room give this error, and nothing changes. */
static void refuses(size_t size, int error, const char *hint)
{
    static struct held before;
    int ret;

    memcpy(&before, &held, sizeof(held));
    ret = exercise_next_line(&held.buf, line, size);
    ck_assert_msg(ret == error, "%d came back, not %d; hint: %s", ret,
                  error, hint);
    ck_assert_msg(memcmp(&before, &held, sizeof(held)) == 0,
                  "the buffer changed; hint: check that all fits "
                  "before you remove anything");
    for (size_t i = 0; i < sizeof(line); i++)
        ck_assert_msg(line[i] == '#',
                      "line[%zu] changed; hint: check "
                      "that all fits before you copy",
                      i);
}

START_TEST(lines_come_one_by_one)
{
    HOLD("GET /a\n\nGET");
    TAKES("GET /a", "\nGET");
    TAKES("", "GET");
}
END_TEST

START_TEST(nothing_is_behind_the_length)
{
    HOLD("GET /a\nGET");
    readbuf_truncate(&held.buf, 6);
    refuses(sizeof(line), -EAGAIN,
            "what is behind the length was not read");
    HOLD("");
    held.buf.data[0] = '\n';
    refuses(sizeof(line), -EAGAIN,
            "what is behind the length was not read");
}
END_TEST

START_TEST(any_byte_can_be_in_a_line)
{
    HOLD("a\0b\nc");
    TAKES("a\0b", "c");
}
END_TEST

START_TEST(a_line_must_fit)
{
    const char *hint = "the line and its NUL must fit";

    HOLD("GET /a\nGET");
    refuses(6, -EMSGSIZE, hint);
    refuses(0, -EMSGSIZE, hint);
    ck_assert_msg(exercise_next_line(&held.buf, line, 7) == 6 &&
                      line[7] == '#',
                  "a line of 6 bytes fits 7; hint: %s", hint);
}
END_TEST

START_TEST(a_full_buffer_gets_no_newline)
{
    HOLD("GET /much-too-lo");
    refuses(sizeof(line), -EMSGSIZE,
            "where no byte has room, none will come");
    held.buf.len--;
    refuses(sizeof(line), -EAGAIN, "there is room for the newline");
    HOLD("GET /just-right\n");
    TAKES("GET /just-right", "");
}
END_TEST

/* One is still without its newline, and the other is asked. */
START_TEST(handles_know_nothing_of_each_other)
{
    HOLD("GET /a");
    refuses(sizeof(line), -EAGAIN, "there is room for the newline");
    HOLD("a\nb\n");
    ck_assert_msg(exercise_next_line(&held.buf, line, sizeof(line)) ==
                      1,
                  "a line was missed; hint: another handle may come in "
                  "between");
}
END_TEST

START_TEST(an_empty_handle_can_be_read_into)
{
    HOLD("");
    held.buf.data = NULL;
    refuses(sizeof(line), -EAGAIN,
            "no buffer yet is not a full buffer");
}
END_TEST

SUITE("exercise 4", lines_come_one_by_one, nothing_is_behind_the_length,
      any_byte_can_be_in_a_line, a_line_must_fit,
      a_full_buffer_gets_no_newline, handles_know_nothing_of_each_other,
      an_empty_handle_can_be_read_into)
