/*
 * unlock_then_look.c - EXHIBIT: wrong on purpose, both ways.
 *
 *   unlock_then_look           unlock, then look what was left
 *   unlock_then_look before    look what was left, then unlock
 *
 * A queue beside the lock: who finds the lock taken leaves the buffer's
 * number in a queue, and whoever has the lock takes it along. These are
 * two words, and between the two there is time for another thread.
 */
#include "publisher.h"
#include "simkernel.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 4, SIZE = 32, A = 0, B = 1 };

static struct io_uring_buf slots[ENTRIES];
static char memory[ENTRIES][SIZE];
static struct readbuf_publisher publisher;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint32_t left; /* a queue of one: number + 1, or 0 */
static bool look_first;
static sem_t turn[2];

/* Until the other one has had its turn. */
static void stand_still(int thread)
{
    sem_post(&turn[!thread]);
    sem_wait(&turn[thread]);
}

static void publish(int thread, uint16_t bid)
{
    printf("%c publishes buffer %u\n", "AB"[thread], bid);
    readbuf_publisher_fill(&publisher, memory[bid], SIZE, bid);
    readbuf_publisher_commit(&publisher);
}

static uint32_t look(int thread)
{
    uint32_t number = atomic_exchange(&left, 0);

    if (number == 0)
        printf("%c looks, and none was left\n", "AB"[thread]);
    return number;
}

static void give_back(int thread, uint16_t bid)
{
    uint32_t number;

    if (pthread_mutex_trylock(&lock) != 0) {
        printf("%c finds the lock taken\n", "AB"[thread]);
        if (!look_first)
            stand_still(thread);
        printf("%c leaves buffer %u and goes\n", "AB"[thread], bid);
        left = bid + 1u;
        return;
    }
    publish(thread, bid);
    number = look_first ? look(thread) : 0;
    if (number != 0)
        publish(thread, (uint16_t)(number - 1));
    stand_still(thread);
    printf("%c unlocks\n", "AB"[thread]);
    pthread_mutex_unlock(&lock); /* THE MISTAKE: there is a gap */
    number = look_first ? 0 : look(thread);
    if (number != 0)
        give_back(thread, (uint16_t)(number - 1));
}

static void *second(void *unused)
{
    sem_wait(&turn[B]);
    give_back(B, 1);
    sem_post(&turn[A]);
    return unused;
}

int main(int argc, char **argv)
{
    struct simkernel kernel;
    pthread_t thread;

    look_first = argc > 1 && strcmp(argv[1], "before") == 0;
    readbuf_publisher_init(&publisher, (void *)slots, ENTRIES);
    simkernel_register(&kernel, (void *)slots, ENTRIES);
    if (sem_init(&turn[A], 0, 0) < 0 || sem_init(&turn[B], 0, 0) < 0 ||
        pthread_create(&thread, NULL, second, NULL) != 0)
        return EXIT_FAILURE;
    give_back(A, 0);
    sem_post(&turn[B]);
    pthread_join(thread, NULL);
    printf("given back: 2, seen by the kernel: %u, for ever\n",
           simkernel_available(&kernel));
    return EXIT_SUCCESS;
}
