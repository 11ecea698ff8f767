/* hint: with one publication it is all or none */
#include "exercise.h"

#include <errno.h>

static int publish(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher,
                   uint64_t consumed, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (readbuf_publisher_level(publisher, consumed) ==
            publisher->entries)
            return -ENOSPC;
        readbuf_publisher_fill(publisher, magazine->held[i].address,
                               magazine->held[i].length,
                               magazine->held[i].bid);
        readbuf_publisher_commit(publisher);
    }
    magazine->count = 0;
    return 0;
}

int exercise_return(struct exercise_magazine *magazine,
                    struct readbuf_publisher *publisher,
                    uint64_t consumed,
                    const struct exercise_buffer *buffer)
{
    if (buffer->address == NULL || buffer->length == 0)
        return -EINVAL;
    magazine->held[magazine->count] = *buffer;
    if (magazine->count == EXERCISE_MAGAZINE - 1)
        return publish(magazine, publisher, consumed,
                       EXERCISE_MAGAZINE);
    magazine->count++;
    return 0;
}

int exercise_flush(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher,
                   uint64_t consumed)
{
    if (magazine->count == 0)
        return 0;
    return publish(magazine, publisher, consumed, magazine->count);
}
