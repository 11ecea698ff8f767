/*
 * simhead.h - ask a simulated kernel for its head.
 *
 * Test programs are linked with --wrap for readbuf_ring_head, so that
 * the layers under test come through here. Until one of these is
 * called, and after simhead_real, the question goes to the real kernel.
 * Of one test at a time, on the thread that runs the simulated kernel.
 */
#ifndef READBUF_TESTS_SIMHEAD_H
#define READBUF_TESTS_SIMHEAD_H

#include <stdint.h>

/* The answer is `*head`, whatever ring is asked about. */
void simhead_follow(const uint16_t *head);

/* The answer is this negative errno, as of a kernel before Linux 6.8.
 */
void simhead_refuse(int error);

void simhead_real(void);

#endif
