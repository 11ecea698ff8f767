/*
 * publisher.c - descriptors first, then the tail.
 *
 * Invariants, all under the lock:
 *   - shared->tail is the low half of tail, except between an add
 *     and its commit
 *   - (uint16_t)(tail - taken) <= entries
 *   - the descriptors from `taken` to `tail` are complete, and nobody
 *     but the kernel touches them
 */
#include "publisher.h"

#include <assert.h>
#include <errno.h>

int readbuf_publisher_init(struct readbuf_publisher *publisher,
                           struct io_uring_buf_ring *shared,
                           uint32_t entries,
                           struct readbuf_published *log)
{
    assert(entries > 0 && entries <= 32768);
    assert((entries & (entries - 1)) == 0);
    assert(shared->tail == 0);
    publisher->shared = shared;
    publisher->log = log;
    publisher->entries = entries;
    publisher->tail = 0;
    publisher->last = 0;
    atomic_init(&publisher->taken, 0);
    return -pthread_mutex_init(&publisher->lock, NULL);
}

void readbuf_publisher_destroy(struct readbuf_publisher *publisher)
{
    pthread_mutex_destroy(&publisher->lock);
}

void readbuf_publisher_lock(struct readbuf_publisher *publisher)
{
    int ret = pthread_mutex_lock(&publisher->lock);

    assert(ret == 0);
    (void)ret;
}

void readbuf_publisher_unlock(struct readbuf_publisher *publisher)
{
    int ret = pthread_mutex_unlock(&publisher->lock);

    assert(ret == 0);
    (void)ret;
}

/*
 * Everything but `resv`. In slot 0 that field is the tail, and a store
 * to it, even of the right value, is a second publication. Address and
 * length are written every time, since the kernel may have edited them.
 */
static void fill(struct readbuf_publisher *publisher, uint64_t position,
                 const struct readbuf_descriptor *descriptor)
{
    struct io_uring_buf *slot =
        &publisher->shared->bufs[position & (publisher->entries - 1)];

    slot->addr = (uintptr_t)descriptor->address;
    slot->len = descriptor->length;
    slot->bid = descriptor->bid;
}

/*
 * Remember what came after what; the slots will be overwritten. Written
 * under the lock, but `after` is read without it by whoever decodes
 * completions.
 */
static void record(struct readbuf_publisher *publisher, uint16_t bid)
{
    atomic_store_explicit(&publisher->log[publisher->last].after, bid,
                          memory_order_relaxed);
    publisher->log[bid].position = publisher->tail;
    publisher->last = bid;
}

/* How many more descriptors there is room for. */
static uint32_t room(const struct readbuf_publisher *publisher)
{
    uint16_t taken =
        atomic_load_explicit(&publisher->taken, memory_order_relaxed);
    uint16_t used = (uint16_t)((uint16_t)publisher->tail - taken);

    assert(used <= publisher->entries);
    return publisher->entries - used;
}

static bool usable(const struct readbuf_publisher *publisher,
                   const struct readbuf_descriptor *descriptor)
{
    return descriptor->address != NULL && descriptor->length != 0 &&
           descriptor->bid < publisher->entries;
}

int readbuf_publisher_add(struct readbuf_publisher *publisher,
                          const struct readbuf_descriptor *descriptor)
{
    if (!usable(publisher, descriptor))
        return -EINVAL;
    if (room(publisher) == 0)
        return -ENOSPC;
    fill(publisher, publisher->tail, descriptor);
    record(publisher, descriptor->bid);
    publisher->tail++;
    return 0;
}

void readbuf_publisher_commit(struct readbuf_publisher *publisher)
{
    __atomic_store_n(&publisher->shared->tail,
                     (uint16_t)publisher->tail, __ATOMIC_RELEASE);
}

static int add_all(struct readbuf_publisher *publisher,
                   const struct readbuf_descriptor *descriptors,
                   uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!usable(publisher, &descriptors[i]))
            return -EINVAL;
    if (count > room(publisher))
        return -ENOSPC;
    for (uint32_t i = 0; i < count; i++)
        readbuf_publisher_add(publisher, &descriptors[i]);
    return 0;
}

int readbuf_publish(struct readbuf_publisher *publisher,
                    const struct readbuf_descriptor *descriptors,
                    uint32_t count)
{
    int ret;

    readbuf_publisher_lock(publisher);
    ret = add_all(publisher, descriptors, count);
    if (ret == 0)
        readbuf_publisher_commit(publisher);
    readbuf_publisher_unlock(publisher);
    return ret;
}

void readbuf_publisher_taken(struct readbuf_publisher *publisher,
                             uint32_t count)
{
    uint16_t taken =
        atomic_load_explicit(&publisher->taken, memory_order_relaxed);

    atomic_store_explicit(&publisher->taken, (uint16_t)(taken + count),
                          memory_order_relaxed);
}

uint16_t
readbuf_publisher_after(const struct readbuf_publisher *publisher,
                        uint16_t bid)
{
    assert(bid < publisher->entries);
    return atomic_load_explicit(&publisher->log[bid].after,
                                memory_order_relaxed);
}

/*
 * What is between head and tail has not been consumed. The head has
 * sixteen bits and the position does not wrap, since a buffer may be
 * out for longer than the ring takes to go round.
 */
bool readbuf_publisher_consumed(struct readbuf_publisher *publisher,
                                uint16_t bid, uint16_t head)
{
    uint16_t waiting;
    bool consumed;

    assert(bid < publisher->entries);
    readbuf_publisher_lock(publisher);
    waiting = (uint16_t)((uint16_t)publisher->tail - head);
    consumed = publisher->log[bid].position + waiting < publisher->tail;
    readbuf_publisher_unlock(publisher);
    return consumed;
}
