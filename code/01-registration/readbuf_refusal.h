/*
 * readbuf_refusal.h - why io_uring says no, in a sentence for a person.
 *
 * io_uring is refused in more places than any other system call of its
 * fame: containers filter it, sysctls switch it off, old kernels lack
 * it. The errno is the same for very different causes, so the sentence
 * is made from the errno and from what the system tells about itself.
 *
 *     int ret = io_uring_queue_init(8, &ring, 0);
 *
 *     if (ret < 0) {
 *         char why[READBUF_REFUSAL_MAX];
 *
 *         readbuf_refusal(ret, why, sizeof(why));
 *         fprintf(stderr, "%s\n", why);
 *     }
 *
 * Any thread. No memory is allocated and `errno` is left alone. Linux
 * version: any.
 */
#ifndef READBUF_REFUSAL_PUBLIC_H
#define READBUF_REFUSAL_PUBLIC_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Room for every sentence. */
#define READBUF_REFUSAL_MAX 512

/*
 * Write into `text` (at most `size` bytes, always terminated unless
 * `size` is 0) why `error` came back: a negative errno of
 * io_uring_queue_init or of readbuf_pool_create. No trailing newline.
 * Returns the length the sentence wanted, as snprintf does.
 *
 * -EINVAL is taken for a kernel without provided buffer rings: of a
 * readbuf_pool_create whose arguments are in range. Files below /proc
 * are read.
 */
int readbuf_refusal(int error, char *text, size_t size);

/* "ENOBUFS" for -ENOBUFS or ENOBUFS; "an unknown error" at worst. */
const char *readbuf_errno_name(int error);

#ifdef __cplusplus
}
#endif

#endif
