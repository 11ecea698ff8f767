#include "faults.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

/* Calls come from any thread. `calls` is one more than those to pass.
 */
struct countdown {
    _Atomic int calls; /* 0: never */
    int error;
};

static struct countdown mmap_fails, alloc_fails, mutex_fails;
static void (*_Atomic munmap_hook)(void);
static _Atomic size_t mapped, allocated, mutexes;

void *__real_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset);
int __real_munmap(void *addr, size_t length);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
int __real_pthread_mutex_init(pthread_mutex_t *mutex,
                              const pthread_mutexattr_t *attr);
int __real_pthread_mutex_destroy(pthread_mutex_t *mutex);

void *__wrap_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset);
int __wrap_munmap(void *addr, size_t length);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
int __wrap_pthread_mutex_init(pthread_mutex_t *mutex,
                              const pthread_mutexattr_t *attr);
int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex);

static void arm(struct countdown *countdown, int calls, int error)
{
    countdown->error = error;
    countdown->calls = calls + 1;
}

/* The error of this call, or 0. */
static int due(struct countdown *countdown)
{
    int calls = countdown->calls;

    while (calls > 0 && !atomic_compare_exchange_weak(
                            &countdown->calls, &calls, calls - 1))
        ;
    return calls == 1 ? countdown->error : 0;
}

void faults_mmap_after(int calls, int error)
{
    arm(&mmap_fails, calls, error);
}

void faults_alloc_after(int calls)
{
    arm(&alloc_fails, calls, ENOMEM);
}

void faults_mutex_after(int calls, int error)
{
    arm(&mutex_fails, calls, error);
}

void faults_munmap_hook(void (*hook)(void))
{
    munmap_hook = hook;
}

void faults_none(void)
{
    mmap_fails.calls = 0;
    alloc_fails.calls = 0;
    mutex_fails.calls = 0;
}

size_t faults_mapped(void)
{
    return mapped;
}

size_t faults_allocated(void)
{
    return allocated;
}

size_t faults_mutexes(void)
{
    return mutexes;
}

void *__wrap_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset)
{
    int error = due(&mmap_fails);
    void *memory;

    if (error != 0) {
        errno = error;
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
    void (*hook)(void) = atomic_exchange(&munmap_hook, NULL);

    if (ret == 0)
        mapped -= length;
    if (hook != NULL)
        hook();
    return ret;
}

static bool alloc_refused(void)
{
    int error = due(&alloc_fails);

    if (error != 0)
        errno = error;
    return error != 0;
}

/*
 * Much that comes to free was allocated where we do not see it, inside
 * check for example. So what is counted is remembered, by address.
 */
enum { PIECES = 512 };

static void *_Atomic pieces[PIECES];

static size_t first_place(const void *memory)
{
    return (uintptr_t)memory / 16 % PIECES;
}

static void *counted(void *memory)
{
    size_t place = first_place(memory);

    if (memory == NULL)
        return NULL;
    for (int i = 0; i < PIECES; i++, place = (place + 1) % PIECES) {
        void *nobody = NULL;

        if (atomic_compare_exchange_strong(&pieces[place], &nobody,
                                           memory)) {
            allocated++;
            return memory;
        }
    }
    abort(); /* a test with that many is a mistake */
}

/* False if nobody counted it. */
static bool uncounted(void *memory)
{
    size_t place = first_place(memory);

    if (memory == NULL)
        return false;
    for (int i = 0; i < PIECES; i++, place = (place + 1) % PIECES) {
        if (pieces[place] == memory) {
            pieces[place] = NULL;
            allocated--;
            return true;
        }
    }
    return false;
}

void *__wrap_malloc(size_t size)
{
    return alloc_refused() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return alloc_refused() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *memory, size_t size)
{
    void *moved;
    bool ours;

    if (alloc_refused())
        return NULL;
    ours = memory == NULL || uncounted(memory);
    moved = __real_realloc(memory, size);
    if (!ours)
        return moved;
    if (moved == NULL)
        counted(memory); /* not moved, and still there */
    return counted(moved);
}

void __wrap_free(void *memory)
{
    uncounted(memory);
    __real_free(memory);
}

int __wrap_pthread_mutex_init(pthread_mutex_t *mutex,
                              const pthread_mutexattr_t *attr)
{
    int ret = due(&mutex_fails);

    if (ret == 0)
        ret = __real_pthread_mutex_init(mutex, attr);
    if (ret == 0)
        mutexes++;
    return ret;
}

int __wrap_pthread_mutex_destroy(pthread_mutex_t *mutex)
{
    int ret = __real_pthread_mutex_destroy(mutex);

    if (ret == 0)
        mutexes--;
    return ret;
}
