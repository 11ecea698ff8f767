"""Tests of `sync.py export`: the data that the rendering reads."""

import json
import os
import subprocess
import sys
import unittest

from synctree import DOCS, Tree, TreeTest
from bookkit import export
from bookkit.book import Book

ALPHA, BETA = "chapters/01-alpha.md", "chapters/02-beta.md"
ALPHA_H, STATE = "code/01-alpha/alpha.h", "code/02-beta/state.txt"
RESULTS = "build/results/01-alpha/test_alpha"
PASSED = "1..2\nok 1 - test_alpha.c:alpha:taken_and_free: Passed\n"
FAILED = "not ok 2 - test_alpha.c:alpha:taken_and_free: Assertion '1 == 2' failed: it: is\n"

# JSON with the strings in hex, so that no quoting of ours is trusted twice.
DUMP = """
local function dump(v)
  if type(v) == 'string' then
    return '"' .. v:gsub('.', function(c) return ('%02x'):format(c:byte()) end) .. '"'
  elseif type(v) ~= 'table' then return tostring(v) end
  local out = {}
  if #v > 0 or next(v) == nil then
    for _, x in ipairs(v) do table.insert(out, dump(x)) end
    return '[' .. table.concat(out, ',') .. ']'
  end
  for k, x in pairs(v) do table.insert(out, dump(k) .. ':' .. dump(x)) end
  return '{' .. table.concat(out, ',') .. '}'
end
local file = io.open('dump.json', 'w')
file:write(dump(dofile('build/book/data.lua')))
file:close()
"""


def unhex(value):
    if isinstance(value, dict):
        return {unhex(k): unhex(v) for k, v in value.items()}
    if isinstance(value, list):
        return [unhex(v) for v in value]
    return bytes.fromhex(value).decode() if isinstance(value, str) else value


class Export(TreeTest):
    def export(self, tree, target="build/book/data.lua"):
        return subprocess.run(
            [sys.executable, str(DOCS / "sync.py"), "export", target,
             "--root", "."], cwd=tree.root, capture_output=True, text=True, check=False)

    def data(self, tree):
        """What the Lua of pandoc, which renders the book, makes of the file."""
        done = self.export(tree)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        tree.write("dump.lua", DUMP)
        subprocess.run(["pandoc", "-t", "plain", "-L", "dump.lua"], cwd=tree.root,
                       input="", capture_output=True, text=True, check=True)
        return unhex(json.loads(tree.read("dump.json")))

    def test_everything(self):
        data = self.data(self.tree((BETA, "# Beta\n", '# Beta "two" \\n [[é]]\n')))
        self.assertEqual(set(data), {"kernel", "machine", "date", "refused", "chapters", "listings",
                                     "outputs", "symbols", "kernels", "claims", "terms"})
        self.assertIs(data["refused"], False)
        self.assertRegex(data["date"], r"^\d{4}-\d\d-\d\d$")
        self.assertEqual(data["chapters"], [
            {"file": "01-alpha", "number": 1, "title": "Alpha"},
            {"file": "02-beta", "number": 2, "title": 'Beta "two" \\n [[é]]'}])
        self.assertEqual(data["listings"]["01-alpha"][1], {
            "path": ALPHA_H, "numbers": list(range(7, 20)), "again": False,
            "label": "`READBUF_ALPHAS` to `readbuf_alpha_open`",
            "symbols": ["READBUF_ALPHAS", "readbuf_alpha", "readbuf_alpha_open"],
            "anchors": ["sym-READBUF_ALPHAS", "sym-readbuf_alpha", "sym-readbuf_alpha_open"]})
        self.assertEqual(data["listings"]["02-beta"][2]["numbers"], [14, 15, 0, 4, 5, 6, 7, 8, 9])
        self.assertEqual(data["listings"]["02-beta"][2]["anchors"], [])
        self.assertEqual(data["listings"]["02-beta"][2]["label"], "part of `readbuf_alpha_open` and `fits`")
        self.assertEqual(data["outputs"]["02-beta"], [
            {"command": "cat code/02-beta/state.txt", "ran": True, "same": True, "why": "",
             "text": "Linux 6.1.0-28-amd64\nmapped rings   yes"},
            {"command": "echo failed; exit 3", "ran": True, "same": True, "why": "", "text": "failed"}])
        self.assertEqual(data["symbols"]["readbuf_alpha_open"], {
            "page": "01-alpha", "anchor": "sym-readbuf_alpha_open", "public": True,
            "brief": "Opens an alpha."})
        self.assertEqual(data["terms"][0], {
            "term": "alpha", "chapter": "01-alpha", "anchor": "term-alpha",
            "sentence": "An alpha is a number, as [the next part](#opening-one) says."})
        self.assertEqual(data["claims"][0], {
            "id": "taken-number", "sentence": "A number that is taken is refused with `EEXIST`.",
            "chapter": "01-alpha", "test": "taken_and_free", "since": "5.19",
            "path": "tests/01-alpha/test_alpha.c", "line": 4,
            "verdict": "not verified here", "why": "the test did not run", "kernels": []})

    def test_what_installed_headers_declare_is_public(self):
        tree = self.tree((ALPHA_H, "/* How many", "struct readbuf_hidden;\n\n/* How many"))
        self.assertEqual(Book(tree.root).public, {"READBUF_ALPHAS", "readbuf_alpha", "readbuf_alpha_open",
                                                  "readbuf_hidden"})
        self.assertIs(export.symbols(Book(tree.root))["readbuf_beta_first"]["public"], False)

    def test_a_sentence_may_open_with_an_error(self):
        for second in ("-EINVAL if it is open.", "{0} if it is not."):
            tree = self.tree((ALPHA_H, "The caller closes it.", second))
            self.assertEqual(export.symbols(Book(tree.root))["readbuf_alpha_open"]["brief"], "Opens an alpha.")

    def test_several_selectors(self):
        def told(selectors):
            tree = self.tree((BETA, "readbuf_alpha_open /if/../return -1/ fits", selectors))
            listing = next(x for x in Book(tree.root).listings if x.again)
            return listing.label, [number for number, _ in listing.rows]
        self.assertEqual(told("top fits readbuf_alpha_open"),
                         ("top of the file, `fits` and `readbuf_alpha_open`", list(range(1, 19))))
        self.assertEqual(told("/^int/../^ +unsigned number\\)$/ top"),
                         ("`readbuf_alpha_open` and top of the file", [11, 12, 0, 1, 2]))

    def test_an_output_that_differs_is_the_new_one(self):
        outputs = self.data(self.tree((STATE, "yes", "maybe")))["outputs"]
        self.assertEqual(outputs["01-alpha"][0], {
            "command": "cat code/02-beta/state.txt", "ran": True, "same": False, "why": "",
            "text": "Linux 6.1.0-28-amd64\nmapped rings   maybe"})

    def test_an_output_that_failed(self):
        tree = self.tree((BETA, "run exit=3: echo failed; exit 3", "run: echo failed; exit 3"))
        self.assertEqual(self.data(tree)["outputs"]["02-beta"][1], {
            "command": "echo failed; exit 3", "ran": True, "same": False, "text": "failed",
            "why": "exits with 3, not 0 (last line: failed)"})

    def test_an_output_that_is_refused(self):
        command = "echo io_uring is refused here.; exit 77"
        tree = self.tree((BETA, "run exit=3: echo failed; exit 3", f"run: {command}"))
        self.assertEqual(self.export(tree).returncode, 0)
        book = Book(tree.root)
        text = export.export(book)
        self.assertIn('["refused"] = "io_uring is refused here"', text)
        self.assertIn('["text"] = "failed",\n        ["ran"] = false,\n        ["same"] = false,\n'
                      '        ["why"] = "io_uring is refused here"', text)

    def test_what_is_no_news_is_not_written(self):
        tree = self.tree()
        tree.write(STATE, "mapped at 0x7f1122334000, flags 0x10\n")
        self.export(tree)
        file = tree.root / "build/book/data.lua"
        for old, new, written in (("", "", False), ("0x7f1122334000", "0x7f5566778000", False),
                                  ("0x10", "0x20", True), ("mapped", "moved", True)):
            os.utime(file, ns=(0, 0))
            tree.write(STATE, tree.read(STATE).replace(old, new))
            self.export(tree)
            self.assertEqual(file.stat().st_mtime_ns != 0, written, (old, new))
            self.assertEqual(new in tree.read("build/book/data.lua"), written or not new, new)

    def test_a_full_disk_is_one_sentence(self):
        done = self.export(self.tree(), "/dev/full")
        self.assertEqual((done.returncode, done.stderr), (1, "sync.py: writing: No space left on device\n"))

    def test_an_output_that_wants_a_tool(self):
        command = "echo clang is not installed; exit 69"
        tree = self.tree((BETA, "run exit=3: echo failed; exit 3", f"run: {command}"))
        text = export.export(Book(tree.root))
        self.assertIn('["refused"] = false', text)
        self.assertIn('["ran"] = false,\n        ["same"] = false,\n        ["why"] = "clang is not installed"', text)

    def test_a_listing_that_is_unknown_keeps_its_place_and_fails(self):
        tree = self.tree((BETA, "readbuf_alpha_open /if/../return -1/ fits", "gone"))
        done = self.export(tree)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no symbol gone", done.stderr)
        self.assertEqual(tree.read("build/book/data.lua").count('["path"] = "code/'), 9)

    def test_a_sentence_stands_alone(self):
        text = '> Some text. <span id="claim-c">The *ring*, e.g. `x`, has a\n> <dfn>tail `t`</dfn>[^n] (see it).</span> More.\n'
        tree = self.tree((BETA, "", "\n" + text))
        term = Book(tree.root).chapters[1].terms[1]
        self.assertEqual((term.term, term.anchor), ("tail `t`", "term-tail-t"))
        self.assertEqual(term.sentence, "The *ring*, e.g. `x`, has a tail `t` (see it).")

    def test_a_term_may_have_an_id(self):
        tree = self.tree((BETA, "<dfn>beta", '<dfn id="b">beta'))
        self.assertEqual(Book(tree.root).chapters[1].terms[0].anchor, "b")


class Verdicts(TreeTest):
    def assert_verdict(self, files, verdict, why):
        tree = Tree({**self.good, **{RESULTS + k: v for k, v in files.items()}})
        self.addCleanup(tree.remove)
        self.assertEqual({(c["verdict"], c["why"]) for c in export.claims(Book(tree.root))},
                         {(verdict, why)})

    def test_passed(self):
        self.assert_verdict({".tap": PASSED}, "shown", "")
        self.assert_verdict({".tap": PASSED, ".skip": "another\tno\n"}, "shown", "")

    def test_skipped(self):
        self.assert_verdict({".tap": PASSED, ".skip": "taken_and_free\tneeds 6.12\n"},
                            "not verified here", "needs 6.12")

    def test_failed(self):
        self.assert_verdict({".tap": FAILED}, "contradicted here", "Assertion '1 == 2' failed: it: is")

    def test_one_failure_of_several_runs_decides(self):
        self.assert_verdict({".tap": PASSED + FAILED + PASSED, ".skip": "another\tno\n"},
                            "contradicted here", "Assertion '1 == 2' failed: it: is")

    def test_a_failure_for_want_of_something(self):
        self.assert_verdict({".tap": FAILED, ".skip": "taken_and_free\tonly 16 files may be open\n"},
                            "not verified here", "only 16 files may be open")

    def test_a_test_that_was_stopped(self):
        late = FAILED.replace("Assertion '1 == 2' failed: it: is", "Test timeout expired")
        self.assert_verdict({".tap": late}, "not verified here", "the test was stopped before it ended")

    def test_did_not_run(self):
        for tap in ({}, {".tap": PASSED.replace("taken", "other")}, {".tap": "1..0\n"}):
            self.assert_verdict(tap, "not verified here", "the test did not run")

    def test_no_test(self):
        tree = self.tree((ALPHA, "claim-free-number", "claim-untested"))
        found = {c["id"]: (c["verdict"], c["why"]) for c in export.claims(Book(tree.root))}
        self.assertEqual(found["untested"], ("not verified here", "it has no test"))


class Kernels(TreeTest):
    """What is stored of runs on other kernels."""

    HEAD = "# Linux {}, written by make kernels\n"

    def book(self, **files):
        tree = Tree({**self.good, **{f"docs/kernels/{name[1:].replace('_', '.')}.txt": text
                                     for name, text in files.items()}})
        self.addCleanup(tree.remove)
        return Book(tree.root)

    def test_results_become_verdicts(self):
        skipped = "ok 1 - test_alpha.c:alpha:taken_and_free: Passed\n"
        tree = self.tree((BETA, "readbuf_alpha_open /if/../return -1/ fits", "gone"))
        tree.write("results/01-alpha/test_alpha.tap", skipped)
        for skip, word in (("", "shown"),
                           ("taken_and_free\tno, not: here\n", "not verified, no, not: here")):
            tree.write("results/01-alpha/test_alpha.skip", skip)
            done = subprocess.run(
                [sys.executable, str(DOCS / "sync.py"), "verdicts", "results",
                 "docs/kernels/6.12.txt", "6.12.1", "--root", "."],
                cwd=tree.root, capture_output=True, text=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertEqual(tree.read("docs/kernels/6.12.txt"), self.HEAD.format("6.12.1")
                             + f"free-number: {word}\ntaken-number: {word}\n")
        self.assertEqual(Book(tree.root).kernels[0].verdicts["free-number"],
                         ("not verified", "no, not: here"))

    def test_kernels_are_exported_oldest_first(self):
        book = self.book(_6_12=self.HEAD.format("6.12.1") + "taken-number: shown\n",
                         _6_9=self.HEAD.format("6.9.192") + "taken-number: not verified, no\n")
        self.assertEqual([(k.series, k.version) for k in book.kernels],
                         [("6.9", "6.9.192"), ("6.12", "6.12.1")])
        found = {c["id"]: c["kernels"] for c in export.claims(book)}
        self.assertEqual(found["taken-number"], [{"verdict": "not verified", "why": "no"},
                                                 {"verdict": "shown", "why": ""}])

    def test_a_claim_that_is_newer_than_the_boot(self):
        book = self.book(_6_12=self.HEAD.format("6.12.1") + "taken-number: shown\n")
        found = {c["id"]: c["kernels"] for c in export.claims(book)}
        self.assertEqual(found["free-number"], [{"verdict": "not run", "why": ""}])

    def test_a_file_that_make_kernels_did_not_write(self):
        for text in ("", "taken-number: shown\n", self.HEAD.format("6.12.1") + "taken-number\n",
                     self.HEAD.format("6.12.1") + "taken-number: contradicted, 1 == 2\n"):
            book = self.book(_6_12=text)
            self.assertEqual(book.kernels, [])
            self.assertEqual([str(p) for p in book.problems],
                             ["docs/kernels/6.12.txt:1: these are no verdicts as make kernels "
                              "writes them"])


class Lua(unittest.TestCase):
    def test_strings(self):
        self.assertEqual(export.lua_string('a"b\\c\nd\r1\x00é]]'), '"a\\"b\\\\c\\010d\\0131\\000é]]"')

    def test_values(self):
        self.assertEqual(export.lua([1, 2]), "{1, 2}")
        self.assertEqual(export.lua([]), "{}")
        self.assertEqual(export.lua({"a b": [True, "x"]}), '{\n  ["a b"] = {\n    true,\n    "x",\n  },\n}')


if __name__ == "__main__":
    unittest.main()
