"""The book as a whole: its pages, the code they list, the claims' tests."""

import re
import sys
from bisect import bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from . import csource, verdicts
from .commands import MISSING, REFUSED, Runner, first_difference
from .markdown import Chapter, Document, Page
from .problems import Problems

LAYER_FILE = re.compile(r"code/(\d\d)-[\w-]+/(?!demo\.c|exercise\.c|answer\.c)[\w-]+\.[ch]$")
STAGE = re.compile(r"code/(\d\d)-")
CLAIM_HEAD = re.compile(r"claim:\s*(\S+)\s*(?:\((\d+\.\d+)\))?\s*(.*)")
COMMENT_BLOCK = re.compile(r"^[ \t]*/\*.*?\*/", re.S | re.M)
TEST_HEAD = re.compile(r"(?:\s|/\*.*?\*/)*START_TEST\(\s*(\w+)\s*\)", re.S)


@dataclass
class Listing:
    """What one `code` directive shows."""
    page: Page
    directive: object
    path: str
    source: object = None
    again: bool = False
    excerpts: list = field(default_factory=list)

    @property
    def rows(self):
        """(source line, text); line 0 is a blank where lines are left out."""
        rows, lines = [], self.source.lines if self.source else []
        for excerpt in self.excerpts:
            gap = excerpt.first - 1
            if rows and rows[-1][0] != gap:
                near = rows[-1][0] == gap - 1 and not lines[gap - 1].strip()
                rows.append((gap if near else 0, ""))
            for number in range(excerpt.first, excerpt.last + 1):
                rows.append((number, lines[number - 1].rstrip()))
        return rows

    @property
    def text(self):
        return [text for _, text in self.rows]

    @property
    def label(self):
        *before, last = [excerpt.label for excerpt in self.excerpts] or [""]
        return f"{', '.join(before)} and {last}" if before else last

    @property
    def symbols(self):
        """The symbols whose name this listing shows, in their order."""
        shown = {number for number, _ in self.rows}
        return [s for s in self.source.symbols if s.line in shown] \
            if self.excerpts else []

    @property
    def place(self):
        return f"{self.page.path}:{self.directive.line}"

    @property
    def stage(self):
        """The last one whose layers it may use: on an appendix its file's."""
        if isinstance(self.page, Chapter):
            return self.page.number
        of_file = STAGE.match(self.path)
        return int(of_file[1]) if of_file else sys.maxsize


@dataclass
class TestedClaim:
    id: str
    since: str
    sentence: str
    test: str
    path: str
    line: int


@dataclass
class Capture:
    """What one `run` directive's command printed, beside what is recorded."""
    recorded: list
    printed: list
    why: str = ""        # why there is nothing to compare, or what went wrong
    refused: bool = False
    difference: int = None   # index of the first line that differs

    @property
    def same(self):
        return not self.why and self.difference is None


class Book:
    def __init__(self, root):
        self.root = Path(root).resolve()
        self.problems = Problems()
        self.runner = Runner(self.root)
        self.refusal = ""
        self.skipped = []        # (place, command, reason) of what could not run
        self.chapters = [self._read(Chapter, path) for path in
                         sorted(self.root.glob("chapters/[0-9][0-9]-*.md"))]
        if not self.chapters:
            self.problems.add("chapters", 1, "there is no chapter NN-name.md here")
        self.appendices = [self._read(Page, path) for path in
                           sorted(self.root.glob("docs/pages/*.md"))]
        # What an appendix lists is at home there: in a chapter it stands again.
        self.pages = [*self.appendices, *self.chapters]
        self.sources = csource.load(self.root, self._source_paths())
        for source in self.sources.values():
            if source.broken and source.path.endswith((".c", ".h")):
                self.problems.add(source.path, source.broken, "braces do not "
                                  "balance, so its symbols cannot be found")
        self.listings = [self._listing(page, directive)
                         for page in self.pages
                         for directive in page.of_kind("code")]

    def relative(self, path):
        return Path(path).relative_to(self.root).as_posix()

    def _read(self, kind, path):
        return kind(self.relative(path), path.read_text(encoding="utf-8"),
                    self.problems)

    @cached_property
    def documents(self):
        """Markdown that is no page with listings: only its links are looked at."""
        paths = {*self.root.glob("*.md"), *self.root.glob("docs/**/*.md")}
        paths -= {self.root / page.path for page in self.appendices}
        return [self._read(Document, path) for path in sorted(paths)
                if "node_modules" not in path.parts]

    def _source_paths(self):
        found = [self.relative(p) for p in self.root.glob("code/**/*.[ch]")]
        for page in self.pages:
            for directive in page.of_kind("code"):
                path = directive.body.split()[0] if directive.body else ""
                inside = (self.root / path).resolve().is_relative_to(self.root)
                if path and inside and (self.root / path).is_file():
                    found.append(path)
        return sorted(set(found))

    def layer_files(self):
        return [s for p, s in self.sources.items() if LAYER_FILE.match(p)]

    # -- listings ---------------------------------------------------------

    def _listing(self, page, directive):
        path, _, selectors = directive.body.partition(" ")
        again = re.search(r"(?:^|\s)again$", selectors)
        if again:
            selectors = selectors[:again.start()]
        listing = Listing(page, directive, path, self.sources.get(path),
                          bool(again))
        if not path:
            return listing      # reported as malformed already
        if not listing.source:
            self.problems.add(page.path, directive.line,
                              f"there is no file {path} to list")
            return listing
        try:
            listing.excerpts = listing.source.select(selectors)
        except csource.SelectorError as error:
            self.problems.add(page.path, directive.line, str(error))
        return listing

    def listings_of(self, page):
        return [x for x in self.listings if x.page is page]

    @cached_property
    def home(self):
        """The listing each name's reader is sent to.

        It is the first one that shows the name declared, but a forward
        declaration in a .c file is a home only where there is no other.
        Only names of layers have one: `main` and `run` of all the demos
        would lead anywhere.
        """
        homes, forward = {}, {}
        for listing in self.listings:
            for symbol in listing.symbols:
                if not LAYER_FILE.match(symbol.path):
                    continue
                weak = symbol.kind == "prototype" and symbol.path.endswith(".c")
                (forward if weak else homes).setdefault(symbol.name, listing)
        return {**forward, **homes}

    @cached_property
    def public(self):
        """The names that programs may use: what the installed headers declare.

        These are the headers that declare a call of docs/readbuf.map.
        """
        text = (self.root / "docs/readbuf.map").read_text(encoding="utf-8")
        calls = set(re.findall(r"^\s*(\w+);", text, re.M))
        names = set()
        for source in self.layer_files():
            own = {s.name for s in source.symbols}
            if source.path.endswith(".h") and own & calls:
                names |= own | set(source.opaque)
        return names

    # -- outputs and figures ----------------------------------------------

    def _attempt(self, directive, chapter, merged):
        """(the command's result, why it is of no use, whether it could not run)."""
        result = self.runner.run(directive.body, merged)
        if result.status in {REFUSED, MISSING} - {directive.expected_status}:
            why = result.why_not_run()
            if result.status == REFUSED:
                why = self.refusal = self.refusal or why
            self.skipped.append((f"{chapter.path}:{directive.line}", directive.body, why))
            return result, why, True
        return result, result.complaint(directive.expected_status), False

    def capture(self, chapter, directive):
        """Run a `run` directive's command and compare."""
        recorded = directive.fence.body if directive.fence else []
        result, why, refused = self._attempt(directive, chapter, merged=True)
        capture = Capture(recorded, result.lines, why, refused)
        command = f"$ {directive.body}"
        if recorded[:1] != [command]:
            capture.difference = 0
        else:
            index = first_difference(recorded[1:], result.lines, directive.manner)
            capture.difference = None if index is None else index + 1
        return capture

    def draw(self, chapter, directive):
        """The SVG that a `figure` directive's command prints, or None."""
        result, why, refused = self._attempt(directive, chapter, merged=False)
        if why and not refused:
            self.complain(chapter, directive, why)
        return None if why else result.output

    def complain(self, chapter, directive, why):
        self.problems.add(chapter.path, directive.line, f"'{directive.body}' {why}")

    # -- claims -----------------------------------------------------------

    @cached_property
    def test_claims(self):
        found = []
        for path in sorted(self.root.glob("tests/*/test_*.c")):
            found.extend(self._claims_in(self.relative(path),
                                         path.read_text(encoding="utf-8")))
        return found

    @cached_property
    def kernels(self):
        """Other kernels, with what they showed, oldest first."""
        return verdicts.stored(self)

    def _claims_in(self, path, text):
        starts = [0] + [m.end() for m in re.finditer("\n", text)]
        for match in COMMENT_BLOCK.finditer(text):
            said = csource.comment_text(match.group())
            if not said.startswith("claim:"):
                continue
            line = bisect_right(starts, text.index("claim:", match.start()))
            head = CLAIM_HEAD.match(said)
            test = TEST_HEAD.match(text, match.end())
            if not head or not head[2]:
                self.problems.add(path, line, "a claim begins with "
                                  "'claim: its-id (5.19)', the first kernel it holds for")
            elif not test:
                self.problems.add(path, line, f"the claim '{head[1]}' does not "
                                  "stand above a START_TEST")
            else:
                yield TestedClaim(head[1], head[2], head[3].strip(), test[1],
                                path, line)
