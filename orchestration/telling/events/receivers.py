"""The receivers of notifications.toml: where events go, which ones, and with how much patience.

    [receivers.erp]
    url = "https://erp.example.com/hooks/commissions"
    types = ["period.closed", "payout.*"]     # default: all
    since = 2026-12-01                        # events from this day on (UTC); default: all
    timeout_seconds = 15                      # connecting and answering together
    attempts_max = 18                         # then the delivery is given up: a dead letter
    retry_seconds_min = 10                    # after the first failure; at least doubled each time, with jitter, up to
    retry_seconds_max = 21600
    parallel = 4                              # subjects at a time
    after_giving_up = "continue"              # or "wait": later events of the subject wait until a replay
    acknowledged_url = "https://..."          # where `commissions events reconcile` asks what has arrived
    ca_file = "certificates/own.pem"          # an authority of the company's own
    disabled = false                          # true: nothing is sent, everything waits

Secrets: RECEIVERS__ERP__SECRET, and RECEIVERS__ERP__PREVIOUS_SECRET while it is being replaced.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from orchestration.telling.events.deriving import EVENT_TYPES
from orchestration.telling.notifications import (
    NotificationsError,
    Section,
    check_name,
    check_url,
    checked,
    find_secret,
    needed_secret,
    secret_variable,
)
from orchestration.telling.signing import SecretError, key_of


class Receiver(Section):
    """One receiver; the keys are described at the head of the module."""

    name: str
    url: str
    types: tuple[str, ...] = ("*",)
    since: date | None = None
    timeout_seconds: float = Field(15, gt=0, le=120)
    attempts_max: int = Field(18, ge=1, le=100)
    retry_seconds_min: float = Field(10, ge=0)
    retry_seconds_max: float = Field(21_600, ge=0)
    parallel: int = Field(4, ge=1, le=32)
    after_giving_up: Literal["continue", "wait"] = "continue"
    acknowledged_url: str | None = None
    ca_file: Path | None = None
    disabled: bool = False

    @field_validator("url", "acknowledged_url")
    @classmethod
    def _addresses(cls, url: str | None) -> str | None:
        return url if url is None else check_url(url)

    @field_validator("types")
    @classmethod
    def _known(cls, types: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in types:
            if not pattern.startswith("action.") and not fnmatch.filter(EVENT_TYPES, pattern):
                raise ValueError(f"there is no event {pattern}; known are {', '.join(EVENT_TYPES)}")
        return types

    @field_validator("ca_file")
    @classmethod
    def _certificates(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path

    @model_validator(mode="after")
    def _waits(self) -> Receiver:
        if self.retry_seconds_max < self.retry_seconds_min:
            raise ValueError("retry_seconds_max must not be below retry_seconds_min")
        return self

    def wants(self, event_type: str, occurred_on: date) -> bool:
        """Whether events of this type and day (UTC) are for this receiver."""
        return (self.since is None or occurred_on >= self.since) and any(
            fnmatch.fnmatchcase(event_type, pattern) for pattern in self.types
        )

    def keys(self) -> list[bytes]:
        """Return the signing keys, the new one first. Raises NotificationsError when none is set or one is invalid."""
        secrets = {"secret": needed_secret("receivers", self.name, "secret")}
        if previous := find_secret("receivers", self.name, "previous_secret"):
            secrets["previous_secret"] = previous
        keys = []
        for name, secret in secrets.items():
            try:
                keys.append(key_of(secret))
            except SecretError as error:
                raise NotificationsError(
                    f"{secret_variable('receivers', self.name, name)} is not a signing secret: {error}. "
                    "`commissions events new-secret` makes one"
                ) from None
        return keys


def read_receivers(content: Mapping[str, Any]) -> dict[str, Receiver]:
    """Return the receivers of the file's content by name. Raises NotificationsError with place and fix."""
    receivers = {}
    for name, values in content.get("receivers", {}).items():
        check_name("receivers", name)
        receivers[name] = checked(Receiver, f"receivers.{name}", values, name=name)
    return receivers
