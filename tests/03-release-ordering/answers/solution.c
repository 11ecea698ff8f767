/*
 * A buffer is checked when it comes in, since seven others wait for it
 * and one bad one would keep them all. There is room for all of them or
 * none is filled in, so a refusal leaves ring and magazine as they
 * were; and one commit shows all eight.
 */
#include "exercise.h"

#include <errno.h>

static int publish(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher,
                   uint64_t consumed, unsigned count)
{
    uint32_t level = readbuf_publisher_level(publisher, consumed);

    if (publisher->entries - level < count)
        return -ENOSPC;
    for (unsigned i = 0; i < count; i++)
        readbuf_publisher_fill(publisher, magazine->held[i].address,
                               magazine->held[i].length,
                               magazine->held[i].bid);
    readbuf_publisher_commit(publisher);
    magazine->count = 0;
    return 0;
}

/* `held` has room for the eighth; it counts when all are published. */
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
