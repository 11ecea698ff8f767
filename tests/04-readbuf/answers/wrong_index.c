/* hint: what is behind the length was not read */
#include "exercise.h"

#include <errno.h>
#include <string.h>

int exercise_next_line(struct readbuf *buf, char *line, size_t size)
{
    size_t at = 0;

    if (buf->data == NULL)
        return -EAGAIN;
    while (at <= readbuf_len(buf) && buf->data[at] != '\n')
        at++;
    if (at > readbuf_len(buf))
        return readbuf_len(buf) == readbuf_capacity(buf) ? -EMSGSIZE
                                                         : -EAGAIN;
    if (at + 1 > size)
        return -EMSGSIZE;
    memcpy(line, buf->data, at);
    line[at] = '\0';
    readbuf_remove(buf, 0, at + 1);
    return (int)at;
}
