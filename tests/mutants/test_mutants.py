#!/usr/bin/env python3
"""test_mutants.py - lists and mutants that mutants.py must not take for good.

The tree is a file of two numbers, and its test program a shell script that
looks at one of them.
"""
import contextlib
import io
import os
import pathlib
import tempfile
import unittest

import mutants

MAKEFILE = """\
build/tests/%: code/sum.c
	@mkdir -p $(@D) && grep -q 'int' code/sum.c && cp test.sh $@
build/refuse build/01-sum/demo:
"""
TEST = """\
#!/bin/sh
[ ! -e skip ] || echo SKIPPED, no io_uring here
grep -q 'one = 1' code/sum.c
"""
KILLED = "code/sum.c 01-sum/test_sum\n-one = 1\n+one = 2\n"
SURVIVOR = "code/sum.c 01-sum/test_sum\n-two = 2\n+two = 3\n"
EXCUSE = "~No test looks at two.\n"


class Verdicts(unittest.TestCase):
    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(place.name)
        for part in ("code", "docs", "tests"):
            os.mkdir(part)
        self.write("Makefile", MAKEFILE)
        self.write("code/sum.c", "int one = 1;\nint two = 2;\n")
        self.write("test.sh", TEST)
        os.chmod("test.sh", 0o755)
        self.addCleanup(setattr, mutants, "PARTS", mutants.PARTS)
        mutants.PARTS = mutants.PARTS + ["test.sh"]

    def write(self, name, text):
        pathlib.Path(name).write_text(text)

    def says(self, *blocks, word=""):
        self.write("list", "# a comment\n\n" + "\n".join(blocks))
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            try:
                status = mutants.main(pathlib.Path("build/m"), pathlib.Path("list"), word)
            except SystemExit as refusal:
                return 1, str(refusal)
        return status, said.getvalue()

    def refused(self, words, *blocks):
        status, said = self.says(*blocks)
        self.assertEqual(status, 1, said)
        self.assertIn(words, said)

    def test_a_mutant_that_is_noticed(self):
        status, said = self.says(KILLED, SURVIVOR + EXCUSE)
        self.assertEqual((status, said), (0, "2 mutants, 1 of them excused, 0 problems\n"))

    def test_a_survivor(self):
        self.refused("line 3: code/sum.c: two = 2: survives 01-sum/test_sum", SURVIVOR)

    def test_each_mutant_starts_from_the_right_file(self):
        self.refused("survives", KILLED, SURVIVOR, KILLED, SURVIVOR)

    def test_an_excuse_that_is_none(self):
        self.refused("is noticed, and the list says", KILLED + EXCUSE)

    def test_a_survivor_where_tests_are_skipped(self):
        pathlib.Path("skip").touch()
        mutants.PARTS = mutants.PARTS + ["skip"]
        self.assertEqual(self.says(SURVIVOR)[0], 0)

    def test_text_that_is_gone(self):
        self.refused("no longer applies, the file has it 0 times",
                     KILLED.replace("one = 1", "one = 7"))

    def test_text_that_is_there_twice(self):
        self.refused("the file has it 2 times", KILLED.replace("-one = 1", "-int"))

    def test_a_mutant_that_does_not_compile(self):
        self.write("code/sum.c", "int one = 1;\n")
        self.refused("does not compile", KILLED.replace("-one", "-int one"))

    def test_a_test_that_fails_anyway(self):
        self.write("code/sum.c", "int one = 7;\n")
        self.refused("fails without any mutant", KILLED.replace("one = 1", "one = 7"))

    def test_a_head_that_is_none(self):
        self.refused("line 3: FILE TEST [thread]", "code/sum.c\n-one\n")

    def test_a_line_that_is_neither(self):
        self.refused("lines begin with", KILLED + "two\n")

    def test_a_word_chooses(self):
        self.assertEqual(self.says(KILLED, SURVIVOR, word="one = 2")[0], 0)

    def test_nothing_chosen_is_no_success(self):
        self.assertEqual(self.says(KILLED, word="three")[0], 1)


class TheList(unittest.TestCase):
    """Whoever changes the library is told here which mutants it leaves behind."""

    def test_every_mutant_applies(self):
        root = pathlib.Path(__file__).resolve().parents[2]
        for mutant in mutants.read(pathlib.Path(__file__).with_name("list")):
            mutant.applied((root / mutant.file).read_text())


if __name__ == "__main__":
    unittest.main()
