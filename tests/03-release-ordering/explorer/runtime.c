/*
 * runtime.c - what -fsanitize=thread makes the compiler call.
 *
 * Plain accesses are announced and then made by the code itself; atomic
 * ones are made here. A script stops before each. The names and types
 * are those of the sanitizer's library, which is not linked.
 */
#include "machine.h"

#include <stdatomic.h>
#include <time.h>

static bool releases(int order)
{
    return order == memory_order_release ||
           order == memory_order_acq_rel ||
           order == memory_order_seq_cst;
}

static void load(const volatile void *at, size_t size)
{
    machine_stop(at, (struct machine_access){.size = size,
                                             .kind = MACHINE_LOAD});
}

static void store(const volatile void *at, size_t size, int order)
{
    machine_stop(at, (struct machine_access){
                         .size = size,
                         .kind = MACHINE_STORE,
                         .release = releases(order),
                         .at_once = order == memory_order_seq_cst});
}

static void swap(const volatile void *at, size_t size, int order)
{
    machine_stop(at,
                 (struct machine_access){.size = size,
                                         .kind = MACHINE_SWAP,
                                         .release = releases(order)});
}

static void compare(const volatile void *at, size_t size, int order,
                    uint64_t expected)
{
    machine_stop(at, (struct machine_access){.size = size,
                                             .kind = MACHINE_SWAP,
                                             .release = releases(order),
                                             .compares = true,
                                             .expected = expected});
}

/* Defines what no header declares. */
#define CALL(type, name, ...)        \
    type __tsan_##name(__VA_ARGS__); \
    type __tsan_##name(__VA_ARGS__)

CALL(void, init, void)
{
}

CALL(void, func_entry, void *caller)
{
    (void)caller;
}

CALL(void, func_exit, void)
{
}

CALL(void, read_range, void *at, size_t size)
{
    load(at, size);
}

CALL(void, write_range, void *at, size_t size)
{
    store(at, size, memory_order_relaxed);
}

#define PLAIN(size)                             \
    CALL(void, read##size, void *at)            \
    {                                           \
        load(at, size);                         \
    }                                           \
    CALL(void, unaligned_read##size, void *at)  \
    {                                           \
        load(at, size);                         \
    }                                           \
    CALL(void, write##size, void *at)           \
    {                                           \
        store(at, size, memory_order_relaxed);  \
    }                                           \
    CALL(void, unaligned_write##size, void *at) \
    {                                           \
        store(at, size, memory_order_relaxed);  \
    }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

/* gcc compares with `strong` and `weak`, clang with `val`. */
#define COMPARE(bits, type, kind)                                  \
    CALL(int, atomic##bits##_compare_exchange_##kind,              \
         volatile type *at, type *expected, type value, int order, \
         int order_of_load)                                        \
    {                                                              \
        type found;                                                \
                                                                   \
        (void)order_of_load;                                       \
        compare(at, sizeof(type), order, *expected);               \
        found = *at;                                               \
        if (found == *expected) {                                  \
            *at = value;                                           \
            return 1;                                              \
        }                                                          \
        *expected = found;                                         \
        return 0;                                                  \
    }

#define FETCH(bits, type, name, new)                                 \
    CALL(type, atomic##bits##_##name, volatile type *at, type value, \
         int order)                                                  \
    {                                                                \
        type old;                                                    \
                                                                     \
        swap(at, sizeof(type), order);                               \
        old = *at;                                                   \
        *at = (type)(new);                                           \
        return old;                                                  \
    }

#define ATOMIC(bits, type)                                             \
    CALL(type, atomic##bits##_load, const volatile type *at,           \
         int order)                                                    \
    {                                                                  \
        (void)order;                                                   \
        load(at, sizeof(type));                                        \
        return *at;                                                    \
    }                                                                  \
    CALL(void, atomic##bits##_store, volatile type *at, type value,    \
         int order)                                                    \
    {                                                                  \
        store(at, sizeof(type), order);                                \
        *at = value;                                                   \
    }                                                                  \
    FETCH(bits, type, exchange, value)                                 \
    FETCH(bits, type, fetch_add, old + value)                          \
    FETCH(bits, type, fetch_sub, old - value)                          \
    FETCH(bits, type, fetch_or, old | value)                           \
    FETCH(bits, type, fetch_and, old &value)                           \
    COMPARE(bits, type, strong)                                        \
    COMPARE(bits, type, weak)                                          \
    CALL(type, atomic##bits##_compare_exchange_val, volatile type *at, \
         type expected, type value, int order, int order_of_load)      \
    {                                                                  \
        __tsan_atomic##bits##_compare_exchange_strong(                 \
            at, &expected, value, order, order_of_load);               \
        return expected;                                               \
    }
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)

/* Instead of sleeping, during which others may go on. */
int __wrap_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *request,
                           struct timespec *remain);
int __wrap_clock_nanosleep(clockid_t clock, int flags,
                           const struct timespec *request,
                           struct timespec *remain)
{
    (void)clock;
    (void)flags;
    (void)request;
    (void)remain;
    machine_sleep();
    return 0;
}

/* An assertion of the code's own is a check like ours. */
void __wrap___assert_fail(const char *what, const char *file,
                          unsigned line, const char *function);
void __wrap___assert_fail(const char *what, const char *file,
                          unsigned line, const char *function)
{
    (void)file;
    (void)line;
    (void)function;
    explorer_check(false, what);
}
