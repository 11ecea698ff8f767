"""Tests of docs/sync.py: every rule has a book that breaks it, and only it."""

import os
import subprocess
import sys
import unittest
from unittest import mock

from synctree import DOCS, FILES, SVG, Tree, TreeTest
from bookkit import export, rules
from bookkit.book import Book
from bookkit.commands import Runner

ALPHA, BETA = "chapters/01-alpha.md", "chapters/02-beta.md"
ALPHA_C, ALPHA_H = "code/01-alpha/alpha.c", "code/01-alpha/alpha.h"
BETA_C, BETA_H = "code/02-beta/beta.c", "code/02-beta/beta.h"
STATE, TESTS = "code/02-beta/state.txt", "tests/01-alpha/test_alpha.c"


class GoodBook(TreeTest):
    def test_is_clean(self):
        self.assert_problems(self.tree())

    def test_sync_writes_nothing_that_is_up_to_date(self):
        tree = self.tree()
        before = {p: p.stat().st_mtime_ns for p in tree.root.rglob("*") if p.is_file()}
        self.assertEqual(tree.sync()[1], [])
        after = {p: p.stat().st_mtime_ns for p in tree.root.rglob("*") if p.is_file()}
        self.assertEqual(before, after)

    def test_check_and_export_write_no_source(self):
        tree = self.tree((STATE, "yes", "never"))
        before = tree.files()
        tree.check()
        self.assertEqual(tree.files(), before)

    def test_a_tree_without_chapters_is_an_error(self):
        tree = Tree({"README.md": "nothing\n"})
        self.addCleanup(tree.remove)
        problems = [str(p) for p in tree.check().problems]
        self.assertEqual(problems, ["chapters:1: there is no chapter NN-name.md here"])


class Listings(TreeTest):
    def test_stale_in_the_code(self):
        tree = self.tree((ALPHA_C, "return number <", "return number + 1 <"))
        self.assert_problems(tree, (ALPHA, "return number <", f"{ALPHA_C}:8: run 'make sync'"),
                             (BETA, "return number <", "run 'make sync'"))

    def test_stale_in_the_chapter(self):
        tree = self.tree((ALPHA, "    alpha->number = (uint16_t)number;\n", ""))
        self.assert_problems(tree, (ALPHA, "    return 0;", "run 'make sync'"))

    def test_a_fence_that_is_empty(self):
        tree = self.tree((BETA, '#include "beta.h"\n\n/* The state at first. */\n'
                          "enum readbuf_beta readbuf_beta_first = READBUF_BETA_SHUT;\n", ""))
        book = tree.check()
        self.assertEqual(len(book.problems), 1)
        self.assertIn("is not what code/02-beta/beta.c says", str(list(book.problems)[0]))

    def test_unknown_file(self):
        tree = self.tree((ALPHA, "alpha.c fits", "gamma.c fits"))
        self.assert_problems(tree, (ALPHA, "gamma.c fits", "no file code/01-alpha/gamma.c"))

    def test_unknown_symbol(self):
        tree = self.tree((BETA, "readbuf_alpha_open /if/../return -1/ fits again", "fit again"))
        self.assert_problems(tree, (BETA, "fit again", "alpha.c has no symbol fit"))

    def test_a_struct_that_is_none(self):
        tree = self.tree((BETA, "/if/../return -1/ fits again", "struct fits again"))
        self.assert_problems(tree, (BETA, "struct fits", "no symbol struct fits"))

    def test_ambiguous_symbol(self):
        tree = self.tree((ALPHA_C, "#include \"alpha.h\"\n", "#include \"alpha.h\"\n"
                          "\nstruct fits { int x; };\n"))
        self.assert_problems(
            tree, (ALPHA, "alpha.c fits -->", "fits is ambiguous in code/01-alpha/alpha.c "
                   "(struct at line 4, function at line 8)"),
            (BETA, "fits again", "fits is ambiguous"),
            (ALPHA_C, "struct fits", "stand in no chapter"))

    def test_the_kind_resolves_it(self):
        tree = self.tree((ALPHA_C, "#include \"alpha.h\"\n", "#include \"alpha.h\"\n"
                          "\nstruct fits { int x; };\n"),
                         (ALPHA, "alpha.c fits -->", "alpha.c struct fits -->"))
        messages = [p.message for p in tree.check().problems if p.path == ALPHA]
        self.assertEqual(len(messages), 1, messages)
        self.assertIn("this listing of `struct fits` is not what", messages[0])

    def test_pattern_that_matches_nothing(self):
        tree = self.tree((BETA, "/include/../=/", "/inklude/../=/"))
        self.assert_problems(tree, (BETA, "inklude", "/inklude/ must match one line of "
                                    "code/02-beta/beta.c, but matches 0 (none)"),
                             (BETA_C, "include", "stand in no chapter"))

    def test_pattern_that_matches_twice(self):
        tree = self.tree((BETA, "/if/../return -1/", "/if/../number/"))
        self.assert_problems(tree, (BETA, "/number/", "/number/ must match one line of "
                                    "readbuf_alpha_open, but matches 3 (12, 14, 16)"))

    def test_patterns_in_the_wrong_order(self):
        tree = self.tree((BETA, "/include/../=/", "/=/../include/"))
        self.assert_problems(tree, (BETA, "../include/", "/include/ matches line 1, before"),
                             (BETA_C, "include", "stand in no chapter"))

    def test_pattern_that_is_no_regex(self):
        tree = self.tree((BETA, "/if/../return -1/", "/(if/../return -1/"))
        self.assert_problems(tree, (BETA, "/(if/", "is no regex"))

    def test_unreadable_selector(self):
        tree = self.tree((BETA, "/if/../return -1/ fits", "/if/ fits"))
        self.assert_problems(tree, (BETA, "/if/ fits", "cannot read the selector '/if/ fits'"))

    def test_no_selector(self):
        tree = self.tree((BETA, "readbuf_alpha_open /if/../return -1/ fits again", "again"))
        self.assert_problems(tree, (BETA, "alpha.c again", "say which symbol"))

    def test_a_range_that_ends_before_it_begins(self):
        tree = self.tree((BETA, "/if/../return -1/ fits again", "again"),
                         (BETA, "readbuf_alpha_open again", "readbuf_alpha_open..fits again"))
        self.assert_problems(tree, (BETA, "..fits again", "fits stands before"))

    def test_nothing_at_the_bottom(self):
        tree = self.tree((BETA, "readbuf_alpha_open /if/../return -1/ fits", "bottom"))
        self.assert_problems(tree, (BETA, "bottom again", "shows no line at all"))

    def test_braces_that_do_not_balance(self):
        tree = self.tree(("code/01-alpha/demo.c", "return 0;\n}", "return 0;\n"))
        self.assert_problems(tree, ("code/01-alpha/demo.c", "int main", "do not balance"))

    def test_listed_twice(self):
        tree = self.tree((BETA, " fits again", " fits"))
        self.assert_problems(tree, (BETA, " fits -->", "listed already at chapters/01-alpha.md:"))

    def test_selectors_that_overlap(self):
        tree = self.tree((BETA, "/if/../return -1/ fits again", "readbuf_alpha_open /if/../-1/ again"))
        found = [p.message for p in tree.check().problems]
        self.assertIn("the selectors of this listing overlap", found)

    def test_used_before_it_is_introduced(self):
        tree = self.tree((ALPHA_C, "    return 0;\n", "    return READBUF_BETA_OPEN;\n"),
                         (ALPHA, "    return 0;\n", "    return READBUF_BETA_OPEN;\n"))
        self.assert_problems(tree, (ALPHA, "READBUF_BETA_OPEN", "READBUF_BETA_OPEN is not "
                                    "introduced before chapter 2 (code/02-beta/beta.h:6)"))

    def test_a_comment_may_look_ahead(self):
        for text in ("/* READBUF_BETA_OPEN */", '(void)"READBUF_BETA_OPEN";',
                     "alpha->READBUF_BETA_OPEN = 0;"):
            tree = self.tree((ALPHA_C, "    return 0;\n", f"    {text}\n    return 0;\n"),
                             (ALPHA, "    return 0;\n", f"    {text}\n    return 0;\n"))
            self.assert_problems(tree)

    def test_a_name_that_a_later_layer_keeps_to_itself(self):
        for words, reported in (("static int", 0), ("int", 3)):
            old = "/* The state at first. */\n"
            new = f"{words} number;\n\n{old}"
            found = [p.message for p in self.tree((BETA_C, old, new), (BETA, old, new)).check().problems]
            self.assertEqual(found, ["number is not introduced before chapter 2 (code/02-beta/beta.c:3): "
                                     "list this later, or less of it"] * reported)

    def test_a_struct_that_an_earlier_layer_declares_without_members(self):
        body = "struct readbuf_gamma {\n    int n;\n};\n"
        old, use = "    return 0;\n", "    struct readbuf_gamma *g = 0;\n    return 0;\n"
        for declared, reported in (("    struct readbuf_gamma;\n", 0), ("", 1)):
            tree = self.tree((ALPHA_C, old, declared + use), (ALPHA, old, declared + use),
                             ("code/02-beta/extra.h", "", body),
                             (BETA, "", "\n<!-- code: code/02-beta/extra.h readbuf_gamma -->\n"
                              f"```c\n{body}```\n"))
            found = [p.message for p in tree.check().problems if "readbuf_gamma" in p.message]
            self.assertEqual(len(found), reported, found)

    def test_line_of_81_columns(self):
        for blank, wide in (("    ", 64), ("\t", 60)):
            for letters in (wide, wide + 1):
                old = "    return 0;\n"
                new = f"{blank}return 0; /*{'x' * (letters - 2)}*/\n"
                tree = self.tree((ALPHA_C, old, new), (ALPHA, old, new))
                expected = [(ALPHA, "xxxx", "81 columns, more than 80")]
                self.assert_problems(tree, *(expected if letters > wide else []))

    def test_listing_of_61_lines(self):
        for lines in (60, 61):
            body = "".join(f"int e{n};\n" for n in range(lines))
            tree = self.tree(("code/02-beta/extra.h", "", body), (
                BETA, "", "\n<!-- code: code/02-beta/extra.h /e0;/../e%d;/ -->\n```c\n%s```\n"
                % (lines - 1, body)))
            found = [p.message for p in tree.check().problems]
            self.assertEqual(found, ["this listing has 61 lines, more than 60: show less, "
                                     "or in pieces"] if lines > 60 else [])

    def test_a_line_of_a_layer_that_stands_nowhere(self):
        tree = self.tree((BETA, "/ifndef/../endif/", "readbuf_beta"),
                         (BETA, "#ifndef BETA_H\n#define BETA_H\n\n", ""),
                         (BETA, "};\n\n#endif\n", "};\n"))
        self.assert_problems(tree, (BETA_H, "#ifndef", "lines 1 to 2 stand in no chapter"),
                             (BETA_H, "#endif", "this line stands in no chapter"))

    def test_a_lone_brace_that_stands_nowhere(self):
        tree = self.tree((BETA, "/ifndef/../endif/", "/ifndef/../SHUT/ /endif/../endif/"),
                         (BETA, "};\n", ""))
        self.assert_problems(tree, (BETA_H, "};", "this line stands in no chapter"))

    def test_programs_need_not_stand_in_a_chapter(self):
        program = "int main(void)\n{\n}\n"
        tree = self.tree(("code/02-beta/exercise.c", "", program), ("code/02-beta/demo.c", "", program),
                         ("code/02-beta/exhibits/wrong.c", "", program))
        self.assert_problems(tree)

    def test_function_of_61_lines(self):
        for lines in (60, 61):
            body = "/* Long. */\nvoid e0(void)\n{\n" + "\n" * (lines - 3) + "}\n"
            listed = "".join(body.split("\n", 1)[1])
            tree = self.tree(("code/02-beta/extra.c", "", body), (
                BETA, "", "\n<!-- code: code/02-beta/extra.c /Long/../void/ -->\n```c\n"
                "/* Long. */\nvoid e0(void)\n```\nAnd its end.\n<!-- code: code/02-beta/extra.c /\\{/../\\}/ -->\n"
                "```c\n" + "\n".join(listed.split("\n")[1:]) + "```\n"))
            expected = [("code/02-beta/extra.c", "void e0", "e0 has 61 lines, more than 60")]
            self.assert_problems(tree, *(expected if lines == 61 else []))


class Appendix(TreeTest):
    """A page of docs/pages with listings: beta.h moved there from its chapter."""
    PAGE = "docs/pages/header.md"
    TEXT = "# The header\n\n<!-- claims -->\n\n<!-- code: code/02-beta/beta.h /ifndef/../endif/ -->\n```c\n```\n"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        listing = cls.good[BETA].split("two states.\n\n")[1].split("And its state.")[0]
        tree = Tree({**cls.good, BETA: cls.good[BETA].replace(listing, ""), cls.PAGE: cls.TEXT})
        try:
            assert tree.sync()[1] == [cls.PAGE]
            cls.listing, cls.good = listing, tree.files()
        finally:
            tree.remove()

    def test_is_part_of_the_book(self):
        tree = self.tree((ALPHA, "[the next part](", "[beta](../docs/pages/header.md#sym-readbuf_beta) ("))
        self.assert_problems(tree)
        book = Book(tree.root)
        self.assertEqual(book.home["readbuf_beta"].place, f"{self.PAGE}:5")
        self.assertEqual(export.symbols(book)["readbuf_beta"]["page"], "header")
        self.assertIn('["header"] = {\n', export.export(book))

    def test_stale(self):
        tree = self.tree((BETA_H, "    READBUF_BETA_SHUT,\n", "    READBUF_BETA_SHUT = 7,\n"))
        self.assert_problems(tree, (self.PAGE, "READBUF_BETA_SHUT", "run 'make sync'"))

    def test_a_line_that_stands_neither_here_nor_in_a_chapter(self):
        tree = self.tree((self.PAGE, "/ifndef/../endif/", "/ifndef/../SHUT/ /endif/../endif/"),
                         (self.PAGE, "};\n", ""))
        self.assert_problems(tree, (BETA_H, "};", "this line stands in no chapter or appendix"))

    def test_listed_in_a_chapter_too(self):
        tree = self.tree((BETA, "And its state.", self.listing + "And its state."))
        self.assert_problems(tree, (BETA, "/ifndef/../endif/", f"listed already at {self.PAGE}:5"))

    def test_a_chapter_may_show_some_again(self):
        again = self.listing.replace("endif/ -->", "endif/ again -->")
        tree = self.tree((BETA, "And its state.", again + "And its state."))
        self.assert_problems(tree)
        self.assertEqual(Book(tree.root).home["readbuf_beta"].page.path, self.PAGE)

    def test_is_of_the_stage_of_its_file(self):
        page = "\nAnd:\n\n<!-- code: code/01-alpha/alpha.h READBUF_ALPHAS -->\n```c\n```\n"
        tree = self.tree((ALPHA_H, "READBUF_ALPHAS 4", "READBUF_ALPHAS READBUF_BETA_OPEN"), (self.PAGE, "", page),
                         (ALPHA, "..readbuf_alpha_open -->", "..readbuf_alpha_open again -->"))
        tree.sync()
        self.assert_problems(tree, *[(path, "#define READBUF_ALPHAS", "is not introduced before chapter 2")
                                     for path in (ALPHA, self.PAGE)])

    def test_has_no_budget_of_lines_but_words_between_them(self):
        body = "".join(f"int e{n};\n" for n in range(360))
        pieces = [f"<!-- code: code/02-beta/extra.c /e{n};/../e{n + 59};/ -->\n```c\n```\n" for n in range(0, 360, 60)]
        for between in ("\nMore.\n\n", "\n"):
            tree = self.tree(("code/02-beta/extra.c", "", body), (self.PAGE, "", "\nAnd:\n\n" + between.join(pieces)))
            tree.sync()
            found = [p.message for p in tree.check().problems]
            self.assertEqual(len(found), 0 if "More" in between else 5, found)
            self.assertTrue(all("no sentence stands between" in message for message in found))

    def test_has_listings_alone(self):
        tree = self.tree((self.PAGE, "", "\n<!-- run: echo out -->\n```text\n```\n\nMore.\n\n```c\nint x;\n```\n"))
        found = [p.message.split(":")[0] for p in tree.check().problems]
        self.assertEqual(found, ["there is no directive 'run'", "C without a directive"])


class Printed(TreeTest):
    """What a chapter prints of C, and what stands between its listings."""
    SKETCH = "<!-- sketch -->\n```c\n%s```\n"
    FOLDED = "<details><summary>The rest</summary>\n\n%s\n</details>\n"

    def lines(self, count, first=0):
        return self.SKETCH % "".join(f"extern int e{n};\n" for n in range(first, first + count))

    def test_lines_have_a_budget_and_a_fold_is_free(self):
        before = rules.printed_lines(Book(self.tree().root).chapters[1])
        sixties = "\nMore.\n\n".join(self.lines(60, 60 * n) for n in range(4))
        for rest in (60 - before, 61 - before):
            tree = self.tree((BETA, "", f"\n{sixties}\nA rest.\n\n{self.lines(rest, 240)}\nFolded.\n\n"
                              + self.FOLDED % self.lines(60, 300)))
            expected = (BETA, "# Beta", "this chapter prints 301 lines of C, more than 300: fold or leave out 1")
            self.assert_problems(tree, *[expected] if rest > 60 - before else [])

    def test_listings_without_a_sentence_between(self):
        one, two = self.SKETCH % "int one;\n", self.SKETCH % "int two;\n"
        at = "this listing and the one at line"
        for between in ("", "## A heading\n", "<!-- A comment. -->\n", self.FOLDED % "A sentence.\n",
                        "<!-- run: echo out -->\n```console\n$ echo out\nout\n```\n", "---\n"):
            with self.subTest(between):
                tree = self.tree((BETA, "", f"\n{one}\n{between}\n{two}"))
                found = [p.message for p in tree.check().problems]
                self.assertEqual(len(found), 1, found)
                self.assertIn("no sentence stands between " + at, found[0])
        tree = self.tree((BETA, "", f"\n{one}\nReason.\n\n{two}"))
        self.assert_problems(tree)

    def test_listings_in_a_fold_need_none(self):
        one, two = self.SKETCH % "int one;\n", self.SKETCH % "int two;\n"
        tree = self.tree((BETA, "", "\n" + one + self.FOLDED % (two + "\n" + self.SKETCH % "int three;\n")))
        self.assert_problems(tree)


class Blocks(TreeTest):
    def test_c_without_directive(self):
        tree = self.tree((ALPHA, "", "\n```c\nint x;\n```\n"))
        found = [str(p) for p in tree.check().problems]
        self.assertEqual(len(found), 1)
        self.assertIn("C without a directive: put <!-- code: PATH SYMBOL --> or <!-- sketch -->",
                      found[0])

    def test_c_without_directive_in_a_quotation(self):
        tree = self.tree((ALPHA, "", "\n> ``` {.c}\n> int x;\n> ```\n"))
        self.assert_problems(tree, (ALPHA, "{.c}", "C without a directive"))

    def test_console_without_directive(self):
        tree = self.tree((ALPHA, "", "\n```console\n$ ls\n```\n"))
        found = [p.message for p in tree.check().problems]
        self.assertEqual(found, ["console output without a directive: put "
                                 "<!-- run: COMMAND --> above it"])

    def test_directive_without_fence(self):
        for directive in ("<!-- sketch -->", "<!-- run: ls -->",
                          "<!-- code: code/01-alpha/alpha.c fits again -->"):
            tree = self.tree((BETA, "", f"\n{directive}\n\n\n```c\n```\n"))
            found = [p.message for p in tree.check().problems]
            self.assertEqual(len(found), 2, found)
            self.assertIn(f"no fence stands under this '{directive.split()[1].strip(':')}'", found)

    def test_directive_at_the_end_of_the_chapter(self):
        tree = self.tree((BETA, "", "\n<!-- sketch -->\n"))
        self.assert_problems(tree, (BETA, "<!-- sketch", "no fence stands under"))

    def test_fence_of_another_language(self):
        tree = self.tree((BETA, "", "\n<!-- sketch -->\n```cpp\n```\n"))
        self.assert_problems(tree, (BETA, "```cpp", "directive is ```c, not ```cpp"))

    def test_fence_that_is_indented(self):
        tree = self.tree((BETA, "", "\n<!-- sketch -->\n  ```c\n  int x;\n  ```\n"))
        self.assert_problems(tree, (BETA, "  ```c", "starts in the first column"))

    def test_directive_amid_text(self):
        for line in ("See: <!-- sketch -->", "- <!-- sketch -->", "<!-- sketch --> <!-- sketch -->"):
            tree = self.tree((BETA, "", f"\n{line}\n"))
            found = [p.message for p in tree.check().problems]
            self.assertIn("a directive stands alone on its line, above the block it governs", found)

    def test_fence_that_is_never_closed(self):
        tree = self.tree((BETA, "", "\n````text\nx\n```\n"))
        self.assert_problems(tree, (BETA, "````text", "this fence is never closed"))

    def test_comment_that_is_never_closed(self):
        tree = self.tree((BETA, "", "\n<!-- sketch\n"))
        self.assert_problems(tree, (BETA, "<!-- sketch", "not closed with -->"))

    def test_unknown_directives(self):
        for comment in ("<!-- cod: x.c y -->", "<!-- Code: x.c y -->", "<!-- sketches -->",
                        "<!-- claim: x -->", "<!-- end -->"):
            tree = self.tree((BETA, "", f"\n{comment}\n"))
            self.assert_problems(tree, (BETA, comment, "there is no directive"))

    def test_other_comments_are_nobodys_business(self):
        tree = self.tree((BETA, "", "\n<!-- What follows is dull: skip it. -->\n"))
        self.assert_problems(tree)

    def test_malformed_directives(self):
        for comment in ("<!-- sketch: x -->", "<!-- sketch shape -->", "<!-- run -->",
                        "<!-- run: -->", "<!-- code alpha.c fits -->"):
            tree = self.tree((BETA, "", f"\n{comment}\n"))
            found = [p.message for p in tree.check().problems]
            self.assertTrue(any("write this directive as" in m for m in found), (comment, found))

    def test_unknown_option(self):
        for option in ("shap", "exit=x", "exit"):
            tree = self.tree((BETA, "<!-- run shape:", f"<!-- run {option}:"))
            self.assert_problems(tree, (BETA, f"run {option}:", f"the option '{option}'"))

    def test_title(self):
        tree = self.tree((BETA, "# Beta\n", "Beta\n"))
        self.assertEqual([(p.line, p.message) for p in tree.check().problems],
                         [(1, "a chapter begins with its title, '# Title'")])

    def test_second_title(self):
        tree = self.tree((BETA, "", "\n# Another\n"))
        self.assert_problems(tree, (BETA, "# Another", "a chapter has one title"))


class Sketches(TreeTest):
    def sketch(self, body):
        return self.tree((BETA, "", f"\n<!-- sketch -->\n```c\n{body}\n```\n"))

    def test_declarations_and_statements_compile(self):
        for body in ('#include "alpha.h"\nint f(struct readbuf_alpha *a) { return a->number; }',
                     '#include "beta.h"\nstruct io_uring_cqe *cqe = NULL;\nif (READBUF_BETA_SHUT)\n'
                     "    return cqe->res;"):
            self.assert_problems(self.sketch(body))

    def test_includes_of_statements_stand_outside(self):
        tree = self.sketch('#include "exhibits/one.h"\nint x = one();\nx++;')
        tree.write("code/02-beta/exhibits/one.h", "static inline int one(void) { return 1; }\n")
        self.assert_problems(tree)

    def test_that_does_not_compile(self):
        self.assert_problems(self.sketch("int x;\nint f(void) { return y; }"),
                             (BETA, "return y", "this sketch does not compile: 'y' undeclared"))

    def test_statements_that_do_not_compile(self):
        self.assert_problems(self.sketch("int x = 0;\nx +;\nx++;"),
                             (BETA, "x +;", "this sketch does not compile: expected expression"))

    def test_function_that_nobody_declared(self):
        self.assert_problems(self.sketch("int x = 0;\nreadbuf_unheard(x);"),
                             (BETA, "unheard", "implicit declaration"))

    def test_header_of_a_later_layer(self):
        tree = self.tree((ALPHA, "", '\n<!-- sketch -->\n```c\n#include "beta.h"\n```\n'))
        self.assert_problems(tree, (ALPHA, "beta.h", "beta.h: No such file"))

    def test_line_of_81_columns(self):
        self.assert_problems(self.sketch("int x; // " + "y" * 71), (BETA, "yyy", "81 columns"))

    def test_sketch_of_61_lines(self):
        found = [p.message for p in self.sketch("\n" * 60).check().problems]
        self.assertEqual(len(found), 1)
        self.assertIn("61 lines, more than 60", found[0])


class Outputs(TreeTest):
    def test_stale(self):
        tree = self.tree((STATE, "yes", "maybe"))
        words = "prints something else now"
        found = [(p.path, p.message) for p in tree.check().problems]
        self.assertEqual(len(found), 2)
        self.assertIn(words + ": recorded 'mapped rings   yes', printed 'mapped rings   maybe'; "
                      "if that is right, run 'make sync'", found[0][1])
        self.assertIn(words + ", even in shape", found[1][1])

    def test_only_the_shape_is_the_same(self):
        tree = self.tree((STATE, "6.1.0-28-amd64", "6.12"), (STATE, "yes", "no (EINVAL)"))
        self.assert_problems(tree, (ALPHA, "Linux 6.1.0", "printed 'Linux 6.12'"))

    def test_lines_that_come_or_go(self):
        for old, new, words in (("yes\n", "yes\nmore\n", "recorded no further line, printed 'more'"),
                                ("mapped rings   yes\n", "", "printed no further line")):
            found = [p.message for p in self.tree((STATE, old, new)).check().problems]
            self.assertEqual(len(found), 2)
            for message in found:
                self.assertIn(words, message)

    def test_command_that_is_not_the_recorded_one(self):
        tree = self.tree((BETA, "\n$ cat code", "\n$ cat ./code"))
        self.assert_problems(tree, (BETA, "$ cat ./code", "prints something else now"))

    def test_wrong_exit_status(self):
        tree = self.tree((BETA, "run exit=3: echo", "run: echo"))
        self.assert_problems(tree, (BETA, "run: echo", "exits with 3, not 0 (last line: failed)"))

    def test_expected_failure_that_succeeds(self):
        tree = self.tree((BETA, "<!-- run exit=3: echo failed; exit 3", "<!-- run exit=3: echo failed"))
        self.assert_problems(tree, (BETA, "run exit=3:", "exits with 0, not 3"))

    def test_failure_within_a_pipe(self):
        tree = self.tree((BETA, "", "\n<!-- run: false | cat -->\n```console\n$ false | cat\n```\n"))
        self.assert_problems(tree, (BETA, "run: false", "exits with 1, not 0"))

    def test_command_that_does_not_end(self):
        with mock.patch("bookkit.commands.SECONDS", 0.1):
            result = Runner(self.tree().root).run("echo begun; sleep 1000 | cat", merged=True)
            self.assertEqual(result.complaint(0), "does not end within 0.1 s")

    def test_environment(self):
        os.environ["SYNC_TEST_NOISE"] = "1"
        self.addCleanup(os.environ.pop, "SYNC_TEST_NOISE")
        command = "echo $LC_ALL $TERM $COLUMNS $SYNC_TEST_NOISE; ls chapters; echo err >&2; cat"
        printed = "C dumb 80\n01-alpha.md\n02-beta.md\nfigures\nerr"
        tree = self.tree((BETA, "", f"\n<!-- run: {command} -->\n```console\n$ {command}\n{printed}\n```\n"))
        self.assert_problems(tree)

    def test_a_command_runs_once(self):
        tree = self.tree(*[(path, "", "\n<!-- run shape: echo x >> ran; wc -l < ran -->\n```console\n"
                            "$ echo x >> ran; wc -l < ran\n1\n```\n") for path in (ALPHA, BETA)])
        self.assert_problems(tree)
        self.assertEqual(tree.read("ran"), "x\n")

    def test_output_that_would_close_its_fence(self):
        tree = self.tree(("code/02-beta/fence.txt", "", "```\n"),
                         (BETA, "", "\n<!-- run: cat code/02-beta/fence.txt -->\n```console\n```\n"))
        before = tree.read(BETA)
        found = [p.message for p in tree.check().problems]
        self.assertEqual(found, ["'cat code/02-beta/fence.txt' has a line that would close this "
                                 "fence: use a longer mark"])
        book, written = tree.sync()
        self.assertEqual((written, len(book.problems), tree.read(BETA)), ([], 1, before))


class Refused(TreeTest):
    """Where io_uring is refused, programs end with 77 and nothing is compared."""
    REFUSE = "echo noise; echo 'io_uring is refused here: ask root.' >&2; exit 77"

    def refusing(self):
        tree = self.tree((BETA, "run exit=3: echo failed; exit 3", "run exit=3: bash x.sh | cat"))
        tree.write("x.sh", self.REFUSE + "\n")
        return tree

    def test_is_skipped_and_said(self):
        book = self.refusing().check()
        self.assertEqual(list(book.problems), [])
        self.assertEqual([command for _, command, _ in book.skipped], ["bash x.sh | cat"])
        self.assertEqual(book.refusal, "io_uring is refused here: ask root")

    def test_counts_where_a_later_stage_fails_otherwise(self):
        tree = self.refusing()
        tree.write(BETA, tree.read(BETA).replace("x.sh | cat", "x.sh | { cat; exit 5; }"))
        book = tree.check()
        self.assertEqual((list(book.problems), len(book.skipped)), ([], 1))

    def test_sync_keeps_what_was_recorded(self):
        tree = self.refusing()
        before = tree.files()
        self.assertEqual(tree.sync()[1], [])
        self.assertEqual(tree.files(), before)

    def test_figures_are_kept_too(self):
        tree = self.tree((ALPHA, "figure: cat ring.svg", "figure: bash x.sh | cat"))
        tree.write("x.sh", self.REFUSE + "\n")
        book, written = tree.sync()
        self.assertEqual((written, list(book.problems), len(book.skipped)), ([], [], 1))

    def test_77_can_be_what_is_meant(self):
        tree = self.tree((BETA, "run exit=3: echo failed; exit 3", "run exit=77: echo failed; exit 77"),
                         (BETA, "$ echo failed; exit 3", "$ echo failed; exit 77"))
        book = tree.check()
        self.assertEqual((list(book.problems), book.skipped), ([], []))

    def test_a_missing_tool_is_no_refusal(self):
        tree = self.tree((BETA, "run exit=3: echo failed; exit 3", "run exit=3: bash x.sh | cat"))
        tree.write("x.sh", "echo clang is not installed >&2; exit 69\n")
        book = tree.check()
        self.assertEqual((list(book.problems), book.refusal), ([], ""))
        self.assertEqual([why for _, _, why in book.skipped], ["clang is not installed"])

    def test_a_refusal_beside_a_missing_tool(self):
        tree = self.tree((BETA, "run exit=3: echo failed; exit 3", "run exit=3: bash y.sh | bash x.sh"))
        tree.write("x.sh", self.REFUSE + "\n")
        tree.write("y.sh", "echo clang is not installed >&2; exit 69\n")
        self.assertEqual(tree.check().refusal, "io_uring is refused here: ask root")


class Figures(TreeTest):
    def test_stale(self):
        tree = self.tree(("ring.svg", "of four", "of five"))
        self.assert_problems(tree, (ALPHA, "![A ring", "figures/ring.svg is not what "
                                    "'cat ring.svg' draws now: run 'make sync'"))

    def test_missing(self):
        tree = self.tree()
        (tree.root / "chapters/figures/ring.svg").unlink()
        self.assert_problems(tree, (ALPHA, "![A ring", "run 'make sync'"),
                             (ALPHA, "](figures/ring.svg)", "no file figures/ring.svg"))

    def test_command_that_fails(self):
        tree = self.tree((ALPHA, "figure: cat ring.svg", "figure: cat square.svg"))
        self.assert_problems(tree, (ALPHA, "square.svg", "exits with 1, not 0 (last line: cat:"))

    def test_no_image(self):
        tree = self.tree((ALPHA, "![A ring of four.](figures/ring.svg)", "A ring of four."))
        self.assert_problems(tree, (ALPHA, "<!-- figure", "no image stands under"))

    def test_image_elsewhere(self):
        tree = self.tree((ALPHA, "](figures/ring.svg)", "](../ring.svg)"))
        self.assert_problems(tree, (ALPHA, "](../ring.svg)", "a figure's image is figures/NAME.svg"))

    def test_drawn_by_hand_must_be_there(self):
        tree = self.tree((BETA, "", "\n![Drawn.](figures/drawn.svg)\n"))
        self.assert_problems(tree, (BETA, "Drawn.", "no file figures/drawn.svg"))

    def test_cannot_be_read_aloud(self):
        for old, new, words in (('role="img" ', "", 'role="img"'),
                                ("<desc>A ring of four.</desc>", "", "<desc>"),
                                ("Ring</title>", "</title>", "<title>"),
                                ('labelledby="t"', 'labelledby="u"', "aria-labelledby"),
                                ("</svg>", "", "no XML")):
            tree = self.tree((BETA, "", "\n![Drawn.](figures/drawn.svg)\n"))
            tree.write("chapters/figures/drawn.svg", SVG)
            self.assert_problems(tree)
            tree.write("chapters/figures/drawn.svg", SVG.replace(old, new))
            self.assert_problems(tree, (BETA, "Drawn.", words))


class Claims(TreeTest):
    def test_without_test(self):
        tree = self.tree((BETA, "", '\n<span id="claim-new-one">It is so.</span>\n'))
        self.assert_problems(tree, (BETA, "new-one", "the claim 'new-one' has no test"))

    def test_in_no_chapter(self):
        tree = self.tree((TESTS, "", "/* claim: new-one (5.19)\n * It is so.\n */\n"
                          "START_TEST(new)\n{\n}\nEND_TEST\n"))
        self.assert_problems(tree, (TESTS, "new-one", "no chapter makes the claim 'new-one'"))

    def test_sentences_that_differ(self):
        tree = self.tree((TESTS, "A free number is not.", "A free number is taken."))
        self.assert_problems(tree, (ALPHA, "free-number", "'A free number is not.' here, but "
                                    "'A free number is taken.' at tests/01-alpha/test_alpha.c:7"))

    def test_marks_that_differ(self):
        tree = self.tree((TESTS, "`EEXIST`", "EEXIST"))
        self.assert_problems(tree, (ALPHA, "claim-taken-number", "but 'A number that"))

    def test_stated_twice(self):
        tree = self.tree((BETA, "", '\n<span id="claim-free-number">A free number is not.</span>\n'))
        self.assert_problems(tree, (BETA, "free-number", "made already at chapters/01-alpha.md:"))

    def test_tested_twice(self):
        tree = self.tree((TESTS, "", "/* claim: free-number (6.4) A free number is not. */\n"
                          "START_TEST(again)\n{\n}\nEND_TEST\n"))
        found = [(p.path, p.message) for p in tree.check().problems]
        self.assertEqual(found, [(TESTS, "the claim 'free-number' is made already at "
                                  "tests/01-alpha/test_alpha.c:7")])

    def test_above_no_test(self):
        tree = self.tree((TESTS, "START_TEST(taken_and_free)", "int x;\nSTART_TEST(taken_and_free)"))
        found = [p.message for p in tree.check().problems if p.path == TESTS]
        self.assertEqual(found, [f"the claim '{name}' does not stand above a START_TEST"
                                 for name in ("taken-number", "free-number")])

    def test_the_comment_may_go_on(self):
        tree = self.tree((TESTS, "with `EEXIST`.\n", "with `EEXIST`.\n *\n * Measured, too.\n"))
        self.assert_problems(tree)

    def test_without_kernel(self):
        tree = self.tree((TESTS, "free-number (6.4)", "free-number"))
        self.assert_problems(tree, (TESTS, "claim: free-number", "the first kernel it holds for"),
                             (ALPHA, "free-number", "has no test"))

    def test_without_end(self):
        tree = self.tree((ALPHA, "`EEXIST`.</span>", "`EEXIST`."))
        self.assert_problems(tree, (ALPHA, "taken-number", "has no </span> in its paragraph"),
                             (TESTS, "taken-number", "no chapter makes"))

    def test_end_in_another_paragraph(self):
        tree = self.tree((ALPHA, "taken is refused", "taken\n\nis refused"))
        self.assert_problems(tree, (ALPHA, "taken-number", "has no </span> in its paragraph"),
                             (ALPHA, "is refused", "this span is no claim"),
                             (TESTS, "taken-number", "no chapter makes"))

    def test_spans_that_are_no_claims(self):
        for text in ("It ends.</span>", '<span id="new-one">It is so.', '<span class="x">It is so.'):
            tree = self.tree((BETA, "", f"\n{text}\n"))
            self.assert_problems(tree, (BETA, text, "this span is no claim"))

    def test_span_in_code(self):
        tree = self.tree((BETA, "", '\nWritten `<span id="claim-x">`.\n'))
        self.assert_problems(tree)

    def test_id_that_is_not_kebab_case(self):
        tree = self.tree((BETA, "", '\n<span id="claim-New_one">It is so.</span>\n'))
        found = [p.message for p in tree.check().problems]
        self.assertIn("a claim's id is kebab-case, 'New_one' is not", found)


class TermsAndLinks(TreeTest):
    def test_term_introduced_twice(self):
        tree = self.tree((BETA, "A <dfn>beta</dfn>", "An <dfn>Alpha</dfn>"))
        self.assert_problems(tree, (BETA, "<dfn>Alpha", "'Alpha' is introduced already at "
                                    "chapters/01-alpha.md:3"))

    def test_missing_file(self):
        tree = self.tree((BETA, "[](01-alpha.md)", "[](03-gamma.md)"))
        self.assert_problems(tree, (BETA, "03-gamma", "there is no file 03-gamma.md"))

    def test_missing_heading(self):
        tree = self.tree((BETA, "#opening-one", "#opening-two"))
        self.assert_problems(tree, (BETA, "opening-two", "01-alpha.md has no heading #opening-two"))

    def test_missing_heading_of_its_own(self):
        tree = self.tree((ALPHA, "(#opening-one)", "(#opening)"))
        self.assert_problems(tree, (ALPHA, "(#opening)", "has no heading #opening"))

    def test_missing_symbol(self):
        tree = self.tree((BETA, "#sym-readbuf_alpha", "#sym-main"))
        self.assert_problems(tree, (BETA, "#sym-main", "has no heading #sym-main"))

    def test_reference_that_leads_nowhere(self):
        tree = self.tree((BETA, "", "\n[there]: 09-nowhere.md\n\n[^note]: A note.\n"))
        self.assert_problems(tree, (BETA, "[there]", "there is no file 09-nowhere.md"))

    def test_other_markdown(self):
        tree = self.tree(("README.md", "", "[x](chapters/01-alpha.md#opening-none)\n"),
                         ("docs/pages/index.md", "", "[y](../none.md) [z](../../chapters/02-beta.md)\n"))
        self.assert_problems(tree, ("README.md", "[x]", "has no heading #opening-none"),
                             ("docs/pages/index.md", "[y]", "there is no file ../none.md"))

    def test_links_that_lead_somewhere(self):
        text = ("\n## Twice over\n\n## Twice over\n\n## 2. Don't -- *stop* at `x_y`...\n\n"
                "## Named {#own-name}\n\n[a](#twice-over-1) [b](#dont-stop-at-x_y) [c](#own-name) "
                "[d](https://example.org/#x) [e](../code/01-alpha/alpha.c) [f](01-alpha.md#term-alpha) "
                "[g](01-alpha.md#claim-free-number) `[h](none.md)`\n")
        tree = self.tree((BETA, "", text))
        self.assert_problems(tree)


class Sync(TreeTest):
    def test_refreshes_what_is_stale_and_nothing_else(self):
        tree = self.tree((ALPHA_C, "return number <", "return number + 1 <"),
                         (STATE, "yes", "maybe"), ("ring.svg", "of four", "of five"))
        before = tree.files()
        book, written = tree.sync()
        self.assertEqual(list(book.problems), [])
        self.assertEqual(written, ["chapters/figures/ring.svg", ALPHA, BETA])
        for path, text in tree.files().items():
            changed = {"return number + 1 < READBUF_ALPHAS": "return number < READBUF_ALPHAS",
                       "maybe": "yes", "of five": "of four"}
            if path in written:
                for new, old in changed.items():
                    text = text.replace(new, old)
            self.assertEqual(text, before[path], path)
        self.assert_problems(tree)
        self.assertEqual(tree.sync()[1], [])

    def test_an_output_of_the_same_shape_is_left_alone(self):
        tree = self.tree((STATE, "Linux 6.1.0-28-amd64", "Linux 6.18"))
        self.assertEqual(tree.sync()[1], [ALPHA])

    def test_leaves_prose_alone(self):
        prose = ("\n  Odd   spacing,\ttabs\nand trailing blanks  \n\n```text\nint not_ours;\n```\n"
                 "\n~~~sh\nmake\n~~~\n\nNo newline at the end")
        tree = self.tree((BETA, "", prose), (STATE, "yes", "maybe"))
        tree.sync()
        self.assertTrue(tree.read(BETA).endswith(prose))
        self.assertIn("maybe", tree.read(BETA))

    def test_leaves_a_chapter_alone_whose_fence_is_open(self):
        tree = self.tree((BETA, "", "\n````text\n"), (STATE, "yes", "maybe"))
        before = tree.read(BETA)
        book, written = tree.sync()
        self.assertEqual((written, tree.read(BETA)), ([ALPHA], before))
        self.assertEqual(len(book.problems), 1)

    def test_does_not_record_a_failure(self):
        tree = self.tree((BETA, "run exit=3: echo failed; exit 3", "run exit=3: echo other; exit 4"))
        before = tree.read(BETA)
        book, written = tree.sync()
        self.assertEqual((written, tree.read(BETA)), ([], before))
        self.assertIn("exits with 4, not 3", str(list(book.problems)[0]))

    def test_does_not_empty_a_listing_it_cannot_find(self):
        tree = self.tree((ALPHA, "alpha.c fits -->", "alpha.c gone -->"))
        before = tree.read(ALPHA)
        book, written = tree.sync()
        self.assertEqual((written, tree.read(ALPHA)), ([], before))
        self.assertIn("no symbol gone", str(list(book.problems)[0]))


class CommandLine(TreeTest):
    def run_sync(self, tree, *arguments):
        return subprocess.run([sys.executable, str(DOCS / "sync.py"), *arguments],
                              cwd="/", input="noise\n", capture_output=True, text=True,
                              check=False)

    def test_check(self):
        tree = self.tree()
        done = self.run_sync(tree, "check", "--root", str(tree.root))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "in step: 2 chapters, 9 listings, 0 sketches, 3 outputs, "
                         "1 figures, 2 claims, 0 skipped\n")

    def test_commands_are_given_nothing_to_read(self):
        tree = self.tree((BETA, "", "\n<!-- run: cat -->\n```console\n$ cat\n```\n"))
        done = self.run_sync(tree, "check", "--root", str(tree.root))
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_check_reports_everything_and_fails(self):
        tree = self.tree((STATE, "yes", "maybe"), (BETA, "[](01-alpha.md)", "[](03-gamma.md)"))
        done = self.run_sync(tree, "--root", str(tree.root), "check")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertEqual(len(done.stderr.splitlines()), 3)
        for line in done.stderr.splitlines():
            self.assertRegex(line, r"^chapters/0[12]-\w+\.md:\d+: \S")

    def test_skipping_is_loud(self):
        tree = self.tree((BETA, "run exit=3: echo failed; exit 3",
                          "run: echo io_uring is off; exit 77"))
        done = self.run_sync(tree, "check", "--root", str(tree.root))
        self.assertEqual(done.returncode, 0)
        self.assertIn("nothing compared", done.stderr)
        self.assertIn("SKIPPED 1 outputs and figures: io_uring is off", done.stderr)
        self.assertIn("1 skipped", done.stdout)

    def test_sync(self):
        tree = Tree(FILES)
        self.addCleanup(tree.remove)
        done = self.run_sync(tree, "sync", "--root", str(tree.root))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(done.stdout, "updated chapters/figures/ring.svg\n"
                         "updated chapters/01-alpha.md\nupdated chapters/02-beta.md\n")
        self.assertEqual(tree.files(), self.good)

    def test_where(self):
        tree = self.tree()
        done = self.run_sync(tree, "where", "fits", "--root", str(tree.root))
        lines = done.stdout.splitlines()
        self.assertEqual(lines[0], "code/01-alpha/alpha.c:6: function")
        self.assertRegex(lines[1], r"^chapters/01-alpha.md:\d+: listing$")
        self.assertEqual((done.returncode, len(lines)), (0, 3))

    def test_lines(self):
        tree = self.tree()
        done = self.run_sync(tree, "lines", "--root", str(tree.root))
        self.assertEqual((done.returncode, done.stdout.splitlines()[0]),
                         (0, "chapters/01-alpha.md: 35 of 300 lines of C in 6 listings"))

    def test_where_nothing_is(self):
        tree = self.tree()
        done = self.run_sync(tree, "where", "nothing", "--root", str(tree.root))
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("declares nothing", done.stderr)


class Kernels(TreeTest):
    """The table of docs/kernels.md, and what the booted kernels showed."""

    ROW = "| [free numbers](../chapters/01-alpha.md#claim-free-number) | 6.4 to 6.12 | none |\n"

    def kernels(self, row=ROW, **verdicts):
        tree = self.tree()
        tree.write("docs/kernels.md", "| feature | kernel | else |\n|---|---|---|\n" + row)
        for name, verdict in verdicts.items():
            series = name[1:].replace("_", ".")
            tree.write(f"docs/kernels/{series}.txt", f"# Linux {series}.1, written by make "
                       f"kernels\n" + (f"free-number: {verdict}\n" if verdict else ""))
        return tree

    def test_what_was_shown_where_the_row_says(self):
        self.assert_problems(self.kernels())
        self.assert_problems(self.kernels(_6_1="not verified, no", _6_4="shown", _6_12="shown",
                                          _7_1="not verified, gone"))

    def test_the_row_is_wrong(self):
        for verdicts, words in (
                ({"_6_1": "shown"}, "'free-number' is shown on Linux 6.1 (docs/kernels/6.1.txt)"),
                ({"_6_4": "not verified, no"}, "is not verified on Linux 6.4 ("),
                ({"_6_12": "not verified, no"}, "is not verified on Linux 6.12 ("),
                ({"_6_13": "shown"}, "is shown on Linux 6.13 (")):
            self.assert_problems(self.kernels(**verdicts),
                                 ("docs/kernels.md", "free numbers", words))

    def test_only_the_nearest_kernels_around_must_differ(self):
        self.assert_problems(self.kernels(_5_15="shown", _6_1="not verified, a backport",
                                          _7_0="not verified, gone", _7_1="shown"))

    def test_a_claim_that_was_not_run(self):
        self.assert_problems(self.kernels(_6_4="", _6_12="shown"))

    def test_another_first_kernel_than_its_claim(self):
        self.assert_problems(self.kernels(self.ROW.replace("6.4", "6.3")),
                             ("docs/kernels.md", "free numbers", "'free-number' says 6.4, not 6.3"))

    def test_a_row_without_an_end(self):
        self.assert_problems(self.kernels(self.ROW.replace(" to 6.12", ""), _7_1="not verified, no"),
                             ("docs/kernels.md", "free numbers", "is not verified on Linux 7.1"))

    def test_a_stored_file_that_cannot_be_read(self):
        tree = self.kernels()
        tree.write("docs/kernels/6.9.txt", "typed by hand\n")
        self.assert_problems(tree, ("docs/kernels/6.9.txt", "typed", "these are no verdicts"))


if __name__ == "__main__":
    unittest.main()
