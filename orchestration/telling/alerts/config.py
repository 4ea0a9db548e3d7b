"""The channels of notifications.toml: where which alerts go.

[alerts]
repeat_hours = 24                        # the same alert at most once in so many hours per channel

[alerts.channels.ops]                    # Slack's incoming webhook, ALERTS__OPS__URL
kind = "slack"
severities = ["error"]                   # default: error and warning
kinds = ["run_failed", "dead_letter"]    # default: all

[alerts.channels.mail]                   # ALERTS__MAIL__PASSWORD when there is a username
kind = "email"
host = "smtp.example.com"
port = 587
tls = "starttls"                         # "implicit" (port 465); "none" only on this machine
username = "commissions"
sender = "commissions@example.com"
to = ["sales-ops@example.com"]

[alerts.channels.pager]                  # signed as events are, ALERTS__PAGER__SECRET
kind = "webhook"
url = "https://pager.example.com/alerts"
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from orchestration.telling.alerts.alert import Alert, Kind, Severity
from orchestration.telling.notifications import (
    NotificationsError,
    Section,
    check_name,
    check_url,
    checked,
    notifications_file,
    read_notifications,
)

LOCAL_HOSTS = ("127.0.0.1", "localhost")


class Channel(Section):
    """What all channels have."""

    name: str
    severities: tuple[Severity, ...] = get_args(Severity)
    kinds: tuple[Kind, ...] = get_args(Kind)
    timeout_seconds: float = Field(15, gt=0, le=120)
    ca_file: Path | None = None
    disabled: bool = False

    @field_validator("ca_file")
    @classmethod
    def _certificates(cls, path: Path | None) -> Path | None:
        if path is not None and not path.is_file():
            raise ValueError(f"there is no file {path}")
        return path

    def wants(self, alert: Alert) -> bool:
        """Whether an alert is for this channel; a test is for every one."""
        chosen = alert.severity in self.severities and alert.kind in self.kinds
        return not self.disabled and (chosen or alert.kind == "test")


class WebhookChannel(Channel):
    """A webhook of one's own, signed."""

    kind: Literal["webhook"]
    url: str

    @field_validator("url")
    @classmethod
    def _address(cls, url: str) -> str:
        return check_url(url)


class SlackChannel(Channel):
    """Slack's incoming webhook, or one that takes the same JSON. Its address is a secret."""

    kind: Literal["slack"]


class EmailChannel(Channel):
    """E-mail by SMTP, encrypted except on this machine."""

    kind: Literal["email"]
    host: str
    port: int = Field(587, ge=1, le=65_535)
    tls: Literal["starttls", "implicit", "none"] = "starttls"
    username: str | None = None
    sender: str = Field(pattern=r"^[^@\s]+@[^@\s]+$")
    to: tuple[str, ...] = Field(min_length=1)

    @field_validator("to")
    @classmethod
    def _addresses(cls, to: tuple[str, ...]) -> tuple[str, ...]:
        for address in to:
            if address.count("@") != 1 or any(character.isspace() for character in address):
                raise ValueError(f"'{address}' is not an e-mail address")
        return to

    @model_validator(mode="after")
    def _encrypted(self) -> EmailChannel:
        if self.tls == "none" and self.host not in LOCAL_HOSTS:
            raise ValueError("tls = none would send in the clear; it is for 127.0.0.1 and localhost only")
        return self


CHANNELS: Mapping[str, type[WebhookChannel | SlackChannel | EmailChannel]] = {
    "webhook": WebhookChannel,
    "slack": SlackChannel,
    "email": EmailChannel,
}


class _Alerts(Section):
    repeat_hours: float = Field(24, ge=0)
    channels: dict[str, Any] = Field(default_factory=dict)


@dataclass(frozen=True)
class AlertsConfig:
    """The channels by name, and for how many hours the same alert is not sent again."""

    channels: Mapping[str, WebhookChannel | SlackChannel | EmailChannel]
    repeat_hours: float


def read_alerts(content: Mapping[str, Any]) -> AlertsConfig:
    """Return the channels of the file's content. Raises NotificationsError with place and fix."""
    section = checked(_Alerts, "alerts", content.get("alerts", {}))
    channels = {}
    for name, values in section.channels.items():
        check_name("alerts.channels", name)
        place = f"alerts.channels.{name}"
        kind = str(values.get("kind")) if isinstance(values, dict) else ""
        if kind not in CHANNELS:
            raise NotificationsError(f"[{place}] kind must be one of {', '.join(CHANNELS)}")
        channels[name] = checked(CHANNELS[kind], place, values, name=name)
    return AlertsConfig(channels, section.repeat_hours)


def configured_alerts() -> AlertsConfig:
    """Return the channels of this installation. Raises NotificationsError when the file cannot be used."""
    return read_alerts(read_notifications(notifications_file()))
