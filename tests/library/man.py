#!/usr/bin/env python3
"""Check the manual pages against the headers and against mandoc.

    tests/library/man.py PAGES HEADER...

PAGES is the directory of the rendered pages; the sources are docs/man. The
rules:

    sections   a page has the sections in SECTIONS, in that order, with text.
    names      every call of the headers is named by one page of section 3,
               and such a page names nothing else. A name that is not the
               page's own has a .so page, which leads there.
    synopsis   the prototypes of a page are those of the headers for the
               names of that page, but for white space.
    examples   the C in EXAMPLE compiles without a warning.
    copies     C under <!-- from: FILE --> stands in that file, but for white
               space, `static` and its #include lines.
    references every readbuf page that is mentioned exists.
    lint       mandoc has nothing to say, except for what pandoc does to every
               page (NOISE). Skipped where mandoc is not installed.

Problems go to stderr, exit status 1.
"""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

SECTIONS = ["NAME", "SYNOPSIS", "DESCRIPTION", "RETURN VALUE", "ERRORS",
            "THREADS", "KERNEL VERSION", "EXAMPLE", "SEE ALSO"]
NOISE = re.compile(
    r"skipping paragraph macro: PP after S[HS]$"
    r"|invalid escape sequence: \\f\[(C|V)\]$")
PROTOTYPE = re.compile(r"^[a-z][^;{}=()#]*?\b(readbuf_\w+)\s*\([^;{}]*\);", re.M)
C_FENCE = re.compile(r"^```c\n(.*?)^```$", re.M | re.S)
COPY = re.compile(r"^<!-- from: (\S+) -->\n(?:<!-- program -->\n)?```c\n(.*?)^```$",
                  re.M | re.S)
REFERENCE = re.compile(r"\*\*(readbuf\w*)\*\*\((\d)\)")


def prototypes(text):
    """Name to prototype, with white space folded and comments removed."""
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    return {m[1]: " ".join(m[0].split()) for m in PROTOTYPE.finditer(text)}


def sections(text):
    """Heading to body, in the order of the page."""
    parts = re.split(r"^# (.*)$", text, flags=re.M)
    return {h.strip(): body.strip() for h, body in zip(parts[1::2], parts[2::2])}


def names(page):
    return [n.strip() for n in page.get("NAME", "").split(" - ")[0].split(",")]


def compiles(code, headers):
    """What the compiler says, or nothing."""
    includes = [f"-I{Path(h).parent}" for h in headers]
    run = subprocess.run(
        ["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wpedantic", "-Werror",
         "-fsyntax-only", *includes, "-xc", "-"],
        input=code, capture_output=True, text=True, check=False)
    return run.stderr if run.returncode else ""


def not_copied(text):
    """What is said of each piece of C that is not in the file it is from."""
    for path, code in COPY.findall(text):
        there = Path(path).read_text(encoding="utf-8").replace("static ", "")
        for piece in re.split(r"\n\n(?=\S)", code):
            piece = " ".join(piece.split())
            if piece not in " ".join(there.split()) and not piece.startswith("#include"):
                yield f"{path} does not have this: {piece[:60]}..."


def lint(path):
    """Lines of mandoc about one rendered page."""
    run = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(path)],
                         capture_output=True, text=True, check=False)
    for line in run.stdout.splitlines():
        if not NOISE.search(line):
            yield line


def about_aliases(source, page, pages):
    own = source.name[:-len(".3.md")]
    for name in names(page):
        rendered = pages / f"{name}.3"
        if name == own:
            continue
        if not rendered.exists() or rendered.read_text() != f".so man3/{own}.3\n":
            yield f"{name}.3 does not lead to {own}.3"


def about_calls(source, page, pages, declared):
    if not source.name.endswith(".3.md"):
        return
    described = prototypes(page.get("SYNOPSIS", ""))
    for name in names(page):
        if name not in declared:
            yield f"{name} is not declared by the headers"
        elif described.get(name) != declared[name]:
            yield f"the synopsis of {name} is not the header's: {declared[name]}"
    for name in described.keys() - set(names(page)):
        yield f"{name} is in the synopsis and not in NAME"
    yield from about_aliases(source, page, pages)


def about_page(source, pages, declared, headers):
    text = source.read_text(encoding="utf-8")
    page = sections(text)
    if list(page) != SECTIONS or not all(page.values()):
        yield f"the sections are not {', '.join(SECTIONS)}"
    yield from about_calls(source, page, pages, declared)
    examples = C_FENCE.findall(page.get("EXAMPLE", ""))
    if not examples:
        yield "the example has no C"
    for code in examples:
        if said := compiles(code, headers):
            yield f"the example does not compile:\n{said}"
    yield from not_copied(text)
    for name, number in REFERENCE.findall(text):
        if not (pages / f"{name}.{number}").exists():
            yield f"there is no page {name}({number})"


def problems(pages, headers):
    declared = {}
    for header in headers:
        declared |= prototypes(Path(header).read_text(encoding="utf-8"))
    sources = sorted(Path("docs/man").glob("*.md"))
    named = Counter()
    for source in sources:
        if source.name.endswith(".3.md"):
            named.update(names(sections(source.read_text(encoding="utf-8"))))
        for sentence in about_page(source, pages, declared, headers):
            yield f"{source}:1: {sentence}"
    for name in declared:
        if named[name] != 1:
            yield f"docs/man:1: {named[name]} pages describe {name}"
    if not declared or not sources:
        yield "docs/man:1: no call and no page to check"
    if shutil.which("mandoc"):
        for source in sources:
            yield from lint(pages / source.name[:-len(".md")])


def main():
    if not shutil.which("mandoc"):
        print("SKIPPED: the lint of the manual pages; install mandoc")
    found = list(problems(Path(sys.argv[1]), sys.argv[2:]))
    for line in found:
        print(line, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
