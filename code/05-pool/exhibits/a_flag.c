/*
 * a_flag.c - EXHIBIT: wrong on purpose.
 *
 * A pool that keeps a flag for each buffer: lent, or not. The cleanup
 * is refused if it comes at once. If it comes after the buffer was lent
 * again, it takes the buffer from whoever has it now.
 */
#include "small_pool.h"

#include <stdlib.h>

static bool lent[BUFFERS];

static int lend(int bid)
{
    lent[bid] = true;
    return bid;
}

static bool release(int bid)
{
    if (!lent[bid]) /* THE MISTAKE: lent, but to whom? */
        return false;
    lent[bid] = false;
    put(bid);
    return true;
}

static void play(void)
{
    int mallory, alice;

    mallory = lend(receive("Mallory", "garbage"));
    verdict("Mallory", release(mallory)); /* the error path */
    verdict("Mallory", release(mallory)); /* the cleanup */
    lend(receive("Carol", "how are you?"));
    alice = lend(receive("Alice", "my password is 1234"));
    verdict("Mallory", release(mallory)); /* a cleanup that is late */
    receive("Bob", "the weather is fine");
    printf("Alice said \"%s\"\n", memory[alice]);
}

int main(void)
{
    start();
    play();
    return EXIT_SUCCESS;
}
