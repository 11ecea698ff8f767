/*
 * test_slab.c - from the address of a buffer to its number.
 *
 * A multiplication and a rotation instead of a division: tried for
 * every small stride and for large ones, at each first byte and at
 * what is around it.
 */
#include "own.h"
#include "slab.h"
#include "support.h"

enum { BIDS = 32768 };

/* Only numbers: nothing is there for most of these addresses. */
static size_t bid_at(const struct readbuf_slab *slab, size_t offset)
{
    uintptr_t address = (uintptr_t)slab->memory + offset;

    return readbuf_slab_bid(slab, (const unsigned char *)address);
}

/* How many buffers of this stride fit into an address space. */
static size_t buffers(const struct readbuf_slab *slab)
{
    size_t most = PTRDIFF_MAX / slab->stride;

    return most < BIDS ? most : BIDS;
}

static void ck_first_byte(const struct readbuf_slab *slab, size_t bid)
{
    size_t found = bid_at(slab, bid * slab->stride);

    if (found != bid)
        ck_abort_msg("stride %zu: buffer %zu is %zu", slab->stride, bid,
                     found);
}

static void ck_no_buffer(const struct readbuf_slab *slab, size_t offset)
{
    size_t found = bid_at(slab, offset);

    if (found < buffers(slab))
        ck_abort_msg("stride %zu: offset %zu is buffer %zu",
                     slab->stride, offset, found);
}

/* The first buffers, the last, and some between. */
static void ck_buffers(const struct readbuf_slab *slab)
{
    size_t all = buffers(slab);

    for (size_t bid = 0; bid < all; bid += 1 + bid / 4)
        ck_first_byte(slab, bid);
    ck_first_byte(slab, all - 1);
}

/* All bytes of some buffers but the first, or of large ones some. */
static void ck_other_bytes(const struct readbuf_slab *slab)
{
    size_t bids[] = {0, 1, 2, buffers(slab) / 2, buffers(slab) - 1};

    for (size_t i = 0; i < sizeof(bids) / sizeof(bids[0]); i++) {
        size_t first = bids[i] * slab->stride;

        for (size_t byte = 1; byte < slab->stride;
             byte += 1 + byte / 64) {
            ck_no_buffer(slab, first + byte);
            ck_no_buffer(slab, first + slab->stride - byte);
        }
    }
}

/* Before the first and behind the last. */
static void ck_outside(const struct readbuf_slab *slab)
{
    size_t end = buffers(slab) * slab->stride;

    for (size_t byte = 0; byte < 256; byte++) {
        ck_no_buffer(slab, 0 - (byte + 1));
        ck_no_buffer(slab, end + byte);
    }
    ck_no_buffer(slab, 0 - slab->stride);
}

/* False where there is no memory for one such buffer. */
static bool ck_size(uint32_t size)
{
    struct readbuf_slab slab;

    if (readbuf_slab_map(&slab, 1, size, false) != 0)
        return false;
    ck_assert_msg(slab.stride >= size && slab.stride - size < 8,
                  "%u bytes are %zu apart", size, slab.stride);
    ck_buffers(&slab);
    ck_other_bytes(&slab);
    ck_outside(&slab);
    readbuf_slab_unmap(&slab);
    return true;
}

START_TEST(every_small_stride_is_divided_by)
{
    for (uint32_t stride = 8; stride <= 4096; stride += 8)
        ck_assert(ck_size(stride));
}
END_TEST

START_TEST(sizes_that_are_no_strides_are_rounded_up)
{
    for (uint32_t size = 1; size <= 70; size++)
        ck_assert(ck_size(size));
    for (uint32_t size = 4097; size < 1 << 20; size = size * 3 + 2)
        ck_assert(ck_size(size));
}
END_TEST

START_TEST(large_strides_are_divided_by)
{
    static const uint32_t sizes[] = {
        UINT32_C(1) << 20, (UINT32_C(1) << 24) + 1, 1000000007,
        INT32_MAX,         UINT32_C(1) << 31,       3000000001,
        UINT32_MAX};

#if defined(READBUF_OWN_ASAN) || defined(READBUF_OWN_MSAN)
    SKIP("the tool would write down every byte of these");
#endif
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
        if (!ck_size(sizes[i]))
            SKIP("there is no memory for a buffer of %u bytes",
                 sizes[i]);
}
END_TEST

SUITE("slab", every_small_stride_is_divided_by,
      sizes_that_are_no_strides_are_rounded_up,
      large_strides_are_divided_by)
