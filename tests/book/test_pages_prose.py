#!/usr/bin/env python3
"""Tests of docs/prose.py: one good text, and for each rule a text that must fail.

Each broken tree is the good one with one passage replaced. The test asks for
exactly the expected problems, so a rule that fires where it should not fails
here too.
"""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "docs" / "prose.py"

CHAPTER = """\
# A chapter

<span id="claim-some-id">The ring holds descriptors.</span> A bid names a
buffer of io_uring, and the bid's owner is the kernel. See [the page](02-slection.md#anker)
and <https://example.org/wrnog>, `strlen(bufr)`, &nbsp;and ``a `tick` withn``.[^nte]

```c
int teh = teh(teh); /* the the -- simply */
```

> A quotation of
> lines 1--3, [with a link][other] <span class="wrnog">inside</span>.

| head | tail |
|------|------|
| yes  | yes  |

- a list
  ```console
  $ ./wrnog wrnog
  ```

[other]: https://example.org/wrnog "titel"
[^nte]: The long-term term of 64KiB is mapped for `x` `x`; https://example.org/wrnog says so.
"""

WORDS = "bid\nio_uring\n"

# What it is; file; what is replaced there; by what; the problems to be seen.
BROKEN = [
    ("a word spelled wrong", "chapter", "The ring", "The rnig",
     ["chapters/01.md:3: 'rnig' is neither in the dictionary nor in docs/words.txt"]),
    ("a word spelled wrong after a fence", "chapter", "A quotation", "A qoutation",
     ["chapters/01.md:11: 'qoutation' is neither in the dictionary nor in docs/words.txt"]),
    ("a word spelled wrong in a footnote", "chapter", "is mapped", "is maped",
     ["chapters/01.md:24: 'maped' is neither in the dictionary nor in docs/words.txt"]),
    ("a link text spelled wrong", "chapter", "[the page]", "[the paeg]",
     ["chapters/01.md:4: 'paeg' is neither in the dictionary nor in docs/words.txt"]),
    ("an identifier outside code voice", "chapter", "A bid names", "A bid and buf_len name",
     ["chapters/01.md:3: 'buf_len' is neither in the dictionary nor in docs/words.txt"]),
    ("a word spelled wrong in the README", "readme", "book", "boook",
     ["README.md:1: 'boook' is neither in the dictionary nor in docs/words.txt"]),
    ("a word spelled wrong in a document", "document", "document", "documnet",
     ["docs/notes.md:1: 'documnet' is neither in the dictionary nor in docs/words.txt"]),
    ("a word spelled wrong on a page", "page", "page", "paeg",
     ["docs/pages/a.md:1: 'paeg' is neither in the dictionary nor in docs/words.txt"]),
    ("an unused entry", "words", "io_uring\n", "io_uring\nliburing\n",
     ["docs/words.txt:3: 'liburing' occurs in none of the texts"]),
    ("an entry used in code only", "words", "io_uring\n", "io_uring\nteh\n",
     ["docs/words.txt:3: 'teh' occurs in none of the texts"]),
    ("a list out of order", "words", WORDS, "io_uring\nbid\n",
     ["docs/words.txt:2: 'bid' belongs before 'io_uring'"]),
    ("an entry twice", "words", "bid\n", "bid\nbid\n",
     ["docs/words.txt:2: 'bid' stands twice"]),
    ("a word doubled", "chapter", "A bid names", "A bid bid names",
     ["chapters/01.md:3: 'bid' stands twice in a row"]),
    ("a word doubled, once with a capital", "chapter", "The ring", "The the ring",
     ["chapters/01.md:3: 'The' stands twice in a row"]),
    ("a word doubled across lines", "chapter", "A bid names", "A bid names a",
     ["chapters/01.md:3: 'a' stands twice in a row"]),
    ("a word doubled across lines of a quotation", "chapter", "> lines", "> of lines",
     ["chapters/01.md:11: 'of' stands twice in a row"]),
    ("a word doubled across a comment", "chapter", "A bid names", "<!-- x --> descriptors, A <!-- x --> a bid names",
     ["chapters/01.md:3: 'A' stands twice in a row"]),
    ("a dash of three hyphens", "chapter", "The ring", "The---ring",
     ["chapters/01.md:3: '---' is an em-dash or stands for one"]),
    ("an em-dash", "chapter", "A bid names", "A bid \u2014 names",
     ["chapters/01.md:3: '\u2014' is an em-dash or stands for one"]),
    ("an em-dash by name", "chapter", "A bid names", "A bid&mdash;names",
     ["chapters/01.md:3: '\u2014' is an em-dash or stands for one"]),
    ("a spaced pair of hyphens", "chapter", "A bid names", "A bid -- names",
     ["chapters/01.md:3: '--' is an em-dash or stands for one"]),
    ("a spaced en-dash", "chapter", "A bid names", "A bid \u2013 names",
     ["chapters/01.md:3: '\u2013' is an em-dash or stands for one"]),
    ("a pair of hyphens between words", "chapter", "A bid names", "A bid--names",
     ["chapters/01.md:3: '--' is an em-dash or stands for one"]),
]

# Fifty words, in which one worn turn is one too many, and two hundred and
# fifty, in which one is none too many.
SHORT = "# A chapter\n\n" + "A ring of buffers.\n" * 12
LONG = "# A chapter\n\n" + "A ring of buffers.\n" * 62
TURNS = ["nothing", "Nobody", "no\n  one", "somebody", "someone", "It is", "That\nis", "It's", "That\u2019s"]

STOCK = [
    "let's dive", "dive into", "diving into", "important to note", "simply", "simply put",
    "powerful", "seamlessly", "delve", "leverages", "robust", "game-changer",
    "in conclusion", "at its core", "Let\u2019s dive",
]


def run(chapter=CHAPTER, words=WORDS, readme="The book.\n", document="A document.\n", page=None):
    """Runs the tool on a tree of these texts; gives its lines and its status."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        (root / "chapters").mkdir()
        (root / "docs/pages").mkdir(parents=True)
        files = {"chapters/01.md": chapter, "docs/words.txt": words,
                 "docs/notes.md": document, "README.md": readme, "docs/pages/a.md": page}
        for path, text in files.items():
            if text is not None:
                (root / path).write_text(text, encoding="utf-8")
        done = subprocess.run([sys.executable, TOOL, "--root", name],
                              capture_output=True, text=True, encoding="utf-8")
    return done.stderr.splitlines(), done.returncode


class Prose(unittest.TestCase):
    def test_good_text_passes(self):
        self.assertEqual(run(), ([], 0))

    def test_broken_texts_fail(self):
        good = {"chapter": CHAPTER, "words": WORDS,
                "readme": "The book.\n", "document": "A document.\n", "page": "A page.\n"}
        for what, file, old, new, expected in BROKEN:
            with self.subTest(what):
                self.assertEqual(good[file].count(old), 1, "the fixture is stale")
                changed = {file: good[file].replace(old, new)}
                self.assertEqual(run(**changed), (expected, 1))

    def test_stock_phrases_fail(self):
        for phrase in STOCK:
            with self.subTest(phrase):
                lines, status = run(chapter=CHAPTER + f"\nBuffers {phrase} here.\n")
                self.assertEqual(status, 1)
                self.assertTrue(lines[0].startswith("chapters/01.md:26: "), lines)
                self.assertTrue(lines[0].endswith("is a stock phrase"), lines)

    def test_a_worn_turn_counts(self):
        for turn in TURNS:
            with self.subTest(turn):
                self.assertEqual(run(LONG + f"\nFor {turn} more.\n", words=""), ([], 0))
                lines, status = run(SHORT + f"\nFor {turn} more.\n", words="")
                self.assertEqual((len(lines), status), (1, 1))
                self.assertRegex(lines[0], r"^chapters/01\.md:16: 1 worn turns in 5\d words, at most 0 allowed: "
                                 f"'{' '.join(turn.lower().split())}' 1; worst at lines 16 \\(1\\)$")

    def test_the_worst_paragraphs_are_named_first(self):
        text = SHORT + "\nFor nothing.\n\nAs it is, nothing is what\nnobody has. `nothing`\n"
        self.assertEqual(run(text, words=""), (
            ["chapters/01.md:18: 3 worn turns in 60 words, at most 0 allowed: 'nothing' 2, 'nobody' 1; "
             "worst at lines 18 (2), 16 (1)"], 1))

    def test_one_deferral_is_allowed(self):
        text = LONG + "\nThat has a chapter of\nits own.\n"
        self.assertEqual(run(text, words=""), ([], 0))
        self.assertEqual(run(text + "\nThis is for a later chapter.\n", words=""), (
            ["chapters/01.md:66: 2 deferrals, at most 1 allowed: 'chapter of its own' 1, 'a later chapter' 1; "
             "worst at lines 66 (1), 69 (1)"], 1))

    def test_only_chapters_have_a_budget(self):
        self.assertEqual(run(LONG, words="", readme="It is nothing.\n", document="It is nothing.\n"), ([], 0))

    def test_no_text_fails(self):
        with tempfile.TemporaryDirectory() as root:
            (Path(root) / "docs").mkdir()
            (Path(root) / "docs/words.txt").touch()
            done = subprocess.run([sys.executable, TOOL, "--root", root],
                                  capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no chapter", done.stderr)


if __name__ == "__main__":
    unittest.main()
