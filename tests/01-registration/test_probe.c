/*
 * test_probe.c - the probe says what trying by hand says, and what a
 * sandbox says comes back unchanged.
 */
#include "by_hand.h"
#include "faults.h"
#include "sandbox.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>

enum { GROUP = BY_HAND_GROUP };

/* What any feature's absence looks like. */
static bool yes(int ret)
{
    ck_assert_msg(ret == 0 || ret == -EINVAL, "the kernel said %d",
                  ret);
    return ret == 0;
}

static bool registers(const struct io_uring *ring, uint16_t flags,
                      uint32_t min_left)
{
    struct readbuf_buf_reg reg = {.ring_entries = 4,
                                  .bgid = GROUP,
                                  .flags = flags,
                                  .min_left = min_left};

    if (!(flags & READBUF_PBUF_RING_MMAP))
        reg.ring_addr = (uintptr_t)by_hand_memory(4096);
    return yes(by_hand_register(ring->ring_fd, reg));
}

/* The probe's word for a feature, and the kernel's. */
#define CK_AGREES(feature, by_hand)                     \
    do {                                                \
        struct readbuf_features has;                    \
        ck_assert_int_eq(readbuf_probe(&has), 0);       \
        ck_assert_msg(has.feature == (by_hand),         \
                      "the probe says %s of " #feature, \
                      has.feature ? "yes" : "no");      \
    } while (0)

START_TEST(agrees_about_rings)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    CK_AGREES(rings, registers(&ring, 0, 0));
}
END_TEST

START_TEST(agrees_about_kernel_rings)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    CK_AGREES(kernel_rings,
              registers(&ring, READBUF_PBUF_RING_MMAP, 0));
}
END_TEST

START_TEST(agrees_about_incremental_rings)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    CK_AGREES(incremental, registers(&ring, READBUF_PBUF_RING_INC, 0));
}
END_TEST

START_TEST(agrees_about_min_left)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    CK_AGREES(min_left, registers(&ring, READBUF_PBUF_RING_INC, 8));
}
END_TEST

START_TEST(agrees_about_status)
{
    struct io_uring ring;
    struct readbuf_buf_status status = {.buf_group = GROUP};

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    ck_assert(registers(&ring, 0, 0));
    CK_AGREES(status, yes(readbuf_sys_register(
                          ring.ring_fd, READBUF_REGISTER_PBUF_STATUS,
                          &status)));
}
END_TEST

/* Read a pipe with the opcode in question. */
static int multishot_read(struct io_uring *ring)
{
    struct io_uring_buf_ring *shared = by_hand_memory(4096);
    static char buffer[BY_HAND_LENGTH];
    struct io_uring_sqe *sqe;
    int ends[2];

    ck_assert_int_eq(by_hand_ring(ring->ring_fd, shared, 4, GROUP), 0);
    by_hand_give(shared, 4, buffer, 0);
    ck_assert_int_eq(pipe(ends), 0);
    ck_assert_int_eq(write(ends[1], "data", 4), 4);
    sqe = by_hand_prepare(ring, ends[0], GROUP);
    sqe->opcode = READBUF_OP_READ_MULTISHOT;
    sqe->len = 0;
    return support_complete(ring).res;
}

START_TEST(agrees_about_multishot_reads)
{
    struct io_uring ring;
    int res;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    res = multishot_read(&ring);
    ck_assert(res == 4 || res == -EINVAL);
    CK_AGREES(read_multishot, res == 4);
}
END_TEST

START_TEST(agrees_about_bundles)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    CK_AGREES(bundles,
              (ring.features & READBUF_FEAT_RECVSEND_BUNDLE) != 0);
}
END_TEST

/* --------------------------------------------------- in a sandbox */

/* The probe fails with `error` and touches nothing. */
static void ck_fails(int error)
{
    const size_t mapped = faults_mapped();
    struct readbuf_features has, before;

    memset(&has, true, sizeof(has));
    before = has;
    errno = 4711;
    ck_assert_int_eq(readbuf_probe(&has), -error);
    ck_assert_int_eq(errno, 4711);
    ck_assert_mem_eq(&has, &before, sizeof(has));
    ck_assert_uint_eq(faults_mapped(), mapped);
}

START_TEST(eperm_comes_back)
{
    sandbox_refuse_setup(EPERM);
    ck_fails(EPERM);
}
END_TEST

START_TEST(enosys_comes_back)
{
    sandbox_refuse_setup(ENOSYS);
    ck_fails(ENOSYS);
}
END_TEST

START_TEST(enomem_comes_back)
{
    sandbox_refuse_setup(ENOMEM);
    ck_fails(ENOMEM);
}
END_TEST

START_TEST(no_page_comes_back)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    faults_mmap_after(0, EAGAIN);
    ck_fails(EAGAIN);
}
END_TEST

START_TEST(without_rings_nothing_is_offered)
{
    static const struct readbuf_features none;
    struct readbuf_features has;
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    memset(&has, true, sizeof(has));
    sandbox_refuse_register(IORING_REGISTER_PBUF_RING, EINVAL);
    errno = 4711;
    ck_assert_int_eq(readbuf_probe(&has), 0);
    ck_assert_int_eq(errno, 4711);
    ck_assert_mem_eq(&has, &none, sizeof(has));
}
END_TEST

START_TEST(a_ring_refused_otherwise_is_an_error)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    sandbox_refuse_register(IORING_REGISTER_PBUF_RING, ENOMEM);
    ck_fails(ENOMEM);
    sandbox_refuse_register(IORING_REGISTER_PBUF_RING, EPERM);
    ck_fails(EPERM);
}
END_TEST

START_TEST(a_ring_that_cannot_be_taken_back_is_an_error)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    sandbox_refuse_register(IORING_UNREGISTER_PBUF_RING, EPERM);
    ck_fails(EPERM);
}
END_TEST

START_TEST(without_status_the_rest_is_offered)
{
    struct readbuf_features before, has;
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(status);
    before = *support_features();
    sandbox_refuse_register(READBUF_REGISTER_PBUF_STATUS, EINVAL);
    ck_assert_int_eq(readbuf_probe(&has), 0);
    ck_assert(!has.status);
    has.status = true;
    ck_assert_mem_eq(&has, &before, sizeof(has));
}
END_TEST

START_TEST(a_status_refused_otherwise_is_an_error)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    sandbox_refuse_register(READBUF_REGISTER_PBUF_STATUS, EACCES);
    ck_fails(EACCES);
}
END_TEST

START_TEST(a_refused_table_of_opcodes_is_an_error)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    NEED_FEATURE(rings);
    sandbox_refuse_register(IORING_REGISTER_PROBE, EACCES);
    ck_fails(EACCES);
}
END_TEST

/* ----------------------------------------------------------- leaks */

static int open_files(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir) != NULL)
        count++;
    closedir(dir);
    return count;
}

/* The memory that an io_uring shares with us. */
static int mapped_io_urings(void)
{
    FILE *maps = fopen("/proc/self/maps", "re");
    char line[4096];
    int count = 0;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof(line), maps) != NULL)
        count += strstr(line, "[io_uring]") != NULL;
    fclose(maps);
    return count;
}

/* Probe again and again; `expected` each time, and nothing is left. */
static void ck_leaks_nothing(int expected)
{
    const int files = open_files(), maps = mapped_io_urings();
    const size_t mapped = faults_mapped();
    const size_t allocated = faults_allocated();
    struct readbuf_features has;

    for (int i = 0; i < 3; i++)
        ck_assert_int_eq(readbuf_probe(&has), expected);
    ck_assert_int_eq(open_files(), files);
    ck_assert_int_eq(mapped_io_urings(), maps);
    ck_assert_uint_eq(faults_mapped(), mapped);
    ck_assert_uint_eq(faults_allocated(), allocated);
}

START_TEST(a_probe_leaks_nothing)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    ck_assert_int_gt(mapped_io_urings(), 0);
    ck_leaks_nothing(0);
}
END_TEST

START_TEST(a_failed_probe_leaks_nothing)
{
    struct io_uring ring;

    NEED_RING(&ring, 2, 0);
    sandbox_refuse_register(IORING_REGISTER_PBUF_RING, EPERM);
    ck_leaks_nothing(-EPERM);
    sandbox_refuse_setup(EPERM);
    ck_leaks_nothing(-EPERM);
}
END_TEST

START_TEST(a_probe_without_memory_leaks_nothing)
{
    struct readbuf_features has;
    struct io_uring ring;
    int files;

    NEED_RING(&ring, 2, 0);
    files = open_files();
    faults_mmap_after(0, ENOMEM);
    ck_assert_int_eq(readbuf_probe(&has), -ENOMEM);
    ck_assert_int_eq(open_files(), files);
}
END_TEST

SUITE("probe", agrees_about_rings, agrees_about_kernel_rings,
      agrees_about_incremental_rings, agrees_about_min_left,
      agrees_about_status, agrees_about_multishot_reads,
      agrees_about_bundles, eperm_comes_back, enosys_comes_back,
      enomem_comes_back, no_page_comes_back,
      without_rings_nothing_is_offered,
      a_ring_refused_otherwise_is_an_error,
      a_ring_that_cannot_be_taken_back_is_an_error,
      without_status_the_rest_is_offered,
      a_status_refused_otherwise_is_an_error,
      a_refused_table_of_opcodes_is_an_error, a_probe_leaks_nothing,
      a_failed_probe_leaks_nothing,
      a_probe_without_memory_leaks_nothing)
