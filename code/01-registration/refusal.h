/*
 * refusal.h - the inside of readbuf_refusal: what is read from the
 * system, and what is made of it.
 */
#ifndef READBUF_REFUSAL_H
#define READBUF_REFUSAL_H

#include "readbuf_refusal.h"

/* The exit status of a program that prints such a sentence. */
#define READBUF_EXIT_REFUSED 77

/* What was read from the system. */
struct readbuf_system {
    char release[65];   /* uname -r */
    int disabled;       /* kernel.io_uring_disabled; -1: not readable */
    long long lockable; /* RLIMIT_MEMLOCK in bytes; -1: no limit */
};

void readbuf_system_read(struct readbuf_system *system);

/* readbuf_refusal for a system described by the caller. */
int readbuf_refusal_of(const struct readbuf_system *system, int error,
                       char *text, size_t size);

#endif
