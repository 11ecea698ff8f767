/*
 * test_races.c - copies of one handle, released at the same moment.
 *
 * Exactly one of them gives the buffer back, and the ring has it once,
 * by the kernel's own head; the others are told that they are stale.
 */
#include "crew.h"

#include <errno.h>

enum { COUNT = 64, SIZE = 16, BATCH = 8 };

/* Each thread has copies of all handles. */
struct race {
    unsigned threads;
    bool (*in_batches)(unsigned who);
    struct readbuf bufs[COUNT];
    struct readbuf copies[CREW_MAX][COUNT];
    int ret[CREW_MAX][COUNT]; /* by buffer; of a batch, its first's */
};

static bool none(unsigned who)
{
    (void)who;
    return false;
}

static bool all(unsigned who)
{
    (void)who;
    return true;
}

static bool odd(unsigned who)
{
    return who % 2 != 0;
}

/* All in the same order, so that they meet. */
static void release_copies(void *argument, unsigned who)
{
    struct race *race = argument;
    struct readbuf *mine = race->copies[who];

    for (unsigned i = 0; i < COUNT; i++)
        if (!race->in_batches(who))
            race->ret[who][i] = readbuf_release(&mine[i]);
        else if (i % BATCH == 0)
            race->ret[who][i] = readbuf_release_all(&mine[i], BATCH);
}

/* Released and empty, or as it was, and the error says why. */
static bool won(const struct race *race, unsigned who, unsigned i)
{
    bool released = race->copies[who][i].data == NULL;
    int ret = race->ret[who][i];

    ck_often(released ||
             race->copies[who][i].data == race->bufs[i].data);
    if (!race->in_batches(who))
        ck_often(ret == (released ? 0 : -ESTALE));
    return released;
}

static void one_round(struct pooltest *t, struct race *race,
                      struct crew *crew)
{
    crew_borrow(t, race->bufs, COUNT);
    for (unsigned who = 0; who < race->threads; who++)
        memcpy(race->copies[who], race->bufs, sizeof(race->bufs));
    crew_round(crew);
    for (unsigned i = 0; i < COUNT; i++) {
        unsigned winners = 0;

        for (unsigned who = 0; who < race->threads; who++)
            winners += won(race, who, i);
        if (winners != 1)
            ck_abort_msg("%u of %u copies were released", winners,
                         race->threads);
    }
    crew_ck_free(t, COUNT);
}

/* A batch says that one of it was stale, and only then. */
static void ck_batches(const struct race *race)
{
    for (unsigned who = 0; who < race->threads; who++)
        for (unsigned i = 0; race->in_batches(who) && i < COUNT;) {
            int ret = race->ret[who][i];
            bool stale = false;

            for (unsigned last = i + BATCH; i < last; i++)
                stale |= race->copies[who][i].data != NULL;
            ck_often(ret == (stale ? -ESTALE : 0));
        }
}

static void ck_race(struct pooltest *t, unsigned threads,
                    bool (*in_batches)(unsigned who))
{
    unsigned rounds = 1000 / crew_slower();
    static struct race race;
    struct crew crew;

    race.threads = threads;
    race.in_batches = in_batches;
    crew_open(&crew, threads, release_copies, &race);
    for (unsigned round = 0; round < rounds; round++) {
        one_round(t, &race, &crew);
        ck_batches(&race);
    }
    crew_close(&crew);
    ck_assert_uint_eq(pooltest_count_free(t), COUNT);
}

START_TEST(of_racing_copies_one_is_released)
{
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (unsigned threads = 2; threads <= CREW_MAX; threads++)
        ck_race(&t, threads, none);
}
END_TEST

START_TEST(of_copies_in_racing_batches_one_is_released)
{
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (unsigned threads = 2; threads <= CREW_MAX; threads++)
        ck_race(&t, threads, all);
}
END_TEST

START_TEST(a_batch_races_with_single_releases_of_copies)
{
    struct pooltest t;

    NEED_POOL(&t, 0, COUNT, SIZE, 0);
    for (unsigned threads = 2; threads <= CREW_MAX; threads++)
        ck_race(&t, threads, odd);
}
END_TEST

SUITE("races", of_racing_copies_one_is_released,
      of_copies_in_racing_batches_one_is_released,
      a_batch_races_with_single_releases_of_copies)
