/*
 * publisher.h - show descriptors to the kernel, in an order it can
 * trust.
 *
 *                    taken                    tail
 *                      v                       v
 *     slot   ... 2   3 | 0   1   2   3         0   1 ...
 *                      | full of descriptors | not yet written
 *     consumed         | the kernel may read | the publisher may write
 *
 * Both counts run on through all sixteen bits; only `count & mask` is a
 * slot. The publisher writes descriptors behind the tail, then moves
 * the tail with one store-release. The kernel loads the tail with
 * acquire and reads what is before it. That pair is the whole protocol.
 */
#ifndef READBUF_PUBLISHER_H
#define READBUF_PUBLISHER_H

#include "compat.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

/* What is remembered of each buffer's latest publication. */
struct readbuf_published {
    uint64_t position;      /* how many were published before it */
    _Atomic uint16_t after; /* the bid published right after it */
};

/*
 * The application's end of one ring. The members belong to this module.
 *
 * Threads: any number may publish, the lock takes turns. Only one at a
 * time may call readbuf_publisher_taken.
 */
struct readbuf_publisher {
    struct io_uring_buf_ring *shared;
    struct readbuf_published *log; /* by bid; `entries` of them */
    pthread_mutex_t lock;          /* tail, last, log, descriptors */
    uint64_t tail; /* published ever; its low 16 bits are what a commit
                      shows the kernel */
    uint32_t entries;
    uint16_t last;          /* the bid published last */
    _Atomic uint16_t taken; /* descriptors known to be consumed */
};

/* One buffer to be published. */
struct readbuf_descriptor {
    void *address;
    uint32_t length; /* bytes */
    uint16_t bid;    /* below the ring's entries */
};

/*
 * Begin publishing to an empty ring of `entries` descriptors (a power
 * of two). `log` has room for `entries` and stays the caller's; so does
 * the ring. 0, or the negative errno of pthread_mutex_init.
 */
int readbuf_publisher_init(struct readbuf_publisher *publisher,
                           struct io_uring_buf_ring *shared,
                           uint32_t entries,
                           struct readbuf_published *log);

/* Nobody publishes any more. The ring itself is not touched. */
void readbuf_publisher_destroy(struct readbuf_publisher *publisher);

/*
 * Publish `count` buffers, in this order, with one store of the tail.
 * All or nothing: -EINVAL a NULL address, a zero length, a bid that is
 * out of range; -ENOSPC more than the ring has room for. Any thread; no
 * system call.
 */
int readbuf_publish(struct readbuf_publisher *publisher,
                    const struct readbuf_descriptor *descriptors,
                    uint32_t count);

/*
 * The same in steps, for a caller who has something of its own to
 * protect with the same lock: lock, add any number, commit, unlock.
 * What was added is invisible to the kernel until the commit. An add
 * that is refused (as above) has no effect.
 */
void readbuf_publisher_lock(struct readbuf_publisher *publisher);
int readbuf_publisher_add(struct readbuf_publisher *publisher,
                          const struct readbuf_descriptor *descriptor);
void readbuf_publisher_commit(struct readbuf_publisher *publisher);
void readbuf_publisher_unlock(struct readbuf_publisher *publisher);

/*
 * `count` more descriptors are known to be consumed, since completions
 * said so: there is room for as many. One thread at a time.
 */
void readbuf_publisher_taken(struct readbuf_publisher *publisher,
                             uint32_t count);

/*
 * Which buffer was published right after `bid`, whatever has happened
 * to the slots since. Defined while `bid` is consumed and not published
 * again, and somebody did come after it.
 */
uint16_t
readbuf_publisher_after(const struct readbuf_publisher *publisher,
                        uint16_t bid);

/*
 * Has a kernel whose head is `head` consumed `bid` since it was last
 * published, however long ago? Any thread.
 */
bool readbuf_publisher_consumed(struct readbuf_publisher *publisher,
                                uint16_t bid, uint16_t head);

#endif
