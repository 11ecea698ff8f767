/* hint: others release meanwhile */
#include "exercise.h"

#include <errno.h>

int exercise_take(struct exercise_quota *quota,
                  struct readbuf_pool *pool,
                  const struct io_uring_cqe *cqe, struct readbuf *out)
{
    uint32_t before = readbuf_pool_held(pool);
    int ret = readbuf_pool_take(pool, cqe, out);

    if (readbuf_pool_held(pool) == before)
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
    bool holds = buf->data != NULL;
    int ret = readbuf_release(buf);

    if (holds && ret == 0)
        quota->held--;
    return ret;
}
