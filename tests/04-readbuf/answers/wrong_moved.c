/* hint: data stays where it is, readbuf_remove moves the bytes */
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
    if (at + 1 > size)
        return -EMSGSIZE;
    memcpy(line, buf->data, at);
    line[at] = '\0';
    buf->data += at + 1;
    buf->len -= (uint32_t)(at + 1);
    return (int)at;
}
