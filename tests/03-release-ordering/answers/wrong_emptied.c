/* hint: a refused publication loses nothing */
#include "exercise.h"

#include <errno.h>

static int publish(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher, unsigned count)
{
    int ret = readbuf_publish(publisher, magazine->held, count);

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
