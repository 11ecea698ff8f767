/*
 * fuzz_pool.c - the public calls, in whatever order the input says.
 *
 * The input is a script: a byte names a step, the bytes after it are
 * its operands, and zeroes follow the end. A second account of who has
 * which buffer is kept here, from what the calls are documented to do;
 * the first disagreement ends the program. What a caller must not do is
 * left out: a stale handle is released and used for nothing else, and
 * the kernel completes no buffer that it has not picked.
 */
#include "simuring.h"

#include "compat.h"
#include "readbuf.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POOLS = 2, SLOTS = 8, COUNT = 16, SIZE = 40, STEPS = 400 };
enum { NOWHERE = -1, SPINS = 70000 };

#define AGREE(condition)                                             \
    do {                                                             \
        if (!(condition)) {                                          \
            fprintf(stderr, "%s, line %d: %s\n", __func__, __LINE__, \
                    #condition);                                     \
            abort();                                                 \
        }                                                            \
    } while (0)

enum place { RING, PICKED, HELD };

struct buffer {
    enum place place;
    unsigned loan; /* how often it was lent */
    unsigned char *data;
    unsigned char bytes[SIZE]; /* what must be in it */
};

struct account {
    struct readbuf_pool *pool; /* NULL: there is none */
    struct simkernel *kernel;  /* NULL: unregistered */
    unsigned owners;
    uint32_t count, size;
    uint16_t group;
    struct buffer buffers[COUNT];
};

/* A handle, and what is thought of it. */
struct slot {
    struct readbuf buf;
    struct account *account; /* NULL: as READBUF_INIT */
    int bid;                 /* NOWHERE: empty */
    unsigned loan;
    size_t len;
};

static struct account accounts[POOLS];
static struct slot slots[SLOTS];
static struct io_uring uring;
static const unsigned char *input;
static size_t left;
static bool head_told;
static unsigned spins;
static unsigned char ink; /* each filling is another byte */

static unsigned byte(void)
{
    if (left == 0)
        return 0;
    left--;
    return *input++;
}

static uint32_t word(void)
{
    uint32_t low = byte();

    return low | (uint32_t)byte() << 8;
}

/* Lengths that are interesting, and all small ones. */
static size_t length(void)
{
    static const size_t rare[] = {SIZE_MAX, SIZE_MAX - 1, SIZE_MAX / 2,
                                  UINT32_MAX, INT32_MAX};
    unsigned n = byte();

    return n >= 251 ? rare[n - 251] : n % (SIZE + 8);
}

static struct account *some_account(void)
{
    return &accounts[byte() % POOLS];
}

static struct slot *some_slot(void)
{
    return &slots[byte() % SLOTS];
}

/* The buffer of a handle that may be used. */
static struct buffer *live(const struct slot *slot)
{
    struct buffer *buffer;

    if (slot->bid == NOWHERE)
        return NULL;
    buffer = &slot->account->buffers[slot->bid];
    return buffer->place == HELD && buffer->loan == slot->loan ? buffer
                                                               : NULL;
}

static bool stale(const struct slot *slot)
{
    return slot->bid != NOWHERE && live(slot) == NULL;
}

static unsigned in_place(const struct account *a, enum place place)
{
    unsigned n = 0;

    for (uint32_t bid = 0; bid < a->count; bid++)
        n += a->buffers[bid].place == place;
    return n;
}

static int picked_bid(const struct account *a)
{
    for (uint32_t bid = 0; bid < a->count; bid++)
        if (a->buffers[bid].place == PICKED)
            return (int)bid;
    return NOWHERE;
}

/* ------------------------------------------------------- accounts */

static void empty(struct slot *slot, struct account *account)
{
    slot->account = account;
    slot->bid = NOWHERE;
    slot->len = 0;
}

/* The memory of a pool goes with the last owner and the last buffer. */
static void bury(struct account *a)
{
    if (a->owners > 0 || in_place(a, HELD) > 0)
        return;
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].account == a) {
            slots[i].buf = (struct readbuf)READBUF_INIT;
            empty(&slots[i], NULL);
        }
    a->pool = NULL;
}

/* Each descriptor in the ring is that of a buffer which should be. */
static void check_ring(struct account *a)
{
    uint32_t waiting = simkernel_available(a->kernel);
    uint32_t seen = 0;

    AGREE(waiting == in_place(a, RING));
    for (uint32_t i = 0; i < waiting; i++) {
        const struct io_uring_buf *d =
            &a->kernel->shared
                 ->bufs[(a->kernel->head + i) & (a->count - 1)];

        AGREE(d->bid < a->count && !(seen >> d->bid & 1));
        seen |= UINT32_C(1) << d->bid;
        AGREE(a->buffers[d->bid].place == RING);
        AGREE(d->addr == (uintptr_t)a->buffers[d->bid].data);
        AGREE(d->len == a->size);
    }
}

static void check_account(struct account *a)
{
    if (a->pool == NULL)
        return;
    AGREE(readbuf_pool_held(a->pool) == in_place(a, HELD));
    AGREE(readbuf_pool_group(a->pool) == a->group);
    if (a->kernel != NULL)
        check_ring(a);
}

/* What a handle says is what it should say. */
static void check_slot(const struct slot *slot)
{
    const struct buffer *buffer = live(slot);
    const struct readbuf *buf = &slot->buf;

    if (stale(slot))
        return;
    AGREE(readbuf_len(buf) == slot->len);
    AGREE(readbuf_is_empty(buf) == (slot->len == 0));
    AGREE(readbuf_capacity(buf) ==
          (slot->account == NULL ? 0 : slot->account->size));
    if (buffer == NULL) {
        AGREE(buf->data == NULL);
        return;
    }
    AGREE(buf->data == buffer->data);
    AGREE(slot->len == 0 ||
          memcmp(buf->data, buffer->bytes, slot->len) == 0);
}

static void check_all(void)
{
    unsigned groups = 0;

    for (int i = 0; i < POOLS; i++) {
        check_account(&accounts[i]);
        groups +=
            accounts[i].pool != NULL && accounts[i].kernel != NULL;
    }
    AGREE(simuring_groups() == groups);
    for (int i = 0; i < SLOTS; i++)
        check_slot(&slots[i]);
}

/* --------------------------------------------------------- kernel */

#if defined(__SANITIZE_ADDRESS__) || defined(__clang__)
__attribute__((no_sanitize("address")))
#endif
static void
fill(struct buffer *buffer, uint32_t size)
{
    ink++;
    for (uint32_t i = 0; i < size; i++) {
        buffer->bytes[i] = ink;
        buffer->data[i] = ink;
        __asm__ volatile("" ::: "memory"); /* no loop to be a memset */
    }
}

/* The kernel picks a buffer and reads into all of it. */
static void pick(struct account *a)
{
    struct io_uring_buf picked;
    struct buffer *buffer;

    if (a->kernel == NULL || simkernel_pick(a->kernel, &picked) < 0)
        return;
    AGREE(picked.bid < a->count);
    buffer = &a->buffers[picked.bid];
    AGREE(buffer->place == RING);
    buffer->place = PICKED;
    fill(buffer, a->size);
}

/*
 * Flags that a kernel may answer with: a buffer that it names has been
 * picked, or an error has put it back and the head tells; else it is
 * one that no kernel could name now, and the library can know.
 */
static uint32_t possible(const struct account *a, int32_t res,
                         uint32_t flags)
{
    uint32_t bid = flags >> IORING_CQE_BUFFER_SHIFT;
    int picked;

    if (a == NULL || !(flags & IORING_CQE_F_BUFFER))
        return flags;
    if (bid >= a->count || a->buffers[bid].place != RING)
        return flags;
    if (res < 0 && head_told && a->kernel != NULL)
        return flags;
    picked = picked_bid(a);
    if (picked == NOWHERE)
        return flags & ~IORING_CQE_F_BUFFER;
    return (flags & 0xffff) | (uint32_t)picked
                                  << IORING_CQE_BUFFER_SHIFT;
}

/*
 * A completion for a handle of `a`, NULL if of none: mostly of a picked
 * buffer, else of anything at all.
 */
static void completion(struct account *a, struct io_uring_cqe *cqe)
{
    unsigned kind = byte();
    int32_t res = (int32_t)(byte() % (SIZE + 8));
    uint32_t flags = 0;
    int picked;

    if (a != NULL && kind < 0xc0)
        pick(a);
    picked = a == NULL ? NOWHERE : picked_bid(a);

    if (kind & 1)
        res = -res;
    if (kind & 2)
        res = (int32_t)(word() | word() << 16);
    if (kind & 4)
        flags = word();
    if (kind & 8)
        flags |= IORING_CQE_F_BUFFER | (uint32_t)byte()
                                           << IORING_CQE_BUFFER_SHIFT;
    if (kind & 16)
        flags |= word() << IORING_CQE_BUFFER_SHIFT;
    if (kind < 0xe0 && picked != NOWHERE)
        flags = (flags & 0xffef) | IORING_CQE_F_BUFFER |
                (uint32_t)picked << IORING_CQE_BUFFER_SHIFT;
    cqe->res = res;
    cqe->flags = possible(a, res, flags);
}

/*
 * What becomes of a completion for `slot`, which is empty or live; the
 * slot and its account are changed accordingly. Returns the result.
 */
static int outcome(struct slot *slot, const struct io_uring_cqe *cqe)
{
    struct account *a = slot->account;
    uint32_t bid = cqe->flags >> IORING_CQE_BUFFER_SHIFT;
    bool holds = slot->bid != NOWHERE;
    bool named = cqe->flags & IORING_CQE_F_BUFFER;
    bool ours = named && !(cqe->flags & READBUF_CQE_F_BUF_MORE);
    size_t room = a == NULL ? 0 : a->size - slot->len;
    size_t n = cqe->res > 0 ? (size_t)cqe->res : 0;

    n = n < room ? n : room;
    if (named && a == NULL)
        return -EPROTO;
    if (!ours) {
        if (cqe->res > 0 && (named || !holds))
            return -ENOTRECOVERABLE;
        slot->len += n;
        return cqe->res;
    }
    if (bid >= a->count || a->buffers[bid].place == HELD)
        return -EPROTO;
    if (a->buffers[bid].place == RING)
        return cqe->res; /* an error, and put back */
    a->buffers[bid].loan++;
    a->buffers[bid].place = RING;
    if (cqe->res <= 0)
        return cqe->res;
    if (holds)
        return -EBUSY;
    a->buffers[bid].place = HELD;
    slot->bid = (int)bid;
    slot->loan = a->buffers[bid].loan;
    slot->len = n;
    return cqe->res;
}

/* ---------------------------------------------------------- steps */

/* Before the last unref: what was picked is completed. */
static void drain(struct account *a)
{
    for (int bid = picked_bid(a); bid != NOWHERE; bid = picked_bid(a)) {
        struct io_uring_cqe cqe = {
            .res = -EIO, .flags = simkernel_flags((uint16_t)bid)};
        struct slot fresh = {.account = a, .bid = NOWHERE};

        AGREE(readbuf_pool_take(a->pool, &cqe, &fresh.buf) ==
              outcome(&fresh, &cqe));
    }
}

static void open_account(struct account *a, struct readbuf_pool *pool,
                         uint32_t count, uint32_t size)
{
    *a = (struct account){.pool = pool,
                          .owners = 1,
                          .count = count,
                          .size = size,
                          .group = readbuf_pool_group(pool)};
    a->kernel = simuring_kernel(a->group);
    AGREE(a->kernel != NULL);
    AGREE(simkernel_available(a->kernel) == count);
    for (uint32_t i = 0; i < count; i++) {
        const struct io_uring_buf *d = &a->kernel->shared->bufs[i];

        AGREE(d->bid < count && a->buffers[d->bid].data == NULL);
        AGREE(d->addr % 8 == 0);
        a->buffers[d->bid].data = (unsigned char *)(uintptr_t)d->addr;
    }
}

static void create(struct account *a)
{
    static const int errors[] = {0, ENOMEM, EPERM, EEXIST};
    unsigned what = byte(), trouble = byte();
    uint32_t count = UINT32_C(1) << what % 5;
    uint32_t size = 1 + byte() % SIZE;
    unsigned flags = what >> 5 & (READBUF_POOL_KERNEL_RING |
                                  READBUF_POOL_HUGE_PAGES);
    struct readbuf_pool *pool = NULL;
    size_t mapped = simuring_mapped();
    int error = errors[trouble % 4], ret;

    if (a->pool != NULL)
        return;
    if (trouble >= 224) /* all of them: it is another thread's */
        simuring_refuse(error);
    else if (error != 0)
        simuring_fail(trouble / 4 % 8, error);
    ret = readbuf_pool_create(&pool, &uring, count, size, flags);
    simuring_refuse(0);
    if (!simuring_disarm() && (trouble < 224 || error == 0))
        AGREE(ret == 0);
    if (ret == 0) {
        open_account(a, pool, count, size);
        return;
    }
    AGREE(ret == -error || (ret == -ENOMEM && error != 0));
    AGREE(pool == NULL && simuring_mapped() == mapped);
}

static void step_create(void)
{
    create(some_account());
}

static void step_create_wrongly(void)
{
    uint32_t count = word() * (1 + byte()), size = word();
    unsigned flags = byte();
    struct readbuf_pool *pool = NULL;

    if (count > 0 && count <= 32768 && (count & (count - 1)) == 0 &&
        size > 0 && flags < 8 && !(flags & READBUF_POOL_INCREMENTAL))
        return;
    AGREE(readbuf_pool_create(&pool, &uring, count, size, flags) ==
          -EINVAL);
    AGREE(pool == NULL);
}

static void step_ref(void)
{
    struct account *a = some_account();

    if (a->pool == NULL || a->owners == 0)
        return;
    AGREE(readbuf_pool_ref(a->pool) == a->pool);
    a->owners++;
}

static void drop(struct account *a, int refusal)
{
    int ret;

    if (a->pool == NULL || a->owners == 0)
        return;
    if (a->owners == 1)
        drain(a);
    simuring_refuse(refusal);
    ret = readbuf_pool_unref(a->pool);
    simuring_refuse(0);
    if (a->owners == 1 && refusal != 0) {
        AGREE(ret == -refusal);
        return;
    }
    AGREE(ret == 0);
    if (--a->owners > 0)
        return;
    a->kernel = NULL;
    bury(a);
}

static void step_unref(void)
{
    struct account *a = some_account();

    drop(a, byte() % 4 == 3 ? EEXIST : 0);
}

static void get(struct slot *slot, struct account *a)
{
    slot->buf = a->pool == NULL ? (struct readbuf)READBUF_INIT
                                : readbuf_pool_get(a->pool);
    empty(slot, a->pool == NULL ? NULL : a);
}

static void step_get(void)
{
    struct account *a = some_account();
    struct slot *slot = some_slot();

    if (live(slot) == NULL)
        get(slot, a);
}

static void step_copy(void)
{
    const struct slot *from = some_slot();
    struct slot *to = some_slot();

    if (live(to) == NULL)
        *to = *from;
}

static void step_pick(void)
{
    struct account *a = some_account();

    if (a->pool != NULL)
        pick(a);
}

static void step_complete(void)
{
    struct slot *slot = some_slot();
    struct io_uring_cqe cqe;

    if (stale(slot))
        return;
    completion(slot->account, &cqe);
    AGREE(readbuf_complete(&slot->buf, &cqe) == outcome(slot, &cqe));
}

static void step_take(void)
{
    struct account *a = some_account();
    struct slot *slot = some_slot();
    struct io_uring_cqe cqe;

    if (a->pool == NULL || live(slot) != NULL)
        return;
    completion(a, &cqe);
    empty(slot, a);
    AGREE(readbuf_pool_take(a->pool, &cqe, &slot->buf) ==
          outcome(slot, &cqe));
}

/* Give back the buffer of a slot, if it may be; what the call says. */
static int given_back(struct slot *slot)
{
    struct account *a = slot->account;
    struct buffer *buffer = live(slot);

    if (buffer == NULL)
        return -ESTALE;
    buffer->place = RING;
    empty(slot, a);
    return 0;
}

static void step_release(void)
{
    struct slot *slot = some_slot();
    struct account *a = slot->account;
    int ret = readbuf_release(&slot->buf);

    if (slot->bid == NOWHERE) {
        AGREE(ret == 0);
        return;
    }
    AGREE(ret == given_back(slot));
    bury(a);
}

static void step_release_all(void)
{
    unsigned first = byte() % SLOTS;
    unsigned n = byte() % (SLOTS - first + 1);
    struct readbuf bufs[SLOTS];
    struct account *a = NULL;
    int expected = 0, ret;

    for (unsigned i = 0; i < n; i++)
        bufs[i] = slots[first + i].buf;
    ret = readbuf_release_all(bufs, n);
    for (unsigned i = 0; i < n; i++) {
        struct slot *slot = &slots[first + i];
        int one;

        slot->buf = bufs[i];
        if (slot->bid == NOWHERE)
            continue;
        if (a == NULL)
            a = slot->account;
        one = slot->account == a ? given_back(slot) : -EINVAL;
        if (expected == 0)
            expected = one;
    }
    AGREE(ret == expected);
    if (a != NULL)
        bury(a);
}

/* A handle whose `data` is at, or near, another buffer of the pool. */
static void step_release_moved(void)
{
    static const int offsets[] = {0, 0, 1, 7, 8, -1, -8, 4096};
    struct slot *slot = some_slot();
    struct readbuf moved = slot->buf, before;
    unsigned other = byte(), offset = byte();
    uintptr_t at;
    int expected = -EINVAL;

    if (slot->bid == NOWHERE)
        return;
    at = (uintptr_t)slot->account->buffers[other % slot->account->count]
             .data;
    at += (uintptr_t)offsets[offset % 8];
    moved.data = (unsigned char *)at;
    if (moved.data == slot->buf.data)
        return;
    for (uint32_t bid = 0; bid < slot->account->count; bid++)
        if (slot->account->buffers[bid].data == moved.data)
            expected = -ESTALE;
    before = moved;
    AGREE(readbuf_release(&moved) == expected);
    AGREE(memcmp(&before, &moved, sizeof(moved)) == 0);
}

/* ----------------------------------------------------------- bytes */

static void extend(struct slot *slot, struct buffer *buffer)
{
    static const unsigned char words[SIZE + 8] = "bytes of another";
    size_t n = length(), at = byte() % SIZE;
    bool fits = buffer != NULL && n <= slot->account->size - slot->len;
    bool own = fits && slot->len > 0 && n <= slot->len;

    if (own)
        at %= slot->len - n + 1;
    AGREE(readbuf_extend(&slot->buf, own ? slot->buf.data + at : words,
                         n) == (fits ? 0 : -ENOBUFS));
    if (!fits)
        return;
    memmove(buffer->bytes + slot->len, own ? buffer->bytes + at : words,
            n);
    slot->len += n;
}

static void cut(struct slot *slot, struct buffer *buffer)
{
    size_t start = length(), end = length();
    size_t to = end == READBUF_END ? slot->len : end;
    bool right = start <= to && to <= slot->len;

    AGREE(readbuf_remove(&slot->buf, start, end) ==
          (right ? 0 : -EINVAL));
    if (!right || buffer == NULL)
        return;
    memmove(buffer->bytes + start, buffer->bytes + to, slot->len - to);
    slot->len -= to - start;
}

static void write_spare(struct slot *slot, struct buffer *buffer)
{
    struct iovec spare = readbuf_spare(&slot->buf);

    if (buffer == NULL) {
        AGREE(spare.iov_base == NULL && spare.iov_len == 0);
        return;
    }
    AGREE(spare.iov_base == buffer->data + slot->len);
    AGREE(spare.iov_len == slot->account->size - slot->len);
    ink++;
    memset(spare.iov_base, ink, spare.iov_len);
    memset(buffer->bytes + slot->len, ink, spare.iov_len);
}

/* Another length, in one of three ways. */
static void resize(struct slot *slot, struct buffer *buffer)
{
    unsigned how = byte() % 3;
    size_t n = length();
    bool right = buffer != NULL && n <= slot->account->size;

    if (how == 0) {
        readbuf_clear(&slot->buf);
        slot->len = 0;
    } else if (how == 1) {
        readbuf_truncate(&slot->buf, n);
        slot->len = n < slot->len ? n : slot->len;
    } else {
        AGREE(readbuf_set_len(&slot->buf, n) == (right ? 0 : -EINVAL));
        slot->len = right ? n : slot->len;
    }
}

static void step_bytes(void)
{
    static void (*const ways[])(struct slot *, struct buffer *) = {
        extend, cut, write_spare, resize};
    struct slot *slot = some_slot();
    unsigned way = byte() % 4;

    if (!stale(slot))
        ways[way](slot, live(slot));
}

/* ---------------------------------------------------------- queries */

static void step_prepare(void)
{
    struct slot *slot = some_slot();
    const struct buffer *buffer = live(slot);
    struct io_uring_sqe sqe;
    bool receives = byte() & 1;

    if (stale(slot))
        return;
    memset(&sqe, 0xff, sizeof(sqe));
    sqe.flags = 0; /* as liburing does it, early or late */
    if (receives)
        readbuf_prep_recv(&sqe, 7, &slot->buf, 0);
    else
        readbuf_prep_read(&sqe, 7, &slot->buf, 0);
    AGREE(sqe.opcode == (receives ? IORING_OP_RECV : IORING_OP_READ));
    if (slot->account == NULL) {
        AGREE(sqe.fd == -1 && sqe.flags == 0);
        return;
    }
    AGREE(sqe.fd == 7);
    AGREE(sqe.len == slot->account->size - slot->len);
    if (buffer == NULL) {
        AGREE(sqe.flags == IOSQE_BUFFER_SELECT && sqe.addr == 0);
        AGREE(sqe.buf_group == slot->account->group);
    } else {
        AGREE(sqe.flags == 0);
        AGREE(sqe.addr == (uintptr_t)(buffer->data + slot->len));
    }
}

static void step_available(void)
{
    struct account *a = some_account();
    int expected;

    if (a->pool == NULL)
        return;
    if (a->kernel == NULL)
        expected = -ENOENT;
    else
        expected = head_told ? (int)in_place(a, RING) : -EINVAL;
    AGREE(readbuf_pool_available(a->pool) == expected);
}

static void step_tell_head(void)
{
    head_told = byte() & 1;
    simuring_tell_head(head_told);
}

/* The counts go on, and sometimes all through their sixteen bits. */
static void step_spin(void)
{
    struct account *a = some_account();
    unsigned rounds = byte();

    if (rounds >= 250)
        rounds = SPINS;

    if (a->pool == NULL || a->kernel == NULL || picked_bid(a) >= 0 ||
        spins + rounds > SPINS)
        return;
    spins += rounds;
    while (rounds-- > 0) {
        pick(a);
        drain(a);
    }
}

/* The more often a step stands here, the more often it is made. */
static void (*const steps[])(void) = {
    step_create,        step_create_wrongly,
    step_ref,           step_unref,
    step_get,           step_get,
    step_copy,          step_copy,
    step_pick,          step_complete,
    step_complete,      step_complete,
    step_complete,      step_take,
    step_take,          step_release,
    step_release,       step_release_all,
    step_bytes,         step_bytes,
    step_release_moved, step_prepare,
    step_available,     step_tell_head,
    step_spin,
};

/* Every way out: handles, then requests, then owners. */
static void finish(void)
{
    for (int i = 0; i < SLOTS; i++) {
        struct account *a = slots[i].account;

        if (live(&slots[i]) == NULL)
            continue;
        AGREE(readbuf_release(&slots[i].buf) == given_back(&slots[i]));
        bury(a);
    }
    for (int i = 0; i < POOLS; i++)
        while (accounts[i].pool != NULL)
            drop(&accounts[i], 0);
    AGREE(simuring_mapped() == 0 && simuring_groups() == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    input = data;
    left = size;
    spins = 0;
    head_told = true;
    simuring_tell_head(true);
    uring.ring_fd = simuring_fd();
    errno = EDOM;
    for (int i = 0; i < POOLS; i++)
        create(&accounts[i]);
    for (int i = 0; i < SLOTS; i++) {
        slots[i] = (struct slot){.bid = NOWHERE};
        get(&slots[i], &accounts[i % POOLS]);
    }
    for (int i = 0; i < STEPS && left > 0; i++) {
        steps[byte() % (sizeof(steps) / sizeof(steps[0]))]();
        AGREE(errno == EDOM);
        check_all();
    }
    finish();
    return 0;
}
