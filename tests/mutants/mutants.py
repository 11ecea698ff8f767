#!/usr/bin/env python3
"""mutants.py BUILD LIST [WORD] - is every mistake noticed by its test?

LIST has the mistakes, one a block, blocks parted by blank lines; "#" begins a
comment. The first line of a block names a file of the library, the test
program that must fail, and "thread" if only ThreadSanitizer can tell. Lines
with "-" in front are text that the file has exactly once, lines with "+" are
put in its place. A line with "~" says why no test can fail; such a mutant has
to survive, or the excuse goes.

Each mutant is built in a copy of the tree below BUILD, as far as its test
needs, and the test is run, on each processor one. One that survives is tried
again when the machine is free: some tests need threads that meet. Only blocks that contain WORD, if one is given.
"""
import concurrent.futures
import os
import pathlib
import queue
import shutil
import subprocess
import sys

PARTS = ["Makefile", "code", "docs", "tests"]
SECONDS = 120
OPTIONS = {"": ["B=build"],
           "thread": ["B=build/thread", "SAN=-fsanitize=thread"]}


class Mutant:
    def __init__(self, block, number):
        lines = [line for line in block if not line.startswith("#")]
        head = lines[0].split()
        if len(head) not in (2, 3) or not set(head[2:]) <= {"thread"}:
            raise SystemExit(f"line {number}: FILE TEST [thread], not {lines[0]!r}")
        self.file, self.test = head[:2]
        self.tool = "".join(head[2:])
        self.old, self.new, self.excuse = (
            "\n".join(line[1:] for line in lines[1:] if line[0] == mark)
            for mark in "-+~")
        if any(line[0] not in "-+~" for line in lines[1:]) or not self.old:
            raise SystemExit(f"line {number}: lines begin with -, + or ~")
        self.number = number
        self.words = "\n".join(block)

    def built_in(self):
        return OPTIONS[self.tool][0][2:]

    def program(self):
        return f"{self.built_in()}/tests/{self.test}"

    def __str__(self):
        return f"line {self.number}: {self.file}: {self.old.strip().splitlines()[0]}"

    def applied(self, text):
        found = text.count(self.old)
        if found != 1:
            raise SystemExit(f"{self}: no longer applies, the file has it {found} times")
        return text.replace(self.old, self.new)


def read(path):
    mutants, block = [], []
    for number, line in enumerate(path.read_text().splitlines() + [""], 1):
        if line.strip():
            block.append(line)
        elif block:
            if any(not other.startswith("#") for other in block):
                mutants.append(Mutant(block, number - len(block)))
            block = []
    return mutants


def build(tree, options, *targets):
    return subprocess.run(["make", "-s", *options, "CFLAGS=-O2", *targets],
                          cwd=tree, text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)


def run(tree, mutant):
    """The exit status of a mutant's test, and whether it skipped anything."""
    command = ["setarch", "-R"] if mutant.tool else []
    with subprocess.Popen([*command, mutant.program()], cwd=tree, text=True,
                          env={**os.environ, "BUILD": mutant.built_in()},
                          start_new_session=True,  # check kills its group
                          errors="replace", stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT) as process:
        try:
            output = process.communicate(timeout=SECONDS)[0]
        except subprocess.TimeoutExpired:
            process.terminate()  # check takes its children along
            output = process.communicate()[0]
    return process.returncode, "SKIPPED" in output


def survives(mutant):
    return f"survives {mutant.test}"


def verdict(mutant, status, skipped):
    """What is wrong, or nothing."""
    if status != 0:
        return "is noticed, and the list says: " + mutant.excuse if mutant.excuse else ""
    if mutant.excuse or skipped:
        return ""
    return survives(mutant)


def judge(tree, mutant):
    file = tree / mutant.file
    text = file.read_text()
    file.write_text(mutant.applied(text))
    try:
        made = build(tree, OPTIONS[mutant.tool], mutant.program())
        if made.returncode != 0:
            return "does not compile\n" + made.stdout
        return verdict(mutant, *run(tree, mutant))
    finally:
        file.write_text(text)  # newer than what was built from the mutant


def copies(place, mutants, count):
    """Trees in which the tests of all mutants are built, and pass."""
    shutil.rmtree(place, ignore_errors=True)
    trees = [place / str(i) for i in range(count)]
    trees[0].mkdir(parents=True)
    for part in PARTS:
        subprocess.run(["cp", "-a", part, trees[0]], check=True)
    for tool, options in OPTIONS.items():
        theirs = [m for m in mutants if m.tool == tool]
        programs = {m.program() for m in theirs} | {  # and what these run
            f"{m.built_in()}/{name}" for m in theirs
            for name in ("refuse", m.test.split("/")[0] + "/demo")}
        if programs:
            made = build(trees[0], [f"-j{count}", *options], *programs)
            if made.returncode != 0:
                raise SystemExit(made.stdout)
    for mutant in {m.program(): m for m in mutants}.values():
        if run(trees[0], mutant)[0] != 0:
            raise SystemExit(f"{mutant.test} fails without any mutant")
    for tree in trees[1:]:
        subprocess.run(["cp", "-a", trees[0], tree], check=True)
    return trees


def main(place, path, word=""):
    mutants = [m for m in read(path) if word in m.words]
    for mutant in mutants:
        mutant.applied(pathlib.Path(mutant.file).read_text())
    trees = queue.Queue()
    for tree in copies(place, mutants, os.cpu_count()):
        trees.put(tree)

    def in_some_tree(mutant):
        tree = trees.get()
        try:
            return judge(tree, mutant)
        finally:
            trees.put(tree)

    bad, survivors = 0, []
    with concurrent.futures.ThreadPoolExecutor(trees.qsize()) as pool:
        for mutant, problem in zip(mutants, pool.map(in_some_tree, mutants)):
            if problem == survives(mutant):
                survivors.append(mutant)
            elif problem:
                print(f"{mutant}: {problem}", flush=True)
                bad += 1
    for mutant in survivors:
        problem = in_some_tree(mutant)
        if problem:
            print(f"{mutant}: {problem}", flush=True)
            bad += 1
    excused = sum(bool(m.excuse) for m in mutants)
    print(f"{len(mutants)} mutants, {excused} of them excused, {bad} problems")
    return 1 if bad or not mutants else 0


if __name__ == "__main__":
    sys.exit(main(*map(pathlib.Path, sys.argv[1:3]), *sys.argv[3:]))
