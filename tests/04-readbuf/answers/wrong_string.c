/* hint: what is behind the length was not read */
#include "exercise.h"

#include <errno.h>
#include <string.h>

int exercise_next_line(struct readbuf *buf, char *line, size_t size)
{
    const char *text = (const char *)buf->data, *newline = NULL;
    size_t length;

    if (text != NULL)
        newline = strchr(text, '\n');
    if (newline == NULL)
        return readbuf_len(buf) < readbuf_capacity(buf) ? -EAGAIN
                                                        : -EMSGSIZE;
    length = (size_t)(newline - text);
    if (length >= size)
        return -EMSGSIZE;
    memcpy(line, text, length);
    line[length] = '\0';
    readbuf_remove(buf, 0, length + 1);
    return (int)length;
}
