/* hint: without a buffer there is nothing to refuse */
#include "exercise.h"

#include <errno.h>

int exercise_take(struct exercise_quota *quota,
                  struct readbuf_pool *pool,
                  const struct io_uring_cqe *cqe, struct readbuf *out)
{
    int ret = readbuf_pool_take(pool, cqe, out);

    if (quota->held >= quota->limit) {
        readbuf_release(out);
        return -EDQUOT;
    }
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
