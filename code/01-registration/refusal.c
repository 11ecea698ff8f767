/*
 * refusal.c - from an errno and a look at /proc to advice.
 */
#include "refusal.h"
#include "kept_errno.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/utsname.h>

static int read_disabled(void)
{
    FILE *file = fopen("/proc/sys/kernel/io_uring_disabled", "re");
    int value = -1;

    if (file == NULL)
        return -1;
    if (fscanf(file, "%d", &value) != 1)
        value = -1;
    fclose(file);
    return value;
}

void readbuf_system_read(struct readbuf_system *system)
{
    int saved = readbuf_errno();
    struct utsname name;
    struct rlimit limit;

    *system =
        (struct readbuf_system){.release = "(unknown)", .lockable = -1};
    if (uname(&name) == 0)
        snprintf(system->release, sizeof(system->release), "%s",
                 name.release);
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
        limit.rlim_cur != RLIM_INFINITY)
        system->lockable = (long long)limit.rlim_cur;
    system->disabled = read_disabled();
    readbuf_errno_restore(saved);
}

/* EPERM is either policy of the machine or a filter around us. */
static int refusal_eperm(const struct readbuf_system *system,
                         char *text, size_t size)
{
    if (system->disabled == 2)
        return snprintf(
            text, size,
            "io_uring is switched off on this machine: "
            "kernel.io_uring_disabled is 2. An administrator allows "
            "it with: sysctl kernel.io_uring_disabled=0");
    if (system->disabled == 1)
        return snprintf(
            text, size,
            "io_uring is kept for privileged processes on this "
            "machine: kernel.io_uring_disabled is 1. Join the group "
            "named by kernel.io_uring_group, or have an administrator "
            "allow it with: sysctl kernel.io_uring_disabled=0");
    return snprintf(
        text, size,
        "a sandbox refuses io_uring, as Docker's default seccomp "
        "profile does, and Kubernetes' RuntimeDefault. Run outside the "
        "container, or "
        "with a seccomp profile that allows io_uring_setup, "
        "io_uring_enter and io_uring_register");
}

static int refusal_enomem(const struct readbuf_system *system,
                          char *text, size_t size)
{
    if (system->lockable < 0)
        return snprintf(text, size,
                        "the kernel has no memory left for io_uring");
    return snprintf(text, size,
                    "there was no memory for io_uring. The usual cause "
                    "is the limit of locked memory, against which the "
                    "kernel counts it: the limit is %lld KiB. See it "
                    "with ulimit -l, raise it in limits.conf or with "
                    "LimitMEMLOCK= in the service's unit",
                    system->lockable / 1024);
}

int readbuf_refusal_of(const struct readbuf_system *system, int error,
                       char *text, size_t size)
{
    switch (error) {
    case -EPERM:
        return refusal_eperm(system, text, size);
    case -ENOMEM:
        return refusal_enomem(system, text, size);
    case -ENOSYS:
        return snprintf(text, size,
                        "Linux %s was built without io_uring or is "
                        "older than 5.1, or a sandbox hides it",
                        system->release);
    case -EINVAL:
        return snprintf(text, size,
                        "Linux %s has io_uring but no provided buffer "
                        "rings: they came with Linux 5.19",
                        system->release);
    default:
        return snprintf(text, size, "io_uring answers %s",
                        readbuf_errno_name(error));
    }
}

int readbuf_refusal(int error, char *text, size_t size)
{
    struct readbuf_system system;

    readbuf_system_read(&system);
    return readbuf_refusal_of(&system, error, text, size);
}

/* One row of the switch below. */
#define NAME(error) \
    case error:     \
        return #error

const char *readbuf_errno_name(int error)
{
    switch (error < 0 ? -error : error) {
        NAME(EPERM);
        NAME(ENOENT);
        NAME(EINTR);
        NAME(EIO);
        NAME(EBADF);
        NAME(ECHILD);
        NAME(EAGAIN);
        NAME(ENOMEM);
        NAME(EACCES);
        NAME(EFAULT);
        NAME(EBUSY);
        NAME(EEXIST);
        NAME(EISDIR);
        NAME(EINVAL);
        NAME(ENFILE);
        NAME(EMFILE);
        NAME(ENOSPC);
        NAME(EPIPE);
        NAME(ENOSYS);
        NAME(EPROTO);
        NAME(EOVERFLOW);
        NAME(EBADFD);
        NAME(EOPNOTSUPP);
        NAME(ECONNRESET);
        NAME(ENOBUFS);
        NAME(ESTALE);
        NAME(ECANCELED);
        NAME(ENOTRECOVERABLE);
    default:
        return "an unknown error";
    }
}
