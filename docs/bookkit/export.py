"""`sync.py export`: what the book's rendering needs to know, as a Lua table."""

import datetime
import platform
import re

from . import verdicts
from .markdown import SENTENCE_END


def export(book):
    """The text of data.lua."""
    chapters = book.chapters
    outputs = {c.name: [output(book, c, d) for d in c.of_kind("run")]
               for c in chapters}
    return "return " + lua({
        "kernel": platform.release(),
        "machine": platform.machine(),
        "date": datetime.date.today().isoformat(),
        "refused": book.refusal or False,
        "chapters": [{"file": c.name, "number": c.number, "title": c.title}
                     for c in chapters],
        "listings": {p.name: [listing(book, x) for x in book.listings_of(p)]
                     for p in book.pages},
        "outputs": outputs,
        "symbols": symbols(book),
        "kernels": [{"series": k.series, "version": k.version}
                    for k in book.kernels],
        "claims": claims(book),
        "terms": [{"term": t.term, "chapter": t.chapter, "anchor": t.anchor,
                   "sentence": t.sentence} for c in chapters for t in c.terms],
    }) + "\n"


def news(text):
    """The text without the addresses in it, which are others in every run."""
    return re.sub(r"\b0x[0-9a-f]{9,}", "0x", text)


def listing(book, shown):
    names = list(dict.fromkeys(s.name for s in shown.symbols))
    return {
        "path": shown.path,
        # Of each line its number in the file, 0 for a blank between excerpts.
        "numbers": [number for number, _ in shown.rows],
        "label": shown.label,
        "again": shown.again,
        "symbols": names,
        # The ids that this listing, and no other, carries.
        "anchors": [f"sym-{n}" for n in names if book.home.get(n) is shown],
    }


def output(book, chapter, directive):
    capture = book.capture(chapter, directive)
    printed = ["$ " + directive.body] + capture.printed
    text = capture.recorded if capture.refused else printed
    return {"command": directive.body, "text": "\n".join(text[1:]),
            "ran": not capture.refused, "same": capture.same, "why": capture.why}


def symbols(book):
    found = {}
    for name, home in book.home.items():
        known = [s for s in home.symbols if s.name == name]
        known += [s for source in book.layer_files()
                  for s in source.symbols if s.name == name]
        comments = (book.sources[s.path].comment_of(s) for s in known)
        comment = next(filter(None, comments), "")
        found[name] = {"page": home.page.name, "anchor": f"sym-{name}",
                       "public": name in book.public,
                       "brief": SENTENCE_END.split(comment)[0]}
    return found


def claims(book):
    tests = {t.id: t for t in reversed(book.test_claims)}
    found = []
    for claim in (c for chapter in book.chapters for c in chapter.claims):
        test = tests.get(claim.id)
        verdict, why = verdicts.of(test, book.root / "build/results")
        found.append({"id": claim.id, "sentence": claim.sentence,
                      "chapter": claim.chapter, "test": test.test if test else "",
                      "path": test.path if test else "",
                      "line": test.line if test else 0,
                      "since": test.since if test else "",
                      "verdict": verdict if verdict == "shown" else f"{verdict} here",
                      "why": why, "kernels": on_kernels(book, claim)})
    return found


def on_kernels(book, claim):
    """The stored verdicts on a claim; one that is newer than them has none."""
    found = [kernel.verdicts.get(claim.id, ("not run", "")) for kernel in book.kernels]
    return [{"verdict": verdict, "why": why} for verdict, why in found]


# -- Lua ------------------------------------------------------------------

def lua(value, indent=""):
    """A Lua expression for strings, numbers, booleans, lists and dicts."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, str):
        return lua_string(value)
    if isinstance(value, list) and all(isinstance(v, int) for v in value):
        return "{" + ", ".join(map(lua, value)) + "}"
    inner = indent + "  "
    if isinstance(value, dict):
        items = [f"[{lua_string(k)}] = {lua(v, inner)}" for k, v in value.items()]
    else:
        items = [lua(v, inner) for v in value]
    return "{\n" + "".join(f"{inner}{item},\n" for item in items) + indent + "}"


def lua_string(text):
    """A quoted Lua string; three digits, so that no digit after can join in."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    escaped = re.sub(r"[\x00-\x1f\x7f]", lambda m: f"\\{ord(m.group()):03d}", escaped)
    return f'"{escaped}"'
