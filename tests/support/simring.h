/*
 * simring.h - a ring that no kernel knows of.
 *
 * Test programs are linked with --wrap for readbuf_ring_register and
 * readbuf_ring_unregister, so that a pool can be made without an
 * io_uring, by the library itself and all of it. One at a time, on the
 * thread that makes it and takes it down.
 */
#ifndef READBUF_TESTS_SIMRING_H
#define READBUF_TESTS_SIMRING_H

/*
 * The next ring that is registered is plain memory, and unregistering
 * it frees that memory. Others go to the real kernel.
 */
void simring_next(void);

#endif
