"""What an alert is, and the texts that it may hold."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, get_args

from ingestion.api.errors import Redactor

Kind = Literal["run_failed", "check_failed", "freshness_overdue", "dead_letter", "test"]
Severity = Literal["error", "warning"]
KINDS: tuple[str, ...] = get_args(Kind)
SEVERITIES: tuple[str, ...] = get_args(Severity)
TITLE_LENGTH_MAX = 150
TEXT_LENGTH_MAX = 2_000
_SECRET_NAMES = re.compile(
    r"^(SOURCES|RECEIVERS|ALERTS|DESTINATION|CREDENTIALS)__|SECRET|PASSWORD|TOKEN|API_?KEY", re.IGNORECASE
)


@dataclass(frozen=True)
class Alert:
    """One alert. ``title`` is a line, ``text`` says what happened and what to do.

    ``subject`` is what it is about (`daily/land_crm`): two alerts of one kind, severity and subject are the same alert,
    which is sent once in so many hours.
    """

    kind: Kind
    severity: Severity
    title: str
    text: str
    subject: str

    @property
    def key(self) -> str:
        """What makes two alerts the same."""
        return hashlib.sha256(f"{self.kind} {self.severity} {self.subject}".encode()).hexdigest()[:32]


def presentable(alert: Alert, env: Mapping[str, str] = os.environ) -> Alert:
    """The alert as it may leave the machine: no secret of the environment in it, a title of one line, not too long."""
    hide = Redactor(value for name, value in env.items() if _SECRET_NAMES.search(name))
    title = " ".join(hide(alert.title).split())
    return replace(
        alert, title=cut(title, TITLE_LENGTH_MAX), text=cut(hide(alert.text).strip(), TEXT_LENGTH_MAX)
    )


def cut(text: str, length_max: int) -> str:
    """The text, no longer than so many characters."""
    return text if len(text) <= length_max else f"{text[: length_max - 4]} ..."
