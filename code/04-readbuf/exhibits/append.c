/*
 * append.c - EXHIBIT: wrong on purpose.
 *
 * A check that adds where it should subtract. The copy itself is left
 * out, so that the program lives to tell.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum { CAPACITY = 32 };

static bool append(size_t len, size_t n)
{
    if (len + n > CAPACITY) /* THE MISTAKE */
        return false;
    printf("copying %zu bytes to position %zu of %d\n", n, len,
           CAPACITY);
    return true;
}

int main(void)
{
    if (!append(16, 17))
        puts("17 bytes after 16: refused");
    if (!append(16, SIZE_MAX))
        puts("2^64 - 1 bytes after 16: refused");
    return 0;
}
