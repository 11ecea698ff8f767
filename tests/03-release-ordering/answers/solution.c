/*
 * A descriptor is checked when it comes in, since seven others wait for
 * it and one bad one would keep them all. Eight are published with one
 * call, so the tail is stored once; what could not be published stays.
 */
#include "exercise.h"

#include <errno.h>

static int publish(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher, unsigned count)
{
    int ret = readbuf_publish(publisher, magazine->held, count);

    if (ret == 0)
        magazine->count = 0;
    return ret;
}

/* `held` has room for the eighth; it counts when all are published. */
int exercise_return(struct exercise_magazine *magazine,
                    struct readbuf_publisher *publisher,
                    const struct readbuf_descriptor *descriptor)
{
    if (descriptor->address == NULL || descriptor->length == 0 ||
        descriptor->bid >= publisher->entries)
        return -EINVAL;
    magazine->held[magazine->count] = *descriptor;
    if (magazine->count == EXERCISE_MAGAZINE - 1)
        return publish(magazine, publisher, EXERCISE_MAGAZINE);
    magazine->count++;
    return 0;
}

int exercise_flush(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher)
{
    if (magazine->count == 0)
        return 0;
    return publish(magazine, publisher, magazine->count);
}
