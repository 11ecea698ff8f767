#!/usr/bin/env python3
"""Check the prose of the book: chapters, docs, docs/pages, README.md.

    docs/prose.py [--root DIR]
    docs/prose.py --report      what each chapter has of VOICE and DEFERRAL

What is read is the text a reader sees: fences, code spans, comments, tags,
link targets and addresses are taken out first. The rules:

    spelling   a word is known to aspell's English dictionary or stands in
               docs/words.txt, one word a line. An entry in lower case also
               covers the word with a capital. A word with a digit or an
               underscore in it is known to words.txt only.
    words.txt  sorted without regard to case, no entry twice, and no entry
               that occurs in none of the texts.
    doubled    no word stands twice in a row ("the the").
    stock      none of the phrases in STOCK.
    dashes     no em-dash and nothing that stands for one: ---, a spaced or
               word-joining --, a spaced en-dash. (1--3 is a range.)
    voice      a chapter has at most VOICE_BUDGET of VOICE in 1,000 words,
               and DEFERRALS of DEFERRAL.

Needs the Debian packages aspell and aspell-en. Problems go to stderr, exit
status 1.
"""

import argparse
import html
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

# What is not prose, in the order in which it is tried at each place. The first
# to start wins, so a comment inside a code span is code, and the reverse.
NOT_PROSE = re.compile(
    r"""
    (?P<fence>^(?P<margin>[ \t>]*)(?P<fmark>`{3,}|~{3,})[^\n]*\n
        (?:.*?\n)??[ \t>]*(?P=fmark)[`~]*[ \t]*$)
  | (?P<comment><!--.*?-->)
  | (?P<code>(?<!`)(?P<cmark>`+)(?!`)(?:(?!\n[ \t]*\n).)+?(?<!`)(?P=cmark)(?!`))
  | (?P<address>\bhttps?://[^\s<>)]+)
  | (?P<tag></?[A-Za-z][^<>]*>)
  | (?P<target>(?<=\])\([^()\n]*\))
  | (?P<definition>^[ ]{0,3}\[[^\]\n^]+\]:[^\n]*$)
  | (?P<note>\[\^[^\]\n]+\])
  | (?P<attributes>\{(?:[#.]|[\w-]+=)[^{}\n]*\})
  | (?P<entity>&\#?\w+;)
  | (?P<rule>^[ \t>]*[-|:+=*_ \t]*[-=*_]{3,}[-|:+=*_ \t]*$)
    """,
    re.MULTILINE | re.DOTALL | re.VERBOSE,
)

# A word does not begin in the middle of a number such as 64KiB.
WORD = re.compile(r"(?<![^\W_])[^\W\d_][\w'\u2019]*")

# Between the two words of a pair: blanks, emphasis and link marks, and at most
# one line end with the margin of a quotation. A code span leaves backticks
# behind, which are not in it.
DOUBLED = re.compile(
    r"(?<![\w'\u2019-])([^\W\d_]+)"
    r"[ \t*_\[\]]*(?:[ \t]|\n[ \t>]*)[ \t*_\[\]]*"
    r"\1(?![\w'\u2019-])",
    re.IGNORECASE,
)

STOCK = [
    r"let['\u2019]s\s+dive", r"div(?:e|es|ing)\s+into", r"important\s+to\s+note",
    r"simply", r"powerful\w*", r"seamless\w*", r"delv(?:e|es|ing|ed)",
    r"leverag\w*", r"robust\w*", r"game.chang\w*", r"in\s+conclusion",
    r"at\s+its\s+core",
]
STOCK_PHRASE = re.compile(r"\b(?:" + "|".join(STOCK) + r")\b", re.IGNORECASE)

EM_DASH = re.compile(
    r"\u2014|---+|(?<=\s)(?:--|\u2013)(?=\s)|(?<=[^\W\d])--(?=[^\W\d])"
)

# Turns that are wit once and a mannerism ten times over. A capital letter
# shows where a sentence opens.
VOICE = re.compile(
    r"\b(?i:nothing|nobody|no\s+one|somebody|someone)\b"
    r"|\b(?:It|That)(?:\s+is|['\u2019]s)\b"
)
VOICE_BUDGET = 4        # in 1,000 words
DEFERRAL = re.compile(r"\bchapters?\s+of\s+(?:its|their)\s+own\b|\ba\s+later\s+chapter\b")
DEFERRALS = 1           # in a chapter


def blank(match):
    """Blanks of the same shape, so that line numbers stay true; an entity is what it shows."""
    if match["entity"]:
        return html.unescape(match[0]).ljust(len(match[0]))
    mark = "`" if match["code"] else " "
    return re.sub(r"[^\n]", mark, match[0])


def prose(text):
    """The text with all that is not prose blanked out."""
    return NOT_PROSE.sub(blank, text)


def line_of(text, offset):
    """The number of the line that holds this place in the text."""
    return text.count("\n", 0, offset) + 1


def words_of(text):
    """Each word of the prose with its line, possessive endings removed."""
    for match in WORD.finditer(text):
        word = match[0].replace("\u2019", "'").strip("'_")
        yield re.sub(r"'s$", "", word), line_of(text, match.start())


def unknown_to_aspell(words):
    """Those of the words that the dictionary lacks."""
    plain = {word for word in words if re.fullmatch(r"[^\W\d_]+(?:'[^\W\d_]+)*", word)}
    # An empty home: a personal word list would make the answer depend on who asks.
    with tempfile.TemporaryDirectory() as home:
        answer = subprocess.run(
            ["aspell", "list", "--lang=en", "--encoding=utf-8", f"--home-dir={home}"],
            input="\n".join(sorted(plain)), capture_output=True, text=True,
            encoding="utf-8", env={**os.environ, "HOME": home, "LC_ALL": "C.UTF-8"},
        )
    if answer.returncode != 0:
        sys.exit(f"aspell failed: {answer.stderr.strip()}")
    wrong = set(answer.stdout.split())
    return {word for word in words if word not in plain or word in wrong}


def covering(word, listed):
    """The entry of the word list that covers a word, or None."""
    for entry in (word, word[:1].lower() + word[1:]):
        if entry in listed:
            return entry
    return None


def spelling_problems(texts, listed):
    """Words that neither the dictionary nor the list knows."""
    unknown = unknown_to_aspell({w for text in texts.values() for w, _ in words_of(text)})
    for name, text in texts.items():
        for word, line in words_of(text):
            if word in unknown and not covering(word, listed):
                yield name, line, f"'{word}' is neither in the dictionary nor in docs/words.txt"


def list_key(entry):
    """The order of the word list."""
    return entry.lower(), entry


def list_problems(texts, entries):
    """Entries of the word list out of order, twice, or without use."""
    listed = set(entries)
    used = {covering(word, listed) for text in texts.values() for word, _ in words_of(text)}
    for number, (previous, entry) in enumerate(zip(["", *entries], entries), 1):
        if previous == entry:
            yield number, f"'{entry}' stands twice"
        elif list_key(previous) > list_key(entry):
            yield number, f"'{entry}' belongs before '{previous}'"
        if entry not in used:
            yield number, f"'{entry}' occurs in none of the texts"


def pattern_problems(name, text):
    """Doubled words, stock phrases and em-dashes."""
    for match in DOUBLED.finditer(text):
        yield name, line_of(text, match.start()), f"'{match[1]}' stands twice in a row"
    for match in STOCK_PHRASE.finditer(text):
        phrase = " ".join(match[0].split())
        yield name, line_of(text, match.start()), f"'{phrase}' is a stock phrase"
    for match in EM_DASH.finditer(text):
        yield name, line_of(text, match.start()), f"'{match[0]}' is an em-dash or stands for one"


def tally(pattern, text):
    """How often each turn occurs: {"nothing": 3, "it is": 2}, most often first."""
    found = Counter(" ".join(match[0].lower().split()) for match in pattern.finditer(text))
    return dict(found.most_common())


def worst_places(pattern, text):
    """(line, count) of the paragraphs that have most, each by its first."""
    found, first = Counter(), {}
    for match in pattern.finditer(text):
        paragraph = len(re.findall(r"\n[ \t>]*(?=\n)", text[:match.start()]))
        first.setdefault(paragraph, line_of(text, match.start()))
        found[paragraph] += 1
    return [(first[paragraph], count) for paragraph, count in found.most_common(5)]


def budgets(text):
    """(pattern, what it counts, how many a text may have, of how many words)."""
    words = sum(1 for _ in words_of(text))
    yield VOICE, "worn turns", words * VOICE_BUDGET // 1000, f" in {words:,} words"
    yield DEFERRAL, "deferrals", DEFERRALS, ""


def voice_problems(name, text):
    """What a chapter has more of than its budget allows."""
    for pattern, what, allowed, among in budgets(text):
        counts = tally(pattern, text)
        if sum(counts.values()) > allowed:
            worst = worst_places(pattern, text)
            told = ", ".join(f"'{turn}' {count}" for turn, count in counts.items())
            lines = ", ".join(f"{line} ({count})" for line, count in worst)
            yield name, worst[0][0], (f"{sum(counts.values())} {what}{among}, at most {allowed} "
                                      f"allowed: {told}; worst at lines {lines}")


def report(texts):
    """One line a chapter and budget."""
    for name, text in texts.items():
        for pattern, what, allowed, among in budgets(text):
            counts = tally(pattern, text)
            told = "".join(f", '{turn}' {count}" for turn, count in counts.items())
            print(f"{name}: {sum(counts.values())} of {allowed} {what}{among}{told}")


def texts_under(root):
    """The prose of each file, by its path from the root."""
    patterns = ("chapters/*.md", "docs/*.md", "docs/pages/*.md", "README.md")
    files = [file for pattern in patterns for file in root.glob(pattern)]
    return {
        str(file.relative_to(root)): prose(file.read_text(encoding="utf-8"))
        for file in sorted(files)
    }


def problems(root):
    """All problems, as (file, line, sentence)."""
    texts = texts_under(root)
    if not texts:
        yield str(root), 1, "no chapter, no document and no README.md to check"
    entries = (root / "docs/words.txt").read_text(encoding="utf-8").splitlines()
    yield from spelling_problems(texts, set(entries))
    for line, sentence in list_problems(texts, entries):
        yield "docs/words.txt", line, sentence
    for name, text in texts.items():
        yield from pattern_problems(name, text)
    for name, text in chapters_of(texts).items():
        yield from voice_problems(name, text)


def chapters_of(texts):
    return {name: text for name, text in texts.items() if name.startswith("chapters/")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--report", action="store_true")
    given = parser.parse_args()
    if given.report:
        return report(chapters_of(texts_under(given.root)))
    found = sorted(set(problems(given.root)))
    for name, line, sentence in found:
        print(f"{name}:{line}: {sentence}", file=sys.stderr)
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
