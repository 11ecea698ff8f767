/*
 * release_twice.c - EXHIBIT: wrong on purpose.
 *
 * A pool whose handles are ids. The error path of a connection gives
 * the buffer back, and so does the cleanup that runs after it. Nothing
 * happens. Then two other connections are given that buffer.
 */
#include "small_pool.h"

#include <stdlib.h>

static bool release(int bid)
{
    put(bid); /* THE MISTAKE: whoever asks, and however often */
    return true;
}

static void play(void)
{
    int mallory, alice;

    mallory = receive("Mallory", "garbage");
    verdict("Mallory", release(mallory)); /* the error path */
    verdict("Mallory", release(mallory)); /* the cleanup */
    receive("Carol", "how are you?");
    alice = receive("Alice", "my password is 1234");
    receive("Bob", "the weather is fine");
    printf("Alice said \"%s\"\n", memory[alice]);
}

int main(void)
{
    start();
    play();
    return EXIT_SUCCESS;
}
