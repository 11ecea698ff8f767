/*
 * faults.h - memory that fails when it is told to, and is counted.
 *
 * Test programs are linked with --wrap for the calls below, so that the
 * library under test comes through here. Only calls made by our own
 * objects and by check are seen, not those inside liburing or the C
 * library.
 */
#ifndef READBUF_TESTS_FAULTS_H
#define READBUF_TESTS_FAULTS_H

#include <stddef.h>

/* Let the next `calls` calls of mmap pass and fail the one after. */
void faults_mmap_after(int calls, int error);

/* The same for malloc and its kin, counted together: ENOMEM. */
void faults_alloc_after(int calls);

/* From here on mmap gives memory with something in it. */
void faults_mmap_dirty(void);

/* From here on nothing fails, and mapped memory is as the kernel gives
 * it. */
void faults_none(void);

/* Call `hook` once, when the next munmap is done. */
void faults_munmap_hook(void (*hook)(void));

/* Call `hook` once, instead of the next clock_nanosleep. */
void faults_sleep_hook(void (*hook)(void));

/* Bytes mapped through here and not unmapped, since the start. */
size_t faults_mapped(void);

/* Pieces of memory allocated through here and not freed. */
size_t faults_allocated(void);

#endif
