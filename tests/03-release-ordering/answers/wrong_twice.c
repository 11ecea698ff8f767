/* hint: the caller brings the refused one again */
#include "exercise.h"

#include <errno.h>

int exercise_return(struct exercise_magazine *magazine,
                    struct readbuf_publisher *publisher,
                    const struct readbuf_descriptor *descriptor)
{
    if (descriptor->address == NULL || descriptor->length == 0 ||
        descriptor->bid >= publisher->entries)
        return -EINVAL;
    if (magazine->count < 8)
        magazine->held[magazine->count++] = *descriptor;
    if (magazine->count < 8)
        return 0;
    if (readbuf_publish(publisher, magazine->held, 8) < 0)
        return -ENOSPC;
    magazine->count = 0;
    return 0;
}

int exercise_flush(struct exercise_magazine *magazine,
                   struct readbuf_publisher *publisher)
{
    int ret = 0;

    if (magazine->count > 0)
        ret =
            readbuf_publish(publisher, magazine->held, magazine->count);
    if (ret == 0)
        magazine->count = 0;
    return ret;
}
