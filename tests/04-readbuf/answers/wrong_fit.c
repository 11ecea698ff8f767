/* hint: the line and its NUL must fit */
#include "exercise.h"

#include <errno.h>
#include <string.h>

int exercise_next_line(struct readbuf *buf, char *line, size_t size)
{
    size_t at = 0;

    while (at < readbuf_len(buf) && buf->data[at] != '\n')
        at++;
    if (at == readbuf_len(buf))
        return at < readbuf_capacity(buf) ? -EAGAIN : -EMSGSIZE;
    if (at > size)
        return -EMSGSIZE;
    memcpy(line, buf->data, at);
    line[at] = '\0';
    readbuf_remove(buf, 0, at + 1);
    return (int)at;
}
