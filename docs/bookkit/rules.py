"""The rules of `sync.py check`, one function each.

Listings, outputs and figures are what the code says now; every line of a layer
stands in a chapter or an appendix, once unless `again` says so, and uses nothing
of a later layer; listings are small enough to read, in a chapter few enough outside
of folds, and have words between them; what the text claims has a test; a
term is introduced once; links lead somewhere; figures can be read aloud; the
table of kernels says what the booted ones showed.
(csource, markdown and book report what cannot be read at all.)
"""

import re
import xml.etree.ElementTree as ElementTree
from urllib.parse import unquote

from . import sketches
from .verdicts import number

COLUMNS = 80
LISTING_LINES = 60
FUNCTION_LINES = 60
PRINTED_LINES = 300     # of C in a chapter, outside of folds
IDENTIFIER = re.compile(r"(?<![\w.])(?<!->)[A-Za-z_]\w*")
# | [text](where#claim-its-id) | 6.14 to 7.1 | ...
KERNEL_ROW = re.compile(r"\| \[[^]]*\]\([^)]*#claim-([a-z0-9-]+)\)[^|]*"
                        r"\| (\d+\.\d+)(?: to (\d+\.\d+))? \|")
SVG = "{http://www.w3.org/2000/svg}"


def check(book):
    for rule in (check_listings, check_sizes, check_printed, check_coverage, check_repeats,
                 check_order, check_functions, sketches.check, check_claims,
                 check_terms, check_links, check_images, check_commands,
                 check_kernels):
        rule(book)


def quote(line, limit=60):
    return f"'{line if len(line) <= limit else line[:limit] + '...'}'"


def line_of(lines, index):
    return lines[index] if index < len(lines) else None


# -- listings -------------------------------------------------------------

def check_listings(book):
    """A fence under `code` is, line for line, what its selectors name."""
    for listing in book.listings:
        fence = listing.directive.fence
        if not fence or not listing.excerpts or fence.body == listing.text:
            continue
        if not fits(fence, listing.text):
            book.problems.add(listing.page.path, fence.open,
                              too_short_a_mark(listing.path))
            continue
        index = next((i for i, pair in enumerate(zip(fence.body, listing.text))
                      if pair[0] != pair[1]),
                     min(len(fence.body), len(listing.text)))
        source = line_of(listing.rows, index)
        where = f" at {listing.path}:{source[0]}" if source and source[0] else ""
        book.problems.add(
            listing.page.path, fence.open + 1 + index,
            f"this listing of {listing.label} is not what {listing.path} says "
            f"now{where}: run 'make sync'")


def fits(fence, lines):
    """Whether these lines can stand in the fence without closing it."""
    return not any(line.strip(" \t>").startswith(fence.mark) for line in lines)


def too_short_a_mark(path):
    return f"{path} has a line that would close this fence: use a longer mark"


def check_sizes(book):
    """A listing or a sketch has at most 60 lines of at most 80 columns."""
    shown = [(x.page, x.directive, x.text) for x in book.listings]
    shown += [(c, d, d.fence.body) for c in book.chapters
              for d in c.of_kind("sketch") if d.fence]
    for page, directive, lines in shown:
        start = directive.fence.open if directive.fence else directive.line
        if len(lines) > LISTING_LINES:
            book.problems.add(page.path, start, f"this listing has {len(lines)} "
                              f"lines, more than {LISTING_LINES}: show less, or in pieces")
        for offset, line in enumerate(lines, 1):
            width = len(line.expandtabs(8))
            if width > COLUMNS:
                book.problems.add(page.path, start + offset, f"this line has {width} "
                                  f"columns, more than {COLUMNS}: {quote(line.strip())}")


def printed_lines(chapter):
    return sum(len(fence.body) for fence in chapter.printed)


def check_printed(book):
    """A chapter prints so many lines of C; words stand between listings."""
    for chapter in book.chapters:
        lines = printed_lines(chapter)
        if lines > PRINTED_LINES:
            book.problems.add(chapter.path, 1, f"this chapter prints {lines} lines of C, "
                              f"more than {PRINTED_LINES}: fold or leave out {lines - PRINTED_LINES}")
    for page in book.pages:
        for above, below in zip(page.printed, page.printed[1:]):
            if not page.words_between(above, below):
                book.problems.add(page.path, below.open, "no sentence stands between "
                                  f"this listing and the one at line {above.open}")


def check_coverage(book):
    """Every line of a layer that is not blank stands in a chapter or an appendix."""
    shown = {}
    for listing in book.listings:
        shown.setdefault(listing.path, set()).update(n for n, _ in listing.rows)
    for source in book.layer_files():
        seen = shown.get(source.path, set())
        for first, last in unshown(source.lines, seen):
            names = [s.name for s in source.symbols if first <= s.line <= last]
            what = f" ({', '.join(names)})" if names else ""
            lines = f"lines {first} to {last}" if last > first else "this line"
            stand = "stand" if last > first else "stands"
            book.problems.add(source.path, first, f"{lines}{what} {stand} in no "
                              f"chapter or appendix: list with <!-- code: {source.path} ... -->")


def unshown(lines, seen):
    """The runs of lines not seen; a blank line neither ends nor makes one."""
    first = last = 0
    for number, text in enumerate(lines, 1):
        if not text.strip():
            continue
        if number in seen:
            if first:
                yield first, last
            first = 0
        else:
            first, last = first or number, number
    if first:
        yield first, last


def check_repeats(book):
    """What was listed before is listed again only where it says `again`."""
    shown = {}
    for listing in book.listings:
        # A blank line belongs to nothing.
        own = [n for n, text in listing.rows if n and text]
        before = [shown[listing.path, n] for n in own if (listing.path, n) in shown]
        if before and not listing.again:
            book.problems.add(
                listing.page.path, listing.directive.line,
                f"{listing.label} of {listing.path} is listed already at "
                f"{before[0]}: say 'again' if that is meant")
        if len(own) != len(set(own)):
            book.problems.add(listing.page.path, listing.directive.line,
                              "the selectors of this listing overlap")
        for number in own:
            shown.setdefault((listing.path, number), listing.place)


def check_order(book):
    """A listing names nothing that a later chapter's layer declares."""
    layer_of = {}
    for source in book.layer_files():
        number = int(source.path[5:7])
        for symbol in source.symbols:
            known = layer_of.get(symbol.name)
            if symbol.public and (not known or number < known[0]):
                layer_of[symbol.name] = (number, symbol)
    forget_opaque(book, layer_of)
    for listing in book.listings:
        report_early(book, listing, layer_of)


def forget_opaque(book, layer_of):
    """A struct that an earlier layer declares without members is known there."""
    for source in book.layer_files():
        number = int(source.path[5:7])
        for name in source.opaque:
            if number < layer_of.get(name, (0, None))[0]:
                del layer_of[name]


def report_early(book, listing, layer_of):
    directive = listing.directive
    start = directive.fence.open if directive.fence else directive.line
    reported = set()
    for offset, (number, _) in enumerate(listing.rows, 1):
        if not number:
            continue
        for name in IDENTIFIER.findall(listing.source.bare_lines[number - 1]):
            layer, symbol = layer_of.get(name, (0, None))
            if layer > listing.stage and name not in reported:
                reported.add(name)
                book.problems.add(
                    listing.page.path, start + offset,
                    f"{name} is not introduced before chapter {layer} "
                    f"({symbol.path}:{symbol.line}): list this later, or less of it")


def check_functions(book):
    """A function of a layer is short enough to be printed whole."""
    for source in book.layer_files():
        for symbol in source.symbols:
            lines = symbol.last - symbol.start + 1
            if symbol.kind == "function" and lines > FUNCTION_LINES:
                book.problems.add(source.path, symbol.start, f"{symbol.name} has {lines} "
                                  f"lines, more than {FUNCTION_LINES}: split it")


# -- outputs and figures --------------------------------------------------

def check_commands(book):
    """Outputs and figures are what their commands print now."""
    for chapter in book.chapters:
        for directive in chapter.of_kind("run", "figure"):
            if directive.kind == "run" and directive.fence:
                check_output(book, chapter, directive)
            elif directive.image:
                check_figure(book, chapter, directive)


def check_output(book, chapter, directive):
    capture = book.capture(chapter, directive)
    index = capture.difference
    if capture.why and not capture.refused:
        book.complain(chapter, directive, capture.why)
    if capture.why or index is None:
        return
    now = ["$ " + directive.body] + capture.printed
    if not fits(directive.fence, now):
        book.problems.add(chapter.path, directive.fence.open,
                          too_short_a_mark(f"'{directive.body}'"))
        return
    recorded, printed = line_of(capture.recorded, index), line_of(now, index)
    manner = ", even in shape" if directive.manner else ""
    book.problems.add(
        chapter.path, directive.fence.open + 1 + index,
        f"'{directive.body}' prints something else now{manner}: recorded "
        f"{quote(recorded) if recorded is not None else 'no further line'}, printed "
        f"{quote(printed) if printed is not None else 'no further line'}; "
        "if that is right, run 'make sync'")


def check_figure(book, chapter, directive):
    drawn = book.draw(chapter, directive)
    path = book.root / "chapters" / directive.image
    if drawn is None:
        return
    if not path.is_file() or path.read_bytes() != drawn:
        book.problems.add(chapter.path, directive.image_line,
                          f"{directive.image} is not what '{directive.body}' "
                          "draws now: run 'make sync'")


def check_images(book):
    """An SVG figure has a title and a description, and says so."""
    for chapter in book.chapters:
        for line, target in chapter.links():
            path = (book.root / chapter.path).parent / target
            if target.endswith(".svg") and path.is_file():
                for wrong in svg_problems(path.read_bytes()):
                    book.problems.add(chapter.path, line, f"{target} {wrong}")


def svg_problems(data):
    try:
        svg = ElementTree.fromstring(data)
    except ElementTree.ParseError as error:
        return [f"is no XML: {error}"]
    found = []
    if svg.tag != SVG + "svg":
        found.append("has no <svg> at its root")
    for name in ("title", "desc"):
        if not (svg.findtext(SVG + name) or "").strip():
            found.append(f"has no <{name}>")
    if svg.get("role") != "img":
        found.append('does not say role="img"')
    names = (svg.get("aria-labelledby") or "").split()
    ids = {element.get("id") for element in svg.iter()}
    if not names or not set(names) <= ids:
        found.append("does not name its title in aria-labelledby")
    return found


# -- claims, terms, links -------------------------------------------------

def check_claims(book):
    """Each claim in the text has one test, which says the same sentence."""
    stated, tested = {}, {}
    for found, claims in ((stated, [c for x in book.chapters for c in x.claims]),
                          (tested, book.test_claims)):
        for claim in claims:
            if claim.id in found:
                first = found[claim.id]
                book.problems.add(claim.path, claim.line, f"the claim '{claim.id}' is "
                                  f"made already at {first.path}:{first.line}")
            found.setdefault(claim.id, claim)
    for name, claim in stated.items():
        test = tested.get(name)
        if not test:
            book.problems.add(claim.path, claim.line, f"the claim '{name}' has no test: "
                              "put it in a comment above a START_TEST")
        elif test.sentence != claim.sentence:
            book.problems.add(
                claim.path, claim.line, f"the claim '{name}' reads "
                f"{quote(claim.sentence, 200)} here, but {quote(test.sentence, 200)} "
                f"at {test.path}:{test.line}")
    for name, test in tested.items():
        if name not in stated:
            book.problems.add(test.path, test.line,
                              f"no chapter makes the claim '{name}'")


def check_terms(book):
    """A term is introduced in one place."""
    first = {}
    for chapter in book.chapters:
        for term in chapter.terms:
            before = first.setdefault(term.term.lower(), term)
            if before is not term:
                book.problems.add(term.path, term.line, f"'{term.term}' is introduced "
                                  f"already at {before.path}:{before.line}")


def check_links(book):
    """A link to a file or to a heading of ours leads there."""
    documents = {d.path: d for d in (*book.pages, *book.documents)}
    generated = generated_ids(book)
    for document in documents.values():
        for line, target in document.links():
            if re.match(r"[a-z][a-z0-9+.-]*:|//", target):
                continue
            path, _, anchor = unquote(target).partition("#")
            place = (book.root / document.path).parent / path if path \
                else book.root / document.path
            if not place.exists():
                book.problems.add(document.path, line, f"there is no file {path}")
                continue
            name = place.resolve().relative_to(book.root).as_posix() \
                if place.resolve().is_relative_to(book.root) else ""
            known = documents.get(name)
            if anchor and known and anchor not in known.ids | generated.get(name, set()):
                book.problems.add(document.path, line, f"{name} has no heading #{anchor}")


def generated_ids(book):
    """The ids that rendering gives to symbols and terms."""
    ids = {page.path: set() for page in book.pages}
    for chapter in book.chapters:
        ids[chapter.path] |= {t.anchor for t in chapter.terms}
    for name, listing in book.home.items():
        ids[listing.page.path].add(f"sym-{name}")
    return ids


# -- kernels --------------------------------------------------------------

def check_kernels(book):
    """A row of docs/kernels.md that links to a claim agrees with its test and
    with the booted kernels: those that it names showed the claim, and the next
    ones below and above did not. (Further below, stable kernels may have got it.)
    """
    path = book.root / "docs/kernels.md"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    since = {test.id: test.since for test in book.test_claims}
    kernels = book.kernels
    for line, row in enumerate(lines, 1):
        match = KERNEL_ROW.match(row)
        if not match:
            continue
        name, first, last = match.groups()
        if since.get(name) != first:
            book.problems.add("docs/kernels.md", line, f"the claim '{name}' says "
                              f"{since.get(name, 'nothing')}, not {first}")
        for kernel, wanted in expected(kernels, first, last):
            verdict, _ = kernel.verdicts.get(name, (None, ""))
            if verdict and (verdict == "shown") != wanted:
                book.problems.add("docs/kernels.md", line, f"the claim '{name}' is "
                                  f"{verdict} on Linux {kernel.series} ({kernel.path})")


def expected(kernels, first, last):
    """Of the kernels that tell, whether each must show what came with the first
    release and went after the last."""
    below = [k for k in kernels if number(k.series) < number(first)]
    above = [k for k in kernels if last and number(k.series) > number(last)]
    within = [k for k in kernels if k not in below and k not in above]
    return ([(k, False) for k in below[-1:] + above[:1]] + [(k, True) for k in within])
