/*
 * test_exhibits.c - the stage's programs print what the chapter says.
 */
#include "program.h"
#include "support.h"

#include <errno.h>
#include <string.h>
#include <sys/personality.h>

#define STAGE "03-release-ordering/"

/* A program that needs no kernel and always prints the same. */
static void ck_prints(const char *path, const char *arguments,
                      const char *output)
{
    struct program program = program_run(path, arguments);

    ck_assert_int_eq(program.status, EXIT_SUCCESS);
    ck_assert_str_eq(program.output, output);
}

START_TEST(whole_struct_loses_the_tail)
{
    ck_prints(STAGE "exhibits/whole_struct", "2>&1",
              "four given             tail 4, head 0: takes buffer 0\n"
              "four given             tail 4, head 1: takes buffer 1\n"
              "four given             tail 4, head 2: takes buffer 2\n"
              "four given             tail 4, head 3: takes buffer 3\n"
              "after the struct store tail 0, head 4: takes buffer 3\n"
              "and again              tail 0, head 5: takes buffer 1, "
              "WHICH WE HOLD\n"
              "after the tail store   tail 5, head 6: sees 65535 "
              "buffers\n");
}
END_TEST

START_TEST(masked_tail_breaks_when_it_wraps)
{
    ck_prints(STAGE "exhibits/masked_tail", "3 2>&1",
              "4 buffers given and taken, and the kernel sees 65532 "
              "more\n");
    ck_prints(STAGE "exhibits/masked_tail", "65534 2>&1",
              "65535 buffers given and taken, and the kernel sees 1 "
              "more\n");
}
END_TEST

START_TEST(a_tail_of_all_sixteen_bits_does_not_break)
{
    ck_prints(STAGE "exhibits/masked_tail", "65535 2>&1",
              "a million buffers given and taken\n");
}
END_TEST

/* How long is no matter here. That he waited shows in the order. */
static void ck_waits(const char *arguments)
{
    struct program program =
        program_run(STAGE "exhibits/a_lock", arguments);
    int aside, waited, busy, end = 0;

    ck_assert_int_eq(program.status, EXIT_SUCCESS);
    sscanf(program.output,
           "the first one is put aside for %d ms\n"
           "the second one took %d ms, %d of them on a processor\n"
           "it was done after the first one went on\n%n",
           &aside, &waited, &busy, &end);
    ck_assert_msg(end != 0 && program.output[end] == '\0', "%s",
                  program.output);
}

START_TEST(with_a_lock_a_give_back_waits)
{
    ck_waits("2>&1");
    ck_waits("spin 2>&1");
}
END_TEST

START_TEST(a_queue_beside_the_lock_strands_a_buffer)
{
    ck_prints(STAGE "exhibits/unlock_then_look", "2>&1",
              "A publishes buffer 0\n"
              "B finds the lock taken\n"
              "A unlocks\n"
              "A looks, and none was left\n"
              "B leaves buffer 1 and goes\n"
              "given back: 2, seen by the kernel: 1, for ever\n");
    ck_prints(STAGE "exhibits/unlock_then_look", "before 2>&1",
              "A publishes buffer 0\n"
              "A looks, and none was left\n"
              "B finds the lock taken\n"
              "B leaves buffer 1 and goes\n"
              "A unlocks\n"
              "given back: 2, seen by the kernel: 1, for ever\n");
}
END_TEST

START_TEST(what_is_left_at_the_gate_is_taken_along)
{
    ck_prints(STAGE "exhibits/left_at_the_gate", "2>&1",
              "the first one fills in buffer 0\n"
              "the second one leaves buffer 1, and is done\n"
              "the kernel sees 0 buffers, and the first one goes on\n"
              "the first one fills in buffer 1\n"
              "the kernel sees 2 buffers\n");
}
END_TEST

/* What whole_struct_live counts in its ten rounds. */
struct rounds {
    int complete, twice;
};

static struct rounds count_rounds(const char *output)
{
    struct rounds rounds;
    int end = 0;

    ck_assert_int_eq(sscanf(output,
                            "10 rounds\n"
                            "%d with both reads complete\n"
                            "%d with a buffer that we held\n%n",
                            &rounds.complete, &rounds.twice, &end),
                     2);
    ck_assert_uint_eq((size_t)end, strlen(output));
    return rounds;
}

/*
 * The other process may be too late for some of the gaps, and too early
 * for others: then the reads starve before the mistake is made.
 */
START_TEST(whole_struct_live_is_given_what_it_holds)
{
    struct program live =
        program_run(STAGE "exhibits/whole_struct_live", "2>&1");
    struct rounds rounds;

    NEED_SUCCESS(live);
    rounds = count_rounds(live.output);
    if (rounds.complete == 0)
        SKIP("no read was complete in time");
    ck_assert_int_ge(rounds.twice, 1);
}
END_TEST

START_TEST(whole_struct_live_is_right_with_fields)
{
    struct program live =
        program_run(STAGE "exhibits/whole_struct_live", "fields 2>&1");
    struct rounds rounds;

    NEED_SUCCESS(live);
    rounds = count_rounds(live.output);
    if (rounds.complete == 0)
        SKIP("no read was complete in time");
    ck_assert_int_eq(rounds.twice, 0);
}
END_TEST

START_TEST(whole_struct_live_is_lucky_with_defer_taskrun)
{
    struct program live = program_run(
        STAGE "exhibits/whole_struct_live", "deferred 2>&1");
    struct rounds rounds;

    NEED_SUCCESS(live);
    rounds = count_rounds(live.output);
    ck_assert_int_eq(rounds.complete, 0);
    ck_assert_int_eq(rounds.twice, 0);
}
END_TEST

/*
 * ThreadSanitizer wants its addresses where it expects them, so the
 * program runs as by `setarch -R`. It ends at its first report.
 */
#define NEED_RACES()                                                   \
    do {                                                               \
        if (personality(ADDR_NO_RANDOMIZE) < 0)                        \
            SKIP("addresses stay random here: %s", strerror(errno));   \
        ck_assert_int_eq(setenv("TSAN_OPTIONS", "halt_on_error=1", 1), \
                         0);                                           \
    } while (0)

START_TEST(a_relaxed_store_is_a_data_race)
{
    struct program race;

    NEED_RACES();
    race = program_run(STAGE "exhibits/relaxed_store.tsan", "2>&1");
    NEED_SANITIZED(race);
    ck_assert_int_ne(race.status, EXIT_SUCCESS);
    ck_assert_ptr_nonnull(
        strstr(race.output, "WARNING: ThreadSanitizer: data race"));
}
END_TEST

START_TEST(a_release_store_is_none)
{
    struct program no_race;

    NEED_RACES();
    no_race = program_run(STAGE "exhibits/relaxed_store.tsan",
                          "release 2>&1");
    NEED_SANITIZED(no_race);
    NEED_SUCCESS(no_race);
    ck_assert_str_eq(no_race.output,
                     "70000 descriptors taken, 0 of them wrong\n");
}
END_TEST

START_TEST(a_release_store_is_right_without_a_sanitizer_too)
{
    ck_prints(STAGE "exhibits/relaxed_store", "release 2>&1",
              "70000 descriptors taken, 0 of them wrong\n");
}
END_TEST

/* The model is a script of the repository, not a program of BUILD. */
static void ck_model(const char *arguments, const char *says)
{
    struct program model;

    ck_assert_int_eq(setenv("BUILD", ".", 1), 0);
    model = program_run("tests/" STAGE "model.sh", arguments);
    NEED_SUCCESS(model);
    ck_assert_ptr_nonnull(strstr(model.output, says));
}

START_TEST(the_model_holds_with_a_release)
{
    ck_model("release 2>&1", "every descriptor complete");
}
END_TEST

START_TEST(the_model_holds_on_x86_whatever_the_store)
{
    ck_model("tso 2>&1", "the mistake is hidden");
}
END_TEST

START_TEST(the_model_fails_without_a_release)
{
    ck_model("relaxed 2>&1", "kernel  expects  1 in both");
}
END_TEST

START_TEST(the_gate_leaves_nothing_behind)
{
    ck_model("gate 2>&1", "no buffer and no sleeper left behind");
}
END_TEST

START_TEST(who_leaves_past_a_sleeper_is_found)
{
    ck_model("sleeper 2>&1",
             "judge   finds    1 reached, no one inside");
}
END_TEST

START_TEST(who_leaves_past_a_buffer_is_found)
{
    ck_model("stack 2>&1",
             "judge   finds    0 of 1 stored, no one inside");
}
END_TEST

START_TEST(who_sleeps_without_a_second_look_is_found)
{
    ck_model("look 2>&1", "judge   finds    1 reached, no one inside");
}
END_TEST

START_TEST(who_judges_without_the_bit_in_hand_is_found)
{
    ck_model("bit 2>&1", "judge   finds    1 reached, no one inside");
}
END_TEST

START_TEST(who_judges_without_the_bit_is_hidden_by_x86)
{
    ck_model("bit-tso 2>&1", "the mistake is hidden");
}
END_TEST

START_TEST(who_wakes_after_leaving_is_found)
{
    ck_model("late 2>&1", "frees    the pool\n"
                          "userB   wakes    the owner\n");
}
END_TEST

START_TEST(the_demo_goes_round)
{
    struct program demo = program_run(STAGE "demo", "2>&1");
    static const char same[] =
        "published 0 1 2 3, one at a time   tail 4\n"
        "picked                             0 1 2 3\n"
        "published 2 0 3 1, in a batch      tail 8\n"
        "picked                             2 0 3 1\n"
        "70000 more, one at a time          tail 4472, 0 wrong\n"
        "100000 given back by two threads   0 twice, "
        "some reads starved: ";
    const char *starved = demo.output + strlen(same);

    NEED_SUCCESS(demo);
    ck_assert_uint_gt(strlen(demo.output), strlen(same));
    ck_assert_int_eq(strncmp(demo.output, same, strlen(same)), 0);
    ck_assert(strcmp(starved, "yes\n") == 0 ||
              strcmp(starved, "no\n") == 0);
}
END_TEST

START_TEST(the_demo_leaves_a_trace)
{
    struct program demo = program_run(STAGE "demo", "trace 2>&1");
    int adds = 0, picks = 0;

    NEED_SUCCESS(demo);
    ck_assert_int_eq(strncmp(demo.output,
                             "{\"event\":\"ring\",\"entries\":4}\n",
                             29),
                     0);
    for (const char *at = demo.output;
         (at = strstr(at, "\"add\"")) != NULL; at++)
        adds++;
    for (const char *at = demo.output;
         (at = strstr(at, "\"pick\"")) != NULL; at++)
        picks++;
    ck_assert_int_eq(adds, 8);
    ck_assert_int_eq(picks, 8);
}
END_TEST

SUITE("exhibits", whole_struct_loses_the_tail,
      masked_tail_breaks_when_it_wraps,
      a_tail_of_all_sixteen_bits_does_not_break,
      with_a_lock_a_give_back_waits,
      a_queue_beside_the_lock_strands_a_buffer,
      what_is_left_at_the_gate_is_taken_along,
      whole_struct_live_is_given_what_it_holds,
      whole_struct_live_is_right_with_fields,
      whole_struct_live_is_lucky_with_defer_taskrun,
      a_relaxed_store_is_a_data_race, a_release_store_is_none,
      a_release_store_is_right_without_a_sanitizer_too,
      the_model_holds_with_a_release,
      the_model_holds_on_x86_whatever_the_store,
      the_model_fails_without_a_release, the_gate_leaves_nothing_behind,
      who_leaves_past_a_sleeper_is_found,
      who_leaves_past_a_buffer_is_found,
      who_sleeps_without_a_second_look_is_found,
      who_judges_without_the_bit_in_hand_is_found,
      who_judges_without_the_bit_is_hidden_by_x86,
      who_wakes_after_leaving_is_found, the_demo_goes_round,
      the_demo_leaves_a_trace)
