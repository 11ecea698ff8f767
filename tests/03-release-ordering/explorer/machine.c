/*
 * machine.c - scripts on stacks of their own, and a memory that keeps
 * their stores back.
 *
 * While a script runs, the stage shows what it sees: its own stores are
 * there, and are taken out again when it stops. Of a plain store only
 * the place is announced. Its value is found there when the script
 * stops for the next time.
 */

/* A longjmp to another stack is meant here, and no mistake. */
#undef _FORTIFY_SOURCE

#include "machine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

enum { WORDS = 48, BYTES = 512, STACK = 65536 };
/* A store buffer has so many places; a script has so many moves. */
enum { KEPT = 8, MOVES = 16 };

struct word {
    unsigned char *at;
    size_t size;
    explorer_show *show;
    char name[24];
};

/* A store in its buffer. */
struct kept {
    struct machine_access access;
    unsigned char value[16];
};

struct script {
    const struct explorer_script *is;
    jmp_buf place;
    bool begun, done;
    struct machine_access next, last;
    /* The next access waits until a word is not this any more. */
    unsigned char *waits;
    size_t wait_size;
    uint64_t unlike;
    /* A hash of all it has seen, which decides what it does next. */
    uint64_t past;
    bool forgot;
    struct kept kept[KEPT];
    unsigned count;
};

static struct {
    unsigned char *at;
    size_t size;
    struct word words[WORDS];
    unsigned count;
    bool named[BYTES]; /* is it part of a word? */
} stage;

static const struct explorer_play *play;
static enum machine_memory memory;
static struct script scripts[EXPLORER_SCRIPTS];
static unsigned count, latest;
static struct script *current, *owner;
static const char *wrong;
static jmp_buf between;
static ucontext_t start;
static _Alignas(16) unsigned char stacks[EXPLORER_SCRIPTS][STACK];

/* --------------------------------------------------------- the stage
 */

void explorer_stage(void *at, size_t size)
{
    if (size > BYTES)
        abort();
    stage.at = at;
    stage.size = size;
    stage.count = 0;
    memset(stage.named, 0, sizeof(stage.named));
    if (getcontext(&start) != 0)
        abort();
}

/* The code's pointers may be to const, the stage itself is not. */
static unsigned char *bytes_at(const volatile void *at)
{
    return (unsigned char *)(uintptr_t)at;
}

void explorer_word(const volatile void *at, size_t size,
                   explorer_show *show, const char *format, ...)
{
    struct word *word = &stage.words[stage.count++];
    va_list arguments;

    if (stage.count > WORDS)
        abort();
    word->at = bytes_at(at);
    word->size = size;
    word->show = show;
    va_start(arguments, format);
    vsnprintf(word->name, sizeof(word->name), format, arguments);
    va_end(arguments);
    memset(stage.named + (word->at - stage.at), true, size);
}

static bool overlap(const unsigned char *a, size_t a_size,
                    const unsigned char *b, size_t b_size)
{
    return a < b + b_size && b < a + a_size;
}

bool machine_word(const struct machine_access *access, unsigned *which,
                  struct machine_word *found)
{
    for (; *which < stage.count; (*which)++) {
        const struct word *word = &stage.words[*which];

        if (!overlap(word->at, word->size, access->at, access->size))
            continue;
        *found = (struct machine_word){
            .name = word->name,
            .offset = (size_t)(word->at - access->at),
            .size = word->size,
            .show = word->show};
        return true;
    }
    return false;
}

static bool named(const struct machine_access *access)
{
    for (size_t i = 0; i < access->size; i++) {
        uintptr_t at = (uintptr_t)access->at + i - (uintptr_t)stage.at;

        if (at < stage.size && stage.named[at])
            return true;
    }
    return false;
}

static uint64_t value_at(const unsigned char *at, size_t size)
{
    uint64_t value = 0;

    memcpy(&value, at, size < sizeof(value) ? size : sizeof(value));
    return value;
}

/* ------------------------------------------------------- the scripts
 */

/* Not a value that comes up in a play. */
static const uint64_t seed = 0x6a09e667f3bcc908;

static uint64_t mix(uint64_t hash, const void *data, size_t size)
{
    const unsigned char *from = data;

    for (size_t i = 0; i < size; i += sizeof(hash)) {
        hash ^= value_at(from + i, size - i);
        hash *= 0x9e3779b97f4a7c15;
        hash ^= hash >> 29;
    }
    return hash;
}

static void leave(void)
{
    if (_setjmp(current->place) == 0)
        _longjmp(between, 1);
}

/* The first function of a script's stack, which never returns. */
static void perform(void)
{
    current->is->run();
    current->done = true;
    leave();
}

/*
 * Contexts are for beginning on a stack. To change from one to the
 * other they take system calls, and a jump does not.
 */
static void begin(struct script *script)
{
    script->begun = true;
    start.uc_stack.ss_sp = stacks[script - scripts];
    start.uc_stack.ss_size = STACK;
    makecontext(&start, perform, 0);
    setcontext(&start);
}

static void go_on(struct script *script)
{
    current = script;
    if (_setjmp(between) == 0) {
        if (script->begun)
            _longjmp(script->place, 1);
        begin(script);
    }
    current = NULL;
}

void machine_stop(const volatile void *at, struct machine_access access)
{
    access.at = bytes_at(at);
    if (current == NULL || !named(&access))
        return;
    if (access.size > sizeof(current->kept[0].value))
        abort();
    current->next = access;
    leave();
}

void machine_sleep(void)
{
    const struct machine_access *last = &current->last;

    explorer_await(last->at, last->size,
                   value_at(last->at, last->size));
}

void explorer_await(const volatile void *word, size_t size,
                    uint64_t value)
{
    current->waits = bytes_at(word);
    current->wait_size = size;
    current->unlike = value;
}

void explorer_check(bool fine, const char *what)
{
    if (fine)
        return;
    wrong = what;
    current->done = true;
    leave();
}

void explorer_forget(int line, uint64_t value)
{
    const uint64_t here[] = {(uint64_t)line, value};

    current->past = mix(seed, here, sizeof(here));
    current->forgot = true;
}

void explorer_gone(void)
{
    owner = current;
}

void machine_begin(const struct explorer_play *which,
                   enum machine_memory its_memory)
{
    play = which;
    memory = its_memory;
    wrong = NULL;
    owner = NULL;
    latest = 0;
    memset(stage.at, 0, stage.size);
    play->prepare();
    for (count = 0; count < EXPLORER_SCRIPTS; count++) {
        struct script *script = &scripts[count];

        if (play->scripts[count].run == NULL)
            break;
        memset(script, 0, offsetof(struct script, kept));
        script->count = 0;
        script->is = &play->scripts[count];
        script->past = seed;
        go_on(script);
    }
}

/* -------------------------------------------------- what can be done
 */

static bool is_kept(const struct script *script,
                    const struct machine_access *access, unsigned below)
{
    for (unsigned i = 0; i < below; i++) {
        const struct machine_access *kept = &script->kept[i].access;

        if (overlap(kept->at, kept->size, access->at, access->size))
            return true;
    }
    return false;
}

/* A swap that does not find what it expects is a load. */
static bool would_swap(const struct machine_access *access)
{
    return access->kind == MACHINE_SWAP &&
           (!access->compares ||
            value_at(access->at, access->size) == access->expected);
}

static bool can_go_on(const struct script *script)
{
    const struct machine_access *next = &script->next;

    if (script->done)
        return false;
    if (script->waits != NULL &&
        value_at(script->waits, script->wait_size) == script->unlike)
        return false;
    if (script->count == 0 || next->kind == MACHINE_LOAD)
        return true;
    if (next->kind == MACHINE_STORE)
        return !next->at_once && script->count < KEPT;
    if (memory == MACHINE_X86 || is_kept(script, next, script->count))
        return false;
    return !next->release || !would_swap(next);
}

static bool can_come_out(const struct script *script, unsigned which)
{
    const struct machine_access *access = &script->kept[which].access;

    return which == 0 || (memory == MACHINE_ANY && !access->release &&
                          !is_kept(script, access, which));
}

unsigned machine_moves(uint16_t *moves)
{
    unsigned found = 0;

    for (unsigned i = 0; i < count && wrong == NULL; i++) {
        unsigned which = (latest + i) % count;
        const struct script *script = &scripts[which];

        if (can_go_on(script))
            moves[found++] = (uint16_t)(which * MOVES);
        for (unsigned j = 0; j < script->count; j++)
            if (can_come_out(script, j))
                moves[found++] = (uint16_t)(which * MOVES + 1 + j);
    }
    return found;
}

/* ------------------------------------------------------ doing it
 */

static void exchange(struct kept *kept)
{
    unsigned char there[16];

    memcpy(there, kept->access.at, kept->access.size);
    memcpy(kept->access.at, kept->value, kept->access.size);
    memcpy(kept->value, there, kept->access.size);
}

/* Its own stores are in the script's eyes in memory already. */
static void show_own(struct script *script)
{
    for (unsigned i = 0; i < script->count; i++)
        exchange(&script->kept[i]);
}

static void hide_own(struct script *script)
{
    for (unsigned i = script->count; i-- > 0;)
        exchange(&script->kept[i]);
}

static struct machine_step come_out(struct script *script,
                                    unsigned which)
{
    struct kept *kept = &script->kept[which];
    struct machine_step step = {.who = script->is->who,
                                .access = kept->access,
                                .came_out = true};

    memcpy(step.after, kept->value, kept->access.size);
    memcpy(kept->access.at, kept->value, kept->access.size);
    script->count--;
    memmove(kept, kept + 1, (script->count - which) * sizeof(*kept));
    return step;
}

/* With a store that is kept the memory becomes what it was. */
static void keep(struct script *script, struct machine_step *step)
{
    struct kept *kept = &script->kept[script->count];

    kept->access = step->access;
    memcpy(kept->value, step->after, sizeof(kept->value));
    memcpy(step->access.at, step->before, step->access.size);
    hide_own(script);
    script->count++;
}

static struct machine_step access_next(struct script *script)
{
    struct machine_step step = {.who = script->is->who,
                                .access = script->next};
    const struct machine_access *access = &step.access;

    step.kept = memory != MACHINE_ORDERED &&
                access->kind == MACHINE_STORE && !access->at_once;
    script->waits = NULL;
    script->last = *access;
    show_own(script);
    memcpy(step.before, access->at, access->size);
    if (access->kind != MACHINE_STORE)
        script->past =
            mix(script->past, step.before, sizeof(step.before));
    script->forgot = false;
    go_on(script);
    memcpy(step.after, access->at, access->size);
    if (script->done)
        script->past = 0;
    else if (!script->forgot)
        script->past =
            mix(script->past, step.after, sizeof(step.after));
    if (step.kept)
        keep(script, &step);
    else
        hide_own(script);
    return step;
}

struct machine_step machine_move(uint16_t move)
{
    struct script *script = &scripts[move / MOVES];

    latest = move / MOVES;
    if (owner != NULL && owner != script)
        wrong = "it was gone already";
    if (move % MOVES != 0)
        return come_out(script, move % MOVES - 1u);
    return access_next(script);
}

static const char *waits_for_ever(const struct script *script)
{
    static char text[40];

    snprintf(text, sizeof(text), "the %s waits for ever",
             script->is->who);
    return text;
}

const char *machine_wrong(bool at_end)
{
    if (wrong != NULL || !at_end)
        return wrong;
    for (unsigned i = 0; i < count; i++)
        if (!scripts[i].done && !scripts[i].is->endless)
            return waits_for_ever(&scripts[i]);
    return play->verdict();
}

uint64_t machine_state(void)
{
    uint64_t hash = mix(seed, stage.at, stage.size);

    hash = mix(hash, &owner, sizeof(owner));
    for (unsigned i = 0; i < count; i++) {
        const struct script *script = &scripts[i];

        hash = mix(hash, &script->past, sizeof(script->past));
        for (unsigned j = 0; j < script->count; j++) {
            const struct kept *kept = &script->kept[j];

            hash = mix(hash, &kept->access.at, sizeof(void *));
            hash = mix(hash, kept->value, sizeof(kept->value));
        }
        hash = mix(hash, &script->count, sizeof(script->count));
    }
    return hash;
}
