"""Markdown files: fences, directives, claims, terms, headings and links.

Nothing here knows what a directive asks for: this module finds the comments,
says which fence or figure each one governs, and reports comments that are
malformed, misspelt or govern nothing. A claim is no comment: one at the start
of a line would cut its paragraph wherever Markdown is read by CommonMark.
"""

import bisect
import re
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

FENCE = re.compile(r"^(?P<indent>[ \t>]*)(?P<mark>`{3,}|~{3,})(?P<info>[^`]*)$")
# A comment or a code span, whichever begins first: each hides the other.
COMMENT = re.compile(r"<!--(.*?)-->|(`+)(?!`)(?:(?!\n\s*\n).)*?(?<!`)\2(?!`)", re.S)
FOLD = re.compile(r"<details\b.*?</details>", re.S)
HEADING = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*#*$", re.M)
IMAGE = re.compile(r"!\[(?:[^\[\]]|\[[^\]]*\])*\]\((?P<target>[^)\s]+)")
LINK = re.compile(r"\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")
REFERENCE = re.compile(r"^\[[^\]^][^\]]*\]:[ \t]+(\S+)", re.M)
# A claim's end stands in its paragraph, and no other span in between.
CLAIM = re.compile(r"<span\s+id=\"claim-(?P<id>[^\"]*)\"\s*>"
                   r"(?P<sentence>(?:(?!</?span\b|\n[ \t>]*\n).)*)(?P<end></span>)?", re.S)
TERM = re.compile(r"<dfn(?:\s+id=\"(?P<id>[^\"]+)\")?\s*>(?P<term>.*?)</dfn>", re.S)
SENTENCE_END = re.compile(r"(?<=[.!?])(?<!e\.g\.)(?<!i\.e\.)(?:[\"')\]]*)\s+(?=-?[A-Z`\"'(\[<*{])")


def fold(text):
    return " ".join(text.split())


@dataclass
class Fence:
    open: int       # line of the opening mark, from 1
    close: int      # line of the closing mark
    mark: str
    info: str
    indent: str
    body: list

    @property
    def language(self):
        words = self.info.strip().strip("{}").split()
        return words[0].lstrip(".").lower() if words else ""


@dataclass
class Directive:
    kind: str
    options: list
    body: str
    line: int
    start: int      # offsets of the comment in the text
    end: int
    last: int = 0   # the comment's last line
    fence: Fence = None
    image: str = ""
    image_line: int = 0

    @property
    def expected_status(self):
        given = [o for o in self.options if o.startswith("exit=")]
        return int(given[-1][5:]) if given else 0

    @property
    def manner(self):
        """How its output is compared: a key of commands.MANNERS."""
        return next((o for o in self.options if o.startswith("shape")), None)


@dataclass
class Claim:
    id: str
    sentence: str
    path: str
    line: int
    chapter: str = ""
    test: str = ""
    since: str = ""


@dataclass
class Term:
    term: str
    anchor: str
    sentence: str
    path: str
    line: int
    chapter: str = ""


@dataclass
class Document:
    """A Markdown file: its headings and its links."""
    path: str
    text: str
    problems: object
    fences: list = field(default_factory=list)

    def __post_init__(self):
        self.lines = self.text.splitlines()
        self._starts = [0] + [m.end() for m in re.finditer("\n", self.text)]
        self.closed = self._read_fences()
        self.prose = self._mask_fences()
        self.comments = []
        self.prose = COMMENT.sub(self._comment_or_span, self.prose)
        if "<!--" in self.prose:
            self._problem(self.line_of(self.prose.index("<!--")),
                          "this comment is not closed with -->")

    def _problem(self, line, message):
        self.problems.add(self.path, line, message)

    def line_of(self, offset):
        return bisect.bisect_right(self._starts, offset)

    def _read_fences(self):
        opened = None
        for number, line in enumerate(self.lines, 1):
            match = FENCE.match(line)
            if opened:
                mark, start, info, indent = opened
                bare = line.strip(" \t>")
                if bare.startswith(mark) and not bare.strip(mark[0]):
                    body = self.lines[start:number - 1]
                    self.fences.append(Fence(start, number, mark, info, indent, body))
                    opened = None
            elif match:
                opened = (match["mark"], number, match["info"], match["indent"])
        if opened:
            self._problem(opened[1], "this fence is never closed")
        return not opened

    def _mask_fences(self):
        """The text with the fences blanked, every offset staying the same."""
        lines = self.text.splitlines(keepends=True)
        for fence in self.fences:
            for number in range(fence.open - 1, fence.close):
                lines[number] = re.sub(r"[^\n]", " ", lines[number])
        return "".join(lines)

    def _comment_or_span(self, match):
        if match.group(1) is not None:
            self.comments.append((match.start(), match.end(), match.group(1)))
        return re.sub(r"[^\n]", " ", match.group())

    def headings(self):
        """(line, id) of every heading, with the ids that pandoc gives."""
        used, found = {}, []
        for match in HEADING.finditer(self.prose):
            line = self.line_of(match.start())
            title = HEADING.match(self.lines[line - 1])[2]
            given = re.search(r"\{[^}]*#([\w.:-]+)[^}]*\}$", title)
            if given:
                found.append((line, given[1]))
                continue
            plain = pandoc_id(title)
            count = used.get(plain, 0)
            used[plain] = count + 1
            found.append((line, f"{plain}-{count}" if count else plain))
        return found

    @cached_property
    def ids(self):
        html = re.findall(r"\sid=\"([^\"]+)\"", self.prose)
        return {name for _, name in self.headings()} | set(html)

    def links(self):
        """(line, target) of every link, image and reference definition."""
        # The text of a link may be code, which is masked by spaces: it stays
        # a text. The target never is.
        for regex in (LINK, REFERENCE):
            for match in regex.finditer(self.prose):
                yield self.line_of(match.start()), match.group(1)


def pandoc_id(title):
    """The identifier that pandoc's auto_identifiers makes from a heading."""
    title = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", title)
    title = re.sub(r"---?|\.\.\.", "", title)
    title = re.sub(r"[^\w\s.-]", "", title).lower()
    title = "-".join(title.split())
    return re.sub(r"^[^a-z]+", "", title) or "section"


class Page(Document):
    """A page that may have listings. As it stands here it is an appendix, on
    which a comment of one word is where docs/appendix.lua puts a part.
    """
    kinds = ("code",)

    def __init__(self, path, text, problems):
        super().__init__(path, text, problems)
        self.name = Path(path).stem
        self.directives = [d for d in map(self._directive, self.comments) if d]
        self._govern()

    def of_kind(self, *kinds):
        return [d for d in self.directives if d.kind in kinds]

    @cached_property
    def printed(self):
        """The fences of C that a reader meets: not those in a fold."""
        folds = [(self.line_of(m.start()), self.line_of(m.end()))
                 for m in FOLD.finditer(self.prose)]
        return [fence for fence in self.fences if fence.language == "c"
                and not any(low < fence.open < high for low, high in folds)]

    def words_between(self, above, below):
        """Whether a sentence stands between two fences; a heading is none."""
        start, end = self._starts[above.close], self._starts[below.open - 1]
        left = HEADING.sub("", FOLD.sub("", self.prose[start:end]))
        return bool(re.search(r"\w", left))

    # -- directives -------------------------------------------------------

    def _directive(self, comment):
        start, end, inner = comment
        line = self.line_of(start)
        inner = re.sub(r"\s*\n\s*", " ", inner.strip())
        word, rest = re.match(r"([A-Za-z][\w-]*|)(.*)", inner, re.S).groups()
        if word not in self.kinds:
            if word and self._looks_meant(rest):
                self._problem(line, f"there is no directive '{word}': "
                              f"use one of {', '.join(self.kinds)}")
            return None
        options, colon, body = rest.partition(":")
        options, body = options.split(), body.strip()
        directive = Directive(word, options, body, line, start, end,
                              self.line_of(end - 1))
        wrong = self._malformed(directive, colon)
        if wrong:
            self._problem(line, wrong)
        return directive

    def _looks_meant(self, rest):
        """Whether what follows a comment's first word makes it a directive."""
        return rest.startswith(":")

    def _malformed(self, directive, colon):
        kind = directive.kind
        if kind == "sketch":
            if directive.options or colon:
                return "write this directive as <!-- sketch -->"
            return ""
        if not colon or not directive.body:
            return f"write this directive as <!-- {kind}: ... -->"
        for option in directive.options:
            if kind != "run" or not re.fullmatch(r"shape|shape=numbers|exit=\d+", option):
                directive.options = []
                return f"'{kind}' does not know the option '{option}'"
        return ""

    def _govern(self):
        """Give each directive the fence or figure that stands under it."""
        opens = {fence.open: fence for fence in self.fences}
        governed = set()
        for directive in self.directives:
            if not self._stands_alone(directive):
                self._problem(directive.line, "a directive stands alone on its "
                              "line, above the block it governs")
                continue
            below = directive.last + 1
            if below <= len(self.lines) and not self.lines[below - 1].strip():
                below += 1
            if directive.kind == "figure":
                self._govern_figure(directive, below)
            elif below in opens:
                governed.add(below)
                self._govern_fence(directive, opens[below])
            else:
                self._problem(directive.line,
                              f"no fence stands under this '{directive.kind}'")
        for fence in self.fences:
            if fence.open not in governed:
                self._ungoverned(fence)

    def _stands_alone(self, directive):
        first = self.lines[directive.line - 1].strip()
        last = self.lines[directive.last - 1].strip()
        return first.startswith("<!--") and last.endswith("-->") and \
            "<!--" not in first[4:]

    def _govern_figure(self, directive, below):
        start = self._starts[below - 1] if below <= len(self.lines) else 0
        match = IMAGE.match(self.prose, start)
        if not start or not match:
            self._problem(directive.line, "no image stands under this 'figure'")
        elif not re.fullmatch(r"figures/[\w.-]+\.svg", match["target"]):
            self._problem(below, "a figure's image is figures/NAME.svg, "
                          f"not {match['target']}")
        else:
            directive.image = match["target"]
            directive.image_line = below

    def _govern_fence(self, directive, fence):
        wanted = {"run": "console", "sketch": "c"}.get(directive.kind, "")
        if directive.kind == "code" and re.search(r"\.[ch]\s", directive.body + " "):
            wanted = "c"
        if wanted and fence.language != wanted:
            self._problem(fence.open, f"the fence under a '{directive.kind}' "
                          f"directive is ```{wanted}, not ```{fence.info}")
        elif fence.indent:
            self._problem(fence.open, "a fence with a directive starts in the "
                          "first column")
        else:
            directive.fence = fence

    def _ungoverned(self, fence):
        if fence.language == "c":
            self._problem(fence.open, "C without a directive: put <!-- code: "
                          "PATH SYMBOL --> or <!-- sketch --> above it")
        elif fence.language == "console":
            self._problem(fence.open, "console output without a directive: put "
                          "<!-- run: COMMAND --> above it")


class Chapter(Page):
    """A chapter: a page with a number, outputs and figures, claims and terms."""
    kinds = ("code", "sketch", "run", "figure")

    def __init__(self, path, text, problems):
        super().__init__(path, text, problems)
        self.number = int(self.name[:2])
        self.title = self._read_title()
        self.claims = list(self._read_claims())
        self.terms = list(self._read_terms())

    def _looks_meant(self, rest):
        return not rest or super()._looks_meant(rest)

    def _read_title(self):
        first = self.lines[0] if self.lines else ""
        if not first.startswith("# "):
            self._problem(1, "a chapter begins with its title, '# Title'")
        titles = [m for m in HEADING.finditer(self.prose) if m[1] == "#"]
        for match in titles[1:]:
            self._problem(self.line_of(match.start()),
                          "a chapter has one title: use '##' for a section")
        return re.sub(r"\s*\{.*\}$", "", first[2:].strip())

    # -- claims and terms -------------------------------------------------

    def _read_claims(self):
        for match in CLAIM.finditer(self.prose):
            line, name = self.line_of(match.start()), match["id"]
            if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
                self._problem(line, f"a claim's id is kebab-case, '{name}' is not")
            elif not match["end"]:
                self._problem(line, f"the claim '{name}' has no </span> in its paragraph")
            else:
                # The text, not the prose: a claim may have code in it.
                sentence = fold(self.text[match.start("sentence"):match.end("sentence")])
                yield Claim(name, sentence, self.path, line, self.name)
        rest = CLAIM.sub(lambda m: " " * len(m[0]), self.prose)
        for match in re.finditer(r"</?span\b", rest):
            self._problem(self.line_of(match.start()), "this span is no claim: "
                          "write <span id=\"claim-its-id\">Sentence.</span>")

    def _read_terms(self):
        for match in TERM.finditer(self.prose):
            # The text, not the prose: a term may have code in it.
            inner = fold(self.text[match.start("term"):match.end("term")])
            slug = re.sub(r"[^a-z0-9]+", "-", inner.lower()).strip("-")
            yield Term(inner, match["id"] or f"term-{slug}",
                       self._sentence_at(match.start(), match.end()),
                       self.path, self.line_of(match.start()), self.name)

    def _sentence_at(self, start, end):
        """The sentence of the paragraph around these offsets, tags removed."""
        low = max((m.end() for m in re.finditer(r"\n[ \t>]*\n", self.prose[:start])),
                  default=0)
        after = re.search(r"\n[ \t>]*\n", self.prose[end:])
        high = end + after.start() if after else len(self.text)
        marked = (self.text[low:start] + "\0" + self.text[start:high])
        marked = re.sub(r"<!--.*?-->|</?(?:dfn|span)\b[^>]*>|\[\^[^\]]+\]", "", marked, flags=re.S)
        marked = re.sub(r"^[ \t]*(?:>|[-*+]\s|\d+\.\s|#+\s)[ \t]*", "", marked, flags=re.M)
        for sentence in SENTENCE_END.split(fold(marked)):
            if "\0" in sentence:
                return sentence.replace("\0", "")
        return ""
