"""notifications.toml: who is notified of what. Reads the file, checks addresses, and looks secrets up.

    [receivers.erp]              # receivers of events: orchestration/telling/events/receivers.py
    [alerts]                     # channels of alerts: orchestration/telling/alerts/config.py
    [alerts.channels.ops]

Secrets are never in this file: RECEIVERS__ERP__SECRET, ALERTS__OPS__URL in the environment, or dlt's secrets.
"""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from ingestion.api.config import SECRET_WORDS
from orchestration.warehouse.settings import PROJECT_ROOT

DEFAULT_FILE = PROJECT_ROOT / "orchestration" / "notifications.toml"
NAME = re.compile(r"[a-z][a-z0-9_]*")
# Without encryption amounts would travel in the clear; a server on this machine is the exception.
_URL = re.compile(r"https://[^/@\s]+(/\S*)?|http://(127\.0\.0\.1|localhost)(:\d+)?(/\S*)?")


class NotificationsError(ValueError):
    """notifications.toml, or a secret that it needs, cannot be used as it is. The message names place and fix."""


class Section(BaseModel):
    """A section of the file: typed, unknown keys refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


SectionT = TypeVar("SectionT", bound=Section)


def notifications_file(env: Mapping[str, str] = os.environ) -> Path | None:
    """Return the file of COMMISSIONS_NOTIFICATIONS, else orchestration/notifications.toml; None when there is none."""
    named = env.get("COMMISSIONS_NOTIFICATIONS")
    if named:
        return Path(named).resolve()
    return DEFAULT_FILE if DEFAULT_FILE.exists() else None


def read_notifications(path: Path | None) -> dict[str, Any]:
    """Return the file's sections; none when there is no file.

    Raises:
        NotificationsError: the file is missing, is not TOML, or has a section that is not known.
    """
    if path is None:
        return {}
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotificationsError(f"{path} is not there; correct COMMISSIONS_NOTIFICATIONS") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise NotificationsError(f"{path.name} is not TOML: {error}") from None
    except OSError as error:
        raise NotificationsError(f"{path} cannot be read: {error.strerror}") from None
    for name, section in content.items():
        if name not in {"receivers", "alerts"} or not isinstance(section, dict):
            raise NotificationsError(
                f"{path.name}: [{name}] is not known; known are [receivers.<name>], [alerts]"
            )
    return content


def checked(model: type[SectionT], place: str, values: Any, **further: Any) -> SectionT:
    """Return a section as its model. Raises NotificationsError with the place, the key and the fix."""
    if not isinstance(values, dict):
        raise NotificationsError(f"[{place}] must have keys of its own")
    for key in values:
        if key in further:
            raise NotificationsError(f"[{place}] {key} is not known; it is in the section's own name")
        if key not in model.model_fields and SECRET_WORDS.search(key):
            raise NotificationsError(
                f"[{place}] {key} looks like a secret; take it out of the file and set it in the environment"
            )
    try:
        return model(**values, **further)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            known = ", ".join(name for name in model.model_fields if name not in further)
            raise NotificationsError(f"[{place}] {key} is not known; known are {known}") from None
        message = first["msg"].removeprefix("Value error, ")
        raise NotificationsError(f"[{place}] {key}: {message[:1].lower()}{message[1:]}") from None


def check_name(place: str, name: str) -> None:
    """Raise NotificationsError unless a receiver's or channel's name can be part of an environment variable."""
    if not NAME.fullmatch(name):
        raise NotificationsError(f"[{place}.{name}]: write the name in small letters, digits and _")


def check_url(url: str) -> str:
    """Return an address that may be sent to. Raises ValueError for anything but https://, or http:// on this machine."""
    if not _URL.fullmatch(url):
        raise ValueError(
            "it must begin with https:// and hold no user name (http:// only for 127.0.0.1 and localhost)"
        )
    return url


def secret_variable(*parts: str) -> str:
    """Return the environment variable of a secret: RECEIVERS__ERP__SECRET."""
    return "__".join(part.upper() for part in parts)


def find_secret(*parts: str) -> str:
    """Return a secret from the environment or another of dlt's providers; empty when it is not set."""
    # The environment is dlt's first provider; to look there takes no import of dlt.
    if value := os.environ.get(secret_variable(*parts)):
        return value
    from ingestion.api.connector import looked_up

    return looked_up(tuple(parts[:-1]), parts[-1])


def needed_secret(*parts: str) -> str:
    """Return a secret. Raises NotificationsError that names the environment variable when it is not set."""
    value = find_secret(*parts)
    if not value:
        raise NotificationsError(
            f"the secret {parts[-1]} of {parts[-2]} is not set; set the environment variable "
            f"{secret_variable(*parts)} or {parts[-1]} under [{'.'.join(parts[:-1])}] in dlt's secrets.toml"
        )
    return value
