/* hint: a refused buffer goes back to the ring */
#include "exercise.h"

#include <errno.h>

int exercise_take(struct exercise_quota *quota,
                  struct readbuf_pool *pool,
                  const struct io_uring_cqe *cqe, struct readbuf *out)
{
    int ret;

    *out = readbuf_pool_get(pool);
    if (quota->held >= quota->limit && cqe->res > 0)
        return -EDQUOT;
    ret = readbuf_pool_take(pool, cqe, out);
    if (out->data != NULL)
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
