/*
 * explore.c - all interleavings of a few scripts over the real code.
 *
 *   explore              every play: how many states it has, or in how
 *                        many steps it goes wrong
 *   explore PLAY MEMORY  a shortest run that goes wrong, if there is
 *                        one; MEMORY is ordered, x86 or any
 *
 * Exit status 0 if all could be seen, 1 if there are too many states.
 */
#include "search.h"
#include "stage.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* More than any play has, and no more than fit into memory. */
enum { MOST = 200000 };

static const struct explorer_play *const lists[] = {publishing_plays,
                                                    gating_plays};
enum { LISTS = sizeof(lists) / sizeof(lists[0]) };

static const char *const memories[MACHINE_MEMORIES] = {"ordered", "x86",
                                                       "any"};

static const char *verb_of(const struct machine_step *step)
{
    const struct machine_access *access = &step->access;

    if (step->came_out)
        return "lets out";
    if (access->kind == MACHINE_LOAD)
        return "loads";
    if (access->kind == MACHINE_STORE)
        return step->kept ? "keeps" : "stores";
    if (access->compares &&
        memcmp(step->before, &access->expected, access->size) != 0)
        return "finds";
    return "swaps";
}

/* What was accessed, and the value of it: of a swap, both values. */
static void print_words(const struct machine_step *step)
{
    const struct machine_access *access = &step->access;
    struct machine_word word;

    for (unsigned i = 0; machine_word(access, &i, &word); i++) {
        uint64_t before = 0, after = 0;
        char was[40], is[40];

        memcpy(&before, step->before + word.offset, word.size);
        memcpy(&after, step->after + word.offset, word.size);
        word.show(was, sizeof(was), before);
        word.show(is, sizeof(is), after);
        printf("  %-12s", word.name);
        if (access->kind == MACHINE_SWAP && before != after)
            printf("%s -> ", was);
        printf("%s", is);
    }
}

static void print_run(const struct explorer_play *play,
                      enum machine_memory memory,
                      const struct search_result *result)
{
    const char *last = "";

    machine_begin(play, memory);
    for (unsigned i = 0; i < result->steps; i++) {
        struct machine_step step = machine_move(result->moves[i]);

        printf("%-10s%-8s", strcmp(last, step.who) == 0 ? "" : step.who,
               verb_of(&step));
        print_words(&step);
        printf("\n");
        last = step.who;
    }
    printf("wrong: %s\n", result->wrong);
}

static int explore(const struct explorer_play *play,
                   enum machine_memory memory)
{
    struct search_result result;

    stage_name(play->coarse);
    result = search(play, memory, MOST);
    if (result.wrong != NULL)
        print_run(play, memory, &result);
    else
        printf("%s: %zu states\n",
               result.given_up ? "given up" : "holds", result.states);
    return result.given_up ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int print_line(const struct explorer_play *play)
{
    bool given_up = false;

    stage_name(play->coarse);
    printf("%-11s%-34s", play->name, play->about);
    for (unsigned i = 0; i < MACHINE_MEMORIES; i++) {
        struct search_result result = search(play, i, MOST);
        char text[24];

        snprintf(text, sizeof(text), result.wrong ? "wrong %zu" : "%zu",
                 result.wrong ? result.steps : result.states);
        printf("%9s", result.given_up ? "too many" : text);
        given_up |= result.given_up;
    }
    printf("\n");
    return given_up ? EXIT_FAILURE : EXIT_SUCCESS;
}

static const struct explorer_play *play_called(const char *name)
{
    for (unsigned i = 0; i < LISTS; i++)
        for (const struct explorer_play *play = lists[i];
             play->name != NULL; play++)
            if (strcmp(play->name, name) == 0)
                return play;
    return NULL;
}

static int explore_all(void)
{
    int status = EXIT_SUCCESS;

    printf("%45s%9s%9s%9s\n", "", memories[0], memories[1],
           memories[2]);
    for (unsigned i = 0; i < LISTS; i++)
        for (const struct explorer_play *play = lists[i];
             play->name != NULL; play++)
            status |= print_line(play);
    return status;
}

int main(int argc, char **argv)
{
    const struct explorer_play *play;
    unsigned memory = 0;

    if (argc == 1)
        return explore_all();
    play = play_called(argv[1]);
    while (argc == 3 && memory < MACHINE_MEMORIES &&
           strcmp(argv[2], memories[memory]) != 0)
        memory++;
    if (argc == 3 && play != NULL && memory < MACHINE_MEMORIES)
        return explore(play, memory);
    fprintf(stderr, "usage: explore [PLAY ordered|x86|any]\n");
    return 2;
}
