#include "faults.h"

#include <errno.h>
#include <liburing.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

/*
 * Calls come from any thread. All atomics here are relaxed: counts that
 * synchronise threads would hide their races from ThreadSanitizer.
 *
 * `calls` is one more than those to pass.
 */
struct countdown {
    _Atomic int calls; /* 0: never */
    int error;
};

static struct countdown mmap_fails, alloc_fails;
static _Atomic bool mmap_dirty;
static void (*_Atomic munmap_hook)(void);
static void (*_Atomic sleep_hook)(void);
static _Atomic size_t mapped, allocated;

/* With offsets of 64 bits glibc has another name for it. */
#ifdef __GLIBC__
#define __real_mmap __real_mmap64
#define __wrap_mmap __wrap_mmap64
#endif

void *__real_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset);
int __real_munmap(void *addr, size_t length);
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__real_realloc(void *memory, size_t size);
void __real_free(void *memory);
int __real_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *request,
                           struct timespec *remain);

void *__wrap_mmap(void *addr, size_t length, int prot, int flags,
                  int fd, off_t offset);
int __wrap_munmap(void *addr, size_t length);
int __real_io_uring_queue_init(unsigned entries, struct io_uring *ring,
                               unsigned flags);
int __wrap_io_uring_queue_init(unsigned entries, struct io_uring *ring,
                               unsigned flags);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void __wrap_free(void *memory);
int __wrap_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *request,
                           struct timespec *remain);

static void add(_Atomic size_t *count, size_t n)
{
    atomic_fetch_add_explicit(count, n, memory_order_relaxed);
}

static void subtract(_Atomic size_t *count, size_t n)
{
    atomic_fetch_sub_explicit(count, n, memory_order_relaxed);
}

static size_t value(_Atomic size_t *count)
{
    return atomic_load_explicit(count, memory_order_relaxed);
}

static void arm(struct countdown *countdown, int calls, int error)
{
    countdown->error = error;
    atomic_store_explicit(&countdown->calls, calls + 1,
                          memory_order_relaxed);
}

/* The error of this call, or 0. */
static int due(struct countdown *countdown)
{
    int calls =
        atomic_load_explicit(&countdown->calls, memory_order_relaxed);

    while (calls > 0 && !atomic_compare_exchange_weak_explicit(
                            &countdown->calls, &calls, calls - 1,
                            memory_order_relaxed, memory_order_relaxed))
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

void faults_munmap_hook(void (*hook)(void))
{
    atomic_store_explicit(&munmap_hook, hook, memory_order_relaxed);
}

void faults_sleep_hook(void (*hook)(void))
{
    atomic_store_explicit(&sleep_hook, hook, memory_order_relaxed);
}

void faults_mmap_dirty(void)
{
    atomic_store_explicit(&mmap_dirty, true, memory_order_relaxed);
}

void faults_none(void)
{
    atomic_store_explicit(&mmap_dirty, false, memory_order_relaxed);
    arm(&mmap_fails, -1, 0);
    arm(&alloc_fails, -1, 0);
}

size_t faults_mapped(void)
{
    return value(&mapped);
}

size_t faults_allocated(void)
{
    return value(&allocated);
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
    if (memory == MAP_FAILED)
        return memory;
    add(&mapped, length);
    if (atomic_load_explicit(&mmap_dirty, memory_order_relaxed))
        memset(memory, 0xa5, length);
    return memory;
}

int __wrap_munmap(void *addr, size_t length)
{
    int ret = __real_munmap(addr, length);
    void (*hook)(void) = atomic_exchange_explicit(&munmap_hook, NULL,
                                                  memory_order_relaxed);

    if (ret == 0)
        subtract(&mapped, length);
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
 * check for example, unless that is linked statically. So what is
 * counted is remembered, by address.
 */
enum { PIECES = 4096 };

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

        if (atomic_compare_exchange_strong_explicit(
                &pieces[place], &nobody, memory, memory_order_relaxed,
                memory_order_relaxed)) {
            add(&allocated, 1);
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
        if (atomic_load_explicit(&pieces[place],
                                 memory_order_relaxed) == memory) {
            atomic_store_explicit(&pieces[place], NULL,
                                  memory_order_relaxed);
            subtract(&allocated, 1);
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

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return alloc_refused()
               ? NULL
               : counted(__real_aligned_alloc(alignment, size));
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

/*
 * Some builds of liburing make their calls through the C library, and
 * leave errno set. So does this.
 */
int __wrap_io_uring_queue_init(unsigned entries, struct io_uring *ring,
                               unsigned flags)
{
    int ret = __real_io_uring_queue_init(entries, ring, flags);

    if (ret < 0)
        errno = -ret;
    return ret;
}

int __wrap_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *request,
                           struct timespec *remain)
{
    void (*hook)(void) = atomic_exchange_explicit(&sleep_hook, NULL,
                                                  memory_order_relaxed);

    if (hook == NULL)
        return __real_clock_nanosleep(clock, flags, request, remain);
    hook();
    return 0;
}
