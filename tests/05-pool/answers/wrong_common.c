/* hint: up to its own limit a connection gets all */
#include "exercise.h"

#include <errno.h>

static uint32_t held_by_all;

int exercise_take(struct exercise_quota *quota,
                  struct readbuf_pool *pool,
                  const struct io_uring_cqe *cqe, struct readbuf *out)
{
    int ret = readbuf_pool_take(pool, cqe, out);

    if (out->data == NULL)
        return ret;
    if (held_by_all >= quota->limit) {
        readbuf_release(out);
        return -EDQUOT;
    }
    quota->held = ++held_by_all;
    return ret;
}

int exercise_release(struct exercise_quota *quota, struct readbuf *buf)
{
    bool holds = buf->data != NULL;
    int ret = readbuf_release(buf);

    if (holds && ret == 0)
        quota->held = --held_by_all;
    return ret;
}
