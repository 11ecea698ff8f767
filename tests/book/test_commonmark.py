#!/usr/bin/env python3
"""Tests of docs/commonmark.py: one good text, and for each rule one that must fail.

Each broken text is the good one with one passage replaced, and exactly the
expected problem is asked for.
"""

import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "docs" / "commonmark.py"

CHAPTER = """\
# A `chapter`

<span id="claim-some-id">The *ring* holds
`descriptors`.</span> A <dfn>bid</dfn><br> names one.[^note]

<!-- code: code/a.c twice -->
```c
int twice(int n); /* ` <b> [a](b) <!-- */
```

> A quotation.
> <span id="claim-other-id">A bid is
> a number.</span> <!-- a comment -->

<details>
<summary>More of it</summary>

| `a` | b |
|-----|---|
| x   | <b>y</b> |

</details>

<!-- figure: a -->
![A figure.](a.svg)

[^note]: A `note`.
"""

# What it is; what is replaced; by what; the problems to be seen.
BROKEN = [
    ("a comment that begins a paragraph", '<span id="claim-some-id">', "<!-- claim: some-id -->",
     ["3: a block of HTML begins here, and cuts off 'The *ring* holds'",
      "4: </span> closes nothing in its paragraph"]),
    ("a comment that begins a later line", "> <span", "> <!-- a comment --> <span",
     ["12: '<!-- a comment --> <span id=\"claim-other-id\">A bid is' is a block and cuts the paragraph above it",
      "12: a block of HTML begins here, and cuts off 'A bid is'",
      "13: </span> closes nothing in its paragraph"]),
    ("a comment alone between two lines", "> <span", "> <!-- a comment -->\n> <span",
     ["12: '<!-- a comment -->' is a block and cuts the paragraph above it"]),
    ("text in a block of HTML", "</details>", "</details>\nAnd more.",
     ["22: a block of HTML begins here, and cuts off 'And more.'"]),
    ("code voice in a summary", "More of it", "More of `it`",
     ["15: this shows as it is written, within HTML: 'More of `it`'"]),
    ("a backtick without its partner", "`descriptors`", "`descriptors",
     ["3: '`' shows as it is written here: 'The ring holds `descriptors. A bid'"]),
    ("a backtick in a cell", "| x ", "| `x ", ["20: '`' shows as it is written here: '`x'"]),
    ("a link that is none", "A quotation.", "A [quotation](a b).",
     ["11: '](' shows as it is written here: 'A [quotation](a b). A bid is a nu'"]),
    ("strong text that is none", "A quotation.", "A **quotation.",
     ["11: '**' shows as it is written here: 'A **quotation. A bid is'"]),
    ("a note without a text", "[^note]: A", "A",
     ["3: '[^' shows as it is written here: 'A bid names one.[^note]'"]),
    ("a span that is not closed", "`descriptors`.</span>", "`descriptors`.",
     ["3: <span> is not closed in its paragraph"]),
    ("a span that is closed in the next paragraph", "A bid is", "A bid is\n>",
     ["11: <span> is not closed in its paragraph", "14: </span> closes nothing in its paragraph"]),
    ("tags that cross", "<b>y</b>", "<b><i>y</b></i>",
     ["20: <b> is not closed in its paragraph", "20: </b> closes nothing in its paragraph"]),
]


def run(text, path="chapters/01.md", **options):
    """Runs the tool on this text; gives its lines without the path, and its status."""
    with tempfile.TemporaryDirectory() as root:
        file = Path(root) / path
        file.parent.mkdir(parents=True)
        file.write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, TOOL, "--root", root], capture_output=True,
                              text=True, encoding="utf-8", check=False, **options)
    return (done.stdout + done.stderr).replace(f"{path}:", "").splitlines(), done.returncode


class CommonMark(unittest.TestCase):
    def test_without_the_tool(self):
        lines, status = run("`", env={"PATH": "/nonexistent"})
        self.assertEqual((lines, status), (
            ["SKIPPED, cmark-gfm is not installed: 'make setup check' installs it"], 0))

    @unittest.skipUnless(shutil.which("cmark-gfm"), "cmark-gfm is not installed")
    def test_good_text_passes(self):
        self.assertEqual(run(CHAPTER), ([], 0))

    @unittest.skipUnless(shutil.which("cmark-gfm"), "cmark-gfm is not installed")
    def test_broken_texts_fail(self):
        for what, old, new, expected in BROKEN:
            with self.subTest(what):
                self.assertEqual(CHAPTER.count(old), 1, "the fixture is stale")
                self.assertEqual(run(CHAPTER.replace(old, new)), (expected, 1))

    @unittest.skipUnless(shutil.which("cmark-gfm"), "cmark-gfm is not installed")
    def test_documents_are_read_too(self):
        for path in ("docs/notes.md", "docs/pages/a.md"):
            self.assertEqual(run("A `b\n", path), (["1: '`' shows as it is written here: 'A `b'"], 1))


if __name__ == "__main__":
    unittest.main()
