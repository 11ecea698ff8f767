"""What runs of the tests showed of the claims: the last run on this machine,
and the stored ones on other kernels.

`make kernels` writes docs/kernels/6.12.txt and the like, by `sync.py verdicts`:

    # Linux 6.12.1, written by make kernels
    added-twice: shown
    status-head: not verified, the kernel has no status
"""

import re
from dataclasses import dataclass

TAP = re.compile(r"^(not )?ok \d+ - [^:]*:[^:]*:([^:]+): (.*)$")
VERSION = re.compile(r"# Linux (\S+), written by make kernels$")
VERDICT = re.compile(r"(\S+): (shown|not verified)(?:, (.*))?$")


@dataclass
class Kernel:
    series: str             # 6.12
    version: str            # 6.12.1
    verdicts: dict          # of a claim's id: (verdict, why it is no more)
    path: str


def number(version):
    """A version, as something to sort by and to compare with."""
    return tuple(map(int, re.findall(r"\d+", version)[:2]))


def of(test, results):
    """What a run that left `results` showed, and why it showed no more."""
    if not test:
        return "not verified", "it has no test"
    left = (results / test.path.partition("/")[2]).with_suffix("")
    # A failure for want of something is in both files, and a skip.
    reason = skip_reason(left.with_suffix(".skip"), test.test)
    if reason is not None:
        return "not verified", reason
    passed, message = tap_result(left.with_suffix(".tap"), test.test)
    if passed is False and "Test timeout expired" in message:
        return "not verified", "the test was stopped before it ended"
    if passed is False:
        return "contradicted", message
    if passed is None:
        return "not verified", "the test did not run"
    return "shown", ""


def tap_result(path, test):
    """(True, False or None for no result, message); one failure decides."""
    passed, message = None, ""
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        match = TAP.match(line)
        if match and match[2] == test:
            if match[1]:
                return False, match[3]
            passed, message = True, match[3]
    return passed, message


def skip_reason(path, test):
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        name, _, reason = line.partition("\t")
        if name == test:
            return reason
    return None


def write(book, results, path, version):
    """Store what the tests in `results` showed on that version."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"# Linux {version}, written by make kernels"]
    for test in sorted(book.test_claims, key=lambda test: test.id):
        verdict, why = of(test, results)
        lines.append(f"{test.id}: {verdict}" + (f", {why}" if why else ""))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def stored(book):
    """The kernels whose verdicts are stored, oldest first."""
    kernels = []
    for path in book.root.glob("docs/kernels/*.txt"):
        head, *lines = path.read_text(encoding="utf-8").splitlines() or [""]
        version, read = VERSION.match(head), [VERDICT.match(line) for line in lines]
        name = book.relative(path)
        if not version or not all(read):
            book.problems.add(name, 1, "these are no verdicts as make kernels writes them")
            continue
        kernels.append(Kernel(path.stem, version[1],
                              {line[1]: (line[2], line[3] or "") for line in read}, name))
    return sorted(kernels, key=lambda kernel: number(kernel.series))
