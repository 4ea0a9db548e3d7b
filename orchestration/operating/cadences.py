"""cadences.toml: when each source lands, how old it may be, when files are written."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from croniter import croniter  # type: ignore[import-untyped]

from orchestration.warehouse.settings import PROJECT_ROOT, shown

CADENCES_FILE = PROJECT_ROOT / "orchestration" / "cadences.toml"
KEYS = {
    "": {
        "timezone",
        "first_month",
        "day_starts",
        "full",
        "sensor_seconds",
        "land",
        "often",
        "freshness",
        "payroll",
        "journal",
        "row_counts",
    },
    "payroll": {"cron", "days_before_pay_date", "by"},
    "journal": {"is_running", "by"},
    "row_counts": {"shrink_ratio_max"},
}
FRESHNESS_KEYS = {"warn_hours", "fail_hours"}
DEFAULT = "default"


class CadencesError(Exception):
    """cadences.toml cannot be used; the message names the file, the key and the fix."""


@dataclass(frozen=True)
class Freshness:
    """How old a landing may be: late after ``warn``, overdue after ``fail``."""

    warn: timedelta
    fail: timedelta


@dataclass(frozen=True)
class Cadences:
    """When things run.

    Attributes:
        timezone: of all cron expressions.
        first_month: YYYY-MM of the first month that is reviewed in Dagster.
        day_starts: since its last tick every source must have landed before the day's calculation.
        full: cron of the run that does everything from scratch, empty where it is off.
        sensor_seconds: how often sensors look, at most.
        land: cron of each system's landing, empty where it is off.
        optional: systems that the calculation does not wait for.
        often: cron of a second, more frequent landing of a system.
        often_is_running: whether those run without being switched on in the UI.
        freshness: how old each system's landing may be.
        payroll_cron: when pay cycles are looked through, empty where that is off.
        payroll_days: days before the pay date on which a cycle's file is written.
        payroll_by: who is said to have exported it.
        journal_is_running: whether closing a month writes its journal.
        journal_by: who is said to have exported it.
        shrink_ratio_max: share of a table's rows (1 = all) that may vanish between two landings without a warning.
    """

    timezone: str
    first_month: str
    day_starts: str
    full: str
    sensor_seconds: int
    land: Mapping[str, str]
    optional: frozenset[str]
    often: Mapping[str, str]
    often_is_running: bool
    freshness: Mapping[str, Freshness]
    payroll_cron: str
    payroll_days: int
    payroll_by: str
    journal_is_running: bool
    journal_by: str
    shrink_ratio_max: Decimal

    def land_cron(self, system: str) -> str:
        """Cron of a system's landing; empty where it is off."""
        return self.land.get(system, self.land[DEFAULT])

    def freshness_of(self, system: str) -> Freshness:
        """How old a system's landing may be."""
        return self.freshness.get(system, self.freshness[DEFAULT])


def cadences_file(env: Mapping[str, str] = os.environ) -> Path:
    """The file in use: COMMISSIONS_CADENCES, or the project's own."""
    return Path(env.get("COMMISSIONS_CADENCES") or CADENCES_FILE).resolve()


def read_cadences(path: Path, systems: frozenset[str]) -> Cadences:
    """Read the file; ``systems`` are the names that its tables may use: also those of systems that others replace.

    Raises:
        CadencesError: the file is absent or not TOML, or a key or value cannot be used.
    """
    reader = _Reader(path, systems)
    return reader.cadences()


class _Reader:
    def __init__(self, path: Path, systems: frozenset[str]) -> None:
        self.path, self.systems = path, systems
        try:
            self.content: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise CadencesError(
                f"{shown(path)} cannot be read ({error.strerror}); COMMISSIONS_CADENCES names it"
            ) from None
        except tomllib.TOMLDecodeError as error:
            raise CadencesError(f"{shown(path)} is not TOML: {error}") from None

    def cadences(self) -> Cadences:
        self.check_keys("", self.content, KEYS[""])
        land, often = self.table("land"), self.table("often")
        optional = land.pop("optional", [])
        if not isinstance(optional, list) or not all(isinstance(name, str) for name in optional):
            raise self.wrong("land.optional", optional, 'a list of systems, as ["maven_crm"]')
        often_is_running = self.flag("often.is_running", often.pop("is_running", False))
        self.check_keys("land", land, self.systems | {DEFAULT})
        self.check_keys("often", often, self.systems)
        self.check_keys("land.optional", dict.fromkeys(optional), self.systems)
        payroll, journal, row_counts = (
            self.checked_table(name) for name in ("payroll", "journal", "row_counts")
        )
        return Cadences(
            timezone=self.time_zone(),
            first_month=self.month("first_month", self.content.get("first_month", "2011-05")),
            day_starts=self.cron("day_starts", self.content.get("day_starts", "0 3 * * *")),
            full=self.cron("full", self.content.get("full", ""), may_be_off=True),
            sensor_seconds=self.whole("sensor_seconds", self.content.get("sensor_seconds", 30), 1),
            land={DEFAULT: "0 4 * * *"}
            | {name: self.cron(f"land.{name}", text, may_be_off=True) for name, text in land.items()},
            optional=frozenset(optional),
            often={name: self.cron(f"often.{name}", text) for name, text in often.items()},
            often_is_running=often_is_running,
            freshness=self.freshness(),
            payroll_cron=self.cron("payroll.cron", payroll.get("cron", ""), may_be_off=True),
            payroll_days=self.whole(
                "payroll.days_before_pay_date", payroll.get("days_before_pay_date", 3), 0
            ),
            payroll_by=self.text("payroll.by", payroll.get("by", "schedule")),
            journal_is_running=self.flag("journal.is_running", journal.get("is_running", True)),
            journal_by=self.text("journal.by", journal.get("by", "schedule")),
            shrink_ratio_max=self.share(
                "row_counts.shrink_ratio_max", row_counts.get("shrink_ratio_max", "0.05")
            ),
        )

    def freshness(self) -> dict[str, Freshness]:
        tables = self.table("freshness")
        self.check_keys("freshness", tables, self.systems | {DEFAULT})
        found = {DEFAULT: Freshness(timedelta(hours=26), timedelta(hours=50))}
        for name, content in tables.items():
            place = f"freshness.{name}"
            if not isinstance(content, dict):
                raise self.wrong(place, content, "a table with warn_hours and fail_hours")
            self.check_keys(place, content, FRESHNESS_KEYS)
            warn, fail = (
                self.whole(f"{place}.{key}", content.get(key), 1) for key in ("warn_hours", "fail_hours")
            )
            if fail <= warn:
                raise self.wrong(f"{place}.fail_hours", fail, f"more than warn_hours ({warn})")
            found[name] = Freshness(timedelta(hours=warn), timedelta(hours=fail))
        return found

    def table(self, name: str) -> dict[str, Any]:
        content = self.content.get(name, {})
        if not isinstance(content, dict):
            raise self.wrong(name, content, f"a table: [{name}]")
        return dict(content)

    def checked_table(self, name: str) -> dict[str, Any]:
        content = self.table(name)
        self.check_keys(name, content, KEYS[name])
        return content

    def check_keys(self, place: str, content: Mapping[str, Any], known: set[str] | frozenset[str]) -> None:
        for key in content:
            if key not in known:
                near = get_close_matches(key, known, 1)
                where = f"[{place}] of {shown(self.path)}" if place else shown(self.path)
                fix = f"the nearest is {near[0]}" if near else f"write one of {', '.join(sorted(known))}"
                raise CadencesError(f"{where}: '{key}' is not known; {fix}")

    def wrong(self, place: str, value: object, fix: str) -> CadencesError:
        return CadencesError(f"{shown(self.path)}: {place} is {value!r}; write {fix}")

    def time_zone(self) -> str:
        name = self.content.get("timezone", "UTC")
        try:
            return ZoneInfo(name).key
        except (KeyError, ValueError, TypeError, OSError):
            raise self.wrong("timezone", name, "a time zone, as Europe/Berlin") from None

    def month(self, place: str, value: object) -> str:
        try:
            return datetime.strptime(str(value), "%Y-%m").strftime("%Y-%m")
        except ValueError:
            raise self.wrong(place, value, "a month, as 2014-03") from None

    def cron(self, place: str, text: object, *, may_be_off: bool = False) -> str:
        if may_be_off and text == "":
            return ""
        if not isinstance(text, str) or not croniter.is_valid(text):
            off = ', or "" to switch it off' if may_be_off else ""
            raise self.wrong(place, text, f'a cron expression, as "0 4 * * *"{off}')
        return text

    def whole(self, place: str, value: object, least: int) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise self.wrong(place, value, f"a whole number of at least {least}")
        return value

    def flag(self, place: str, value: object) -> bool:
        if not isinstance(value, bool):
            raise self.wrong(place, value, "true or false")
        return value

    def text(self, place: str, value: object) -> str:
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(place, value, "a name")
        return value

    def share(self, place: str, value: object) -> Decimal:
        try:
            share = Decimal(value) if isinstance(value, str) else None
        except InvalidOperation:
            share = None
        if share is None or not 0 <= share <= 1:
            raise self.wrong(place, value, 'a share as text, as "0.05"')
        return share
