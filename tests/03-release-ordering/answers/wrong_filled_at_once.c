/* hint: to hold one back needs no room */
#include "exercise.h"

#include <errno.h>

int exercise_return(struct exercise_magazine *magazine,
                    struct readbuf_publisher *publisher,
                    uint64_t consumed,
                    const struct exercise_buffer *buffer)
{
    if (buffer->address == NULL || buffer->length == 0)
        return -EINVAL;
    if (readbuf_publisher_level(publisher, consumed) ==
        publisher->entries)
        return -ENOSPC;
    readbuf_publisher_fill(publisher, buffer->address, buffer->length,
                           buffer->bid);
    magazine->held[magazine->count++] = *buffer;
    if (magazine->count < EXERCISE_MAGAZINE)
        return 0;
    return exercise_flush(magazine, publisher, consumed);
}

int exercise_flush(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher,
                   uint64_t consumed)
{
    (void)consumed;
    if (magazine->count == 0)
        return 0;
    readbuf_publisher_commit(publisher);
    magazine->count = 0;
    return 0;
}
