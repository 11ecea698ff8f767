#include "faults.h"

#include <errno.h>
#include <sys/mman.h>

static int mmap_countdown = -1; /* negative: never */
static int mmap_error;
static size_t mapped;

void *__real_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset);
int __real_munmap(void *addr, size_t length);
void *__wrap_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset);
int __wrap_munmap(void *addr, size_t length);

void faults_mmap_after(int calls, int error)
{
    mmap_countdown = calls;
    mmap_error = error;
}

size_t faults_mapped(void)
{
    return mapped;
}

void *__wrap_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset)
{
    void *memory;

    if (mmap_countdown >= 0 && mmap_countdown-- == 0) {
        errno = mmap_error;
        return MAP_FAILED;
    }
    memory = __real_mmap(addr, length, prot, flags, fd, offset);
    if (memory != MAP_FAILED)
        mapped += length;
    return memory;
}

int __wrap_munmap(void *addr, size_t length)
{
    int ret = __real_munmap(addr, length);

    if (ret == 0)
        mapped -= length;
    return ret;
}
