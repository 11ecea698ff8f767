/*
 * test_explorer.c - the right code holds in all interleavings, and what
 * is wrong is found. See explorer/explore.c.
 */
#include "program.h"
#include "support.h"

#include <string.h>

/* What a play must end with, in each of the memories. */
static const char HOLDS[] = "holds: ";
static const char HALF[] = "wrong: the kernel picked what no one gave";
static const char OURS[] = "wrong: the kernel picked a buffer that is "
                           "ours";
static const char LOST[] = "wrong: a buffer that was given back is not "
                           "in the ring";
static const char TWICE[] = "wrong: a buffer is in the ring twice";
static const char GONE[] = "wrong: it was gone already";
static const char SLEEPS[] = "wrong: the owner waits for ever";

static struct program explore(const char *play, const char *memory)
{
    char arguments[64];

    snprintf(arguments, sizeof(arguments), "%s %s 2>&1", play, memory);
    return program_run("tests/03-release-ordering/explore", arguments);
}

/* The last line begins like this. */
static void ck_ends(const struct program *program, const char *end)
{
    const char *line = program->output;

    for (const char *at = line; (at = strchr(at, '\n')) != NULL;)
        if (*++at != '\0')
            line = at;
    ck_assert_msg(strncmp(line, end, strlen(end)) == 0,
                  "not \"%s\": %s", end, program->output);
}

/* `ordered`, `x86` and `any` are how it ends there. */
#define PLAY(test, play, ordered, x86, any)                \
    START_TEST(test)                                       \
    {                                                      \
        struct program program = explore(play, "ordered"); \
                                                           \
        NEED_SUCCESS(program);                             \
        ck_ends(&program, ordered);                        \
        program = explore(play, "x86");                    \
        NEED_SUCCESS(program);                             \
        ck_ends(&program, x86);                            \
        program = explore(play, "any");                    \
        NEED_SUCCESS(program);                             \
        ck_ends(&program, any);                            \
    }                                                      \
    END_TEST

PLAY(buffers_are_published, "publish", HOLDS, HOLDS, HOLDS)
PLAY(two_give_back, "gate-2", HOLDS, HOLDS, HOLDS)
PLAY(three_give_back, "gate-3", HOLDS, HOLDS, HOLDS)
PLAY(a_chain_is_given_back, "chain", HOLDS, HOLDS, HOLDS)
PLAY(a_wish_is_seen_to, "ask", HOLDS, HOLDS, HOLDS)
PLAY(a_sleeper_is_woken, "sleeper-1", HOLDS, HOLDS, HOLDS)
PLAY(a_sleeper_is_woken_by_one_of_two, "sleeper-2", HOLDS, HOLDS, HOLDS)
PLAY(a_sleeper_changes_his_mind, "anew", HOLDS, HOLDS, HOLDS)
PLAY(a_pool_goes_after_the_last, "close", HOLDS, HOLDS, HOLDS)

PLAY(a_whole_struct_is_found, "whole", OURS, OURS, OURS)
PLAY(a_masked_tail_is_found, "masked", HALF, HALF, HALF)
PLAY(a_relaxed_tail_is_found, "relaxed", HOLDS, HOLDS, HALF)
PLAY(no_gate_is_found, "no-gate", LOST, LOST, LOST)
PLAY(leaving_by_a_store_is_found, "store", LOST, LOST, LOST)
PLAY(leaving_without_release_is_found, "late", HOLDS, HOLDS, LOST)
PLAY(trust_in_the_last_link_is_found, "own-link", TWICE, TWICE, TWICE)
PLAY(two_words_are_found, "two-words", LOST, LOST, LOST)
PLAY(touching_afterwards_is_found, "touch", GONE, GONE, GONE)
PLAY(leaving_past_a_sleeper_is_found, "past", SLEEPS, SLEEPS, SLEEPS)
PLAY(not_looking_again_is_found, "no-look", SLEEPS, SLEEPS, SLEEPS)
PLAY(reading_too_early_is_found, "early", HOLDS, SLEEPS, SLEEPS)

SUITE("explorer", buffers_are_published, two_give_back, three_give_back,
      a_chain_is_given_back, a_wish_is_seen_to, a_sleeper_is_woken,
      a_sleeper_is_woken_by_one_of_two, a_sleeper_changes_his_mind,
      a_pool_goes_after_the_last, a_whole_struct_is_found,
      a_masked_tail_is_found, a_relaxed_tail_is_found, no_gate_is_found,
      leaving_by_a_store_is_found, leaving_without_release_is_found,
      trust_in_the_last_link_is_found, two_words_are_found,
      touching_afterwards_is_found, leaving_past_a_sleeper_is_found,
      not_looking_again_is_found, reading_too_early_is_found)
