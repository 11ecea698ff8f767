/* hint: say what the pool said */
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
        return -EDQUOT;
    }
    quota->held++;
    return ret;
}

int exercise_release(struct exercise_quota *quota, struct readbuf *buf)
{
    if (buf->data != NULL && readbuf_release(buf) == 0)
        quota->held--;
    return 0;
}
