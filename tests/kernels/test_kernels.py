#!/usr/bin/env python3
"""test_kernels.py - consoles that kernels.py must not take for a success.

Every rule of kernels.py has a console here that breaks it and nothing else:
the good one with a line taken out, or put in. Nothing is booted.
"""
import pathlib
import tempfile
import unittest

import kernels

TESTS = ["b/tests/01-a/test_one", "b/tests/02-b/test_two"]
GOOD = """\
[    0.5] what firmware and kernel say before
=== kernel 6.1.0-1 #1 SMP Debian 6.1.1-1
=== program b/tests/01-a/test_one
Running suite(s): one
100%: Checks: 3, Failures: 0, Errors: 0
SKIPPED, this kernel has no status
    head_is_told
    head_is_told_again
SKIPPED, it said: no
    third
one: 0 passed, 0 failed, 3 skipped
=== exit 0 1
=== program b/tests/02-b/test_two
two: 4 passed, 0 failed, 0 skipped
=== exit 0 1
=== end
"""


def problems(console):
    return kernels.Report(console, TESTS).problems


class Judgement(unittest.TestCase):
    def test_a_good_console_has_no_problem(self):
        self.assertEqual(problems(GOOD), [])

    def refuses(self, old, new, complaint):
        self.assertIn(old, GOOD)
        found = problems(GOOD.replace(old, new))
        self.assertEqual(len(found), 1, found)
        self.assertIn(complaint, found[0])

    def test_a_failed_test(self):
        self.refuses("two: 4 passed, 0", "two: 3 passed, 1",
                     "02-b/test_two: 1 failed")

    def test_no_last_line(self):
        self.refuses("two: 4 passed, 0 failed, 0 skipped\n", "",
                     "ended without its last line (exit 0)")

    def test_a_last_line_that_is_not_last(self):
        self.refuses("0 skipped\n=== exit 0 1", "0 skipped\nKilled\n=== exit 0 1",
                     "ended without its last line")

    def test_no_test_at_all(self):
        self.refuses("two: 4 passed", "two: 0 passed", "ran no test")

    def test_an_exit_status_that_disagrees(self):
        self.refuses("0 skipped\n=== exit 0 1", "0 skipped\n=== exit 139 1",
                     "exits with 139")

    def test_no_closing_line(self):
        self.refuses("=== end\n", "", "before its closing line")

    def test_a_panic(self):
        self.refuses("=== end", "[ 9.1] Kernel panic - not syncing\n=== end",
                     "the kernel says: [ 9.1] Kernel panic")

    def test_a_bug_of_the_kernel_in_the_midst_of_a_program(self):
        self.refuses("Running", "[ 9.1] BUG: unable to handle page\nRunning",
                     "the kernel says")

    def test_a_program_that_did_not_run(self):
        self.refuses("=== program b/tests/02-b/test_two\n", "",
                     "b/tests/02-b/test_two: ran 0 times")

    def test_a_machine_that_printed_nothing(self):
        self.assertEqual(len(problems("")), 3)


class Table(unittest.TestCase):
    def test_rows_and_reasons(self):
        self.assertEqual(list(kernels.Report(GOOD, TESTS).table()), [
            "  01-a/test_one:   0 passed,  0 failed,  3 skipped,  1 s",
            "  02-b/test_two:   4 passed,  0 failed,  0 skipped,  1 s",
            "  SKIPPED, this kernel has no status",
            "      head_is_told",
            "      head_is_told_again",
            "  SKIPPED, it said: no",
            "      third"])

    def test_what_a_failing_program_printed_is_shown(self):
        bad = GOOD.replace("two: 4 passed, 0 failed", "why\ntwo: 3 passed, 1 failed")
        self.assertIn("  why", kernels.Report(bad, TESTS).transcripts())
        self.assertEqual(list(kernels.Report(GOOD, TESTS).transcripts()), [])


class Packages(unittest.TestCase):
    def setUp(self):
        self.said, self.run = {}, kernels.run
        kernels.run = lambda *words, **_: self.said.get(words[-1])

    def tearDown(self):
        kernels.run = self.run

    def test_a_series_that_is_the_default(self):
        self.said["linux-image-cloud-amd64"] = \
            "linux-image-cloud-amd64\n  Depends: linux-image-6.1.0-9-cloud-amd64\n"
        self.assertEqual(kernels.kernel_package("6.1"),
                         "linux-image-6.1.0-9-cloud-amd64")

    def test_a_default_of_another_series(self):
        self.said["linux-image-cloud-amd64"] = \
            "  Depends: linux-image-6.12.1+deb13-cloud-amd64\n"
        with self.assertRaises(kernels.Unavailable):
            kernels.kernel_package("6.1")

    def test_a_package_that_cannot_be_downloaded(self):
        with tempfile.TemporaryDirectory() as empty:
            with self.assertRaises(kernels.Unavailable):
                kernels.package(pathlib.Path(empty), "linux-image-6.1")


if __name__ == "__main__":
    unittest.main()
