/* hint: no buffer yet is not a full buffer */
#include "exercise.h"

#include <errno.h>
#include <string.h>

int exercise_next_line(struct readbuf *buf, char *line, size_t size)
{
    size_t at = 0;

    if (buf->data == NULL)
        return -EMSGSIZE;
    while (at < readbuf_len(buf) && buf->data[at] != '\n')
        at++;
    if (at == readbuf_len(buf))
        return at < readbuf_capacity(buf) ? -EAGAIN : -EMSGSIZE;
    if (at + 1 > size)
        return -EMSGSIZE;
    memcpy(line, buf->data, at);
    line[at] = '\0';
    readbuf_remove(buf, 0, at + 1);
    return (int)at;
}
