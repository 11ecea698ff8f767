/* hint: one publication is one store of the tail */
#include "exercise.h"

#include <errno.h>

static bool has_room(const struct readbuf_publisher *publisher,
                     unsigned count)
{
    uint16_t used = (uint16_t)(publisher->tail - publisher->taken);

    return publisher->entries - used >= count;
}

static int empty(struct exercise_magazine *magazine,
                 struct readbuf_publisher *publisher, unsigned count)
{
    if (!has_room(publisher, count))
        return -ENOSPC;
    for (unsigned i = 0; i < count; i++)
        readbuf_publish(publisher, &magazine->held[i], 1);
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
