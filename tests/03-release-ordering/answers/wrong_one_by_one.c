/* hint: with one publication it is all or none */
#include "exercise.h"

#include <errno.h>

static int publish(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher, unsigned count)
{
    int ret = 0;

    for (unsigned i = 0; i < count && ret == 0; i++)
        ret = readbuf_publish(publisher, &magazine->held[i], 1);
    if (ret == 0)
        magazine->count = 0;
    return ret;
}

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
