"""Compiles the sketches: C in a chapter that stands in no file.

A sketch is first taken for declarations, then for statements of a function
body. The fixed prelude gives it liburing and the usual headers; the headers
of the chapter's own layer and of those before it can be included by name.
"""

import os
import re
import shlex
import subprocess
from concurrent.futures import ThreadPoolExecutor

HEADERS = """liburing.h arpa/inet.h assert.h errno.h fcntl.h inttypes.h
netinet/in.h poll.h pthread.h signal.h stdatomic.h stdbool.h stddef.h stdint.h
stdio.h stdlib.h string.h sys/mman.h sys/socket.h sys/syscall.h sys/types.h
sys/uio.h time.h unistd.h""".split()
PRELUDE = "#define _GNU_SOURCE\n" + "".join(f"#include <{h}>\n" for h in HEADERS)
# What a later compiler refuses is refused now.
OPTIONS = ["-std=gnu11", "-fsyntax-only", "-x", "c",
           "-Werror=implicit-function-declaration", "-Werror=implicit-int",
           "-Werror=incompatible-pointer-types", "-Werror=int-conversion"]
ERROR = re.compile(r"^sketch:(\d+):(?:\d+:)? (?:fatal )?error: (.*)$", re.M)


def as_declarations(lines):
    return PRELUDE + '#line 1 "sketch"\n' + "\n".join(lines) + "\n"


def as_statements(lines):
    """The sketch in a function; its includes, which cannot be, before it."""
    outside = [x for x in lines if x.lstrip().startswith("#include")]
    inside = ["" if x in outside else x for x in lines]
    return (PRELUDE + "\n".join(outside) + "\nint sketch(void);\nint sketch(void)\n{\n"
            '#line 1 "sketch"\n' + "\n".join(inside) + "\nreturn 0;\n}\n")


def compile_errors(text, folders):
    """(line in the sketch, message) of each error; [] if there is none."""
    compiler = shlex.split(os.environ.get("CC", "cc"))
    done = subprocess.run(
        [*compiler, *OPTIONS, *(f"-I{f}" for f in folders), "-"], input=text,
        capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"},
        check=False)
    if done.returncode == 0:
        return []
    return [(int(line), said) for line, said in ERROR.findall(done.stderr)] or \
        [(1, (done.stderr.strip() or "the compiler failed").splitlines()[0])]


def sketch_errors(lines, folders):
    """The errors of the reading with fewer of them, if neither compiles."""
    readings = []
    for wrap in (as_declarations, as_statements):
        errors = compile_errors(wrap(lines), folders)
        if not errors:
            return []
        readings.insert(0, errors)
    return min(readings, key=len)


def check(book):
    """Report every sketch that does not compile."""
    sketches = [(chapter, d.fence) for chapter in book.chapters
                for d in chapter.of_kind("sketch") if d.fence]
    layers = sorted(p for p in book.root.glob("code/[0-9][0-9]-*") if p.is_dir())

    def errors_of(sketch):
        chapter, fence = sketch
        near = [p for p in layers if int(p.name[:2]) <= chapter.number]
        return sketch_errors(fence.body, near)

    with ThreadPoolExecutor(max_workers=2) as pool:
        for (chapter, fence), errors in zip(sketches, pool.map(errors_of, sketches)):
            for line, said in errors[:1]:
                book.problems.add(
                    chapter.path, min(fence.open + line, fence.close),
                    f"this sketch does not compile: {said}")
