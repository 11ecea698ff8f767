"""What is wrong with the book: a place and a sentence that says what to do."""

from typing import NamedTuple


class Problem(NamedTuple):
    path: str
    line: int
    message: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}"


class Problems:
    """Collects problems, so that one run reports them all."""

    def __init__(self):
        self._found = []

    def add(self, path, line, message):
        problem = Problem(str(path), line, message)
        if problem not in self._found:
            self._found.append(problem)

    def __iter__(self):
        return iter(sorted(self._found))

    def __len__(self):
        return len(self._found)
