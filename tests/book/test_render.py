#!/usr/bin/env python3
"""Tests of the rendering: docs/book.mk, the Lua filters and docs/links.py.

A small book is rendered in a temporary folder with the repository's docs. It must render, and each mistake put into it
must stop the build with the file and the line named.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CHAPTER = """# One

A <dfn>slab</dfn> is memory[^n]. <span id="claim-it-holds">It *holds*.</span> See `twice()` and [](02-two.md#later).

[^n]: A note.

<!-- code: code/a.c twice -->
```c
int twice(int n)
{
    return once(n) * 2; /* once */
}
```

<!-- run exit=1: false -->
```console
$ false
no
```

![A figure.](figures/a.svg)
"""

TWO = """# Two

## Later

[Back](01-one.md#sym-twice).
"""

SVG = ('<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg" class="fig" viewBox="0 0 9 9" role="img" '
       'aria-labelledby="t d"><title id="t">T</title><desc id="d">D</desc><style>.a{}</style></svg>\n')

DATA = """return {
  kernel = "9.9", machine = "m", date = "2000-01-01", refused = false,
  chapters = {{file = "01-one", number = 1, title = "One"}, {file = "02-two", number = 2, title = "Two"}},
  listings = {["01-one"] = {{path = "code/a.c", numbers = {5, 6, 7, 8}, label = "`twice`",
    symbols = {"twice"}, anchors = {"sym-twice"}}}, header = {{path = "code/a.h", numbers = {1}, label = "`thrice`",
    symbols = {"thrice"}, anchors = {"sym-thrice"}}}},
  outputs = {["01-one"] = {{command = "false", text = "no", ran = true, same = true}}},
  symbols = {twice = {page = "01-one", anchor = "sym-twice", brief = "Twice.", public = true},
             once = {page = "01-one", anchor = "sym-twice", brief = "Once.", public = false},
             thrice = {page = "header", anchor = "sym-thrice", brief = "Thrice.", public = true}},
  claims = {{id = "it-holds", sentence = "It *holds*.", chapter = "01-one", test = "it_holds", path = "code/a.c",
    line = 1, since = "5.19", verdict = "shown", why = "", kernels = {{verdict = "not verified", why = "too <old>"},
    {verdict = "not run", why = ""}, {verdict = "shown", why = ""}}}},
  kernels = {{series = "8.1", version = "8.1.5"}, {series = "8.9", version = "8.9.0"}, {series = "9.2", version = "9.2.7"}},
  terms = {{term = "slab", chapter = "01-one", anchor = "term-slab", sentence = "A <dfn>slab</dfn> is memory[^n]."}},
}
"""

HEADER = """# A header

<!-- code: code/a.h thrice -->
```c
int thrice(int n);
```
"""

INDEX = """# A book

<!-- build -->

<!-- contents -->

- [](../../chapters/01-one.md) First.
- [](../../chapters/02-two.md) Second.
"""


class Rendering(unittest.TestCase):
    def setUp(self):
        self.root = Path(tempfile.mkdtemp(prefix="render-"))
        self.addCleanup(shutil.rmtree, self.root)
        shutil.copytree(ROOT / "docs", self.root / "docs", ignore=shutil.ignore_patterns("__pycache__", "kernels*"))
        self.write("Makefile", "include docs/book.mk\n")
        self.write("chapters/01-one.md", CHAPTER)
        self.write("chapters/02-two.md", TWO)
        self.write("chapters/figures/a.svg", SVG)
        self.write("code/a.c", "")
        self.write("build/book/data.lua", DATA)
        self.write("docs/pages/index.md", INDEX)
        self.write("docs/pages/header.md", HEADER)
        self.write("docs/pages/pool.md", "# The rest\n")
        self.write("docs/pages/glossary.md", "# Terms\n\n<!-- glossary -->\n")

    def write(self, path, text):
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")

    def change(self, path, old, new):
        text = (self.root / path).read_text(encoding="utf-8")
        self.assertIn(old, text)
        self.write(path, text.replace(old, new))

    def make(self, *options):
        env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "B")}
        return subprocess.run(["make", "-k", *options, "book-pages"], cwd=self.root, env=env, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120, check=False)

    def page(self, name):
        return (self.root / "build/book" / name).read_text(encoding="utf-8")

    def renders(self):
        run = self.make("-s")
        self.assertEqual(run.returncode, 0, run.stdout)

    def refused(self, message):
        run = self.make()
        self.assertNotEqual(run.returncode, 0, "the mistake was not seen")
        self.assertIn(message, run.stdout)

    # ------------------------------------------------------- what is right

    def test_renders_every_part(self):
        self.renders()
        page = self.page("01-one.html")
        for part in ('id="sym-twice"', 'data-n="5"', "code/a.c, lines 5–8", 'id="claim-it-holds"',
                     'href="claims.html#claim-it-holds"', "claim it-holds, shown on this machine",
                     '<dfn id="term-slab">', '<a href="#sym-twice" class="sym" title="Twice.">', 'id="note-1"',
                     '<a href="02-two.html#later">Chapter 2, Two</a>', "exit status 1; Linux 9.9, run at this build",
                     'aria-labelledby="f1-t f1-d"', "Figure 1.1."):
            self.assertIn(part, page)
        for part in ("<?xml", "<style", "<!--", "$ false"):
            self.assertNotIn(part, page)
        self.assertIn("1 claims", self.page("claims.html"))
        self.assertIn('href="01-one.html#term-slab"', self.page("glossary.html"))
        public, internal = self.page("symbols.html").split("</table>")[:2]
        self.assertIn('<a href="01-one.html#sym-twice"><code>twice</code>', public)
        self.assertIn('<a href="01-one.html#sym-twice"><code>once</code>', internal)
        self.assertNotIn("<code>once</code>", public)

    def test_an_appendix_has_listings(self):
        self.change("chapters/02-two.md", "[Back]", "`thrice`, [](../docs/pages/header.md), [Back]")
        self.renders()
        self.assertIn('<figure class="listing" id="sym-thrice">', self.page("header.html"))
        for part in ('<a href="header.html#sym-thrice" class="sym"', '<a href="header.html">A header</a>'):
            self.assertIn(part, self.page("02-two.html"))
        row = self.page("symbols.html").split('<a href="header.html#sym-thrice">')[1].split("</tr>")[0]
        self.assertIn("<td>A header</td>", row)

    def test_a_listing_links_others_but_not_itself_nor_its_comments(self):
        self.renders()
        listing = self.page("01-one.html").split("<pre")[1].split("</pre>")[0]
        self.assertEqual(listing.count("<a "), 1)
        self.assertIn(">once</a>(n)", listing)

    def test_a_caption_names_lines_and_symbols(self):
        self.change("build/book/data.lua", "numbers = {5, 6, 7, 8}, label = \"`twice`\"",
                    "numbers = {1, 0, 7, 8}, label = \"top of the file and part of `twice`\"")
        self.renders()
        page = self.page("01-one.html")
        self.assertIn("Top of the file and part of <code>twice</code>", page)
        self.assertIn("code/a.c, lines 1, 7–8", page)

    def test_a_folded_listing(self):
        text = CHAPTER.replace("<!-- code:", "<details><summary>The rest of `a.c`</summary>\n\n<!-- code:")
        self.write("chapters/01-one.md", text.replace("<!-- run", "</details>\n\n<!-- run"))
        self.renders()
        fold = self.page("01-one.html").split("The rest of <code>a.c</code>")[1].split("</details>")[0]
        self.assertIn('<figure class="listing" id="sym-twice">', fold)
        self.assertNotIn('class="output', fold)

    def test_no_title_is_empty(self):
        self.change("build/book/data.lua", 'brief = "Once."', 'brief = ""')
        self.renders()
        self.assertNotIn('title=""', self.page("01-one.html"))

    def test_a_definition_stands_for_the_sentence(self):
        self.change("docs/pages/glossary.md", "<!-- glossary -->", "<!-- glossary -->\n\nslab\n:   One *piece*, `twice`.")
        self.renders()
        page = self.page("glossary.html")
        self.assertIn("<dd>One <em>piece</em>, <a", page)
        self.assertNotIn("is memory", page)
        self.assertEqual(page.count("One <em>piece</em>"), 1)

    def test_same_sources_give_the_same_bytes(self):
        self.renders()
        first = {p.name: p.read_bytes() for p in (self.root / "build/book").iterdir()}
        run = self.make("-s", "-B", "-j2")
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertEqual(first, {p.name: p.read_bytes() for p in (self.root / "build/book").iterdir()})

    def test_nothing_is_rendered_twice(self):
        self.renders()
        self.assertIn("Nothing to be done", self.make().stdout)

    def test_not_run_is_said(self):
        self.change("build/book/data.lua", "ran = true, same = true", 'ran = false, same = true, why = "EPERM"')
        self.change("build/book/data.lua", "refused = false", 'refused = "EPERM said the kernel"')
        self.renders()
        self.assertIn("recorded output: could not run here: EPERM", self.page("01-one.html"))
        self.assertIn("EPERM said the kernel", self.page("01-one.html"))
        self.assertNotIn("EPERM said the kernel", self.page("02-two.html"))

    def test_another_output_is_said_and_both_are_shown(self):
        self.change("build/book/data.lua", 'text = "no", ran = true, same = true', 'text = "yes", ran = true, same = false')
        self.renders()
        page = self.page("01-one.html")
        self.assertIn("it printed something else", page)
        self.assertIn("<code>yes</code>", page)
        self.assertIn("<code>no</code>", page)

    def test_verdicts_differ_in_words(self):
        for verdict, words in (("not verified here", "claim it-holds, not verified here"),
                               ("contradicted here", "claim it-holds, contradicted here")):
            self.write("build/book/data.lua", DATA.replace('verdict = "shown"', f'verdict = "{verdict}"'))
            run = self.make("-s", "-B")
            self.assertEqual(run.returncode, 0, run.stdout)
            self.assertIn(words, self.page("01-one.html"))

    def test_a_published_source_is_linked(self):
        run = self.make("-s", "BOOK_SOURCE_URL=https://example.org/blob/main/")
        self.assertEqual(run.returncode, 0, run.stdout)
        self.assertIn('<a href="https://example.org/blob/main/code/a.c">', self.page("01-one.html"))

    def cells(self):
        """(series, mark, words, whether it is marked as changed) of the claim's cells."""
        page = self.page("claims.html")
        return [(on, sign, words, changed != "") for changed, on, sign, words in re.findall(
            r'<td( class="changed")?><span class="on">([^<]*)</span><span class="mark [a-z]*">'
            r'<span aria-hidden="true">([^<]*)</span><span class="vh">([^<]*)</span></span></td>', page)]

    def test_a_column_a_kernel_and_this_machine(self):
        self.renders()
        page = self.page("claims.html")
        heads = re.findall(r'<th scope="col">([^<]*)</th>', page)
        self.assertEqual(heads, ["Claim", "8.1", "8.9", "9.2", "here"])
        self.assertEqual(self.cells(), [("8.1", "?", "not verified", False), ("8.9", "–", "not run", False),
                                        ("9.2", "✓", "shown, unlike 8.1", True), ("here", "✓", "shown", False)])
        self.assertIn("Linux 8.1.5, 8.9.0, 9.2.7. Verdicts that are not the same on all of them: 1.", page)
        self.assertIn('<span class="why">8.1: too &lt;old&gt;</span>', page)

    def test_the_same_everywhere(self):
        self.change("build/book/data.lua", '"not verified", why = "too <old>"', '"shown", why = ""')
        self.renders()
        self.assertEqual([changed for *_, changed in self.cells()], [False] * 4)
        self.assertIn("not the same on all of them: 0", self.page("claims.html"))

    def test_a_reason_stands_once_for_all_that_gave_it(self):
        self.change("build/book/data.lua", '{verdict = "not run", why = ""}',
                    '{verdict = "not verified", why = "too <old>"}')
        self.change("build/book/data.lua", 'verdict = "shown", why = "", kernels',
                    'verdict = "not verified here", why = "a <box>", kernels')
        self.renders()
        self.assertEqual(re.findall(r'<span class="why">([^<]*)</span>', self.page("claims.html")),
                         ["8.1, 8.9: too &lt;old&gt;", "here: a &lt;box&gt;"])

    def test_no_kernel_was_booted(self):
        self.change("build/book/data.lua", 'kernels = {{series', 'unused = {{series')
        self.change("build/book/data.lua", "refused = false,", "refused = false, kernels = {},")
        self.renders()
        self.assertEqual(self.cells(), [("here", "✓", "shown", False)])
        self.assertNotIn("Booted", self.page("claims.html"))

    # ------------------------------------------------------- what is wrong

    def test_link_to_no_chapter(self):
        self.change("chapters/01-one.md", "02-two.md#later", "03-three.md")
        self.refused("chapters/01-one.md:3: link to 03-three.md: there is no file chapters/03-three.md")

    def test_link_to_no_heading(self):
        self.change("chapters/01-one.md", "#later", "#never")
        self.refused("chapters/01-one.md:3: link to 02-two.html#never: 02-two.html has nothing with the id never")

    def test_heading_renamed_in_the_other_chapter(self):
        self.renders()
        self.change("chapters/02-two.md", "## Later", "## Sooner")
        self.refused("chapters/01-one.md:3: link to 02-two.html#later")

    def test_id_twice(self):
        self.change("chapters/02-two.md", "## Later", "## Later {#x}\n\n## Other {#x}")
        self.refused("the id x stands 2 times in 02-two.html")

    def test_fetch_from_another_host(self):
        self.change("chapters/02-two.md", "[Back]", '<img src="https://example.org/x.png" alt="x"> [Back]')
        self.refused("the page would fetch https://example.org/x.png")

    def test_missing_figure(self):
        self.change("chapters/01-one.md", "figures/a.svg", "figures/b.svg")
        self.refused("chapters/01-one.md:21: there is no figure chapters/figures/b.svg")

    def test_claim_without_test(self):
        self.change("chapters/01-one.md", "claim-it-holds", "claim-it-does-not")
        self.refused("chapters/01-one.md:3: claim it-does-not is not in the data")

    def test_unknown_verdict(self):
        self.change("build/book/data.lua", 'verdict = "shown"', 'verdict = "perhaps"')
        self.refused('claim it-holds: unknown verdict "perhaps"')

    def test_unknown_verdict_of_a_kernel(self):
        self.change("build/book/data.lua", '"not verified"', '"perhaps"')
        self.refused('claim it-holds: unknown verdict "perhaps"')

    def test_unknown_term(self):
        self.change("chapters/01-one.md", "<dfn>slab</dfn>", "<dfn>slob</dfn>")
        self.refused('chapters/01-one.md:3: term "slob" is not in the data')

    def test_stale_listing(self):
        self.change("chapters/01-one.md", "{\n    return", "{\n\n    return")
        self.refused("chapters/01-one.md:7: this listing is not what the code says now")

    def test_another_command(self):
        self.change("chapters/01-one.md", "run exit=1: false", "run exit=1: true")
        self.refused("this is not the output in the data")

    def test_directive_without_fence(self):
        self.write("chapters/02-two.md", TWO + "\n<!-- sketch -->\n\nNo fence.\n")
        self.refused("chapters/02-two.md:7: directive without a fence below it")

    def test_term_that_leans_on_its_context(self):
        for sentence, word in (("Its room is a <dfn>slab</dfn>.", "Its"), ("What holds them is a <dfn>slab</dfn>.", "them")):
            self.write("build/book/data.lua", DATA.replace("A <dfn>slab</dfn> is memory[^n].", sentence))
            self.refused(f'the sentence that introduces "slab" leans on the one before it ("{word}")')

    def test_definition_of_no_term(self):
        self.change("docs/pages/glossary.md", "<!-- glossary -->", "<!-- glossary -->\n\nslob\n:   One piece.")
        self.refused('docs/pages/glossary.md:5: "slob" is defined here and introduced in no chapter')

    def test_chapter_missing_in_the_contents(self):
        self.change("docs/pages/index.md", "- [](../../chapters/02-two.md) Second.\n", "")
        self.refused("chapter chapters/02-two.md has no line in the list of chapters")

    def test_chapter_missing_in_the_data(self):
        self.write("chapters/03-three.md", "# Three\n")
        self.refused("chapters/03-three.md:1: is in neither the data nor the list of extra pages")

    def test_no_title(self):
        self.change("chapters/02-two.md", "# Two\n", "")
        self.refused("chapters/02-two.md:1: the first block is not a level-1 heading")

    def test_all_mistakes_are_named_at_once(self):
        self.change("chapters/01-one.md", "02-two.md#later", "03-three.md")
        self.change("chapters/01-one.md", "figures/a.svg", "figures/b.svg")
        run = self.make()
        self.assertIn("03-three.md", run.stdout)
        self.assertIn("b.svg", run.stdout)


if __name__ == "__main__":
    sys.exit(unittest.main())
