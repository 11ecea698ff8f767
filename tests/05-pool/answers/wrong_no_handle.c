/* hint: give back an empty handle of the pool */
#include "exercise.h"

#include <errno.h>

int exercise_take(struct exercise_quota *quota,
                  struct readbuf_pool *pool,
                  const struct io_uring_cqe *cqe, struct readbuf *out)
{
    int ret = readbuf_pool_take(pool, cqe, out);

    if (out->data == NULL)
        return ret;
    if (quota->held >= quota->limit) {
        readbuf_release(out);
        *out = (struct readbuf){0};
        return -EDQUOT;
    }
    quota->held++;
    return ret;
}

int exercise_release(struct exercise_quota *quota, struct readbuf *buf)
{
    bool holds = buf->data != NULL;
    int ret = readbuf_release(buf);

    if (holds && ret == 0)
        quota->held--;
    return ret;
}
