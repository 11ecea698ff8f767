/*
 * explorer.h - what a play says to the explorer.
 *
 * A play is a few scripts, which are plain functions over the real
 * code. All of that is compiled with -fsanitize=thread, so that each
 * access to memory is announced by a call before it is made. Those
 * calls end up in runtime.c, and a script stops there until the
 * explorer lets it go on.
 *
 * Scripts share one struct, the stage. A word of it that was given a
 * name is a place to stop at. The rest of the stage is for what does
 * not change and for what the checks note down, and is accessed
 * together with the named access before it.
 */
#ifndef EXPLORER_H
#define EXPLORER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { EXPLORER_SCRIPTS = 4 };

struct explorer_script {
    const char *who;
    void (*run)(void);
    bool endless; /* may wait for ever: the kernel */
};

struct explorer_play {
    const char *name;
    const char *about;
    bool coarse;           /* the slots are no places to stop at */
    void (*prepare)(void); /* the stage, before it starts */
    const char *(*verdict)(
        void); /* what is wrong at the end, or NULL */
    struct explorer_script scripts[EXPLORER_SCRIPTS];
};

/* In a list of plays the one without a name is the last. */
extern const struct explorer_play publishing_plays[], gating_plays[];

/* How a word's value is written down. */
typedef void explorer_show(char *text, size_t size, uint64_t value);

/* The stage, and its words. Before any play. */
void explorer_stage(void *stage, size_t size);
void explorer_word(const volatile void *at, size_t size,
                   explorer_show *show, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

/* ------------------------------------------ what a script may call */

/* `what` is wrong, unless it is `fine`. */
void explorer_check(bool fine, const char *what);

/* The next access waits until `word` is something else than this. */
void explorer_await(const volatile void *word, size_t size,
                    uint64_t value);

/*
 * All that this script remembers is that it came to this line, and a
 * value: it goes on in the same way, however it came there.
 */
void explorer_forget(int line, uint64_t value);

/* Whatever another script accesses from now on is gone. */
void explorer_gone(void);

#endif
