/*
 * sources.h - something to read from, and somebody to write to it.
 *
 * Each call fills in a pair: fd[0] is read, fd[1] is written. All abort
 * the test where the system refuses; nothing here needs a free port or
 * a privilege.
 */
#ifndef READBUF_TESTS_SOURCES_H
#define READBUF_TESTS_SOURCES_H

#include <check.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

static inline void source_pipe(int fd[2])
{
    ck_assert_int_eq(pipe(fd), 0);
}

/* `type` is SOCK_STREAM or SOCK_DGRAM. */
static inline void source_unix(int type, int fd[2])
{
    ck_assert_int_eq(socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, fd),
                     0);
}

/* A socket of the loopback, bound to a port that the kernel chose. */
static inline int source_bound(int type, struct sockaddr_in *address)
{
    socklen_t length = sizeof(*address);
    int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

    ck_assert_int_ge(fd, 0);
    *address = (struct sockaddr_in){.sin_family = AF_INET};
    address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_eq(bind(fd, (struct sockaddr *)address, length), 0);
    ck_assert_int_eq(
        getsockname(fd, (struct sockaddr *)address, &length), 0);
    return fd;
}

static inline void source_connect(int type, int fd[2],
                                  const struct sockaddr_in *address)
{
    fd[1] = socket(AF_INET, type | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd[1], 0);
    ck_assert_int_eq(connect(fd[1], (const struct sockaddr *)address,
                             sizeof(*address)),
                     0);
}

static inline void source_tcp(int fd[2])
{
    struct sockaddr_in address;
    int listener = source_bound(SOCK_STREAM, &address);

    ck_assert_int_eq(listen(listener, 1), 0);
    source_connect(SOCK_STREAM, fd, &address);
    fd[0] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    ck_assert_int_ge(fd[0], 0);
    close(listener);
}

static inline void source_udp(int fd[2])
{
    struct sockaddr_in address;

    fd[0] = source_bound(SOCK_DGRAM, &address);
    source_connect(SOCK_DGRAM, fd, &address);
}

/* The same file once more, at its start. */
static inline int source_reopen(int fd, int flags)
{
    char path[64];
    int again;

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    again = open(path, flags | O_CLOEXEC);
    ck_assert_int_ge(again, 0);
    return again;
}

/* A file on disk without a name. */
static inline void source_file(int fd[2])
{
    char path[] = P_tmpdir "/source-XXXXXX";

    fd[1] = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(fd[1], 0);
    ck_assert_int_eq(unlink(path), 0);
    fd[0] = source_reopen(fd[1], O_RDONLY);
}

static inline void source_memfd(int fd[2])
{
    fd[1] = memfd_create("source", MFD_CLOEXEC);
    ck_assert_int_ge(fd[1], 0);
    fd[0] = source_reopen(fd[1], O_RDONLY);
}

/* Write all of `text`, as one datagram where there are datagrams. */
static inline void source_say(const int fd[2], const char *text)
{
    ck_assert_int_eq(write(fd[1], text, strlen(text)),
                     (ssize_t)strlen(text));
}

/* Nothing more will come. */
static inline void source_end(int fd[2])
{
    ck_assert_int_eq(close(fd[1]), 0);
    fd[1] = -1;
}

/* The TCP peer goes away without a goodbye: ECONNRESET. */
static inline void source_reset(int fd[2])
{
    struct linger abort_it = {.l_onoff = 1, .l_linger = 0};

    ck_assert_int_eq(setsockopt(fd[1], SOL_SOCKET, SO_LINGER, &abort_it,
                                sizeof(abort_it)),
                     0);
    source_end(fd);
}

#endif
