/*
 * test_create.c - making a pool, and every step of it made to fail.
 * After a failure nothing is mapped, allocated or registered, and
 * neither `*pool` nor errno was touched.
 */
#include "by_hand.h"
#include "elsewhere.h"
#include "faults.h"
#include "pooltest.h"

#include <errno.h>
#include <sys/resource.h>
#include <sys/syscall.h>

enum {
    COUNT = 4,
    SIZE = 32,
    BOTH = READBUF_POOL_KERNEL_RING | READBUF_POOL_HUGE_PAGES
};

/* What readbuf_pool_create is called with. */
struct arguments {
    struct io_uring *uring;
    uint32_t count;
    uint32_t size;
    unsigned flags;
    void (*before)(void); /* called right before, if not NULL */
    struct readbuf_pool *made;
};

/* Creates, and checks what must hold if that fails. */
static int try_create(struct arguments *a)
{
    const struct pooltest_usage before = pooltest_usage();
    struct readbuf_pool *const untouched = (void *)a;
    int ret, error;

    a->made = untouched;
    if (a->before != NULL)
        a->before();
    errno = 4711;
    ret = readbuf_pool_create(&a->made, a->uring, a->count, a->size,
                              a->flags);
    error = errno;
    faults_none();
    ck_assert_int_eq(error, 4711);
    if (ret < 0) {
        ck_assert_ptr_eq(a->made, untouched);
        pooltest_ck_usage(before);
    }
    return ret;
}

static int call_create(void *arg)
{
    return try_create(arg);
}

/* As far as it gets without an io_uring. */
static int create_nowhere(uint32_t count, uint32_t size, unsigned flags,
                          void (*before)(void))
{
    struct io_uring nowhere = {.ring_fd = -1, .enter_ring_fd = -1};
    struct arguments a = {&nowhere, count, size, flags, before, NULL};

    return try_create(&a);
}

static int step; /* which call fails */

static void fail_alloc(void)
{
    faults_alloc_after(step);
}

static void fail_mmap(void)
{
    faults_mmap_after(step, EAGAIN);
}

/* Bad arguments are found before anything is asked for. */
static void ck_bad(uint32_t count, uint32_t size, unsigned flags)
{
    step = 0;
    ck_assert_int_eq(create_nowhere(count, size, flags, fail_alloc),
                     -EINVAL);
}

/* An io_uring, and arguments that are good for it. */
#define NEED_ARGUMENTS(a, uring, setup, flags)                    \
    struct arguments a = {uring, COUNT, SIZE, flags, NULL, NULL}; \
    NEED_RING(uring, 8, setup);                                   \
    NEED_FEATURE(rings);                                          \
    if ((READBUF_POOL_KERNEL_RING & (flags)) != 0)                \
    NEED_FEATURE(kernel_rings)

/* No group is left, and now that nothing fails the same call works. */
static void ck_clean(struct arguments *a)
{
    const struct pooltest_usage before = pooltest_usage();

    ck_assert_uint_eq(pooltest_purge(a->uring), 0);
    a->before = NULL;
    ck_assert_int_eq(try_create(a), 0);
    ck_assert_int_eq(readbuf_pool_unref(a->made), 0);
    pooltest_ck_usage(before);
}

/* ------------------------------------------------------ arguments */

START_TEST(counts_that_are_no_power_of_two_are_refused)
{
    struct io_uring nowhere = {.ring_fd = -1, .enter_ring_fd = -1};
    struct readbuf_pool *pool = NULL;

    ck_bad(0, SIZE, 0);
    ck_bad(3, SIZE, 0);
    ck_bad(32767, SIZE, 0);
    for (uint32_t count = 3; count < 32768; count++)
        if ((count & (count - 1)) != 0 &&
            readbuf_pool_create(&pool, &nowhere, count, SIZE, 0) !=
                -EINVAL)
            ck_abort_msg("a pool of %u buffers", count);
    ck_assert_ptr_null(pool);
}
END_TEST

START_TEST(counts_above_32768_are_refused)
{
    static const uint32_t counts[] = {32769,    65535,     65536,
                                      65537,    98304,     1u << 24,
                                      1u << 31, UINT32_MAX};

    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        ck_bad(counts[i], SIZE, 0);
}
END_TEST

START_TEST(size_zero_is_refused)
{
    ck_bad(COUNT, 0, 0);
}
END_TEST

START_TEST(unknown_flags_are_refused)
{
    for (unsigned bit = 0; bit < 32; bit++) {
        unsigned flag = 1u << bit;

        if ((flag & BOTH) != 0)
            continue;
        ck_bad(COUNT, SIZE, flag);
        ck_bad(COUNT, SIZE, flag | BOTH);
    }
}
END_TEST

START_TEST(incremental_is_refused)
{
    ck_bad(COUNT, SIZE, READBUF_POOL_INCREMENTAL);
}
END_TEST

START_TEST(a_closed_io_uring_is_refused)
{
    struct io_uring uring;
    struct arguments a = {&uring, COUNT, SIZE, 0, NULL, NULL};

    NEED_RING(&uring, 8, 0);
    io_uring_queue_exit(&uring);
    ck_assert_int_eq(try_create(&a), -EBADF);
    a.flags = READBUF_POOL_HUGE_PAGES;
    ck_assert_int_eq(try_create(&a), -EBADF);
    a.flags = READBUF_POOL_KERNEL_RING;
    ck_assert_int_eq(try_create(&a), -EBADF);
}
END_TEST

/* ----------------------------------------------------- a good pool */

/* All buffers at once: each its own bytes, to the last one. */
static void fill_all(struct pooltest *t, uint32_t size)
{
    struct readbuf bufs[COUNT];
    char text[COUNT][64];

    ck_assert_uint_lt(size, sizeof(text[0]));
    for (int i = 0; i < COUNT; i++) {
        memset(text[i], 'a' + i, size);
        text[i][size] = '\0';
        bufs[i] = pooltest_read(t, text[i]);
    }
    for (int i = 0; i < COUNT; i++) {
        pooltest_ck_text(&bufs[i], text[i]);
        ck_assert_uint_eq(readbuf_capacity(&bufs[i]), size);
        ck_assert_uint_eq((uintptr_t)bufs[i].data % 8, 0);
    }
    ck_assert_uint_eq(readbuf_pool_held(t->pool), COUNT);
    ck_assert_int_eq(readbuf_release_all(bufs, COUNT), 0);
}

START_TEST(buffers_have_the_size_asked_for)
{
    static const uint32_t sizes[] = {1, 7, 8, 9, 31};

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct pooltest t;
        struct readbuf empty;

        NEED_POOL(&t, 0, COUNT, sizes[i], 0);
        empty = readbuf_pool_get(t.pool);
        ck_assert_uint_eq(readbuf_capacity(&empty), sizes[i]);
        for (int bid = 0; bid < COUNT; bid++)
            ck_assert_uint_eq(t.pool->ring.shared->bufs[bid].len,
                              sizes[i]);
        fill_all(&t, sizes[i]);
        ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    }
}
END_TEST

START_TEST(a_longer_read_stays_in_its_buffer)
{
    struct pooltest t;
    struct readbuf first, buf;

    NEED_POOL(&t, 0, COUNT, 7, 0);
    first = pooltest_read(&t, "before");
    buf = readbuf_pool_get(t.pool);
    ck_assert_int_eq(pooltest_receive(&t, &buf, "0123456789"), 7);
    pooltest_ck_text(&buf, "0123456");
    pooltest_ck_text(&first, "before");
    readbuf_release(&buf);
    readbuf_release(&first);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}
END_TEST

START_TEST(the_kernel_has_every_buffer)
{
    for (uint32_t count = 1; count <= 16; count *= 2) {
        struct pooltest t;

        NEED_POOL(&t, 0, count, SIZE, 0);
        ck_assert_uint_eq(pooltest_count_free(&t), count);
        ck_assert_uint_eq(readbuf_pool_held(t.pool), 0);
        ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    }
}
END_TEST

START_TEST(the_kernel_has_every_buffer_of_the_largest_pool)
{
    struct pooltest t;

    NEED_POOL(&t, 0, READBUF_RING_ENTRIES_MAX, 1, 0);
    NEED_FEATURE(status);
    ck_assert_int_eq(readbuf_pool_available(t.pool),
                     READBUF_RING_ENTRIES_MAX);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}
END_TEST

/* How many pages of the buffers are resident. */
static size_t resident(const struct readbuf_pool *pool)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (pool->slab.bytes + page - 1) / page, count = 0;
    unsigned char *in_core = calloc(pages, 1);

    ck_assert_ptr_nonnull(in_core);
    ck_assert_int_eq(
        mincore(pool->slab.memory, pool->slab.bytes, in_core), 0);
    for (size_t i = 0; i < pages; i++)
        count += in_core[i] & 1;
    free(in_core);
    return count;
}

START_TEST(a_fresh_pool_has_no_page_resident)
{
    struct pooltest t;
    struct readbuf buf;

    NEED_POOL(&t, 0, 64, 1 << 20, 0);
    ck_assert_uint_eq(resident(t.pool), 0);
    buf = pooltest_read(&t, "one page");
    ck_assert_uint_eq(resident(t.pool), 1);
    readbuf_release(&buf);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}
END_TEST

/* 128 TiB: more than most machines can address. */
START_TEST(the_largest_product_is_enomem_or_costs_nothing)
{
    struct io_uring uring;
    int ret;

    NEED_ARGUMENTS(a, &uring, 0, 0);
    a.count = READBUF_RING_ENTRIES_MAX;
    a.size = UINT32_MAX;
    ret = try_create(&a);
    if (ret == 0) {
        ck_assert_uint_eq(a.made->slab.bytes, UINT64_C(1) << 47);
        ck_assert_int_eq(readbuf_pool_unref(a.made), 0);
    } else {
        ck_assert_int_eq(ret, -ENOMEM);
    }
    a.count = COUNT;
    a.size = SIZE;
    ck_clean(&a);
}
END_TEST

/* Rounded up to a multiple of 8 it takes 33 bits. */
START_TEST(the_largest_buffer_is_rounded_up)
{
    void *room = mmap(NULL, UINT32_MAX, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    struct readbuf_slab slab;

    if (room == MAP_FAILED)
        SKIP("there is no room for a mapping of 4 GiB");
    munmap(room, UINT32_MAX);
#ifdef READBUF_OWN_ASAN
    SKIP("AddressSanitizer would need 512 MiB to mark 4 GiB");
#endif
    ck_assert_int_eq(readbuf_slab_map(&slab, 1, UINT32_MAX, false), 0);
    ck_assert_uint_eq(slab.stride - 1, UINT32_MAX);
    readbuf_slab_unmap(&slab);
}
END_TEST

static void serves(unsigned setup, unsigned flags, const char **why)
{
    struct pooltest t;

    *why = pooltest_open(&t, setup, COUNT, SIZE, flags);
    if (*why != NULL)
        return;
    ck_assert_uint_eq(
        t.pool->ring.flags,
        flags & READBUF_POOL_KERNEL_RING ? READBUF_RING_KERNEL : 0);
    fill_all(&t, SIZE);
    fill_all(&t, SIZE);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    ck_assert_uint_eq(pooltest_purge(&t.uring), 0);
}

#define SERVES(setup, flags)            \
    do {                                \
        const char *why_not;            \
        serves(setup, flags, &why_not); \
        if (why_not != NULL)            \
            SKIP("%s", why_not);        \
    } while (0)

START_TEST(a_pool_serves_with_a_ring_of_the_kernel)
{
    SERVES(0, READBUF_POOL_KERNEL_RING);
}
END_TEST

START_TEST(a_pool_serves_with_huge_pages)
{
    SERVES(0, READBUF_POOL_HUGE_PAGES);
}
END_TEST

START_TEST(a_pool_serves_with_both)
{
    SERVES(0, BOTH);
}
END_TEST

START_TEST(a_pool_serves_with_deferred_task_work)
{
    SERVES(IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN, 0);
}
END_TEST

/* liburing 2.3 declares io_uring_enable_rings and does not export it.
 */
START_TEST(a_pool_is_made_before_the_io_uring_is_enabled)
{
    struct pooltest t;

    NEED_POOL(&t, IORING_SETUP_R_DISABLED, COUNT, SIZE, 0);
    ck_assert_int_eq(syscall(__NR_io_uring_register, t.uring.ring_fd,
                             IORING_REGISTER_ENABLE_RINGS, NULL, 0),
                     0);
    fill_all(&t, SIZE);
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}
END_TEST

/* Whether any mapping of ours is marked for huge pages. */
static bool marked_huge(void)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    char line[4096];
    bool marked = false;

    ck_assert_ptr_nonnull(maps);
    while (fgets(line, sizeof(line), maps) != NULL)
        if (strncmp(line, "VmFlags:", 8) == 0 &&
            strstr(line, " hg") != NULL)
            marked = true;
    fclose(maps);
    return marked;
}

START_TEST(huge_pages_are_asked_for)
{
    struct pooltest t;
    void *memory = by_hand_memory(4096);

    NEED_POOL(&t, 0, 64, 1 << 20, 0);
    if (madvise(memory, 4096, MADV_HUGEPAGE) < 0)
        SKIP("this kernel has no huge pages: %s", strerror(errno));
    munmap(memory, 4096);
    ck_assert(!marked_huge());
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
    t.pool =
        pooltest_create(&t.uring, 64, 1 << 20, READBUF_POOL_HUGE_PAGES);
    ck_assert(marked_huge());
    ck_assert_int_eq(readbuf_pool_unref(t.pool), 0);
}
END_TEST

static void refuse_madvise(void)
{
    sandbox_refuse_call(__NR_madvise, EINVAL);
}

START_TEST(without_huge_pages_there_is_no_complaint)
{
    struct io_uring uring;

    NEED_ARGUMENTS(a, &uring, 0, READBUF_POOL_HUGE_PAGES);
    a.count = 64;
    a.size = 1 << 20;
    a.before = refuse_madvise;
    ck_assert_int_eq(elsewhere(call_create, &a), 0);
    ck_assert_int_eq(readbuf_pool_unref(a.made), 0);
}
END_TEST

/* ------------------------------------------------- steps that fail */

/*
 * Let the first call fail, then the second, and so on, until all pass.
 * How many there were, and what came of each.
 */
static int fail_each(struct arguments *a, void (*fault)(void),
                     int results[8])
{
    int ret;

    a->before = fault;
    for (step = 0; (ret = try_create(a)) < 0; step++) {
        ck_assert_int_lt(step, 8);
        results[step] = ret;
    }
    ck_assert_int_eq(readbuf_pool_unref(a->made), 0);
    return step;
}

/* With each of the flags that change the steps. */
static void fails_cleanly(struct arguments *a, void (*fault)(void),
                          int steps, const int *expected)
{
    int results[8];

    ck_assert_int_eq(fail_each(a, fault, results), steps);
    for (int i = 0; i < steps; i++)
        ck_assert_int_eq(results[i], expected[i]);
    ck_clean(a);
}

START_TEST(no_memory_for_the_pool)
{
    static const int expected[] = {-ENOMEM};
    struct io_uring uring;

    NEED_ARGUMENTS(a, &uring, 0, 0);
    fails_cleanly(&a, fail_alloc, 1, expected);
}
END_TEST

/* Without a kernel: allocation comes before anything it could refuse.
 */
START_TEST(no_memory_and_no_io_uring)
{
    step = 0;
    ck_assert_int_eq(create_nowhere(COUNT, SIZE, 0, fail_alloc),
                     -ENOMEM);
    for (step = 0; step < 2; step++)
        ck_assert_int_eq(create_nowhere(COUNT, SIZE, 0, fail_mmap),
                         -ENOMEM);
}
END_TEST

/* Ledger and buffers: always "no memory". The ring: as mmap says. */
START_TEST(no_mapping_for_ledger_buffers_or_ring)
{
    static const int expected[] = {-ENOMEM, -ENOMEM, -EAGAIN};
    struct io_uring uring;

    NEED_ARGUMENTS(a, &uring, 0, 0);
    fails_cleanly(&a, fail_mmap, 3, expected);
}
END_TEST

START_TEST(no_mapping_for_a_ring_of_the_kernel)
{
    static const int expected[] = {-ENOMEM, -ENOMEM, -EAGAIN};
    struct io_uring uring;

    NEED_ARGUMENTS(a, &uring, 0, BOTH);
    fails_cleanly(&a, fail_mmap, 3, expected);
}
END_TEST

START_TEST(the_kernel_refuses_the_ring)
{
    static const int errors[] = {EXDEV, EPERM, ENOMEM};
    struct io_uring uring;

    NEED_ARGUMENTS(a, &uring, 0, 0);
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
        ck_assert_int_eq(elsewhere_refused(IORING_REGISTER_PBUF_RING,
                                           errors[i], call_create, &a),
                         -errors[i]);
    ck_clean(&a);
}
END_TEST

START_TEST(the_kernel_refuses_its_own_ring)
{
    struct io_uring uring;

    NEED_ARGUMENTS(a, &uring, 0, READBUF_POOL_KERNEL_RING);
    ck_assert_int_eq(elsewhere_refused(IORING_REGISTER_PBUF_RING, EXDEV,
                                       call_create, &a),
                     -EXDEV);
    ck_clean(&a);
}
END_TEST

/* The kernel has made its ring, and we cannot map it. */
static void fail_the_last_mmap(void)
{
    faults_mmap_after(2, EAGAIN);
}

/* Then only the kernel has something left. */
START_TEST(the_first_error_is_reported_when_undoing_fails_too)
{
    struct io_uring uring;

    NEED_ARGUMENTS(a, &uring, 0, READBUF_POOL_KERNEL_RING);
    a.before = fail_the_last_mmap;
    ck_assert_int_eq(elsewhere_refused(IORING_UNREGISTER_PBUF_RING,
                                       EXDEV, call_create, &a),
                     -EAGAIN);
    ck_assert_uint_eq(pooltest_purge(&uring), 1);
    ck_clean(&a);
}
END_TEST

static void allow_few_mappings(void)
{
    faults_mmap_after(16, ENFILE);
}

/* No id will do there, so not all of them are tried. */
START_TEST(a_thread_that_may_not_register)
{
    struct io_uring uring;

    NEED_ARGUMENTS(a, &uring, IORING_SETUP_SINGLE_ISSUER, 0);
    a.before = allow_few_mappings;
    ck_assert_int_eq(elsewhere(call_create, &a), -EEXIST);
    ck_clean(&a);
}
END_TEST

/* How the child below ends, besides well and with EXIT_FAILURE. */
enum { NO_IO_URING = 2, NO_ROOM, NOT_COUNTED };

/* In a child, so that the limit is its own: as test_kernel.c does. */
static void pool_over_the_limit(void)
{
    const rlim_t bytes =
        READBUF_RING_ENTRIES_MAX * sizeof(struct io_uring_buf);
    struct rlimit limit;
    struct io_uring uring;
    struct arguments a = {&uring, COUNT, SIZE, 0, NULL, NULL};
    int ret, tries = 0;

    if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        _exit(EXIT_FAILURE);
    if (limit.rlim_max > bytes)
        limit.rlim_max = bytes; /* infinity is the largest number */
    limit.rlim_cur = limit.rlim_max;
    if (setrlimit(RLIMIT_MEMLOCK, &limit) < 0)
        _exit(EXIT_FAILURE);
    if (support_ring(&uring, 2, 0) != NULL)
        _exit(NO_IO_URING);
    do
        ret = try_create(&a);
    while (support_locked_for_now(ret, &tries));
    if (ret != 0)
        _exit(ret == -ENOMEM ? NO_ROOM : EXIT_FAILURE);
    readbuf_pool_unref(a.made);
    a.count = READBUF_RING_ENTRIES_MAX;
    ret = try_create(&a);
    if (ret != -ENOMEM)
        _exit(ret == 0 ? NOT_COUNTED : EXIT_FAILURE);
    a.count = COUNT;
    readbuf_pool_unref(pooltest_create(&uring, COUNT, SIZE, 0));
}

START_TEST(over_the_limit_of_locked_memory)
{
    struct io_uring uring;
    int status;

    NEED_RING(&uring, 2, 0);
    NEED_FEATURE(rings);
    status = support_as_nobody(pool_over_the_limit);
    if (status == NO_IO_URING)
        SKIP("io_uring is refused to an unprivileged user here");
    if (status == NO_ROOM)
        SKIP("the limit of locked memory has no room for a pool");
    if (status == NOT_COUNTED)
        SKIP("this kernel does not count rings as locked memory");
    ck_assert_int_eq(status, 0);
}
END_TEST

SUITE("create", counts_that_are_no_power_of_two_are_refused,
      counts_above_32768_are_refused, size_zero_is_refused,
      unknown_flags_are_refused, incremental_is_refused,
      a_closed_io_uring_is_refused, buffers_have_the_size_asked_for,
      a_longer_read_stays_in_its_buffer, the_kernel_has_every_buffer,
      the_kernel_has_every_buffer_of_the_largest_pool,
      a_fresh_pool_has_no_page_resident,
      the_largest_product_is_enomem_or_costs_nothing,
      the_largest_buffer_is_rounded_up,
      a_pool_serves_with_a_ring_of_the_kernel,
      a_pool_serves_with_huge_pages, a_pool_serves_with_both,
      a_pool_serves_with_deferred_task_work,
      a_pool_is_made_before_the_io_uring_is_enabled,
      huge_pages_are_asked_for,
      without_huge_pages_there_is_no_complaint, no_memory_for_the_pool,
      no_memory_and_no_io_uring, no_mapping_for_ledger_buffers_or_ring,
      no_mapping_for_a_ring_of_the_kernel, the_kernel_refuses_the_ring,
      the_kernel_refuses_its_own_ring,
      the_first_error_is_reported_when_undoing_fails_too,
      a_thread_that_may_not_register, over_the_limit_of_locked_memory)
