"""The named questions of BI: their SQL over the published marts, asked and answered as text or Markdown.

A question is a file of dbt_project/analyses/questions: its head says the question, what is shown and which metrics say the
same, the rest is one query. docs/questions.md holds the answers for the sample company; a test compares them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb

from orchestration.warehouse.settings import DBT_PROJECT_DIR
from orchestration.wording import money, table

FOLDER = DBT_PROJECT_DIR / "analyses" / "questions"
HEADS = ("Question", "Shows", "Metrics")
INTRODUCTION = """\
# Questions

The questions that BI asks first, and their answers for the sample company as of 2013-06-30. Written by
`commissions questions --markdown`; a test fails when an answer no longer agrees. Amounts are in the currency of their row, dates
and months as in the [star schema](bi.md). Metrics are asked with MetricFlow, as [bi](bi.md#metrics) shows.
"""


class UnknownQuestion(Exception):
    """There is no such question; the message lists those that there are."""


@dataclass(frozen=True)
class Question:
    """One named question: what is asked, shown and measured, and its SQL over the schema `marts`."""

    name: str
    question: str
    shows: str
    metrics: str
    sql: str


def questions(folder: Path = FOLDER) -> list[Question]:
    """All questions, in the order of their numbers. Raises ValueError for a file without a question."""
    return [_read(path) for path in sorted(folder.glob("*.sql"))]


def _read(path: Path) -> Question:
    heads = dict.fromkeys(HEADS, "")
    current = ""
    lines = path.read_text(encoding="utf-8").splitlines()
    body = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
    for line in lines[:body]:
        text = line.removeprefix("--").strip()
        name, colon, rest = text.partition(": ")
        if colon and name in HEADS:
            current, text = name, rest
        if current:
            heads[current] = f"{heads[current]} {text}".strip()
    if not heads["Question"]:
        raise ValueError(f"{path} does not begin with `-- Question: ...`")
    sql = "\n".join(lines[body:]).strip()
    return Question(path.stem.partition("_")[2], heads["Question"], heads["Shows"], heads["Metrics"], sql)


def chosen(name: str | None) -> list[Question]:
    """One question by its name, or all. Raises UnknownQuestion."""
    known = questions()
    if name is None:
        return known
    found = [question for question in known if question.name == name]
    if not found:
        listed = "\n".join(f"  {question.name:<28}{question.question}" for question in known)
        raise UnknownQuestion(f"there is no question {name}. There are:\n{listed}")
    return found


def answer(
    connection: duckdb.DuckDBPyConnection, question: Question
) -> tuple[list[str], list[list[str]], int]:
    """The answer as a head, rows of text, and how many columns from the left are not figures."""
    found = connection.execute(question.sql)
    description = found.description or []
    rows = found.fetchall()
    head = [column[0] for column in description]
    figures = {at for at in range(len(head)) if any(isinstance(row[at], int | Decimal) for row in rows)}
    left = min(figures, default=len(head))
    return head, [[_text(cell) for cell in row] for row in rows], left


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Decimal):
        return money(cell)
    if isinstance(cell, date):
        return cell.isoformat()
    # A year is a number that reads badly with a separator.
    return f"{cell:,}" if isinstance(cell, int) and not 1900 <= cell < 2100 else str(cell)


def as_text(
    connection: duckdb.DuckDBPyConnection, asked: Sequence[Question], *, with_sql: bool = False
) -> str:
    """Questions and answers for a terminal."""
    parts = []
    for question in asked:
        head, rows, left = answer(connection, question)
        lines = [f"{question.question}  [{question.name}]"]
        lines += [question.shows] if question.shows else []
        lines += ["", question.sql, ""] if with_sql else []
        lines += table(head, rows, left=left) if rows else ["  (nothing)"]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def as_markdown(connection: duckdb.DuckDBPyConnection, asked: Sequence[Question]) -> str:
    """docs/questions.md: questions, the files with their SQL, and answers."""
    parts = [INTRODUCTION.strip()]
    for number, question in enumerate(asked, start=1):
        head, rows, left = answer(connection, question)
        file = f"{number:02}_{question.name}.sql"
        lines = [f"## {question.question}", ""]
        if question.shows:
            lines += [f"{question.shows[0].upper()}{question.shows[1:]}", ""]
        lines.append(
            f"[SQL](../dbt_project/analyses/questions/{file})"
            + (f"; metrics: {question.metrics}" if question.metrics else "")
        )
        lines.append("")
        if rows:
            lines.append(f"| {' | '.join(head)} |")
            lines.append(f"|{'|'.join('---' if at < left else '---:' for at in range(len(head)))}|")
            lines += [f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |" for row in rows]
        else:
            lines.append("Nothing.")
        parts.append("\n".join(lines))
    return "\n\n".join(parts) + "\n"
