"""What a check found, and the list of checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from orchestration.warehouse.settings import PROJECT_ROOT, RunSettings

OK, WARNING, ERROR = "ok", "warning", "error"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at.

    ``level`` is ok, warning or error; ``where`` a file, folder or variable; ``fix`` what to do, a command where there is one.
    """

    level: str
    what: str
    where: str = ""
    fix: str = ""
    topic: str = ""
    subject: str = ""


def ok(what: str, where: object = "") -> Finding:
    """Something that is in order."""
    return Finding(OK, what, str(where))


def warning(what: str, where: object = "", *, fix: str) -> Finding:
    """Something that will not stop a run, and that a person should look at."""
    return Finding(WARNING, what, str(where), fix)


def error(what: str, where: object = "", *, fix: str) -> Finding:
    """Something that stops runs, or makes their result doubtful."""
    return Finding(ERROR, what, str(where), fix)


@dataclass(frozen=True)
class Patient:
    """The installation that is looked at.

    Attributes:
        settings: its places.
        env: the environment variables.
        is_online: connected systems may be asked.
        is_daemon_expected: Dagster's daemon has to be alive.
        now: the moment (UTC).
        root: folder of the project.
        known: what a check has found out for others.
    """

    settings: RunSettings
    env: Mapping[str, str]
    is_online: bool = False
    is_daemon_expected: bool = False
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    root: Path = PROJECT_ROOT
    known: dict[str, Any] = field(default_factory=dict, init=False, compare=False)

    @property
    def today(self) -> date:
        """Today, in UTC."""
        return self.now.date()


Check = Callable[[Patient], Iterator[Finding]]


@dataclass(frozen=True)
class Registered:
    """A check with the topic under which it is listed and the subject that it looks at."""

    topic: str
    subject: str
    function: Check


CHECKS: list[Registered] = []


def check(topic: str, subject: str) -> Callable[[Check], Check]:
    """Put a function on the list of checks."""

    def register(function: Check) -> Check:
        CHECKS.append(Registered(topic, subject, function))
        return function

    return register


def days_ago(at: datetime, now: datetime) -> str:
    """How long ago something was, in words."""
    hours = int((now - at).total_seconds() // 3600)
    if hours < 1:
        return "less than an hour ago"
    return f"{hours} h ago" if hours < 48 else f"{hours // 24} days ago"
