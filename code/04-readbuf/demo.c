/*
 * demo.c - the program of stage 04: a request that came in two pieces.
 *
 * No kernel. The "reads" copy from a string, as a completion would have
 * filled the buffer.
 */
#include "origin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Enough of a pool for this layer: where handles look for their size.
 */
struct readbuf_pool {
    struct readbuf_origin origin;
};

/* A bar for every newline. */
static void show(const char *what, const struct readbuf *buf)
{
    printf("%-22s %2zu of %zu  ", what, readbuf_len(buf),
           readbuf_capacity(buf));
    for (size_t i = 0; buf->data != NULL && i < readbuf_len(buf); i++)
        putchar(buf->data[i] == '\n' ? '|' : buf->data[i]);
    putchar('\n');
}

/* What the kernel does with the spare part, and we with the result. */
static void read_more(struct readbuf *buf, const char *text)
{
    struct iovec spare = readbuf_spare(buf);
    size_t n =
        strlen(text) < spare.iov_len ? strlen(text) : spare.iov_len;

    memcpy(spare.iov_base, text, n);
    readbuf_set_len(buf, readbuf_len(buf) + n);
}

int main(void)
{
    struct readbuf_pool pool = {.origin = {.size = 24}};
    unsigned char memory[24];
    struct readbuf buf = {.pool = &pool, .loan = 1};

    show("nothing picked yet", &buf);
    buf.data = memory;
    read_more(&buf, "GET /a\nGET /b\nGE");
    show("the first read", &buf);
    readbuf_remove(&buf, 0, 7);
    show("a line is done", &buf);
    readbuf_remove(&buf, 0, 7);
    show("another", &buf);
    read_more(&buf, "T /c\nGET /d\n");
    show("read into the rest", &buf);
    if (readbuf_extend(&buf, "too long to fit", 15) == -ENOBUFS)
        show("append, does not fit", &buf);
    readbuf_extend(&buf, buf.data, 7);
    show("append its own start", &buf);
    readbuf_truncate(&buf, 7);
    show("cut to a line", &buf);
    readbuf_clear(&buf);
    show("cleared", &buf);
    return 0;
}
