/*
 * test_own.c - the memory tools know whose bytes are whose.
 *
 * A tool sees the mistake, so each is made in a child; next to each
 * stands what is no mistake, which must pass under every tool.
 */
#include "child.h"
#include "held.h"

static struct held held;

/* A buffer of 24, as the pool hands it out with ten bytes in it. */
static void hand_out(void)
{
    held_make(&held, 24, "ten bytes.", 10);
    readbuf_own_kernel(held.buf.data, 24);
    readbuf_own_app(held.buf.data, 10);
}

/* The tools see volatile accesses, and nobody optimises them away. */
static void look(size_t at)
{
    (void)*(volatile unsigned char *)(held.buf.data + at);
}

static void poke(size_t at)
{
    *(volatile unsigned char *)(held.buf.data + at) = 'x';
}

static void passes(void (*body)(void))
{
    struct child child = child_run(body);

    ck_assert_msg(WIFEXITED(child.status) &&
                      WEXITSTATUS(child.status) == EXIT_SUCCESS,
                  "status %#x: %s", (unsigned)child.status,
                  child.words);
}

#ifdef READBUF_OWN_ASAN
#define NEED_ASAN() \
    do {            \
    } while (0)
#else
#define NEED_ASAN() SKIP("built without AddressSanitizer")
#endif

static void is_caught(void (*body)(void))
{
    struct child child = child_run(body);

    ck_assert_msg(!WIFEXITED(child.status) ||
                      WEXITSTATUS(child.status) != EXIT_SUCCESS,
                  "nobody noticed");
    ck_assert_ptr_nonnull(strstr(child.words, "use-after-poison"));
}

static void look_at_what_was_read(void)
{
    hand_out();
    for (size_t i = 0; i < 10; i++)
        look(i);
    poke(9);
}

static void look_behind_what_was_read(void)
{
    hand_out();
    look(10);
}

START_TEST(bytes_that_were_read_are_ours)
{
    passes(look_at_what_was_read);
}
END_TEST

START_TEST(bytes_behind_them_are_not)
{
    NEED_ASAN();
    is_caught(look_behind_what_was_read);
}
END_TEST

static void write_into_the_spare(void)
{
    struct iovec spare;

    hand_out();
    spare = readbuf_spare(&held.buf);
    memset(spare.iov_base, 'x', spare.iov_len);
    readbuf_set_len(&held.buf, 24);
    look(23);
}

static void write_without_asking(void)
{
    hand_out();
    poke(10);
}

static void write_behind_the_spare(void)
{
    hand_out();
    readbuf_own_kernel(held.buf.data + 24, 8); /* the next buffer */
    readbuf_spare(&held.buf);
    poke(24);
}

START_TEST(the_spare_is_ours_once_asked_for)
{
    passes(write_into_the_spare);
}
END_TEST

START_TEST(the_spare_is_not_ours_before)
{
    NEED_ASAN();
    is_caught(write_without_asking);
}
END_TEST

START_TEST(the_next_buffer_is_not_in_the_spare)
{
    NEED_ASAN();
    is_caught(write_behind_the_spare);
}
END_TEST

/* What the kernel wrote there no tool has seen. */
static void declare_what_was_not_seen(void)
{
    hand_out();
    readbuf_set_len(&held.buf, 12);
    look(11);
}

START_TEST(declared_bytes_are_ours)
{
    passes(declare_what_was_not_seen);
}
END_TEST

static void append(void)
{
    hand_out();
    readbuf_extend(&held.buf, " And", 4);
    look(13);
}

static void look_behind_what_was_appended(void)
{
    append();
    look(14);
}

START_TEST(appended_bytes_are_ours)
{
    passes(append);
}
END_TEST

START_TEST(bytes_behind_appended_ones_are_not)
{
    NEED_ASAN();
    is_caught(look_behind_what_was_appended);
}
END_TEST

static void look_before_giving_back(void)
{
    hand_out();
    look(0);
    readbuf_own_kernel(held.buf.data, 24);
}

static void look_after_giving_back(void)
{
    look_before_giving_back();
    look(0);
}

static void write_after_giving_back(void)
{
    look_before_giving_back();
    poke(9);
}

START_TEST(a_buffer_is_ours_until_it_is_given_back)
{
    passes(look_before_giving_back);
}
END_TEST

START_TEST(a_buffer_given_back_is_not_read)
{
    NEED_ASAN();
    is_caught(look_after_giving_back);
}
END_TEST

START_TEST(a_buffer_given_back_is_not_written)
{
    NEED_ASAN();
    is_caught(write_after_giving_back);
}
END_TEST

#if defined(READBUF_OWN_ASAN) || defined(READBUF_OWN_MSAN) || \
    defined(READBUF_OWN_VALGRIND)
#define NEED_NO_TOOL() SKIP("built for a memory tool")
#else
#define NEED_NO_TOOL() \
    do {               \
    } while (0)
#endif

START_TEST(without_a_tool_nothing_happens)
{
    NEED_NO_TOOL();
    hand_out();
    readbuf_own_room(held.buf.data, 24);
    readbuf_own_kernel(held.buf.data, 24);
    held_has(&held, "ten bytes.", 10);
    passes(look_behind_what_was_read);
    passes(write_without_asking);
    passes(write_after_giving_back);
}
END_TEST

SUITE("own", bytes_that_were_read_are_ours, bytes_behind_them_are_not,
      the_spare_is_ours_once_asked_for, the_spare_is_not_ours_before,
      the_next_buffer_is_not_in_the_spare, appended_bytes_are_ours,
      declared_bytes_are_ours, bytes_behind_appended_ones_are_not,
      a_buffer_is_ours_until_it_is_given_back,
      a_buffer_given_back_is_not_read,
      a_buffer_given_back_is_not_written,
      without_a_tool_nothing_happens)
