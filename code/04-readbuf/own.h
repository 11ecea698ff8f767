/*
 * own.h - tell the memory tools who owns which bytes.
 *
 *   readbuf_own_kernel  the kernel has them: nobody may look
 *   readbuf_own_room    ours to write, with nothing in them yet
 *   readbuf_own_app     ours, and filled
 *
 * Compiled in when the tool is: AddressSanitizer and MemorySanitizer by
 * the compiler's own flags, valgrind by -DREADBUF_VALGRIND. Otherwise
 * all three are nothing. The kernel's writes are invisible to all three
 * tools, which is why the library has to speak for it.
 */
#ifndef READBUF_OWN_H
#define READBUF_OWN_H

#include <stddef.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#define READBUF_OWN_ASAN 1
#elif __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define READBUF_OWN_MSAN 1
#elif defined(READBUF_VALGRIND)
#include <valgrind/memcheck.h>
#define READBUF_OWN_VALGRIND 1
#endif

static inline void readbuf_own_kernel(void *bytes, size_t n)
{
#if defined(READBUF_OWN_ASAN)
    __asan_poison_memory_region(bytes, n);
#elif defined(READBUF_OWN_MSAN)
    __msan_poison(bytes, n);
#elif defined(READBUF_OWN_VALGRIND)
    VALGRIND_MAKE_MEM_NOACCESS(bytes, n);
#endif
    (void)bytes;
    (void)n;
}

static inline void readbuf_own_room(void *bytes, size_t n)
{
#if defined(READBUF_OWN_ASAN)
    __asan_unpoison_memory_region(bytes, n);
#elif defined(READBUF_OWN_MSAN)
    (void)bytes; /* writing is always allowed, and initialises */
#elif defined(READBUF_OWN_VALGRIND)
    VALGRIND_MAKE_MEM_UNDEFINED(bytes, n);
#endif
    (void)bytes;
    (void)n;
}

static inline void readbuf_own_app(void *bytes, size_t n)
{
#if defined(READBUF_OWN_ASAN)
    __asan_unpoison_memory_region(bytes, n);
#elif defined(READBUF_OWN_MSAN)
    __msan_unpoison(bytes, n);
#elif defined(READBUF_OWN_VALGRIND)
    VALGRIND_MAKE_MEM_DEFINED(bytes, n);
#endif
    (void)bytes;
    (void)n;
}

#endif
