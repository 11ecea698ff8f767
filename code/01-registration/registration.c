/*
 * registration.c - memory for a ring, and the kernel's blessing for it.
 *
 * Invariant: `shared` is non-NULL exactly while the kernel knows the
 * ring. Every way out of readbuf_ring_register that is not a success
 * undoes what was done before it, in reverse order.
 */
#include "registration.h"
#include "kept_errno.h"

#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

int readbuf_sys_register(int ring_fd, unsigned opcode, void *arg)
{
    int saved = readbuf_errno();
    long ret = syscall(__NR_io_uring_register, ring_fd, opcode, arg, 1);

    if (ret < 0)
        ret = -errno;
    readbuf_errno_restore(saved);
    return (int)ret;
}

/*
 * fstat(2) that answers like the rest of this library. What it fills in
 * is zeroed before, since MemorySanitizer does not know all its names.
 */
static int look_at(int ring_fd, struct stat *seen)
{
    int saved = readbuf_errno();
    int ret;

    *seen = (struct stat){0};
    ret = fstat(ring_fd, seen) < 0 ? -errno : 0;
    readbuf_errno_restore(saved);
    return ret;
}

/*
 * Is the descriptor still the io_uring that the ring was registered
 * with? Every io_uring has an inode of its own. A descriptor that was
 * closed comes back as the next thing to be opened, perhaps another
 * io_uring, which has a group of that id as well.
 */
static int check_io_uring(const struct readbuf_ring *ring)
{
    struct stat seen;
    int ret = look_at(ring->ring_fd, &seen);

    if (ret < 0)
        return ret;
    if (seen.st_dev != ring->device || seen.st_ino != ring->inode)
        return -EBADF;
    return 0;
}

/*
 * mmap(2) that answers like the rest of this library. The tail is set
 * although fresh memory is zero: kernels from 6.7 to 6.9 recycle the
 * rings that they allocate without wiping them.
 */
static int map_shared(struct readbuf_ring *ring, int map_flags, int fd,
                      uint64_t offset)
{
    int saved = readbuf_errno();
    int ret = 0;
    void *memory = mmap(NULL, ring->bytes, PROT_READ | PROT_WRITE,
                        map_flags, fd, (off_t)offset);

    if (memory == MAP_FAILED) {
        ret = -errno;
    } else {
        ring->shared = memory;
        ring->shared->tail = 0;
    }
    readbuf_errno_restore(saved);
    return ret;
}

static int register_ring(const struct readbuf_ring *ring)
{
    struct readbuf_buf_reg reg = {
        .ring_addr = (uintptr_t)ring->shared,
        .ring_entries = ring->entries,
        .bgid = ring->group,
        .flags = ring->flags,
    };

    return readbuf_sys_register(ring->ring_fd,
                                IORING_REGISTER_PBUF_RING, &reg);
}

static int unregister_ring(const struct readbuf_ring *ring)
{
    struct readbuf_buf_reg reg = {.bgid = ring->group};

    return readbuf_sys_register(ring->ring_fd,
                                IORING_UNREGISTER_PBUF_RING, &reg);
}

/*
 * Our memory, registered with the kernel. An anonymous mapping is page
 * aligned and zero, and the kernel relies on both: it refuses a ring
 * that starts inside a page, and it takes the tail as it finds it.
 */
static int register_our_memory(struct readbuf_ring *ring)
{
    int ret = map_shared(ring, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (ret < 0)
        return ret;
    ret = register_ring(ring);
    if (ret < 0)
        munmap(ring->shared, ring->bytes);
    return ret;
}

/*
 * The kernel's memory, mapped by us. The group id travels in the mmap
 * offset, where only eleven bits of it survive: a higher id would be
 * registered and then not be mapped, or be mapped as another group.
 */
static int map_kernel_memory(struct readbuf_ring *ring)
{
    uint64_t offset = READBUF_OFF_PBUF_RING |
                      (uint64_t)ring->group << READBUF_OFF_PBUF_SHIFT;
    int ret;

    if (ring->group >= READBUF_OFF_PBUF_GROUPS)
        return -EINVAL;
    ret = register_ring(ring);
    if (ret < 0)
        return ret;
    ret = map_shared(ring, MAP_SHARED | MAP_POPULATE, ring->ring_fd,
                     offset);
    if (ret < 0)
        unregister_ring(ring);
    return ret;
}

int readbuf_ring_register(struct readbuf_ring *ring, int ring_fd,
                          uint32_t entries, uint16_t group,
                          unsigned flags)
{
    struct readbuf_ring fresh = {
        .bytes = entries * sizeof(struct io_uring_buf),
        .ring_fd = ring_fd,
        .entries = entries,
        .group = group,
        .flags = (uint16_t)flags,
    };
    struct stat seen;
    int ret;

    if (entries == 0 || entries > READBUF_RING_ENTRIES_MAX ||
        (entries & (entries - 1)) != 0)
        return -EINVAL;
    if (flags & ~(READBUF_RING_KERNEL | READBUF_RING_INCREMENTAL))
        return -EINVAL;
    ret = look_at(ring_fd, &seen);
    if (ret < 0)
        return ret;
    fresh.device = seen.st_dev;
    fresh.inode = seen.st_ino;
    if (flags & READBUF_RING_KERNEL)
        ret = map_kernel_memory(&fresh);
    else
        ret = register_our_memory(&fresh);
    if (ret == 0)
        *ring = fresh;
    return ret;
}

int readbuf_ring_unregister(struct readbuf_ring *ring)
{
    int ret, saved;

    if (ring->shared == NULL)
        return -ENOENT;
    ret = check_io_uring(ring);
    if (ret == 0)
        ret = unregister_ring(ring);
    if (ret < 0)
        return ret;
    saved = readbuf_errno();
    munmap(ring->shared, ring->bytes);
    readbuf_errno_restore(saved);
    ring->shared = NULL;
    return 0;
}

int readbuf_ring_head(const struct readbuf_ring *ring, uint16_t *head)
{
    struct readbuf_buf_status status = {.buf_group = ring->group};
    int ret;

    if (ring->shared == NULL)
        return -ENOENT;
    ret = check_io_uring(ring);
    if (ret < 0)
        return ret;
    ret = readbuf_sys_register(ring->ring_fd,
                               READBUF_REGISTER_PBUF_STATUS, &status);
    if (ret == 0)
        *head = (uint16_t)status.head;
    return ret;
}
