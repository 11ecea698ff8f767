#!/usr/bin/env python3
"""Tests of what is said where something is missing: docs/setup.sh, the Makefile's verbs.

The verbs run with a PATH that has everything this machine has but one tool, and an apt-get that only says that it was
called.
"""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


class Missing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="setup-")
        cls.addClassCleanup(scratch.cleanup)
        cls.path = Path(scratch.name)
        for directory in os.environ["PATH"].split(":"):
            for tool in Path(directory).glob("*"):
                if not (cls.path / tool.name).is_symlink():
                    (cls.path / tool.name).symlink_to(tool)
        for name, script in (("apt-get", "echo apt-get was called: $*"), ("sudo", 'exec "$@"')):
            (cls.path / name).unlink(missing_ok=True)
            (cls.path / name).write_text(f"#!/bin/sh\n{script}\n", encoding="ascii")
            (cls.path / name).chmod(0o755)

    def make(self, missing, *verbs):
        """(status, output) of these verbs without that tool."""
        tool = (self.path / missing).rename(self.path / "set-aside")
        env = {"PATH": str(self.path), "HOME": "/nonexistent"}
        run = subprocess.run(["make", *verbs], cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=60, check=False)
        tool.rename(self.path / missing)
        return run.returncode, run.stdout

    def names_setup(self, verb, output, package):
        self.assertIn(f"missing here: {package}", output)
        self.assertIn(f"'{verb}' installs it", output)
        self.assertNotIn("apt-get was called", output)

    def test_the_book_names_setup(self):
        for tool, package in (("gcc", "gcc"), ("pandoc", "pandoc"), ("ctags", "universal-ctags"),
                              ("python3", "python3")):
            with self.subTest(tool):
                status, output = self.make(tool, "book")
                self.assertNotEqual(status, 0)
                self.names_setup("make setup", output, package)

    def test_without_pkg_config_there_is_no_book(self):
        status, output = self.make("pkg-config", "book")
        self.assertNotEqual(status, 0)
        self.names_setup("make setup", output, "check liburing-dev pkg-config")

    def test_a_stage_and_its_tests_name_setup(self):
        status, output = self.make("gcc", "-k", "stage", "test", "N=1")
        self.assertNotEqual(status, 0)
        self.names_setup("make setup", output, "gcc")

    def test_check_installs_nothing(self):
        status, output = self.make("clang", "check")
        self.assertNotEqual(status, 0)
        self.names_setup("make setup check", output, "clang")

    def test_setup_installs(self):
        status, output = self.make("pandoc", "setup")
        self.assertEqual(status, 0)
        self.assertIn("apt-get was called: install -y -qq --no-install-recommends pandoc", output)


if __name__ == "__main__":
    sys.exit(unittest.main())
