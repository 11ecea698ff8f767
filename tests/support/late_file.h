/*
 * late_file.h - a file whose file system answers later.
 *
 * A FUSE mount of a single file, served by a child of the test, in a
 * mount namespace that goes with the test's process. Reads are direct
 * and asynchronous: they are sent to the server, and complete when it
 * has answered.
 */
#ifndef READBUF_TESTS_LATE_FILE_H
#define READBUF_TESTS_LATE_FILE_H

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LATE_FILE_BYTES = 4096 };

/* What one request is answered with: a header, then the rest. */
static inline void late_file_answer(int device, uint64_t request,
                                    const void *body, size_t n,
                                    int error)
{
    char reply[sizeof(struct fuse_out_header) + LATE_FILE_BYTES];
    struct fuse_out_header head = {
        .len = (uint32_t)(sizeof(head) + n),
        .error = error,
        .unique = request,
    };

    memcpy(reply, &head, sizeof(head));
    if (n > 0)
        memcpy(reply + sizeof(head), body, n);
    if (write(device, reply, head.len) != (ssize_t)head.len)
        perror("FUSE reply");
}

/* Byte i of the file is 'a' + i % 26. */
static inline void late_file_read(int device, uint64_t request,
                                  const struct fuse_read_in *in)
{
    char bytes[LATE_FILE_BYTES] = {0};
    size_t n = 0;

    while (n < in->size && in->offset + n < LATE_FILE_BYTES) {
        bytes[n] = (char)('a' + (in->offset + n) % 26);
        n++;
    }
    usleep(20000);
    late_file_answer(device, request, bytes, n, 0);
}

static inline void late_file_serve(int device,
                                   const struct fuse_in_header *head,
                                   const void *body)
{
    struct fuse_init_out init = {
        .major = FUSE_KERNEL_VERSION,
        .minor = FUSE_KERNEL_MINOR_VERSION,
        .flags = FUSE_ASYNC_READ | FUSE_ASYNC_DIO,
        .max_write = LATE_FILE_BYTES,
    };
    struct fuse_attr_out about = {
        .attr_valid = 60,
        .attr = {.ino = FUSE_ROOT_ID,
                 .size = LATE_FILE_BYTES,
                 .mode = S_IFREG | 0444,
                 .nlink = 1},
    };
    struct fuse_open_out open = {.open_flags = FOPEN_DIRECT_IO};

    if (head->opcode == FUSE_INIT)
        late_file_answer(device, head->unique, &init, sizeof(init), 0);
    else if (head->opcode == FUSE_GETATTR)
        late_file_answer(device, head->unique, &about, sizeof(about),
                         0);
    else if (head->opcode == FUSE_OPEN)
        late_file_answer(device, head->unique, &open, sizeof(open), 0);
    else if (head->opcode == FUSE_READ)
        late_file_read(device, head->unique, body);
    else if (head->opcode != FUSE_FORGET)
        late_file_answer(device, head->unique, NULL, 0, -ENOSYS);
}

/* Until the test's process ends, and closes its file before that. */
static inline void late_file_server(int device)
{
    static _Alignas(8) char request[1 << 17];

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (read(device, request, sizeof(request)) > 0)
        late_file_serve(device, (const void *)request,
                        request + sizeof(struct fuse_in_header));
    _exit(EXIT_SUCCESS);
}

/* NULL, or why there can be no such file here. */
static inline const char *late_file_mount(const char *path, int device)
{
    char options[128];

    if (unshare(CLONE_NEWNS) < 0 ||
        mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) < 0)
        return "this user may not mount a file system";
    snprintf(options, sizeof(options),
             "fd=%d,rootmode=100444,user_id=0,group_id=0", device);
    if (mount("readbuf", path, "fuse", MS_NOSUID | MS_NODEV, options) <
        0)
        return "FUSE file systems cannot be mounted here";
    return NULL;
}

/*
 * Open one: NULL, or the reason for a skip. It is looked at, so that
 * the kernel knows its size.
 */
static inline const char *late_file_open(int *fd)
{
    char path[] = P_tmpdir "/late-XXXXXX";
    int device = open("/dev/fuse", O_RDWR | O_CLOEXEC);
    struct stat known;
    const char *why;
    pid_t server;
    int file;

    if (device < 0)
        return "there is no /dev/fuse here";
    file = mkostemp(path, O_CLOEXEC);
    ck_assert_int_ge(file, 0);
    close(file);
    why = late_file_mount(path, device);
    if (why == NULL) {
        server = fork();
        ck_assert_int_ge(server, 0);
        if (server == 0)
            late_file_server(device);
        *fd = open(path, O_RDONLY | O_CLOEXEC);
        ck_assert_int_ge(*fd, 0);
        ck_assert_int_eq(fstat(*fd, &known), 0);
        ck_assert_int_eq(umount2(path, MNT_DETACH), 0);
    }
    close(device);
    unlink(path);
    return why;
}

#endif
