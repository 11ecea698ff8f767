/* hint: one bad descriptor would keep seven good ones */
#include "exercise.h"

#include <errno.h>

int exercise_return(struct exercise_magazine *magazine,
                    struct readbuf_publisher *publisher,
                    const struct readbuf_descriptor *descriptor)
{
    int ret;

    magazine->held[magazine->count++] = *descriptor;
    if (magazine->count < 8)
        return 0;
    ret = readbuf_publish(publisher, magazine->held, 8);
    magazine->count = ret == 0 ? 0 : 7;
    return ret;
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
