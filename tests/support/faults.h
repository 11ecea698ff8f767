/*
 * faults.h - memory that fails when it is told to, and is counted.
 *
 * Test programs are linked with --wrap for the calls below, so that the
 * library under test comes through here. Only calls made by our own
 * objects are seen, not those inside liburing or the C library.
 */
#ifndef READBUF_TESTS_FAULTS_H
#define READBUF_TESTS_FAULTS_H

#include <stddef.h>

/* Let the next `calls` calls of mmap pass and fail the one after. */
void faults_mmap_after(int calls, int error);

/* Bytes mapped through here and not unmapped, since the start. */
size_t faults_mapped(void);

#endif
