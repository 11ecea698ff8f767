#include "crew.h"

#include <errno.h>
#include <sched.h>

#ifndef __has_feature
#define __has_feature(feature) 0
#endif

/* A barrier wakes one after the other; this lets all begin at once. */
static void together(struct crew *crew)
{
    unsigned mine = atomic_fetch_add(&crew->ready, 1);
    unsigned all = (mine / crew->size + 1) * crew->size;

    for (unsigned looks = 1; atomic_load(&crew->ready) < all; looks++)
        if (looks % 256 == 0)
            sched_yield();
}

static void *work(void *argument)
{
    const struct crew_member *member = argument;
    struct crew *crew = member->crew;

    for (;;) {
        pthread_barrier_wait(&crew->start);
        if (crew->dismissed)
            return NULL;
        together(crew);
        crew->body(crew->argument, member->who);
        pthread_barrier_wait(&crew->end);
    }
}

void crew_open(struct crew *crew, unsigned size, crew_body *body,
               void *argument)
{
    *crew =
        (struct crew){.size = size, .body = body, .argument = argument};
    pthread_barrier_init(&crew->start, NULL, size);
    pthread_barrier_init(&crew->end, NULL, size);
    for (unsigned who = 1; who < size; who++) {
        struct crew_member *member = &crew->members[who];

        *member = (struct crew_member){.crew = crew, .who = who};
        ck_assert_int_eq(
            pthread_create(&member->thread, NULL, work, member), 0);
    }
}

void crew_round(struct crew *crew)
{
    pthread_barrier_wait(&crew->start);
    together(crew);
    crew->body(crew->argument, 0);
    pthread_barrier_wait(&crew->end);
}

void crew_close(struct crew *crew)
{
    crew->dismissed = true;
    pthread_barrier_wait(&crew->start);
    for (unsigned who = 1; who < crew->size; who++)
        pthread_join(crew->members[who].thread, NULL);
    pthread_barrier_destroy(&crew->start);
    pthread_barrier_destroy(&crew->end);
}

unsigned crew_slower(void)
{
    const char *preloaded = getenv("LD_PRELOAD");

#if defined(__SANITIZE_THREAD__) || __has_feature(thread_sanitizer)
    return 8;
#endif
    return preloaded != NULL && strstr(preloaded, "vgpreload") != NULL
               ? 16
               : 1;
}

static int zeroes(void)
{
    static int fd = -1;

    if (fd < 0)
        fd = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    return fd;
}

void crew_borrow(struct pooltest *t, struct readbuf *bufs, unsigned n)
{
    struct readbuf empty = readbuf_pool_get(t->pool);
    int fd = zeroes();

    for (unsigned done = 0; done < n;) {
        struct io_uring_cqe *cqe;
        unsigned batch = 0;

        while (batch < 8 && done + batch < n) {
            struct io_uring_sqe *sqe = io_uring_get_sqe(&t->uring);

            readbuf_prep_read(sqe, fd, &empty, 0);
            sqe->len = 1;
            batch++;
        }
        ck_often(io_uring_submit_and_wait(&t->uring, batch) ==
                 (int)batch);
        for (; batch > 0; batch--, done++) {
            ck_often(io_uring_peek_cqe(&t->uring, &cqe) == 0);
            ck_often(readbuf_pool_take(t->pool, cqe, &bufs[done]) == 1);
            io_uring_cqe_seen(&t->uring, cqe);
        }
    }
}

void crew_ck_available(struct pooltest *t, int expected)
{
    int free = readbuf_pool_available(t->pool);

    if (free != expected && free != -EINVAL)
        ck_abort_msg("%d buffers are free, not %d", free, expected);
}

void crew_ck_free(struct pooltest *t, int count)
{
    ck_often(readbuf_pool_held(t->pool) == 0);
    crew_ck_available(t, count);
}
