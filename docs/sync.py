#!/usr/bin/env python3
"""Keeps the book in step with the code.

    sync.py sync           refresh listings, outputs and figures in place
    sync.py check          report everything that is out of step; writes nothing
    sync.py export FILE    write what the rendering needs, as a Lua table
    sync.py where SYMBOL   say where a symbol is declared and listed
    sync.py lines          say how many lines of C each chapter prints
    sync.py verdicts RESULTS FILE VERSION
                           store what tests on another kernel showed

Each takes --root DIR, the repository (default: the one this file is in).
Problems go to stderr as `file:line: sentence`, all of them, and the exit
status is 1. What a page's directives mean and which rules hold is written
in docs/bookkit: csource.py (selectors), markdown.py (directives, claims), commands.py
(outputs, the shape of an output), sketches.py, rules.py.
"""

import argparse
import sys
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True      # docs/ is no place for caches

from bookkit import export, refresh, rules, verdicts    # noqa: E402
from bookkit.book import Book                           # noqa: E402


def arguments():
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--root", type=Path, default=argparse.SUPPRESS,
                        help="the repository (default: the one of this file)")
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0], parents=[common])
    commands = parser.add_subparsers(dest="command", required=True)
    for name, *its_own in (("sync",), ("check",), ("export", "file"), ("where", "symbol"),
                           ("lines",), ("verdicts", "results", "file", "version")):
        sub = commands.add_parser(name, parents=[common])
        for argument in its_own:
            sub.add_argument(argument)
    given = parser.parse_args()
    if "root" not in given:
        given.root = Path(__file__).resolve().parent.parent
    return given


def report(book):
    """Print what is wrong and what was skipped; return the exit status."""
    for place, command, _ in book.skipped:
        print(f"{place}: skipped, nothing compared: '{command}' could not run here",
              file=sys.stderr)
    for why, count in Counter(why for _, _, why in book.skipped).items():
        print(f"SKIPPED {count} outputs and figures: {why}", file=sys.stderr)
    for problem in book.problems:
        print(problem, file=sys.stderr)
    return 1 if len(book.problems) else 0


def summary(book):
    count = {kind: sum(len(c.of_kind(kind)) for c in book.chapters)
             for kind in ("sketch", "run", "figure")}
    claims = sum(len(c.claims) for c in book.chapters)
    return (f"{len(book.chapters)} chapters, {len(book.listings)} listings, "
            f"{count['sketch']} sketches, {count['run']} outputs, "
            f"{count['figure']} figures, {claims} claims")


def sync(book, _):
    for path in refresh.refresh(book):
        print(f"updated {path}")


def check(book, _):
    rules.check(book)
    if not len(book.problems):
        print(f"in step: {summary(book)}, {len(book.skipped)} skipped")


def export_data(book, given):
    """Every page is made from this file, so it is written when it has news."""
    target, text = Path(given.file), export.export(book)
    old = target.read_text(encoding="utf-8") if target.is_file() else ""
    if export.news(old) != export.news(text):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


def store(book, given):
    """Of no concern here either is what else is wrong."""
    verdicts.write(book, Path(given.results), Path(given.file), given.version)


def where(book, given):
    """Only the answer matters here, not what else is wrong with the book."""
    known = [s for source in book.sources.values() for s in source.symbols
             if s.name == given.symbol]
    for symbol in known:
        print(f"{symbol.path}:{symbol.line}: {symbol.kind}")
    for listing in book.listings:
        if given.symbol in (s.name for s in listing.symbols):
            print(f"{listing.place}: listing")
    if not known:
        print(f"no file under code/ declares {given.symbol}", file=sys.stderr)
    return 0 if known else 1


def lines(book):
    for chapter in book.chapters:
        print(f"{chapter.path}: {rules.printed_lines(chapter)} of {rules.PRINTED_LINES} "
              f"lines of C in {len(chapter.printed)} listings")
    return 0


def main():
    given = arguments()
    book = Book(given.root)
    if given.command == "where":
        return where(book, given)
    if given.command == "lines":
        return lines(book)
    if given.command == "verdicts":
        return store(book, given)
    {"sync": sync, "check": check, "export": export_data}[given.command](book, given)
    return report(book)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except OSError as error:
        sys.exit(f"sync.py: {error.filename or 'writing'}: {error.strerror}")
