/*
 * kept_pointer.c - EXHIBIT: wrong on purpose.
 *
 * A path is found in a request, and a pointer to it is kept while the
 * buffer goes back to the kernel. Build it with -fsanitize=address: the
 * library's marks let the tool see what it could not know by itself.
 */
#include "origin.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SIZE = 32, REQUEST = 11 };

static unsigned char *memory;
static int ends[2];

/* The kernel fills the buffer, and no tool sees how. */
static void kernel_reads(const char *request)
{
    if (write(ends[1], request, REQUEST) != REQUEST ||
        syscall(SYS_read, ends[0], memory, REQUEST) != REQUEST)
        exit(EXIT_FAILURE);
}

static void show(const char *what, const unsigned char *path)
{
    printf("%-9s", what);
    for (int i = 0; i < 6; i++)
        putchar(path[i]);
    putchar('\n');
}

int main(void)
{
    const unsigned char *path;

    setvbuf(stdout, NULL, _IOLBF, 0);
    memory = calloc(1, SIZE);
    if (memory == NULL || pipe(ends) < 0)
        return EXIT_FAILURE;
    kernel_reads("GET /alice\n");
    readbuf_own_app(memory, REQUEST);
    path = memory + 4;
    show("found", path);
    readbuf_own_kernel(memory, SIZE); /* the buffer goes back */
    kernel_reads("GET /carol\n");
    show("serving", path); /* THE MISTAKE */
    return EXIT_SUCCESS;
}
