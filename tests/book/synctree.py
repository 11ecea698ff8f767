"""A small book that is in step, for tests of docs/sync.py to break.

FILES is the book before its first `sync`: two layers, two chapters whose
fences are empty, a claim and its test, a figure. `Tree` writes a copy of it, or
of the refreshed one, to a temporary directory.
"""

import shutil
import sys
import tempfile
import unittest
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
sys.path.insert(0, str(DOCS))
sys.dont_write_bytecode = True

from bookkit import refresh, rules      # noqa: E402
from bookkit.book import Book           # noqa: E402

SVG = ('<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-labelledby="t">'
       '<title id="t">Ring</title><desc>A ring of four.</desc></svg>\n')

FILES = {
    "code/01-alpha/alpha.h": """\
/* alpha.h - the first layer. */
#ifndef ALPHA_H
#define ALPHA_H

#include <stdint.h>

/* How many there are. */
#define READBUF_ALPHAS 4

/*
 * One alpha. It has a number.
 */
struct readbuf_alpha {
    uint16_t number;
};

/* Opens an alpha. The caller closes it. */
int readbuf_alpha_open(struct readbuf_alpha *alpha,
                       unsigned number);

#endif
""",
    "code/01-alpha/alpha.c": """\
/* alpha.c - opening. */
#include "alpha.h"

/* Says whether a number will do. */
static int
fits(unsigned number)
{
    return number < READBUF_ALPHAS;
}

int readbuf_alpha_open(struct readbuf_alpha *alpha,
                       unsigned number)
{
    if (!fits(number))
        return -1;
    alpha->number = (uint16_t)number;
    return 0;
}
""",
    "code/01-alpha/demo.c": """\
#include "alpha.h"

int main(void)
{
    return 0;
}
""",
    "code/02-beta/beta.h": """\
#ifndef BETA_H
#define BETA_H

/* A beta is either of these. */
enum readbuf_beta {
    READBUF_BETA_OPEN,
    READBUF_BETA_SHUT,
};

#endif
""",
    "code/02-beta/beta.c": """\
#include "beta.h"

/* The state at first. */
enum readbuf_beta readbuf_beta_first = READBUF_BETA_SHUT;
""",
    "code/02-beta/state.txt": "Linux 6.1.0-28-amd64\nmapped rings   yes\n",
    "tests/01-alpha/test_alpha.c": """\
#include <check.h>

/*
 * claim: taken-number (5.19)
 * A number that is taken is refused with `EEXIST`.
 */
/* claim: free-number (6.4)
 * A free number is not. */
START_TEST(taken_and_free)
{
    ck_assert_int_eq(1, 1);
}
END_TEST
""",
    "chapters/01-alpha.md": """\
# Alpha

An <dfn>alpha</dfn> is a number, as [the next part](#opening-one) says.

<!-- code: code/01-alpha/alpha.h top -->
```c
```

Constants.

<!-- code: code/01-alpha/alpha.h READBUF_ALPHAS..readbuf_alpha_open -->

```c
```

The rest.

<!-- code: code/01-alpha/alpha.h bottom -->
```c
```

## Opening `one`

Prose with a `<!-- cod: x -->` in a span. <span id="claim-taken-number">A number that is
taken is refused with `EEXIST`.</span> And
<span id="claim-free-number">A free number is not.</span>

<!-- code: code/01-alpha/alpha.c top -->
```c
```

Whether it fits.

<!-- code: code/01-alpha/alpha.c fits -->
```c
```

Opening it.

<!-- code: code/01-alpha/alpha.c readbuf_alpha_open -->
```c
```

<!-- run: cat code/02-beta/state.txt -->
```console
```

<!-- figure: cat ring.svg -->
![A ring of four.](figures/ring.svg)

~~~text
<!-- nothing: in a fence is a directive -->
~~~
""",
    "chapters/02-beta.md": """\
# Beta

See [the *first*](01-alpha.md#opening-one), [](01-alpha.md) and [a symbol](01-alpha.md#sym-readbuf_alpha).
A <dfn>beta</dfn> has two states.

<!-- code: code/02-beta/beta.h /ifndef/../endif/ -->
```c
```

And its state.

<!-- code: code/02-beta/beta.c /include/../=/ -->
```c
```

What was before.

<!-- code: code/01-alpha/alpha.c readbuf_alpha_open /if/../return -1/ fits again -->
```c
```

<!-- run shape: cat code/02-beta/state.txt -->
```console
```

<!-- run exit=3: echo failed; exit 3 -->
```console
```

Which is all.
""",
    "ring.svg": SVG,
    "docs/readbuf.map": "V {\nglobal:\n    readbuf_alpha_open;\nlocal:\n    *;\n};\n",
}


class Tree:
    """A book in a temporary directory."""

    def __init__(self, files):
        self.root = Path(tempfile.mkdtemp(prefix="sync-"))
        for path, text in files.items():
            self.write(path, text)

    def remove(self):
        shutil.rmtree(self.root)

    def write(self, path, text):
        place = self.root / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text, encoding="utf-8")

    def read(self, path):
        return (self.root / path).read_text(encoding="utf-8")

    def files(self):
        return {p.relative_to(self.root).as_posix(): p.read_text(encoding="utf-8")
                for p in self.root.rglob("*") if p.is_file()}

    def check(self):
        book = Book(self.root)
        rules.check(book)
        return book

    def sync(self):
        """(the book, the paths that sync wrote)."""
        book = Book(self.root)
        return book, refresh.refresh(book)


def refreshed():
    """The files of the book after its first sync."""
    tree = Tree(FILES)
    try:
        book, _ = tree.sync()
        assert not len(book.problems), list(book.problems)
        return tree.files()
    finally:
        tree.remove()


class TreeTest(unittest.TestCase):
    """A test that starts from the refreshed book."""

    @classmethod
    def setUpClass(cls):
        cls.good = refreshed()

    def tree(self, *changes):
        """A copy of the good book; each change is (path, old text, new text)."""
        files = dict(self.good)
        for path, old, new in changes:
            text = files.get(path, "")
            if old:
                self.assertEqual(text.count(old), 1, f"{old!r} in {path}")
                files[path] = text.replace(old, new)
            else:
                files[path] = text + new
        tree = Tree(files)
        self.addCleanup(tree.remove)
        return tree

    def assert_problems(self, tree, *expected):
        """`check` finds just these: (path, text on its line, words of the message)."""
        found = list(tree.check().problems)
        shown = "\n".join(map(str, found)) or "no problem"
        for path, line, words in expected:
            numbers = [n for n, text in enumerate(tree.read(path).splitlines(), 1)
                       if line in text]
            self.assertEqual(len(numbers), 1, f"{line!r} in {path}: {numbers}")
            self.assertTrue(
                any(p.path == path and p.line == numbers[0] and words in p.message
                    for p in found),
                f"expected {path}:{numbers[0]}: ...{words}..., found\n{shown}")
        self.assertEqual(len(found), len(expected), shown)
