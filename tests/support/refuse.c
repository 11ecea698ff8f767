/*
 * refuse ERRNO COMMAND... - run a command where io_uring_setup fails.
 *
 * What a reader in a container sees, for everybody else.
 */
#include "sandbox.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void sandbox_missing(const char *why)
{
    fprintf(stderr, "refuse: %s\n", why);
    exit(69); /* as a tool that is not installed */
}

int main(int argc, char **argv)
{
    int error;

    if (argc < 3) {
        fprintf(stderr, "usage: refuse EPERM|ENOSYS|ENOMEM COMMAND\n");
        return EXIT_FAILURE;
    }
    if (strcmp(argv[1], "EPERM") == 0)
        error = EPERM;
    else if (strcmp(argv[1], "ENOSYS") == 0)
        error = ENOSYS;
    else
        error = ENOMEM;
    sandbox_refuse_setup(error);
    execvp(argv[2], argv + 2);
    perror(argv[2]);
    return EXIT_FAILURE;
}
