"""One mistake in the inputs, and how all of them are reported."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# What everything else names: a plan that is misspelt there is the cause of what all other files are blamed for.
NAMED_BY_ALL = "seeds/plans/plans.csv"
# In the message of a name that no other seed has: the cause of what is said of that name's rows elsewhere.
UNKNOWN_NAME = " is not in seeds/"
# In the message of a row that could not be read, which other rows then seem to lack.
OTHER_FIELDS = "fields where the header has"
# Longer lists of allowed values are cut in messages.
KNOWN_VALUES_SHOWN_MAX = 12


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake in one input file, with the fix.

    ``file`` is relative to the project root, ``rows`` are line numbers (header = 1; empty when the whole file
    is meant), ``message`` says what is wrong and ``fix`` what to write instead.
    """

    file: str
    rows: tuple[int, ...]
    column: str
    message: str
    fix: str

    def __str__(self) -> str:
        fix = f". {self.fix}" if self.fix else ""
        return f"{self.file}{self.where}: {self.message}{fix}"

    @property
    def where(self) -> str:
        """The place inside the file, empty or starting with a space."""
        numbers = [str(row) for row in self.rows]
        rows = f" rows {', '.join(numbers[:-1])} and {numbers[-1]}" if len(numbers) > 1 else ""
        rows = f" row {numbers[0]}" if len(numbers) == 1 else rows
        column = f"{',' if rows else ''} column {self.column}" if self.column else ""
        return rows + column


class PreflightError(Exception):
    """The inputs are not usable; nothing was written. ``problems`` holds every mistake found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(render(problems))


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """The problems by file and row, each once; what may be the cause of others stands before them."""
    return sorted(
        set(problems),
        key=lambda one: (
            _file_order(one.file),
            OTHER_FIELDS not in one.message,
            UNKNOWN_NAME not in one.message,
            one,
        ),
    )


def _file_order(file: str) -> tuple[bool, str]:
    return file != NAMED_BY_ALL, file


def render(problems: Sequence[Problem]) -> str:
    """All problems as text, grouped by file, one line each."""
    lines = []
    for file in sorted({problem.file for problem in problems}, key=_file_order):
        lines.append(file)
        lines += [f"  {problem}" for problem in problems if problem.file == file]
    return "\n".join(lines)


def shown(values: Sequence[str]) -> str:
    """The values with commas, the first ones only where they are many."""
    listed = ", ".join(values[:KNOWN_VALUES_SHOWN_MAX])
    more = len(values) - KNOWN_VALUES_SHOWN_MAX
    return f"{listed}, and {more} more" if more > 0 else listed or "none"


def did_you_mean(name: str, known: Iterable[str], *, written: str = "{}") -> str:
    """The nearest known name as a question, `written` as it is typed; empty where none is near.

    A name that differs in capitals only is always near.
    """
    names = sorted(set(known))
    same = [other for other in names if other.lower() == name.lower()]
    close = same or difflib.get_close_matches(name, names, n=1)
    return f"Did you mean {written.format(close[0])}?" if close else ""
