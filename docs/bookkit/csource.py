"""C source files: where each symbol begins and ends, and what a selector shows.

Universal ctags says which names a file declares and on which line. Its `end`
is right for functions, structs, macros and prototypes, but it has none for
typedefs and enumerators, and it never says where a declaration starts when
its type or an attribute stands on an earlier line. So the extent of a symbol
comes from here: the file is cut into its top-level declarations, and a symbol
reaches as far as the declaration that ctags found its name in. Only macros
keep the extent ctags gives them.
"""

import bisect
import json
import re
import subprocess
from dataclasses import dataclass, replace

# Comments and literals, in whichever order they come.
LEXEME = re.compile(
    r"""/\*.*?\*/ | //[^\n]* | "(?:\\.|[^"\\\n])*" | '(?:\\.|[^'\\\n])*'""",
    re.S | re.X)
DIRECTIVE = re.compile(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", re.M)
ATTRIBUTE = re.compile(
    r"__attribute__\s*\(\((?:[^()]|\((?:[^()]|\([^()]*\))*\))*\)\)")
TOKEN = re.compile(r"[{}();]|[^\s{}();]+")
LINKAGE = re.compile(r'extern\s+"C(?:\+\+)?"\s*\{')
# #define _GNU_SOURCE and its kin choose what the headers declare: they belong
# to the top of a file as its includes do.
FEATURE_MACRO = re.compile(r"_[A-Z0-9_]*SOURCE$")

OPAQUE = re.compile(r"(?:struct|union) (\w+);")

PATTERN = r"/(?:\\.|[^/\\])+/\.\./(?:\\.|[^/\\])+/"
NAME = r"(?:(?:struct|union|enum|typedef)\s+)?[A-Za-z_]\w*"
SELECTOR = re.compile(
    rf"\s*(?:(?P<whole>{PATTERN})"
    rf"|(?P<from>{NAME})(?:\.\.(?P<to>{NAME}))?(?:\s+(?P<part>{PATTERN}))?)"
    r"(?=\s|$)")

# ctags takes the offsetof in one for a prototype.
ASSERTION = re.compile(r"(?:_Static_assert|static_assert)\b")

# Of several declarations of one name in a file, the one ranked lowest is meant.
RANK = {"prototype": 1, "externvar": 1, "enumerator": 1}


class SelectorError(Exception):
    """A selector that shows nothing, or not one thing."""


@dataclass(frozen=True)
class Symbol:
    name: str
    kind: str      # as ctags calls it
    path: str
    first: int     # first line, the leading comment included
    start: int     # first line of the declaration itself
    line: int      # the line that has the name
    last: int
    public: bool   # visible outside its file


@dataclass(frozen=True)
class Excerpt:
    """The lines of a file that one selector shows."""
    first: int
    last: int
    label: str     # as a caption says it: names stand in backticks


def blank(text):
    return re.sub(r"[^\n]", " ", text)


def closing_brace(bare, at):
    """Where the block that is open at `at` closes (the end if it does not)."""
    depth = 1
    for match in re.compile("[{}]").finditer(bare, at):
        depth += 1 if match.group() == "{" else -1
        if depth == 0:
            return match.start()
    return len(bare)


class CFile:
    def __init__(self, path, text, tags=()):
        self.path = path
        self.lines = text.splitlines()
        self._starts = [0] + [m.end() for m in re.finditer("\n", text)]
        self._text = text
        self._comments = {}       # last line -> first line
        bare = LEXEME.sub(self._lexeme, text)
        self.bare_lines = bare.splitlines()
        self.broken = 0           # the line where braces stop balancing
        self._declarations = self._cut(self._without_linkage(bare))
        self.symbols = [s for s in map(self._symbol, tags) if s]

    # -- reading ----------------------------------------------------------

    def _line(self, offset):
        return bisect.bisect_right(self._starts, offset)

    def _lexeme(self, match):
        """Blank a comment or literal; remember comments alone on their lines."""
        found = match.group()
        if found[0] == "/":
            before = self._text[:match.start()].rpartition("\n")[2]
            after = self._text[match.end():].partition("\n")[0]
            if not before.strip() and not after.strip():
                last = self._line(match.end() - 1)
                self._comments[last] = self._line(match.start())
        return blank(found)

    def _without_linkage(self, bare):
        """Blank `extern "C" {` and the braces that close it."""
        for match in LINKAGE.finditer(self._text):
            if bare[match.start()] != " ":      # not inside a comment
                close = closing_brace(bare, match.end())
                bare = (bare[:match.start()] + blank(match.group())
                        + bare[match.end():close] + " " + bare[close + 1:])
        return bare

    def _cut(self, bare):
        """The (first, last) lines of each top-level declaration."""
        bare = DIRECTIVE.sub(lambda m: blank(m.group()), bare)
        # An attribute becomes one word: its brackets say nothing here.
        bare = ATTRIBUTE.sub(lambda m: re.sub(r"\S| ", "a", m.group()), bare)
        found = []
        first, depth, previous, body = None, 0, "", False
        for match in TOKEN.finditer(bare):
            token, line = match.group(), self._line(match.start())
            if first is None:
                if token == "END_TEST" and found:
                    found[-1] = (found[-1][0], line)
                    continue
                first, body = line, False
            if token == "{" and depth == 0:
                body = previous == ")"      # a function
            depth += token in ("(", "{")
            depth -= token in (")", "}")
            if depth < 0:
                self.broken = line
                return found
            if depth == 0 and (token == ";" or (token == "}" and body)):
                found.append((first, line))
                first = None
            previous = token
        if depth:
            self.broken = first
        return found

    def _symbol(self, tag):
        name, kind, line = tag["name"], tag["kind"], tag["line"]
        scope = tag.get("scope", "")
        if name.startswith("__anon") or "::" in scope:
            return None
        if scope and kind != "enumerator":
            return None
        if name == "START_TEST":
            name = tag["signature"].strip("( )")
        start, last = line, tag.get("end", line)
        if kind == "macro":
            if self._is_guard(name, line) or FEATURE_MACRO.match(name):
                return None
            start, last = self._own_condition(name, start, last)
        else:
            for low, high in self._declarations:
                if low <= line <= high:
                    start, last = low, high
                    break
            if ASSERTION.match(self._source(start)):
                return None
        return Symbol(name, kind, self.path, self._leading_comment(start),
                      start, line, last, not tag.get("file"))

    def _source(self, line):
        return self.lines[line - 1].strip() if 1 <= line <= len(self.lines) else ""

    def _code(self, line):
        """A line without its comments."""
        return self.bare_lines[line - 1].strip() if 1 <= line <= len(self.lines) else ""

    def _is_guard(self, name, line):
        first = next((i for i, text in enumerate(self.bare_lines, 1)
                      if text.strip()), 0)
        return (first == line - 1
                and re.fullmatch(rf"#\s*ifndef\s+{name}", self._code(first))
                and re.fullmatch(rf"#\s*define\s+{name}", self._code(line)))

    def _own_condition(self, name, start, last):
        """Take along the #ifndef NAME and #endif that stand around a macro."""
        if (re.fullmatch(rf"#\s*ifndef\s+{name}", self._code(start - 1))
                and re.match(r"#\s*endif", self._code(last + 1))):
            return start - 1, last + 1
        return start, last

    def _leading_comment(self, start):
        while start - 1 in self._comments:
            start = self._comments[start - 1]
        return start

    @property
    def opaque(self):
        """The structs and unions that are declared here without members."""
        found = (OPAQUE.fullmatch(line.strip()) for line in self.bare_lines)
        return [match[1] for match in found if match]

    # -- selecting --------------------------------------------------------

    def find(self, name):
        """The symbol that NAME or `struct NAME` means here."""
        tag, _, plain = name.rpartition(" ")
        known = [s for s in self.symbols
                 if s.name == plain and (not tag or s.kind == tag.strip())]
        if not known:
            raise SelectorError(f"{self.path} has no symbol {name}")
        best = min(RANK.get(s.kind, 0) for s in known)
        known = [s for s in known if RANK.get(s.kind, 0) == best]
        if len({(s.first, s.last) for s in known}) > 1:
            places = ", ".join(f"{s.kind} at line {s.line}" for s in known)
            raise SelectorError(
                f"{name} is ambiguous in {self.path} ({places}); write the kind "
                "before the name, as in 'struct NAME', or use /first/../last/")
        return known[0]

    def select(self, selectors):
        """The excerpts that the selectors of one directive show."""
        if not selectors.strip():
            raise SelectorError(f"say which symbol of {self.path} to list")
        excerpts, at = [], 0
        while at < len(selectors.rstrip()):
            match = SELECTOR.match(selectors, at)
            if not match:
                raise SelectorError(
                    f"cannot read the selector '{selectors[at:].strip()}'")
            excerpts.append(self._trim(self._excerpt(match)))
            at = match.end()
        return excerpts

    def _excerpt(self, match):
        end = len(self.lines)
        if match["whole"]:
            part = self._between(match["whole"], 1, end, self.path, "")
            return replace(part, label=self._names_in(part))
        name = " ".join(match["from"].split())
        if name == "top":
            first = min((s.first for s in self.symbols), default=end + 1)
            first, last, label = 1, first - 1, "top of the file"
        elif name == "bottom":
            last = max((s.last for s in self.symbols), default=0)
            first, last, label = last + 1, end, "end of the file"
        else:
            symbol = self.find(name)
            first, last, label = symbol.first, symbol.last, f"`{name}`"
        if match["to"]:
            until = self.find(" ".join(match["to"].split()))
            if until.last < first:
                raise SelectorError(f"{until.name} stands before {name}")
            last, label = until.last, f"{label} to `{until.name}`"
        if match["part"]:
            return self._between(match["part"], first, last, name,
                                 f"part of {label}")
        return Excerpt(first, last, label)

    def _names_in(self, part):
        names = list(dict.fromkeys(
            f"`{s.name}`" for s in self.symbols
            if part.first <= s.line <= part.last and s.kind != "enumerator"))
        if len(names) > 2:
            return f"{names[0]} to {names[-1]}"
        return " and ".join(names) or "part of the file"

    def _between(self, pattern, first, last, where, label):
        begin, end = re.fullmatch(
            r"/((?:\\.|[^/\\])+)/\.\./((?:\\.|[^/\\])+)/", pattern).groups()
        low = self._one_line(begin, first, last, where)
        high = self._one_line(end, first, last, where)
        if high < low:
            raise SelectorError(
                f"/{end}/ matches line {high}, before /{begin}/ at line {low}")
        return Excerpt(low, high, label)

    def _one_line(self, pattern, first, last, where):
        try:
            regex = re.compile(pattern)
        except re.error as error:
            raise SelectorError(f"/{pattern}/ is no regex: {error}") from error
        hits = [n for n in range(first, last + 1)
                if regex.search(self.lines[n - 1])]
        if len(hits) != 1:
            which = ", ".join(map(str, hits)) or "none"
            raise SelectorError(
                f"/{pattern}/ must match one line of {where}, but matches "
                f"{len(hits)} ({which})")
        return hits[0]

    def _trim(self, excerpt):
        first, last = excerpt.first, excerpt.last
        while first <= last and not self._source(first):
            first += 1
        while first <= last and not self._source(last):
            last -= 1
        if first > last:
            raise SelectorError(
                f"{excerpt.label} of {self.path} shows no line at all")
        return replace(excerpt, first=first, last=last)

    # -- comments ---------------------------------------------------------

    def comment_of(self, symbol):
        """The text of the comment above a symbol, white space folded.

        Declarations with no blank line between them share what stands above.
        """
        text = "\n".join(self.lines[symbol.first - 1:symbol.start - 1])
        above = next((s for s in self.symbols if s.last == symbol.first - 1), None)
        return comment_text(text) or (self.comment_of(above) if above else "")


def comment_text(comment):
    """A comment without its marks, up to its first empty line, as one line."""
    paragraph = []
    for line in comment.splitlines():
        line = re.sub(r"^\s*(?:/\*+|\*+(?!/)|//+)?\s?|\s*\*+/\s*$", "", line)
        if line.strip() in ("", "/"):
            if paragraph:
                break
            continue
        paragraph.append(line.strip())
    return " ".join(paragraph)


def run_ctags(root, paths):
    """Tags of all files by path: one call, as starting ctags costs most."""
    if not paths:
        return {}
    command = ["ctags", "--languages=C", "--langmap=C:+.h",
               "--kinds-C=+p+x-l-m", "--fields=+neKSZ", "--sort=no",
               "--output-format=json", "-I", "END_TEST", "-o", "-", "-L", "-"]
    done = subprocess.run(command, cwd=root, input="\n".join(paths), text=True,
                          capture_output=True, check=True)
    tags = {}
    for line in done.stdout.splitlines():
        tag = json.loads(line)
        tags.setdefault(tag["path"], []).append(tag)
    return tags


def load(root, paths):
    """The CFile of each path, by path."""
    tags = run_ctags(root, [p for p in paths if p.endswith((".c", ".h"))])
    return {p: CFile(p, (root / p).read_text(encoding="utf-8"), tags.get(p, []))
            for p in paths}
