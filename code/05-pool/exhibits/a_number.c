/*
 * a_number.c - EXHIBIT: wrong on purpose, unless told otherwise.
 *
 *   a_number         compare the number, then store the next
 *   a_number swap    compare and store in one step
 *
 * A pool that keeps a number for each buffer, which goes up whenever
 * the buffer changes hands. The late cleanup is refused. But now the
 * error path and the cleanup run in two threads, and each is stopped at
 * the worst moment until the other has come as far.
 */
#include "small_pool.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

struct handle {
    int bid;
    unsigned number;
};

static _Atomic unsigned numbers[BUFFERS]; /* odd: lent */
static bool swap;
static pthread_barrier_t both_compared;
static pthread_mutex_t publishing = PTHREAD_MUTEX_INITIALIZER;

static struct handle lend(int bid)
{
    return (struct handle){bid, ++numbers[bid]};
}

static bool give_up(struct handle handle)
{
    unsigned number = handle.number;

    if (numbers[handle.bid] != number)
        return false;
    pthread_barrier_wait(&both_compared);
    if (swap)
        return atomic_compare_exchange_strong(&numbers[handle.bid],
                                              &number, number + 1);
    numbers[handle.bid] = number + 1; /* THE MISTAKE: too late */
    return true;
}

static bool release(struct handle handle)
{
    if (!give_up(handle))
        return false;
    pthread_mutex_lock(&publishing);
    put(handle.bid);
    pthread_mutex_unlock(&publishing);
    return true;
}

static void *error_path(void *handle)
{
    return release(*(struct handle *)handle) ? handle : NULL;
}

static void release_in_two_threads(struct handle mallory)
{
    void *believed = NULL;
    bool cleanup;
    pthread_t thread;

    if (pthread_create(&thread, NULL, error_path, &mallory) != 0)
        exit(EXIT_FAILURE);
    cleanup = release(mallory);
    pthread_join(thread, &believed);
    verdict("Mallory", cleanup || believed != NULL);
    verdict("Mallory", cleanup && believed != NULL);
}

static void play(void)
{
    struct handle mallory, alice;

    mallory = lend(receive("Mallory", "garbage"));
    release_in_two_threads(mallory);
    lend(receive("Carol", "how are you?"));
    alice = lend(receive("Alice", "my password is 1234"));
    verdict("Mallory", release(mallory)); /* a cleanup that is late */
    receive("Bob", "the weather is fine");
    printf("Alice said \"%s\"\n", memory[alice.bid]);
}

int main(int argc, char **argv)
{
    swap = argc > 1 && strcmp(argv[1], "swap") == 0;
    pthread_barrier_init(&both_compared, NULL, 2);
    start();
    play();
    return EXIT_SUCCESS;
}
