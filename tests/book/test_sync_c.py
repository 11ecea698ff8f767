"""Tests of where symbols of C begin and end, and of what selectors show."""

import tempfile
import unittest
from pathlib import Path

import synctree     # noqa: F401  (finds docs/)
from bookkit import csource

# A comment on each line of a symbol has an @, then the symbol's name.
SOURCE = """\
/* shapes.h - every shape of declaration. */
#ifndef SHAPES_H
#define SHAPES_H
#define _GNU_SOURCE

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Two lines: { ( " @ MAX */
#define MAX(a, b) \\
    ((a) > (b) ? (a) : (b)) /*@ MAX */

/* Older headers lack it. @ LACKING */
#ifndef LACKING                         //@ LACKING
#define LACKING 1                       //@ LACKING
#endif                                  //@ LACKING

struct ring {                           //@ ring
    struct nested {                     //@ ring
        int x;                          //@ ring
    } inner;                            //@ ring
};                                      //@ ring

typedef struct view {                   //@ view
    int b;                              //@ view
} view;                                 //@ view

typedef struct __attribute__((packed)) { //@ packed
    int q;                              //@ packed
} __attribute__((aligned(4)))           //@ packed
packed;                                 //@ packed

typedef int (*callback)(void *arg,      //@ callback
                        int n);         //@ callback

enum {                                  //@ FIRST SECOND
    FIRST = 1,                          //@ FIRST SECOND
    SECOND,                             //@ FIRST SECOND
};                                      //@ FIRST SECOND

_Static_assert(offsetof(struct ring, inner) == 0, "a { and a (");

API int prototype(struct ring *ring,    //@ prototype
                  unsigned bgid)        //@ prototype
    NONNULL(1)                          //@ prototype
    __attribute__((warn_unused_result)); //@ prototype

extern int far;                         //@ far

__attribute__((format(printf, 1, 2)))   //@ say
static inline struct ring *             //@ say
say(const char *f, ...)                 //@ say
{                                       //@ say
    static int once;                    //@ say
    const char *odd = "}\\"{", c = '}'; //@ say
#define LOCAL 1
    return (struct ring *)&once;        //@ say
}                                       //@ say
static const struct row {               //@ row rows
    int a;                              //@ row rows
} rows[] = {                            //@ row rows
    {1},                                //@ row rows
    {2},                                //@ row rows
};                                      //@ row rows

static struct ring made = (struct ring){ //@ made
    .inner = {1},                       //@ made
};                                      //@ made

#ifdef __cplusplus
}
#endif

#endif
"""

TEST_FILE = """\
#include <check.h>

/* Says why. */
START_TEST(one_thing)
{
    ck_assert(1);
}
END_TEST

static int helper(int a);

/* Helps. */
/* And more. */
static int helper(int a)
{
    return a;
}

int after(void); /* not its comment */
int last_one(void);
"""


def c_file(text, name="shapes.h"):
    with tempfile.TemporaryDirectory(prefix="sync-") as folder:
        (Path(folder) / name).write_text(text, encoding="utf-8")
        return csource.load(Path(folder), [name])[name]


class Extents(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.source = c_file(SOURCE)

    def test_every_symbol(self):
        marked = {}
        for number, line in enumerate(SOURCE.splitlines(), 1):
            _, _, names = line.partition("@ ")
            for name in names.replace("*/", "").split():
                marked.setdefault(name, []).append(number)
        found = {s.name: (s.first, s.last) for s in self.source.symbols}
        del found["LOCAL"]
        self.assertEqual(found, {name: (lines[0], lines[-1]) for name, lines in marked.items()})
        self.assertEqual(self.source.broken, 0)

    def test_guard_and_feature_macros_are_no_symbols(self):
        self.assertEqual({s.name for s in self.source.symbols} & {"SHAPES_H", "_GNU_SOURCE"}, set())

    def test_top_and_bottom(self):
        top, bottom = self.source.select("top bottom")
        self.assertEqual((top.first, self.source.lines[top.last - 1]), (1, "#endif"))
        self.assertEqual(self.source.lines[bottom.first - 1], "#ifdef __cplusplus")
        self.assertEqual(bottom.last, len(self.source.lines))

    def test_symbols_of_one_declaration_are_not_ambiguous(self):
        self.assertEqual(self.source.find("view").last, self.source.find("struct view").last)

    def test_local_names_stay_within(self):
        with self.assertRaises(csource.SelectorError):
            self.source.find("once")


class Selectors(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.source = c_file(TEST_FILE, "test_x.c")

    def lines(self, selectors):
        return [(e.first, e.last) for e in self.source.select(selectors)]

    def test_a_definition_is_meant_before_its_prototype(self):
        self.assertEqual(self.lines("helper"), [(12, 17)])

    def test_a_test_is_a_symbol(self):
        self.assertEqual(self.lines("one_thing"), [(3, 8)])

    def test_a_comment_behind_code_leads_nothing(self):
        self.assertEqual(self.lines("last_one"), [(20, 20)])

    def test_several(self):
        self.assertEqual(self.lines("one_thing /ck_/../ck_/ after helper..last_one"),
                         [(6, 6), (19, 19), (12, 20)])

    def test_of_the_whole_file(self):
        self.assertEqual(self.lines(r"/Says/../ck_\w+\(/ /^int after/../last/"), [(3, 6), (19, 20)])

    def test_a_pattern_sees_its_symbol_only(self):
        self.assertEqual(self.lines("helper /^\\{/../^\\}/"), [(15, 17)])

    def test_blank_lines_are_trimmed(self):
        self.assertEqual(self.lines("top"), [(1, 1)])

    def test_labels(self):
        self.assertEqual([e.label for e in self.source.select(
            "top helper helper..after helper /Helps/../return/ /START/../ck_/ "
            "/include/../check/")],
            ["top of the file", "`helper`", "`helper` to `after`", "part of `helper`",
             "`one_thing`", "part of the file"])


class Comments(unittest.TestCase):
    def test_what_stands_together_shares_its_comment(self):
        source = c_file("/* Two\n * flags. */\n#define A 1\n#define B 2\n\n#define C 3\n"
                        "/* Own. */\nint d(void);\nint e(void);\n")
        self.assertEqual([source.comment_of(s) for s in source.symbols],
                         ["Two flags.", "Two flags.", "", "Own.", "Own."])


class Guards(unittest.TestCase):
    def test_a_linkage_in_the_middle(self):
        source = c_file('struct a { int x; };\nextern "C" {\nint f(void);\n}\nstruct b {\nint y;\n};\n')
        self.assertEqual([(s.name, s.first, s.last) for s in source.symbols],
                         [("a", 1, 1), ("f", 3, 3), ("b", 5, 7)])

    def test_braces_that_do_not_balance(self):
        self.assertEqual(c_file("int a;\nint f(void)\n{\n").broken, 2)
        self.assertEqual(c_file("int a;\n}\nint f(void)\n{\nint b;\n").broken, 2)


if __name__ == "__main__":
    unittest.main()
