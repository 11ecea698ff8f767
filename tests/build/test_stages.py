#!/usr/bin/env python3
"""Tests of the rules between stages, in copies of the tree: what breaks one must not build.

Two stages stand above all others in the copies, each with a create.c that says where it is from.
"""

import os
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIRST, SECOND, *_, LAST = sorted(p.name for p in (ROOT / "code").glob("[0-9][0-9]-*"))
LOWER, UPPER = "98-lower", "99-upper"
WIRED = """\
int readbuf_wired_by(void);
int readbuf_wired_by(void)
{{
    return {0};
}}

int readbuf_wired_by_{0}(void);
int readbuf_wired_by_{0}(void)
{{
    return {0};
}}
"""
TEST = "int readbuf_wired_by(void);\nint main(void)\n{\n    return readbuf_wired_by();\n}\n"


def write(tree, path, text):
    file = tree / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="ascii")


def make(tree, *targets):
    """(status, output) of building these, whatever make runs this test."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    run = subprocess.run(["make", "-s", "-j2", "B=build", "CFLAGS=-O0", "LDFLAGS=", "SAN=", *targets], cwd=tree, env=env,
                         text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300, check=False)
    return run.returncode, run.stdout


def test_of(stage):
    return f"build/tests/{stage}/test_wired"


class Stages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="stages-")
        cls.addClassCleanup(scratch.cleanup)
        cls.whole = Path(scratch.name) / "whole"
        for part in ("code", "docs", "tests"):
            shutil.copytree(ROOT / part, cls.whole / part)
        shutil.copy(ROOT / "Makefile", cls.whole)
        for stage in (LOWER, UPPER):
            write(cls.whole, f"code/{stage}/create.c", WIRED.format(stage[:2]))
            write(cls.whole, f"tests/{stage}/test_wired.c", TEST)
        status, output = make(cls.whole, test_of(LOWER), test_of(UPPER), "build/lib/readbuf.o")
        if status:
            raise AssertionError(output)

    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="stages-")
        self.addCleanup(scratch.cleanup)
        self.tree = Path(scratch.name) / "tree"
        shutil.copytree(self.whole, self.tree)      # with times: built is built

    def fails(self, target, *words):
        status, output = make(self.tree, target)
        self.assertNotEqual(status, 0, output)
        for word in words:
            self.assertIn(word, output)

    def symbols(self, binary):
        return subprocess.run(["nm", binary], cwd=self.tree, text=True, stdout=subprocess.PIPE, check=True).stdout

    # -- what a file sees --------------------------------------------------

    def sees(self, path, header):
        """Whether this C file, which there may not be yet, can include that header."""
        write(self.tree, path, f'#include "{header}"\n')
        status, output = make(self.tree, f"build/{path[len('code/'):-len('.c')]}.o")
        if status:
            self.assertIn(f"{header}: No such file", output)
        return status == 0

    def test_a_layer_sees_its_stage_and_earlier_ones(self):
        write(self.tree, f"code/{FIRST}/early.h", "")
        write(self.tree, f"code/{SECOND}/late.h", "")
        self.assertTrue(self.sees(f"code/{FIRST}/more.c", "early.h"))
        self.assertTrue(self.sees(f"code/{SECOND}/more.c", "early.h"))
        self.assertTrue(self.sees(f"code/{SECOND}/more.c", "late.h"))
        self.assertFalse(self.sees(f"code/{FIRST}/more.c", "late.h"))

    def test_a_layer_and_its_programs_see_no_tests(self):
        write(self.tree, f"tests/{LAST}/shared.h", "")
        for header in ("shared.h", "faults.h"):
            for name in ("more", "demo", "exhibits/more"):
                self.assertFalse(self.sees(f"code/{LAST}/{name}.c", header))
            for name in ("exercise", "answer"):
                self.assertTrue(self.sees(f"code/{LAST}/{name}.c", header))

    # -- what a stage is made of -------------------------------------------

    def test_a_layer_cannot_call_a_later_one(self):
        write(self.tree, f"code/{LOWER}/early.c", "int readbuf_late(void);\nint readbuf_early(void);\n"
              "int readbuf_early(void)\n{\n    return readbuf_late();\n}\n")
        write(self.tree, f"code/{UPPER}/late.c", "int readbuf_late(void);\nint readbuf_late(void)\n{\n    return 0;\n}\n")
        status, output = make(self.tree, test_of(UPPER))
        self.assertEqual(status, 0, output)
        self.fails(test_of(LOWER), "undefined reference", "readbuf_late")

    def test_the_last_create_is_the_stage_s(self):
        for stage in (LOWER, UPPER):
            run = subprocess.run([self.tree / test_of(stage)], check=False)
            self.assertEqual(run.returncode, int(stage[:2]))
        library = self.symbols("build/lib/readbuf.o")
        self.assertIn(f"readbuf_wired_by_{UPPER[:2]}", library)
        self.assertNotIn(f"readbuf_wired_by_{LOWER[:2]}", library)

    def test_no_other_file_replaces_one(self):
        again = "void readbuf_release(void);\nvoid readbuf_release(void)\n{\n}\n"
        home = next(p.name for p in ROOT.glob("code/*/*.c") if "\nint readbuf_release(" in p.read_text(encoding="utf-8"))
        for name in ("create.c", "more.c", home):
            with self.subTest(name):
                file = self.tree / "code" / UPPER / name
                kept = file.read_text(encoding="ascii") if file.exists() else ""
                file.write_text(kept + again, encoding="ascii")
                self.fails(test_of(UPPER), "multiple definition", "readbuf_release")
                self.fails("build/lib/readbuf.o", "multiple definition", "readbuf_release")
                file.write_text(kept, encoding="ascii")

    def test_the_simulated_kernel_is_in_no_archive(self):
        self.assertNotIn("simkernel", self.symbols(f"build/{UPPER}/layers.a"))
        self.assertNotIn("simkernel", self.symbols("build/lib/readbuf.o"))


if __name__ == "__main__":
    unittest.main()
