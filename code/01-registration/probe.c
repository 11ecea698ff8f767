/*
 * probe.c - every feature is tried once, on a ring of one entry.
 *
 * A kernel that doesn't know a flag must refuse it with EINVAL: that is
 * how flags are ever added. Only EINVAL means "no"; anything else (no
 * memory, a sandbox) means that we could not find out, and is returned.
 */
#include "probe.h"
#include "kept_errno.h"
#include "registration.h"

#include <stdlib.h>
#include <sys/mman.h>

/* A group id on a private io_uring, so any will do. */
enum { PROBE_GROUP = 0 };

/* 0 is yes, -EINVAL is no; write that down and pass on the rest. */
static int verdict(int ret, bool *offered)
{
    *offered = ret == 0;
    return ret == -EINVAL ? 0 : ret;
}

static int forget_ring(int fd)
{
    struct readbuf_buf_reg reg = {.bgid = PROBE_GROUP};

    return readbuf_sys_register(fd, IORING_UNREGISTER_PBUF_RING, &reg);
}

static int try_ring(int fd, void *page, unsigned flags,
                    uint32_t min_left, bool *offered)
{
    struct readbuf_buf_reg reg = {
        .ring_addr =
            flags & READBUF_PBUF_RING_MMAP ? 0 : (uintptr_t)page,
        .ring_entries = 1,
        .bgid = PROBE_GROUP,
        .flags = (uint16_t)flags,
        .min_left = min_left,
    };
    int ret = readbuf_sys_register(fd, IORING_REGISTER_PBUF_RING, &reg);

    if (ret < 0)
        return verdict(ret, offered);
    *offered = true;
    return forget_ring(fd);
}

/* The head of a ring can only be asked of a ring that is there. */
static int try_status(int fd, void *page, bool *offered)
{
    struct readbuf_buf_reg reg = {
        .ring_addr = (uintptr_t)page,
        .ring_entries = 1,
        .bgid = PROBE_GROUP,
    };
    struct readbuf_buf_status status = {.buf_group = PROBE_GROUP};
    int ret = readbuf_sys_register(fd, IORING_REGISTER_PBUF_RING, &reg);
    int undone;

    if (ret < 0)
        return ret;
    ret = verdict(
        readbuf_sys_register(fd, READBUF_REGISTER_PBUF_STATUS, &status),
        offered);
    undone = forget_ring(fd);
    return ret < 0 ? ret : undone;
}

/*
 * The kernel keeps a table of the opcodes it knows. (liburing has a
 * function that allocates and fills it, but not one that says why it
 * could not.)
 */
static int try_opcode(struct io_uring *ring, int opcode, bool *offered)
{
    const unsigned rows = 256;
    struct io_uring_probe *table =
        calloc(1, sizeof(*table) + rows * sizeof(table->ops[0]));
    int ret;

    if (table == NULL)
        return -ENOMEM;
    ret = io_uring_register_probe(ring, table, rows);
    if (ret == 0)
        *offered = io_uring_opcode_supported(table, opcode) != 0;
    free(table);
    return ret;
}

/* Stops at the first thing that could not be found out. */
static int try_everything(struct io_uring *ring, void *page,
                          struct readbuf_features *found)
{
    int fd = ring->ring_fd;
    int ret = try_ring(fd, page, 0, 0, &found->rings);

    if (ret < 0 || !found->rings)
        return ret;
    found->bundles =
        (ring->features & READBUF_FEAT_RECVSEND_BUNDLE) != 0;
    ret = try_ring(fd, page, READBUF_PBUF_RING_MMAP, 0,
                   &found->kernel_rings);
    if (ret == 0)
        ret = try_ring(fd, page, READBUF_PBUF_RING_INC, 0,
                       &found->incremental);
    if (ret == 0)
        ret = try_ring(fd, page, READBUF_PBUF_RING_INC, 1,
                       &found->min_left);
    if (ret == 0)
        ret = try_status(fd, page, &found->status);
    if (ret == 0)
        ret = try_opcode(ring, READBUF_OP_READ_MULTISHOT,
                         &found->read_multishot);
    return ret;
}

int readbuf_probe(struct readbuf_features *features)
{
    const size_t bytes = sizeof(struct io_uring_buf);
    struct readbuf_features found = {0};
    struct io_uring ring;
    int saved = readbuf_errno();
    void *page;
    int ret = io_uring_queue_init(2, &ring, 0);

    if (ret < 0) {
        readbuf_errno_restore(saved);
        return ret;
    }
    page = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (page == MAP_FAILED) {
        ret = -errno;
    } else {
        ret = try_everything(&ring, page, &found);
        munmap(page, bytes);
    }
    io_uring_queue_exit(&ring);
    readbuf_errno_restore(saved);
    if (ret == 0)
        *features = found;
    return ret;
}
