/* hint: another handle may come in between */
#include "exercise.h"

#include <errno.h>
#include <string.h>

/* Where the search went on last time. */
static size_t seen;

int exercise_next_line(struct readbuf *buf, char *line, size_t size)
{
    size_t at = seen;

    while (at < readbuf_len(buf) && buf->data[at] != '\n')
        at++;
    if (at >= readbuf_len(buf)) {
        seen = readbuf_len(buf);
        return seen < readbuf_capacity(buf) ? -EAGAIN : -EMSGSIZE;
    }
    if (at + 1 > size)
        return -EMSGSIZE;
    seen = 0;
    memcpy(line, buf->data, at);
    line[at] = '\0';
    readbuf_remove(buf, 0, at + 1);
    return (int)at;
}
