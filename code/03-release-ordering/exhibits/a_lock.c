/*
 * a_lock.c - EXHIBIT: right, and yet not good enough.
 *
 *   a_lock        filling and committing under a mutex
 *   a_lock spin   under a flag that is tested and set until it was free
 *
 * One thread has the lock when the scheduler puts that thread aside,
 * here by a sleep, in the middle of giving back. Another one wants to
 * give back as well. How long does that take, and what does it do all
 * the time?
 */
#include "publisher.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ENTRIES = 4, SIZE = 32, ASIDE = 50 /* milliseconds */ };

static struct io_uring_buf slots[ENTRIES];
static char memory[ENTRIES][SIZE];
static struct readbuf_publisher publisher;
static bool spin;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static atomic_flag flag = ATOMIC_FLAG_INIT;
static pthread_t thread;
static _Atomic bool has_gone_on; /* the thread that was put aside */

static void lock(void)
{
    if (!spin)
        pthread_mutex_lock(&mutex);
    else
        while (atomic_flag_test_and_set_explicit(&flag,
                                                 memory_order_acquire))
            ;
}

static void unlock(void)
{
    if (!spin)
        pthread_mutex_unlock(&mutex);
    else
        atomic_flag_clear_explicit(&flag, memory_order_release);
}

static void *second(void *unused);

static void put_aside(void)
{
    const struct timespec aside = {.tv_nsec = ASIDE * 1000000L};

    if (pthread_create(&thread, NULL, second, NULL) != 0)
        exit(EXIT_FAILURE);
    nanosleep(&aside, NULL);
    has_gone_on = true;
}

static void give_back(uint16_t bid, bool interrupted)
{
    lock();
    readbuf_publisher_fill(&publisher, memory[bid], SIZE, bid);
    if (interrupted)
        put_aside();
    readbuf_publisher_commit(&publisher);
    unlock();
}

static long milliseconds(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void *second(void *unused)
{
    long began = milliseconds(CLOCK_MONOTONIC);

    give_back(1, false);
    printf("the second one took %ld ms, %ld of them on a processor\n",
           milliseconds(CLOCK_MONOTONIC) - began,
           milliseconds(CLOCK_THREAD_CPUTIME_ID));
    printf("it was done %s the first one went on\n",
           has_gone_on ? "after" : "before");
    return unused;
}

int main(int argc, char **argv)
{
    (void)argv;
    spin = argc > 1;
    readbuf_publisher_init(&publisher, (void *)slots, ENTRIES);
    printf("the first one is put aside for %d ms\n", ASIDE);
    give_back(0, true);
    pthread_join(thread, NULL);
    return EXIT_SUCCESS;
}
