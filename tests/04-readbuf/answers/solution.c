/*
 * The bytes end where `len` says, not at a zero, so the newline is
 * looked for with memchr. Room is what tells "not yet" from "never": a
 * full buffer without a newline cannot get one.
 */
#include "exercise.h"

#include <errno.h>
#include <string.h>

int exercise_next_line(struct readbuf *buf, char *line, size_t size)
{
    const unsigned char *newline = NULL;
    size_t length;

    if (!readbuf_is_empty(buf))
        newline = memchr(buf->data, '\n', readbuf_len(buf));
    if (newline == NULL)
        return readbuf_len(buf) < readbuf_capacity(buf) ? -EAGAIN
                                                        : -EMSGSIZE;
    length = (size_t)(newline - buf->data);
    if (length >= size)
        return -EMSGSIZE;
    memcpy(line, buf->data, length);
    line[length] = '\0';
    readbuf_remove(buf, 0, length + 1);
    return (int)length;
}
