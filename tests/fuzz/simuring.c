#include "simuring.h"

#include "compat.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GROUPS = 4 };

struct group {
    struct simkernel kernel; /* `shared` is NULL: no group */
    uint16_t id;
    size_t mapped; /* of the kernel's own memory */
};

static struct group groups[GROUPS];
static size_t mapped;
static int fail_error, refuse_error;
static unsigned fail_after;
static bool fail_due, no_head;

/* With offsets of 64 bits glibc has another name for it. */
#ifdef __GLIBC__
#define __real_mmap __real_mmap64
#define __wrap_mmap __wrap_mmap64
#endif

void *__real_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset);
int __real_munmap(void *addr, size_t length);
void *__real_aligned_alloc(size_t alignment, size_t size);

long __wrap_syscall(long number, ...);
void *__wrap_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset);
int __wrap_munmap(void *addr, size_t length);
void *__wrap_aligned_alloc(size_t alignment, size_t size);

/*
 * A file without a name, long enough that the kernel's own rings can be
 * mapped where io_uring has them.
 */
int simuring_fd(void)
{
    static int fd = -1;
    const uint64_t end =
        READBUF_OFF_PBUF_RING | (uint64_t)READBUF_OFF_PBUF_GROUPS
                                    << READBUF_OFF_PBUF_SHIFT;

    if (fd < 0)
        fd = memfd_create("simuring", MFD_CLOEXEC);
    if (fd < 0 || ftruncate(fd, (off_t)end) < 0)
        abort();
    return fd;
}

void simuring_fail(unsigned calls, int error)
{
    fail_after = calls;
    fail_error = error;
    fail_due = true;
}

bool simuring_disarm(void)
{
    bool came = fail_error != 0 && !fail_due;

    fail_error = 0;
    fail_due = false;
    return came;
}

void simuring_refuse(int error)
{
    refuse_error = error;
}

void simuring_tell_head(bool tell)
{
    no_head = !tell;
}

size_t simuring_mapped(void)
{
    return mapped;
}

unsigned simuring_groups(void)
{
    unsigned count = 0;

    for (int i = 0; i < GROUPS; i++)
        count += groups[i].kernel.shared != NULL;
    return count;
}

static struct group *find(uint16_t id)
{
    for (int i = 0; i < GROUPS; i++)
        if (groups[i].kernel.shared != NULL && groups[i].id == id)
            return &groups[i];
    return NULL;
}

struct simkernel *simuring_kernel(uint16_t group)
{
    struct group *found = find(group);

    return found == NULL ? NULL : &found->kernel;
}

/* The error of this call, or 0. */
static int due(void)
{
    if (!fail_due || fail_after-- > 0)
        return 0;
    fail_due = false;
    return fail_error;
}

/*
 * The kernel's own memory. From 6.7 to 6.9 a ring was recycled as the
 * last user left it, so it is never clean here.
 */
static struct io_uring_buf_ring *
kernel_memory(const struct readbuf_buf_reg *reg, size_t bytes)
{
    uint64_t offset = READBUF_OFF_PBUF_RING |
                      (uint64_t)reg->bgid << READBUF_OFF_PBUF_SHIFT;
    void *memory =
        __real_mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED,
                    simuring_fd(), (off_t)offset);

    if (memory == MAP_FAILED)
        abort();
    memset(memory, 0xa5, bytes);
    return memory;
}

static int add_group(const struct readbuf_buf_reg *reg)
{
    struct group *free_one = groups;
    size_t bytes = reg->ring_entries * sizeof(struct io_uring_buf);
    bool kernels = reg->flags & READBUF_PBUF_RING_MMAP;

    if (find(reg->bgid) != NULL)
        return EEXIST;
    while (free_one->kernel.shared != NULL)
        free_one++;
    if (free_one == groups + GROUPS)
        return ENOMEM;
    free_one->id = reg->bgid;
    free_one->mapped = kernels ? bytes : 0;
    simkernel_register(
        &free_one->kernel,
        kernels ? kernel_memory(reg, bytes)
                : (struct io_uring_buf_ring *)(uintptr_t)reg->ring_addr,
        reg->ring_entries);
    return 0;
}

static int drop_group(uint16_t id)
{
    struct group *group = find(id);

    if (group == NULL)
        return ENOENT;
    if (group->mapped > 0)
        __real_munmap(group->kernel.shared, group->mapped);
    group->kernel.shared = NULL;
    return 0;
}

static int tell_head(struct readbuf_buf_status *status)
{
    const struct simkernel *kernel =
        simuring_kernel((uint16_t)status->buf_group);

    if (no_head)
        return EINVAL;
    if (kernel == NULL)
        return ENOENT;
    status->head = kernel->head;
    return 0;
}

static int answer(unsigned opcode, void *arg)
{
    const struct readbuf_buf_reg *reg = arg;

    if (refuse_error != 0)
        return refuse_error;
    switch (opcode) {
    case IORING_REGISTER_PBUF_RING:
        return add_group(reg);
    case IORING_UNREGISTER_PBUF_RING:
        return drop_group(reg->bgid);
    case READBUF_REGISTER_PBUF_STATUS:
        return tell_head(arg);
    default:
        return 0; /* IORING_REGISTER_PROBE: one may register */
    }
}

/* The library makes no other system call through this function. */
long __wrap_syscall(long number, ...)
{
    unsigned opcode;
    void *arg;
    va_list list;
    int error;

    if (number != __NR_io_uring_register)
        abort();
    va_start(list, number);
    (void)va_arg(list, int); /* the descriptor: there is one */
    opcode = va_arg(list, unsigned);
    arg = va_arg(list, void *);
    va_end(list);
    error = due();
    if (error == 0)
        error = answer(opcode, arg);
    if (error != 0)
        errno = error;
    return error == 0 ? 0 : -1;
}

void *__wrap_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset)
{
    int error = due();
    void *memory = MAP_FAILED;

    if (error != 0)
        errno = error;
    else
        memory = __real_mmap(addr, length, prot, flags, fd, offset);
    if (memory != MAP_FAILED)
        mapped += length;
    return memory;
}

int __wrap_munmap(void *addr, size_t length)
{
    mapped -= length;
    return __real_munmap(addr, length);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return due() != 0 ? NULL : __real_aligned_alloc(alignment, size);
}
