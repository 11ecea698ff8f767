/*
 * selection.c - what a completion says.
 */
#include "selection.h"

#include <errno.h>

/* Only `res` decides this; no flag has a say in it. */
static enum readbuf_outcome outcome_of(int32_t res)
{
    if (res > 0)
        return READBUF_GOT_DATA;
    if (res == 0)
        return READBUF_GOT_END;
    return res == -ENOBUFS ? READBUF_GOT_STARVED : READBUF_GOT_ERROR;
}

/* Only `flags` decides the rest; `res` has no say in it. */
struct readbuf_completion readbuf_decode(int32_t res, uint32_t flags)
{
    bool named = (flags & IORING_CQE_F_BUFFER) != 0;

    return (struct readbuf_completion){
        .outcome = outcome_of(res),
        .res = res,
        .has_buffer = named,
        .buffer_is_ours = named && !(flags & READBUF_CQE_F_BUF_MORE),
        .more = (flags & IORING_CQE_F_MORE) != 0,
        .bid = named ? (uint16_t)(flags >> IORING_CQE_BUFFER_SHIFT) : 0,
    };
}
