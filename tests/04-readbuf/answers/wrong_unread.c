/* hint: what is behind the length was not read */
#include "exercise.h"

#include <errno.h>
#include <string.h>

int exercise_next_line(struct readbuf *buf, char *line, size_t size)
{
    const unsigned char *end = NULL;
    size_t at;

    if (buf->data != NULL)
        end = memchr(buf->data, '\n', readbuf_capacity(buf));
    if (end == NULL)
        return readbuf_len(buf) < readbuf_capacity(buf) ? -EAGAIN
                                                        : -EMSGSIZE;
    at = (size_t)(end - buf->data);
    if (at + 1 > size)
        return -EMSGSIZE;
    memcpy(line, buf->data, at);
    line[at] = '\0';
    readbuf_remove(buf, 0, at + 1);
    return (int)at;
}
