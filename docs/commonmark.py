#!/usr/bin/env python3
"""Check that the book's Markdown is CommonMark: a chapter is also read where
it is stored, by people whose code-hosting site knows nothing of our filters.

    docs/commonmark.py [--root DIR]

Each text is read by cmark-gfm, whose blocks are then looked at. The rules:

    cut       no comment or tag at the start of a line cuts a paragraph: what
              stands beside it would be HTML, in which Markdown shows raw
    raw       no mark of Markdown shows as it was written, such as a backtick
              without its partner, or [text](target) in a line of HTML
    tags      a tag that is opened in a paragraph is closed there

Problems go to stderr, exit status 1. The line is that of the paragraph.
"""

import argparse
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser
from pathlib import Path

TEXTS = ("chapters/*.md", "docs/*.md", "docs/pages/*.md", "README.md")
COMMENT = re.compile(r"<!--.*?-->", re.S)
SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.S)
TAG = re.compile(r"</?[A-Za-z][^<>]*>")
RAW = re.compile(r"`|\*\*|\]\(|\[\^|<!--")
VOID = ("br", "hr", "img", "wbr")


def tree_of(text):
    """The document as cmark-gfm reads it, names of elements without namespace."""
    xml = subprocess.run(
        ["cmark-gfm", "--to", "xml", "--sourcepos", "-e", "table", "-e", "footnotes"],
        input=text, capture_output=True, text=True, encoding="utf-8", check=True).stdout
    # Version 0.29 has no name for a footnote, and says so in its XML.
    xml = xml.replace("<<unknown>", "<unknown").replace("</<unknown>", "</unknown")
    root = ElementTree.fromstring(xml)
    for node in root.iter():
        node.tag = node.tag.rpartition("}")[2]
    return root


def lines_of(node):
    """The first and the last line of a block."""
    first, last = re.match(r"(\d+):\d+-(\d+):", node.get("sourcepos")).groups()
    return int(first), int(last)


def quote(text):
    text = " ".join(text.split())
    return f"'{text if len(text) <= 60 else text[:60] + '...'}'"


def problems(text):
    """(line, sentence) of everything wrong in a text."""
    for parent in tree_of(text).iter():
        above = None
        for node in parent:
            if node.tag == "html_block":
                yield from html_problems(node, above)
            elif node.tag in ("paragraph", "heading", "table_cell"):
                yield from inline_problems(node)
            above = node


def html_problems(node, above):
    """What is wrong with a block of HTML below another block, if any."""
    line, html = lines_of(node)[0], COMMENT.sub("", node.text)
    if above is not None and above.tag == "paragraph" and lines_of(above)[1] == line - 1:
        yield line, f"{quote(node.text)} is a block and cuts the paragraph above it"
    beside = TAG.sub("", SUMMARY.sub("", html))
    if beside.strip():
        yield line, f"a block of HTML begins here, and cuts off {quote(beside)}"
    for summary in SUMMARY.findall(html):
        if RAW.search(summary):
            yield line, f"this shows as it is written, within HTML: {quote(summary)}"


class Tags(HTMLParser):
    """Which tags are open, and the first end that ends none of them."""

    def __init__(self, text):
        super().__init__()
        self.open, self.stray = [], ""
        self.feed(text)

    def handle_starttag(self, tag, _):
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        if self.open[-1:] == [tag]:
            self.open.pop()
        else:
            self.stray = self.stray or tag


def inline_problems(node):
    """What shows raw in a paragraph, a heading or a cell, and its tags."""
    line = lines_of(node)[0]
    shown = "".join(part.text if part.tag == "text" else "\0"
                    for part in node.iter() if not len(part))
    raw = RAW.search(shown)
    if raw:
        near = shown[max(0, raw.start() - 20):raw.end() + 20].replace("\0", " ")
        yield line, f"{quote(raw[0])} shows as it is written here: {quote(near)}"
    tags = Tags("".join(part.text for part in node.iter("html_inline")))
    for tag in tags.open:
        yield line, f"<{tag}> is not closed in its paragraph"
    if tags.stray:
        yield line, f"</{tags.stray}> closes nothing in its paragraph"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    root = parser.parse_args().root
    if not shutil.which("cmark-gfm"):
        print("SKIPPED, cmark-gfm is not installed: 'make setup check' installs it")
        return 0
    found = 0
    for file in sorted(file for pattern in TEXTS for file in root.glob(pattern)):
        for line, sentence in problems(file.read_text(encoding="utf-8")):
            print(f"{file.relative_to(root)}:{line}: {sentence}", file=sys.stderr)
            found += 1
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
