/*
 * refusal.h - why io_uring says no, in a sentence for a person.
 *
 * io_uring is refused in more places than any other system call of its
 * fame: containers filter it, sysctls switch it off, old kernels lack
 * it. The errno is the same for very different causes, so the sentence
 * is made from the errno and from what the system tells about itself.
 */
#ifndef READBUF_REFUSAL_H
#define READBUF_REFUSAL_H

#include <stddef.h>

/* Room for every sentence, and the exit status of one who prints it. */
#define READBUF_REFUSAL_MAX 512
#define READBUF_EXIT_REFUSED 77

/* What was read from the system. */
struct readbuf_system {
    char release[65];   /* uname -r */
    int disabled;       /* kernel.io_uring_disabled; -1: not readable */
    long long lockable; /* RLIMIT_MEMLOCK in bytes; -1: no limit */
};

void readbuf_system_read(struct readbuf_system *system);

/*
 * Write into `text` (at most `size` bytes, always terminated) why
 * `error` came back: a negative errno from io_uring_queue_init or
 * readbuf_probe, or -EINVAL for a kernel without provided rings.
 * No trailing newline. Returns the length the sentence wanted, as
 * snprintf does.
 */
int readbuf_refusal(int error, char *text, size_t size);

/* The same for a system described by the caller. */
int readbuf_refusal_of(const struct readbuf_system *system, int error,
                       char *text, size_t size);

/* "ENOBUFS" for -ENOBUFS or ENOBUFS; "an unknown error" at worst. */
const char *readbuf_errno_name(int error);

#endif
