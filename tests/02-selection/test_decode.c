/*
 * test_decode.c - every answer the decoder can give.
 *
 * The flags and the result are independent, so all 2^64 pairs are
 * covered by three sweeps: all lower flags, all results that have a
 * name, all buffer ids, each against the corners of the others.
 */
#include "selection.h"
#include "support.h"

#include <errno.h>

static const int32_t corners[] = {INT32_MIN,
                                  -4096,
                                  -4095,
                                  -ENOBUFS - 1,
                                  -ENOBUFS,
                                  -ENOBUFS + 1,
                                  -1,
                                  0,
                                  1,
                                  2,
                                  4096,
                                  ENOBUFS,
                                  65536,
                                  65537,
                                  INT32_MAX - 1,
                                  INT32_MAX};

#define CORNERS (sizeof(corners) / sizeof(corners[0]))

/* The flags of io_uring that are known today are the lowest six. */
enum { KNOWN_FLAGS = 64 };

static const uint32_t bids[] = {0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff};

#define BIDS (sizeof(bids) / sizeof(bids[0]))

/* The same in arithmetic, with the numbers of the kernel's header. */
static struct readbuf_completion model(int32_t res, uint32_t flags)
{
    struct readbuf_completion done = {.outcome = READBUF_GOT_ERROR};

    if (res == -ENOBUFS)
        done.outcome = READBUF_GOT_STARVED;
    if (res == 0)
        done.outcome = READBUF_GOT_END;
    if (res >= 1)
        done.outcome = READBUF_GOT_DATA;
    done.res = res;
    done.more = flags / 2 % 2 == 1;
    if (flags % 2 == 1) {
        done.has_buffer = true;
        done.bid = (uint16_t)(flags / 65536);
        done.buffer_is_ours = flags / 16 % 2 == 0;
    }
    return done;
}

static bool same(struct readbuf_completion a,
                 struct readbuf_completion b)
{
    return a.outcome == b.outcome && a.res == b.res &&
           a.has_buffer == b.has_buffer &&
           a.buffer_is_ours == b.buffer_is_ours && a.more == b.more &&
           a.bid == b.bid;
}

/* A call of check for each of millions would take minutes. */
static void compare(int32_t res, uint32_t flags)
{
    if (!same(readbuf_decode(res, flags), model(res, flags)))
        ck_abort_msg("res %d, flags 0x%x", res, flags);
}

START_TEST(all_lower_flags)
{
    for (uint32_t low = 0; low <= 0xffff; low++)
        for (size_t i = 0; i < CORNERS; i++)
            compare(corners[i], bids[low % BIDS] << 16 | low);
}
END_TEST

START_TEST(all_errors)
{
    for (int32_t res = -4095; res <= 1; res++)
        for (uint32_t low = 0; low < KNOWN_FLAGS; low++)
            compare(res, bids[low % BIDS] << 16 | low);
}
END_TEST

START_TEST(all_buffer_ids)
{
    for (uint32_t bid = 0; bid <= 0xffff; bid++)
        for (uint32_t low = 0; low < KNOWN_FLAGS; low++)
            compare(corners[low % CORNERS], bid << 16 | low);
}
END_TEST

START_TEST(the_outcome_depends_on_res_only)
{
    for (size_t i = 0; i < CORNERS; i++) {
        enum readbuf_outcome bare =
            readbuf_decode(corners[i], 0).outcome;

        for (uint32_t low = 0; low <= 0xffff; low++)
            if (readbuf_decode(corners[i], low << 16 | low).outcome !=
                bare)
                ck_abort_msg("res %d, flags 0x%x", corners[i], low);
    }
}
END_TEST

START_TEST(the_buffer_depends_on_flags_only)
{
    for (uint32_t low = 0; low <= 0xffff; low++) {
        uint32_t flags = bids[low % BIDS] << 16 | low;
        struct readbuf_completion zero = readbuf_decode(0, flags);

        for (size_t i = 0; i < CORNERS; i++) {
            struct readbuf_completion done =
                readbuf_decode(corners[i], flags);

            done.outcome = zero.outcome;
            done.res = zero.res;
            if (!same(done, zero))
                ck_abort_msg("res %d, flags 0x%x", corners[i], flags);
        }
    }
}
END_TEST

START_TEST(without_a_buffer_the_id_is_zero)
{
    for (uint32_t low = 0; low <= 0xffff; low += 2)
        if (readbuf_decode(0, 0xffff0000u | low).bid != 0)
            ck_abort_msg("flags 0x%x", low);
}
END_TEST

START_TEST(a_buffer_is_ours_only_if_there_is_one)
{
    for (uint32_t low = 0; low <= 0xffff; low++) {
        struct readbuf_completion done = readbuf_decode(1, low);

        if (done.buffer_is_ours && !done.has_buffer)
            ck_abort_msg("flags 0x%x", low);
    }
}
END_TEST

START_TEST(bytes_may_come_without_a_buffer_and_buffers_without_bytes)
{
    ck_assert_int_eq(readbuf_decode(5, 0).outcome, READBUF_GOT_DATA);
    ck_assert(!readbuf_decode(5, 0).has_buffer);
    ck_assert(readbuf_decode(0, 3u << 16 | 1).has_buffer);
    ck_assert(readbuf_decode(-EISDIR, 3u << 16 | 1).buffer_is_ours);
    ck_assert_uint_eq(readbuf_decode(-EISDIR, 3u << 16 | 1).bid, 3);
}
END_TEST

SUITE("decode", all_lower_flags, all_errors, all_buffer_ids,
      the_outcome_depends_on_res_only, the_buffer_depends_on_flags_only,
      without_a_buffer_the_id_is_zero,
      a_buffer_is_ours_only_if_there_is_one,
      bytes_may_come_without_a_buffer_and_buffers_without_bytes)
