/* hint: the one that came first is published first */
#include "exercise.h"

#include <errno.h>

static int publish(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher, unsigned count)
{
    struct readbuf_descriptor batch[EXERCISE_MAGAZINE];
    int ret;

    for (unsigned i = 0; i < count; i++)
        batch[i] = magazine->held[count - 1 - i];
    ret = readbuf_publish(publisher, batch, count);
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
