/*
 * simuring.h - an io_uring that knows nothing but groups of buffers.
 *
 * Programs are linked with --wrap for the calls that the library makes:
 * io_uring_register(2) ends here, and every call that can fail fails
 * when it is told to. So a pool is made by readbuf_pool_create itself,
 * and not a line of the library is different from what ships.
 */
#ifndef READBUF_TESTS_SIMURING_H
#define READBUF_TESTS_SIMURING_H

#include "simkernel.h"

#include <stdbool.h>

/* The descriptor that the library is to believe an io_uring. */
int simuring_fd(void);

/* The kernel's end of the ring of this group; NULL if it has none. */
struct simkernel *simuring_kernel(uint16_t group);

/* How many groups there are, and how many bytes the library mapped. */
unsigned simuring_groups(void);
size_t simuring_mapped(void);

/*
 * Let the next `calls` calls pass (for memory, to the kernel) and the
 * one after fail with `error`. True from disarm: that call came.
 */
void simuring_fail(unsigned calls, int error);
bool simuring_disarm(void);

/* Every call to the kernel fails with `error`; 0: none does. */
void simuring_refuse(int error);

/* Can the head be asked for, as from Linux 6.8 on? */
void simuring_tell_head(bool tell);

#endif
