"""`sync.py sync`: brings listings, outputs and figures up to date in place.

Only the inside of fences that a directive governs and figures that a
directive draws are written, and only where they are out of date.
"""

from .rules import fits, too_short_a_mark


def refresh(book):
    """Update all pages; return the paths that were written."""
    written = []
    for page in book.pages:
        if not page.closed:
            continue        # reported; where a fence ends is anyone's guess
        bodies = {id(x.directive): x.text for x in book.listings_of(page)
                  if x.excerpts}
        for directive in page.of_kind("run", "figure"):
            if directive.kind == "run" and directive.fence:
                lines = new_output(book, page, directive)
                if lines is not None:
                    bodies[id(directive)] = lines
            elif directive.image:
                written += draw_figure(book, page, directive)
        written += rewrite(book, page, bodies)
    return written


def new_output(book, chapter, directive):
    """What the fence is to hold, or None where it stays as it is."""
    capture = book.capture(chapter, directive)
    if capture.why and not capture.refused:
        book.complain(chapter, directive, capture.why)
    if capture.why or capture.difference is None:
        return None
    return ["$ " + directive.body] + capture.printed


def draw_figure(book, chapter, directive):
    drawn = book.draw(chapter, directive)
    path = book.root / "chapters" / directive.image
    if drawn is None or (path.is_file() and path.read_bytes() == drawn):
        return []
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(drawn)
    return [book.relative(path)]


def rewrite(book, page, bodies):
    """Put the new bodies into the page's fences, last fence first."""
    lines, changed = page.text.split("\n"), False
    for directive in reversed(page.directives):
        fence, body = directive.fence, bodies.get(id(directive))
        if not fence or body is None or body == fence.body:
            continue
        if not fits(fence, body):
            book.problems.add(page.path, fence.open, too_short_a_mark(directive.body))
            continue
        lines[fence.open:fence.close - 1] = body
        changed = True
    if not changed:
        return []
    (book.root / page.path).write_text("\n".join(lines), encoding="utf-8")
    return [page.path]
