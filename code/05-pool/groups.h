/*
 * groups.h - a buffer group id that nobody else has.
 */
#ifndef READBUF_GROUPS_H
#define READBUF_GROUPS_H

#include "registration.h"

/*
 * Register a ring as readbuf_ring_register does, under a group id that
 * is free on this io_uring, whoever took the others. Ids are not reused
 * soon, and none is below 64. -EEXIST if all are taken, or if this
 * thread may not register.
 */
int readbuf_groups_register(struct readbuf_ring *ring, int ring_fd,
                            uint32_t entries, unsigned flags);

#endif
