#!/usr/bin/env python3
"""test_kernels.py - consoles that kernels.py must not take for a success.

Every rule of kernels.py has a console here that breaks it and nothing else:
the good one with a line taken out, or put in. Nothing is booted.
"""
import contextlib
import io
import pathlib
import subprocess
import tempfile
import types
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
=== tap 1..3
=== tap ok 1 - one.c:one:third: Passed
=== skip head_is_told	this kernel has no status
=== skip head_is_told_again	this kernel has no status
=== skip third	it said: no
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


class Files(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.cache = pathlib.Path(directory.name)
        self.run = kernels.run
        self.addCleanup(setattr, kernels, "run", self.run)

    def package(self, *paths):
        """A .deb with these files in it."""
        tree = self.cache / "tree"
        for path in ("DEBIAN/control", *paths):
            (tree / path).parent.mkdir(parents=True, exist_ok=True)
            (tree / path).write_text("Package: x\nVersion: 1\nArchitecture: all\n"
                                     "Maintainer: x\nDescription: x\n")
        subprocess.run(["dpkg-deb", "--build", tree, self.cache / "linux.deb"], check=True,
                       stdout=subprocess.DEVNULL)
        return self.cache / "linux.deb"


class Packages(Files):
    LISTED = """\
linux-image-6.1.0-9-cloud-amd64 - Linux 6.1 for x86-64 cloud (signed)
linux-image-6.1.0-56-cloud-amd64 - Linux 6.1 for x86-64 cloud (signed)
linux-image-6.12.100+deb12-cloud-amd64 - Linux 6.12
linux-image-6.12.117+deb12-cloud-amd64 - Linux 6.12
linux-image-6.12.90+deb12-cloud-amd64 - Linux 6.12
linux-image-7.1.3+deb13-cloud-amd64 - Linux 7.1
linux-image-7.1.13+deb13-cloud-amd64 - Linux 7.1
linux-binary-7.1.13+deb13-cloud-amd64 - Linux 7.1
linux-binary-7.1.8+deb13-cloud-amd64 - Linux 7.1
"""

    def newest(self, series, listed=LISTED):
        kernels.run = lambda *words, **_: listed
        return kernels.kernel_package(series, {})

    def test_the_newest_of_a_series(self):
        self.assertEqual(self.newest("6.1"), "linux-image-6.1.0-56-cloud-amd64")
        self.assertEqual(self.newest("6.12"), "linux-image-6.12.117+deb12-cloud-amd64")

    def test_the_package_that_has_the_image(self):
        self.assertEqual(self.newest("7.1"), "linux-binary-7.1.13+deb13-cloud-amd64")

    def test_a_series_that_is_not_listed(self):
        for listed in (self.LISTED, "", None):
            with self.assertRaisesRegex(kernels.Unavailable, "no kernel 6.11"):
                self.newest("6.11", listed)

    def test_a_package_that_cannot_be_downloaded(self):
        kernels.run = lambda *words, **_: None
        with self.assertRaisesRegex(kernels.Unavailable, "could not be downloaded"):
            kernels.package(self.cache, "linux-image-6.1")

    def test_where_images_lie(self):
        for path in ("boot/vmlinuz-7.1.13", "usr/lib/modules/7.2.13/vmlinuz"):
            image = kernels.unpack(self.package(path), "*/vmlinuz*", self.cache / "image")
            self.assertEqual(image, self.cache / "image" / path)
            (self.cache / "tree" / path).unlink()

    def test_a_package_without_an_image(self):
        with self.assertRaisesRegex(kernels.Unavailable, r"linux.deb has 0 files \*/vmlinuz"):
            kernels.unpack(self.package("boot/config-7.1"), "*/vmlinuz*", self.cache / "image")

    def test_a_file_that_is_no_package(self):
        (self.cache / "linux.deb").write_text("half of it")
        with self.assertRaises(kernels.Unavailable):
            kernels.unpack(self.cache / "linux.deb", "*/vmlinuz*", self.cache / "image")


class Kernels(Files):
    """All of main() but the machine: what is said of each kernel, and kept."""

    def setUp(self):
        super().setUp()
        self.stored = []
        for name, stand_in in (
                ("kernel_package", lambda series, _: series),
                ("kernel_lists", lambda _: {}), ("make_initrd", lambda *_: None),
                ("missing_tools", lambda: []), ("package", self.download),
                ("unpack", lambda archive, *_: archive),
                ("boot", lambda kernel, *_: self.consoles[kernel.stem]),
                ("subprocess", types.SimpleNamespace(run=self.store))):
            self.addCleanup(setattr, kernels, name, getattr(kernels, name))
            setattr(kernels, name, stand_in)

    def download(self, cache, name, _):
        if name not in self.consoles:
            raise kernels.Unavailable(f"no {name}")
        return cache / f"{name}.deb"

    def store(self, words, **_):
        self.stored.append([str(word) for word in words])

    def run_all(self, **consoles):
        """What main() returns, prints and complains of."""
        self.consoles = consoles
        with contextlib.redirect_stdout(io.StringIO()) as said, \
                contextlib.redirect_stderr(io.StringIO()) as complaints:
            passed = kernels.main(self.cache, None, ["gone", "bad", "good"], TESTS)
        return passed, said.getvalue(), complaints.getvalue()

    def test_one_that_cannot_be_had_is_named_and_the_rest_goes_on(self):
        passed, said, _ = self.run_all(bad=GOOD, good=GOOD)
        self.assertTrue(passed)
        self.assertIn("SKIPPED, no gone: the tests on Linux gone\n", said)
        self.assertEqual(said.count("Linux 6.1.0-1 "), 2)

    def test_one_that_fails_is_told_and_not_stored(self):
        passed, said, complaints = self.run_all(bad="", good=GOOD)
        self.assertFalse(passed)
        self.assertIn("bad: the machine stopped before its closing line\n", complaints)
        self.assertIn("Linux 6.1.0-1 ", said)
        self.assertEqual(self.stored, [
            ["docs/sync.py", "verdicts", f"{self.cache}/good.results",
             "docs/kernels/6.1.txt", "6.1.1"]])

    def test_results_are_kept_as_a_run_here_leaves_them(self):
        self.run_all(good=GOOD)
        tap, skip = (self.cache / "good.results/01-a" / f"test_one.{kind}"
                     for kind in ("tap", "skip"))
        self.assertEqual(tap.read_text(), "1..3\nok 1 - one.c:one:third: Passed\n")
        self.assertIn("third\tit said: no\n", skip.read_text())

    def test_a_release_that_tells_its_version(self):
        self.run_all(good=GOOD.replace("6.1.0-1 #1 SMP Debian 6.1.1-1", "7.3.4+deb13 #1 SMP"))
        self.assertEqual(self.stored[0][-2:], ["docs/kernels/7.3.txt", "7.3.4+deb13"])


if __name__ == "__main__":
    unittest.main()
