#!/usr/bin/env python3
"""count.py print|compare|accept PROGRAM CC OPTIONS LIBURING - count
instructions of a buffer's paths under callgrind.

PROGRAM is tests/bench/count.c, compiled by CC with OPTIONS. Counted per
operation: instructions of the library and of the same by hand, and of the
library's those with a lock on memory and the system calls (known for x86
only). The loop around them is subtracted.

`compare` holds them against what is stored for this compiler and machine, and
fails where one is worse; `accept` stores them. Where there is nothing to
compare with, or no callgrind, the reason is printed instead.
"""
import pathlib
import re
import subprocess
import sys
from collections import namedtuple

BASELINE = pathlib.Path(__file__).parent / "baseline"
OPERATIONS = 1024
# A figure is worse from this on: instructions, and parts of a hundred. What
# is locked is exact.
SLACK, PERCENT = 2, 3
# What each row is to reach: so many instructions, or so many above by hand; so
# many locked.
GOALS = {"take": "50 / 0", "release": "70 / 3", "release_all": "45 / 1+",
         "message": "+110", "read, QD1": "+140", "read, QD32": "+140"}

Row = namedtuple("Row", "library locked calls hand")


class Skipped(Exception):
    pass


def walked(text):
    """{the name of a dump: {address: how often it was executed}}"""
    dumps, counts, skip = {}, None, False
    for line in text.splitlines():
        if line.startswith("desc: Trigger: "):
            counts = dumps[line.partition("Client Request: ")[2]] = {}
        elif line.startswith("0x") and not skip:
            address, cost = line.split()
            counts[int(address, 16)] = counts.get(int(address, 16), 0) + int(cost)
        # The line after "calls=" is the cost of what was called, which is
        # listed there too.
        skip = line.startswith("calls=")
    return dumps


def marked(disassembly):
    """The addresses of locked instructions, and those of system calls."""
    locked, calls = set(), set()
    for line in disassembly.splitlines():
        found = re.match(r"\s*([0-9a-f]+):\t(.*)", line)
        if not found:
            continue
        address, code = int(found[1], 16), found[2]
        if re.match(r"lock |xchg .*\(", code):
            locked.add(address)
        elif re.match(r"(syscall|sysenter|int +\$0x80)\b", code):
            calls.add(address)
    return locked, calls


def rows(dumps, locked, calls):
    """{what: Row}, from the dumps "WHAT library", "WHAT hand", "WHAT nothing"."""
    def total(name, among=None):
        return sum(n for address, n in dumps[name].items()
                   if among is None or address in among)

    return {
        what: Row(
            *(round((total(f"{what} {side}") - total(f"{what} nothing")) / OPERATIONS)
              if among is None else round(total(f"{what} {side}", among) / OPERATIONS, 2)
              for side, among in [("library", None), ("library", locked),
                                  ("library", calls), ("hand", None)]))
        for what in (name.removesuffix(" library") for name in dumps
                     if name.endswith(" library"))}


def table(rows, goals=None):
    lines = [f"{'instructions':<12} {'library':>8} {'locked':>7} {'calls':>6}"
             f" {'by hand':>8}" + (f" {'above':>6} {'at most':>8}" if goals else "")]
    for what, row in rows.items():
        above = f"{row.library - row.hand:+d}"
        lines.append(f"{what:<12} {row.library:>8} {row.locked:>7} {row.calls:>6}"
                     f" {row.hand:>8}"
                     + (f" {above:>6} {goals.get(what, ''):>8}" if goals else ""))
    return "\n".join(lines)


def untable(lines):
    stored = {}
    for line in lines[1:]:
        what, library, locked, calls, hand = line.rsplit(maxsplit=4)
        stored[what] = Row(int(library), float(locked), float(calls), int(hand))
    return stored


def worse(now, stored):
    """What is worse than it was, a sentence each."""
    bad = [f"{what}: counted in one of the two only" for what in now.keys() ^ stored.keys()]
    for what in now.keys() & stored.keys():
        new, old = now[what], stored[what]
        if new.library > old.library + max(SLACK, old.library * PERCENT / 100):
            bad.append(f"{what}: {new.library} instructions, stored {old.library}")
        if new.locked > old.locked + 0.005:
            bad.append(f"{what}: {new.locked} locked, stored {old.locked}")
        if new.calls > old.calls:
            bad.append(f"{what}: {new.calls} system calls, stored {old.calls}")
    return sorted(bad)


def run(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True)
    except FileNotFoundError:
        raise Skipped(f"no {command[0]} here") from None


def count(program):
    if not pathlib.Path(program).exists():
        raise Skipped("no callgrind.h here, or no static libraries")
    out = pathlib.Path(f"{program}.callgrind")
    done = run("valgrind", "-q", "--tool=callgrind", "--dump-instr=yes", "--dump-line=no",
               "--combine-dumps=yes", "--compress-pos=no", "--compress-strings=no",
               f"--callgrind-out-file={out}", program)
    if done.returncode == 77:
        raise Skipped(done.stderr.strip().splitlines()[-1])
    if done.returncode:
        raise SystemExit(done.stderr)
    return rows(walked(out.read_text()),
                *marked(run("objdump", "-d", "--no-show-raw-insn", program).stdout))


def compiler(cc):
    """Such as gcc-12-x86_64."""
    macros = run(*cc.split(), "-dM", "-E", "-x", "c", "/dev/null").stdout
    name, macro = (("clang", "__clang_major__") if "__clang__" in macros
                   else ("gcc", "__GNUC__"))
    machine = run(*cc.split(), "-dumpmachine").stdout.split("-")[0]
    return f"{name}-{re.search(rf'{macro} ([0-9]+)', macros)[1]}-{machine}"


def compare(now, path, conditions):
    if not path.exists():
        raise Skipped(f"nothing is stored for {path.stem}")
    head, *lines = path.read_text().splitlines()
    if head != conditions:
        raise Skipped(f"stored for {head}; here it is {conditions}")
    stored = untable(lines)
    bad = worse(now, stored)
    if bad:
        raise SystemExit("\n".join([f"worse than {path.name}:", *bad, table(now),
                                    "if that is meant: make bench-baseline"]))
    print(f"{path.stem}: as stored", *(["or better: make bench-baseline"]
                                       if worse(stored, now) else []))


def main(verb, program, cc, options, liburing):
    try:
        path = BASELINE / f"{compiler(cc)}.txt"
        conditions = f"{' '.join(options.split())}, liburing {liburing}"
        now = count(program)
        if verb == "print":
            print(f"{path.stem}, {conditions}\n\n{table(now, GOALS)}")
        elif verb == "accept":
            path.write_text(f"{conditions}\n{table(now)}\n")
        else:
            compare(now, path, conditions)
    except Skipped as reason:
        print(f"SKIPPED, {reason}")


if __name__ == "__main__":
    if len(sys.argv) != 6:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
