#!/usr/bin/env python3
"""Check the links of the rendered book.

    docs/links.py PAGE.html...

The pages are one book: they stand in one folder, and what is not named is not
a page of it. Rules, each of which is an error:

- a link to a page that is not in the book, or to a file that does not exist;
- a link to a fragment that its page does not have;
- an id that stands twice in a page;
- anything that the page itself would fetch from another host.

Errors are printed as `source:line: sentence`, where the source is the Markdown
file of which the page was made (html's data-source) and the line is the one
that names the target, or 1 where it is not found.
"""

import os
import re
import sys
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

FETCHED = {"script": "src", "img": "src", "link": "href", "source": "src", "iframe": "src",
           "image": "href", "use": "href"}


class Page(HTMLParser):
    """The ids, links and fetches of one page."""

    def __init__(self, path):
        super().__init__()
        self.path = path
        self.source = path
        self.ids = []
        self.links = []
        self.fetches = []
        with open(path, encoding="utf-8") as file:
            self.feed(file.read())

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        if tag == "html":
            self.source = attributes.get("data-source", self.path)
        if "id" in attributes:
            self.ids.append(attributes["id"])
        if tag == "a" and attributes.get("href"):
            self.links.append(attributes["href"])
        if attributes.get(FETCHED.get(tag)):
            self.fetches.append(attributes[FETCHED[tag]])


def line_of(source, target):
    """The line of a Markdown source that names the target of a link."""
    address = urlsplit(target)
    stem = re.sub(r"\.html$", ".md", os.path.basename(address.path))
    needles = [f"{stem}#{address.fragment}" if address.fragment else stem, f"#{address.fragment}"]
    try:
        with open(source, encoding="utf-8") as file:
            lines = file.read().split("\n")
    except OSError:
        return 1
    for needle in needles:
        for number, line in enumerate(lines, 1):
            if needle.strip("#") and needle in line:
                return number
    return 1


def link_problem(page, target, pages):
    """What is wrong with one link, or None."""
    address = urlsplit(target)
    if address.scheme or address.netloc:
        return None
    path = os.path.normpath(os.path.join(os.path.dirname(page.path), unquote(address.path)))
    if not address.path:
        path = os.path.normpath(page.path)
    if path not in pages:
        if path.endswith(".html") or not os.path.exists(path):
            return f"link to {target}: there is no such page or file"
        return None
    if address.fragment and unquote(address.fragment) not in pages[path].ids:
        return f"link to {target}: {os.path.basename(path)} has nothing with the id {address.fragment}"
    return None


def page_problems(page, pages):
    """All that is wrong with one page, as (line, sentence)."""
    for name in sorted({name for name in page.ids if page.ids.count(name) > 1}):
        yield 1, f"the id {name} stands {page.ids.count(name)} times in {os.path.basename(page.path)}"
    for target in page.fetches:
        address = urlsplit(target)
        if address.netloc or address.scheme not in ("", "data"):
            yield line_of(page.source, target), f"the page would fetch {target}"
        elif address.path and not address.scheme and not target.startswith("#"):
            if not os.path.exists(os.path.join(os.path.dirname(page.path), address.path)):
                yield line_of(page.source, target), f"the page would fetch {target}, which does not exist"
    for target in dict.fromkeys(page.links):
        problem = link_problem(page, target, pages)
        if problem:
            yield line_of(page.source, target), problem


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    pages = {os.path.normpath(path): Page(path) for path in sys.argv[1:]}
    failed = False
    for page in pages.values():
        for line, sentence in page_problems(page, pages):
            print(f"{page.source}:{line}: {sentence}", file=sys.stderr)
            failed = True
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
