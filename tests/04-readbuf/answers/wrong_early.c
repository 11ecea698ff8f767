/* hint: check that all fits before you remove anything */
#include "exercise.h"

#include <errno.h>

int exercise_next_line(struct readbuf *buf, char *line, size_t size)
{
    size_t length = 0, copied = 0;

    while (length < readbuf_len(buf) && buf->data[length] != '\n')
        length++;
    if (length == readbuf_len(buf))
        return length < readbuf_capacity(buf) ? -EAGAIN : -EMSGSIZE;
    for (; copied < length && copied + 1 < size; copied++)
        line[copied] = (char)buf->data[copied];
    if (size > 0)
        line[copied] = '\0';
    readbuf_remove(buf, 0, length + 1);
    return copied < length ? -EMSGSIZE : (int)length;
}
