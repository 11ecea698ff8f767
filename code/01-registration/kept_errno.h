/*
 * kept_errno.h - leave errno as it was found.
 *
 *     int saved = readbuf_errno();
 *     ... calls that may set it ...
 *     readbuf_errno_restore(saved);
 *
 * Plain reads and writes will not do. Compilers take it that malloc and
 * its kin leave errno alone (clang from 19 on, gcc with -ffast-math),
 * conclude that the value is still there, and drop the restoring. An
 * access through volatile is made where it stands.
 */
#ifndef READBUF_KEPT_ERRNO_H
#define READBUF_KEPT_ERRNO_H

#include <errno.h>

static inline int readbuf_errno(void)
{
    return *(volatile int *)&errno;
}

static inline void readbuf_errno_restore(int saved)
{
    *(volatile int *)&errno = saved;
}

#endif
