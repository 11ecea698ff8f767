"""Runs the commands that chapters name, and compares what they print.

Every command runs once, however many directives name it, in the root of the
repository and in an environment that is the same everywhere. Our programs end
with status 77 where the system refuses io_uring, and with 69 (EX_UNAVAILABLE)
where a tool is not installed.
"""

import os
import re
import signal
import subprocess
from dataclasses import dataclass

REFUSED = 77
MISSING = 69
SECONDS = 120
# A stage that could not run counts even if a later one in the pipe made do
# with what it got.
SCRIPT = """{command}
status=$? stages=("${{PIPESTATUS[@]}}")
case " ${{stages[*]}} " in *" 77 "*) exit 77;; *" 69 "*) exit 69;; esac
exit $status
"""


@dataclass
class Result:
    status: int
    output: bytes
    errors: bytes
    expired: bool = False

    @property
    def lines(self):
        text = self.output.decode("utf-8", "replace").rstrip()
        return [line.rstrip() for line in text.split("\n")] if text else []

    def why_not_run(self):
        """The sentence in which the program says that it could not run here."""
        text = (self.output + self.errors).decode("utf-8", "replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        if self.status == MISSING:
            return (lines or ["a tool is not installed"])[-1]
        named = [line for line in lines if "io_uring" in line]
        sentence = (named or lines[-1:] or ["io_uring is refused here"])[0]
        return sentence.removeprefix("cannot run here: ").rstrip(".")

    def complaint(self, expected):
        """Why the status is not the expected one, or nothing."""
        if self.expired:
            return f"does not end within {SECONDS} s"
        if self.status == expected:
            return ""
        said = (self.errors or self.output).decode("utf-8", "replace").split("\n")
        said = [line for line in said if line.strip()][-1:]
        last = f" (last line: {said[0].strip()})" if said else ""
        return f"exits with {self.status}, not {expected}{last}"


class Runner:
    def __init__(self, root):
        self._root = root
        self._results = {}

    def run(self, command, merged):
        """What the command did; stderr is part of the output if merged."""
        key = (command, merged)
        if key not in self._results:
            self._results[key] = self._start(command, merged)
        return self._results[key]

    def _start(self, command, merged):
        environment = {"PATH": os.environ.get("PATH", os.defpath),
                       "LC_ALL": "C", "TERM": "dumb", "COLUMNS": "80"}
        arguments = ["bash", "-o", "pipefail", "-c",
                     SCRIPT.format(command=command)]
        # A session of its own, so that all of a pipe can be ended.
        process = subprocess.Popen(
            arguments, cwd=self._root, env=environment, start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT if merged else subprocess.PIPE)
        try:
            output, errors = process.communicate(timeout=SECONDS)
            expired = False
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            output, errors = process.communicate()
            expired = True
        return Result(process.returncode, output, errors or b"", expired)


# Each pair is what may differ from machine to machine, and what stands for it.
# Decimal numbers may differ only where the directive says shape=numbers.
NUMBER = (re.compile(r"\d+(?:,\d{3})*(?:\.\d+)?"), "<number>")
SHAPES = [
    # A refusal's reason stands only beside a "no".
    (re.compile(r"\bno \(.*\)$"), "no"),
    (re.compile(r"\b(?:yes|no)\b"), "<yes/no>"),
    (re.compile(r"\bLinux \d\S*"), "Linux <release>"),
    (re.compile(r"\b\d+\.\d+\.\d+[\w.+-]*"), "<release>"),
    (re.compile(r"\b0x[0-9a-fA-F]+"), "<hex>"),
    NUMBER,
    # A wider number takes blanks from the column before it.
    (re.compile(r"[ \t]+"), " "),
    (re.compile(r"^ (?=<)"), ""),
]


def shape(line, numbers=True):
    """A line with everything replaced that may rightly differ elsewhere."""
    line = line.rstrip()
    for pattern, placeholder in SHAPES:
        if numbers or placeholder != NUMBER[1]:
            line = pattern.sub(placeholder, line)
    return line


def exact_numbers(line):
    """The shape of a line in which decimal numbers count."""
    return shape(line, numbers=False)


# How lines are compared, by the option of the directive.
MANNERS = {None: str.rstrip, "shape": exact_numbers, "shape=numbers": shape}


def first_difference(recorded, printed, manner):
    """The index of the first line that differs, or None."""
    same = MANNERS[manner]
    left, right = list(map(same, recorded)), list(map(same, printed))
    for index, pair in enumerate(zip(left, right)):
        if pair[0] != pair[1]:
            return index
    return None if len(left) == len(right) else min(len(left), len(right))
