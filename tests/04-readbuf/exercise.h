/* exercise.h - what the exercise of chapter 4 asks for. */
#ifndef READBUF_EXERCISE_04_H
#define READBUF_EXERCISE_04_H

#include "readbuf_bytes.h"

/*
 * Take the first line out of a buffer. Without its newline it is put
 * into `line`, which has room for `size` bytes, and a NUL is put after
 * it; in the buffer, line and newline are removed. Returns the length
 * of the line, which may have NULs in it.
 *
 * -EAGAIN if there is no newline yet and room for more bytes, or no
 * buffer is held. -EMSGSIZE if there is no newline and no room for one,
 * or the line and its NUL do not fit `line`. After an error neither the
 * buffer nor `line` has changed.
 */
int exercise_next_line(struct readbuf *buf, char *line, size_t size);

#endif
