/*
 * test_kernel_late.c - files whose file system answers later.
 *
 * They are neither waited for by polling, as a pipe is, nor done when
 * the request is started, as a read of the page cache is.
 */
#include "late_file.h"
#include "lent.h"

#define NEED_LATE_FILE(fd)                        \
    do {                                          \
        const char *none = late_file_open(&(fd)); \
        if (none != NULL)                         \
            SKIP("%s", none);                     \
    } while (0)

/*
 * claim: bytes-without-buffer (6.18)
 * A `READ` of a file whose file system answers later, as FUSE does with
 * direct I/O, can complete with bytes and without a buffer: the flag is
 * clear, and the head has not moved.
 */
START_TEST(bytes_come_without_a_buffer)
{
    static struct lent l;
    struct readbuf_completion done;
    int fd;

    NEED_LENT(&l, 0, 0);
    NEED_LATE_FILE(fd);
    lend_first(&l, 4, LENT_SIZE);
    for (int i = 0; i < 3; i++) {
        lent_read(&l, fd)->off = 3;
        done = lent_finish(&l);
        if (done.has_buffer)
            SKIP("this kernel names the buffer");
        ck_answer(done, LENT_SIZE, false);
        ck_assert_uint_eq(l.left, 4);
        ck_assert_mem_eq(l.memory[0], "defgh", 5);
    }
}
END_TEST

SUITE("kernel_late", bytes_come_without_a_buffer)
