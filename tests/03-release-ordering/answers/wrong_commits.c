/* hint: one publication is one store of the tail */
#include "exercise.h"

#include <errno.h>

static int empty(struct exercise_magazine *magazine,
                 struct readbuf_publisher *publisher, unsigned count)
{
    uint16_t used = (uint16_t)(publisher->tail - publisher->taken);

    if (publisher->entries - used < count)
        return -ENOSPC;
    readbuf_publisher_lock(publisher);
    for (unsigned i = 0; i < count; i++) {
        readbuf_publisher_add(publisher, &magazine->held[i]);
        readbuf_publisher_commit(publisher);
    }
    readbuf_publisher_unlock(publisher);
    magazine->count = 0;
    return 0;
}

int exercise_return(struct exercise_magazine *magazine,
                    struct readbuf_publisher *publisher,
                    const struct readbuf_descriptor *descriptor)
{
    if (descriptor->address == NULL || descriptor->length == 0 ||
        descriptor->bid >= publisher->entries)
        return -EINVAL;
    magazine->held[magazine->count] = *descriptor;
    if (magazine->count == 7)
        return empty(magazine, publisher, 8);
    magazine->count++;
    return 0;
}

int exercise_flush(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher)
{
    return empty(magazine, publisher, magazine->count);
}
