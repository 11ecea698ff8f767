/* test_bytes.c - each operation on the bytes of a buffer, at its edges.
 */
#include "child.h"
#include "held.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>

static struct held held;

/* Sixteen bytes of room. */
#define HOLD(text) held_make(&held, 16, text, sizeof(text) - 1)
#define HAS(text) held_has(&held, text, sizeof(text) - 1)

/* A call, and the error that it gives without changing anything. */
#define REFUSES(call, error)                                     \
    do {                                                         \
        static struct held before;                               \
                                                                 \
        memcpy(&before, &held, sizeof(held));                    \
        ck_assert_int_eq(call, error);                           \
        ck_assert_msg(memcmp(&before, &held, sizeof(held)) == 0, \
                      "refused, but something has changed");     \
    } while (0)

/* Nothing picked yet. */
static struct readbuf *empty(void)
{
    HOLD("");
    held.buf.data = NULL;
    return &held.buf;
}

/* ----------------------------------------------------- asking */

START_TEST(a_buffer_tells_its_lengths)
{
    HOLD("seven b");
    ck_assert_uint_eq(readbuf_len(&held.buf), 7);
    ck_assert_uint_eq(readbuf_capacity(&held.buf), 16);
    ck_assert(!readbuf_is_empty(&held.buf));
}
END_TEST

START_TEST(a_buffer_without_bytes_is_empty)
{
    HOLD("");
    ck_assert_uint_eq(readbuf_len(&held.buf), 0);
    ck_assert_uint_eq(readbuf_capacity(&held.buf), 16);
    ck_assert(readbuf_is_empty(&held.buf));
}
END_TEST

START_TEST(without_a_buffer_the_pools_size_is_the_capacity)
{
    empty();
    ck_assert_uint_eq(readbuf_len(&held.buf), 0);
    ck_assert_uint_eq(readbuf_capacity(&held.buf), 16);
    ck_assert(readbuf_is_empty(&held.buf));
}
END_TEST

/* ----------------------------------------------------- lengths */

START_TEST(truncate_keeps_the_first_bytes)
{
    HOLD("hello");
    readbuf_truncate(&held.buf, 4);
    HAS("hell");
    readbuf_truncate(&held.buf, 0);
    HAS("");
}
END_TEST

START_TEST(truncate_never_lengthens)
{
    HOLD("hello");
    readbuf_truncate(&held.buf, 5);
    HAS("hello");
    readbuf_truncate(&held.buf, 6);
    HAS("hello");
    readbuf_truncate(&held.buf, 17);
    HAS("hello");
    readbuf_truncate(&held.buf, SIZE_MAX);
    HAS("hello");
}
END_TEST

START_TEST(truncate_without_a_buffer_does_nothing)
{
    readbuf_truncate(empty(), 0);
    readbuf_truncate(&held.buf, 3);
    ck_assert_ptr_null(held.buf.data);
    ck_assert_uint_eq(held.buf.len, 0);
}
END_TEST

START_TEST(clear_keeps_the_buffer)
{
    HOLD("hello");
    readbuf_clear(&held.buf);
    HAS("");
    readbuf_clear(&held.buf);
    HAS("");
    readbuf_clear(empty());
    ck_assert_ptr_null(held.buf.data);
}
END_TEST

START_TEST(a_handle_of_no_pool_may_be_asked_everything)
{
    static const struct readbuf zero;
    const struct readbuf init = READBUF_INIT;
    struct readbuf buf = zero;
    struct iovec spare;

    ck_assert_mem_eq(&init, &zero, sizeof(zero));
    ck_assert_uint_eq(readbuf_len(&buf), 0);
    ck_assert(readbuf_is_empty(&buf));
    ck_assert_uint_eq(readbuf_capacity(&buf), 0);
    readbuf_truncate(&buf, 3);
    readbuf_clear(&buf);
    ck_assert_int_eq(readbuf_set_len(&buf, 0), -EINVAL);
    ck_assert_int_eq(readbuf_extend(&buf, "x", 1), -ENOBUFS);
    spare = readbuf_spare(&buf);
    ck_assert_ptr_null(spare.iov_base);
    ck_assert_uint_eq(spare.iov_len, 0);
    ck_assert_int_eq(readbuf_remove(&buf, 0, READBUF_END), 0);
    ck_assert_int_eq(readbuf_remove(&buf, 0, 1), -EINVAL);
    ck_assert_mem_eq(&buf, &zero, sizeof(zero));
}
END_TEST

START_TEST(set_len_goes_up_to_the_capacity)
{
    HOLD("0123456789abcdef");
    readbuf_truncate(&held.buf, 3);
    ck_assert_int_eq(readbuf_set_len(&held.buf, 4), 0);
    HAS("0123");
    ck_assert_int_eq(readbuf_set_len(&held.buf, 16), 0);
    HAS("0123456789abcdef");
    ck_assert_int_eq(readbuf_set_len(&held.buf, 0), 0);
    HAS("");
}
END_TEST

START_TEST(set_len_goes_no_further)
{
    HOLD("hello");
    REFUSES(readbuf_set_len(&held.buf, 17), -EINVAL);
    REFUSES(readbuf_set_len(&held.buf, SIZE_MAX), -EINVAL);
}
END_TEST

START_TEST(set_len_needs_a_buffer)
{
    empty();
    REFUSES(readbuf_set_len(&held.buf, 0), -EINVAL);
    REFUSES(readbuf_set_len(&held.buf, 1), -EINVAL);
}
END_TEST

/* ----------------------------------------------------- appending */

START_TEST(extend_appends_up_to_the_last_byte)
{
    HOLD("hello");
    ck_assert_int_eq(readbuf_extend(&held.buf, ", world", 7), 0);
    HAS("hello, world");
    ck_assert_int_eq(readbuf_extend(&held.buf, "1234", 4), 0);
    HAS("hello, world1234");
}
END_TEST

START_TEST(extend_into_a_buffer_without_bytes)
{
    HOLD("");
    ck_assert_int_eq(readbuf_extend(&held.buf, "a\0b", 3), 0);
    HAS("a\0b");
}
END_TEST

START_TEST(extend_appends_all_or_nothing)
{
    HOLD("hello");
    REFUSES(readbuf_extend(&held.buf, "0123456789ab", 12), -ENOBUFS);
    REFUSES(readbuf_extend(&held.buf, "", SIZE_MAX), -ENOBUFS);
    REFUSES(readbuf_extend(&held.buf, "", SIZE_MAX - 4), -ENOBUFS);
    HOLD("0123456789abcdef");
    REFUSES(readbuf_extend(&held.buf, "g", 1), -ENOBUFS);
}
END_TEST

START_TEST(extend_by_nothing_needs_no_bytes)
{
    HOLD("0123456789abcdef");
    REFUSES(readbuf_extend(&held.buf, NULL, 0), 0);
    REFUSES(readbuf_extend(&held.buf, "x", 0), 0);
}
END_TEST

START_TEST(extend_needs_a_buffer)
{
    empty();
    REFUSES(readbuf_extend(&held.buf, "x", 1), -ENOBUFS);
    REFUSES(readbuf_extend(&held.buf, NULL, 0), -ENOBUFS);
}
END_TEST

START_TEST(extend_by_its_own_bytes)
{
    HOLD("hello");
    ck_assert_int_eq(readbuf_extend(&held.buf, held.buf.data, 5), 0);
    HAS("hellohello");
    ck_assert_int_eq(readbuf_extend(&held.buf, held.buf.data + 8, 2),
                     0);
    HAS("hellohellolo");
}
END_TEST

/* From the last two bytes on into the spare part, where they go. */
START_TEST(extend_by_its_own_tail_and_what_follows)
{
    HOLD("hello");
    memcpy(readbuf_spare(&held.buf).iov_base, "12345", 5);
    ck_assert_int_eq(readbuf_extend(&held.buf, held.buf.data + 3, 6),
                     0);
    HAS("hellolo1234");
}
END_TEST

/* ----------------------------------------------------- spare part */

START_TEST(spare_is_what_follows_the_bytes)
{
    struct iovec spare;

    HOLD("hello");
    spare = readbuf_spare(&held.buf);
    ck_assert_ptr_eq(spare.iov_base, held.buf.data + 5);
    ck_assert_uint_eq(spare.iov_len, 11);
    HAS("hello");
}
END_TEST

START_TEST(spare_of_a_buffer_without_bytes_is_all_of_it)
{
    struct iovec spare;

    HOLD("");
    spare = readbuf_spare(&held.buf);
    ck_assert_ptr_eq(spare.iov_base, held.buf.data);
    ck_assert_uint_eq(spare.iov_len, 16);
}
END_TEST

START_TEST(spare_of_a_full_buffer_has_no_length)
{
    HOLD("0123456789abcdef");
    ck_assert_uint_eq(readbuf_spare(&held.buf).iov_len, 0);
}
END_TEST

START_TEST(spare_without_a_buffer_is_nothing)
{
    struct iovec spare = readbuf_spare(empty());

    ck_assert_ptr_null(spare.iov_base);
    ck_assert_uint_eq(spare.iov_len, 0);
}
END_TEST

/* ----------------------------------------------------- removing */

static void removes(size_t start, size_t end, const char *rest)
{
    HOLD("hello");
    ck_assert_int_eq(readbuf_remove(&held.buf, start, end), 0);
    held_has(&held, rest, strlen(rest));
}

START_TEST(remove_at_every_boundary)
{
    removes(0, 1, "ello");
    removes(0, 4, "o");
    removes(0, 5, "");
    removes(1, 4, "ho");
    removes(2, 3, "helo");
    removes(4, 5, "hell");
    removes(1, 5, "h");
}
END_TEST

START_TEST(remove_of_an_empty_range)
{
    removes(0, 0, "hello");
    removes(3, 3, "hello");
    removes(5, 5, "hello");
}
END_TEST

START_TEST(remove_to_the_end)
{
    removes(0, READBUF_END, "");
    removes(2, READBUF_END, "he");
    removes(5, READBUF_END, "hello");
}
END_TEST

START_TEST(remove_refuses_a_start_behind_the_end)
{
    HOLD("hello");
    REFUSES(readbuf_remove(&held.buf, 3, 2), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, 1, 0), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, SIZE_MAX, 5), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, 6, READBUF_END), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, SIZE_MAX, READBUF_END), -EINVAL);
}
END_TEST

START_TEST(remove_refuses_an_end_behind_the_length)
{
    HOLD("hello");
    REFUSES(readbuf_remove(&held.buf, 0, 6), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, 6, 6), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, 0, SIZE_MAX - 1), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, SIZE_MAX - 1, SIZE_MAX - 1),
            -EINVAL);
}
END_TEST

START_TEST(remove_of_a_buffer_without_bytes)
{
    HOLD("");
    REFUSES(readbuf_remove(&held.buf, 0, 0), 0);
    REFUSES(readbuf_remove(&held.buf, 0, READBUF_END), 0);
    REFUSES(readbuf_remove(&held.buf, 0, 1), -EINVAL);
}
END_TEST

START_TEST(remove_without_a_buffer)
{
    empty();
    REFUSES(readbuf_remove(&held.buf, 0, 0), 0);
    REFUSES(readbuf_remove(&held.buf, 0, READBUF_END), 0);
    REFUSES(readbuf_remove(&held.buf, 0, 1), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, 1, READBUF_END), -EINVAL);
}
END_TEST

/* ----------------------------------------------------- 32 bits */

/*
 * The largest buffer there can be: addresses without memory, so that
 * whoever touches a byte of it dies. NULL where they cannot be had.
 */
static struct readbuf *huge(size_t len)
{
    static void *memory;

    if (memory == NULL)
        memory =
            mmap(NULL, UINT32_MAX, PROT_NONE,
                 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return NULL;
    HOLD("");
    held.pool.origin.size = UINT32_MAX;
    held.buf.data = memory;
    held.buf.len = (uint32_t)len;
    return &held.buf;
}

#define NEED_HUGE()                                                \
    do {                                                           \
        if (SIZE_MAX == UINT32_MAX || huge(0) == NULL)             \
            SKIP("no addresses for a buffer of 4294967295 bytes"); \
    } while (0)

/* One more than fits in 32 bits: what a careless cast makes 0. */
static const size_t past = (size_t)UINT32_MAX + 1;

START_TEST(lengths_are_not_cut_to_32_bits)
{
    NEED_HUGE();
    readbuf_truncate(huge(5), past);
    ck_assert_uint_eq(held.buf.len, 5);
    REFUSES(readbuf_set_len(&held.buf, past), -EINVAL);
    REFUSES(readbuf_set_len(&held.buf, past + 3), -EINVAL);
    REFUSES(readbuf_extend(&held.buf, "abc", past), -ENOBUFS);
    REFUSES(readbuf_extend(&held.buf, "abc", past + 3), -ENOBUFS);
    REFUSES(readbuf_remove(&held.buf, 0, past + 3), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, past + 3, 4), -EINVAL);
    REFUSES(readbuf_remove(&held.buf, past, past), -EINVAL);
}
END_TEST

START_TEST(sums_of_lengths_do_not_overflow)
{
    NEED_HUGE();
    huge(5);
    REFUSES(readbuf_extend(&held.buf, "abc", UINT32_MAX), -ENOBUFS);
    REFUSES(readbuf_extend(&held.buf, "abc", UINT32_MAX - 4), -ENOBUFS);
    REFUSES(readbuf_extend(&held.buf, "abc", SIZE_MAX), -ENOBUFS);
    huge(UINT32_MAX);
    REFUSES(readbuf_extend(&held.buf, "abc", 1), -ENOBUFS);
    REFUSES(readbuf_extend(&held.buf, "abc", UINT32_MAX), -ENOBUFS);
    REFUSES(readbuf_remove(&held.buf, 0, past), -EINVAL);
}
END_TEST

START_TEST(the_largest_buffer_can_be_full)
{
    NEED_HUGE();
    ck_assert_int_eq(readbuf_set_len(huge(UINT32_MAX - 3), UINT32_MAX),
                     0);
    ck_assert_uint_eq(readbuf_len(&held.buf), UINT32_MAX);
    ck_assert_uint_eq(readbuf_capacity(&held.buf), UINT32_MAX);
    ck_assert_uint_eq(readbuf_spare(&held.buf).iov_len, 0);
    REFUSES(readbuf_remove(&held.buf, UINT32_MAX, READBUF_END), 0);
    ck_assert_int_eq(readbuf_remove(&held.buf, 2, READBUF_END), 0);
    ck_assert_uint_eq(readbuf_len(&held.buf), 2);
    readbuf_truncate(huge(UINT32_MAX), UINT32_MAX - 1);
    ck_assert_uint_eq(readbuf_len(&held.buf), UINT32_MAX - 1);
}
END_TEST

START_TEST(the_last_bytes_of_the_largest_buffer_are_spare)
{
    struct iovec spare;

    NEED_HUGE();
    spare = readbuf_spare(huge(UINT32_MAX - 3));
    ck_assert_ptr_eq(spare.iov_base, held.buf.data + UINT32_MAX - 3);
    ck_assert_uint_eq(spare.iov_len, 3);
}
END_TEST

/* ----------------------------------------------------- scribbling */

static void use_bytes_without_a_buffer(void)
{
    empty()->len = 1;
    readbuf_remove(&held.buf, 0, READBUF_END);
}

static void use_more_bytes_than_fit(void)
{
    HOLD("hello");
    held.buf.len = 17;
    readbuf_truncate(&held.buf, 3);
}

static void is_stopped(void (*body)(void))
{
    struct child child = child_run(body);

    ck_assert(WIFSIGNALED(child.status));
    ck_assert_int_eq(WTERMSIG(child.status), SIGABRT);
    ck_assert_ptr_nonnull(strstr(child.words, "readbuf_bytes.c"));
}

START_TEST(a_scribbled_handle_stops_the_program)
{
    is_stopped(use_bytes_without_a_buffer);
    is_stopped(use_more_bytes_than_fit);
}
END_TEST

SUITE("bytes", a_buffer_tells_its_lengths,
      a_buffer_without_bytes_is_empty,
      without_a_buffer_the_pools_size_is_the_capacity,
      truncate_keeps_the_first_bytes, truncate_never_lengthens,
      truncate_without_a_buffer_does_nothing, clear_keeps_the_buffer,
      a_handle_of_no_pool_may_be_asked_everything,
      set_len_goes_up_to_the_capacity, set_len_goes_no_further,
      set_len_needs_a_buffer, extend_appends_up_to_the_last_byte,
      extend_into_a_buffer_without_bytes, extend_appends_all_or_nothing,
      extend_by_nothing_needs_no_bytes, extend_needs_a_buffer,
      extend_by_its_own_bytes, extend_by_its_own_tail_and_what_follows,
      spare_is_what_follows_the_bytes,
      spare_of_a_buffer_without_bytes_is_all_of_it,
      spare_of_a_full_buffer_has_no_length,
      spare_without_a_buffer_is_nothing, remove_at_every_boundary,
      remove_of_an_empty_range, remove_to_the_end,
      remove_refuses_a_start_behind_the_end,
      remove_refuses_an_end_behind_the_length,
      remove_of_a_buffer_without_bytes, remove_without_a_buffer,
      lengths_are_not_cut_to_32_bits, sums_of_lengths_do_not_overflow,
      the_largest_buffer_can_be_full,
      the_last_bytes_of_the_largest_buffer_are_spare,
      a_scribbled_handle_stops_the_program)
