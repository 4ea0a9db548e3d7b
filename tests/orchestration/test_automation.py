"""What runs by itself: the calculation after the landings, the journal after the close, a refund at once."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import dagster as dg
import pytest
from dagster._core.definitions.freshness import FreshnessState

from ingestion.registry import FILE_SYSTEMS
from orchestration.books.actions import append, read_actions
from orchestration.definitions import CADENCES, defs
from orchestration.defs.automation import automated
from orchestration.defs.freshness import freshness_sensor
from orchestration.defs.losses import LOSSES
from orchestration.defs.sensors import losses_sensor
from orchestration.defs.translator import PUBLISHED_KEY
from orchestration.operating.cadences import CADENCES_FILE, read_cadences

LANDED = {
    name: [dg.AssetKey([name, "one"]), dg.AssetKey([name, "two"])] for name in ("crm", "billing", "maven_crm")
}


def table(key: dg.AssetKey) -> dg.AssetsDefinition:
    @dg.asset(key=key)
    def land() -> None: ...

    return land


@dg.asset(deps=[key for keys in LANDED.values() for key in keys])
def model() -> None: ...


@dg.asset(key=PUBLISHED_KEY, deps=[model])
def published() -> None: ...


class Days:
    """An instance with a clock: sources land, the sensor looks."""

    def __init__(self) -> None:
        cadences = read_cadences(CADENCES_FILE, frozenset(FILE_SYSTEMS))
        self.instance = dg.DagsterInstance.ephemeral()
        self.defs = dg.Definitions(
            assets=automated(
                [*(table(key) for keys in LANDED.values() for key in keys), model, published],
                LANDED,
                cadences,
            )
        )
        self.cursor: dg.AutomationConditionCursor | None = None  # type: ignore[name-defined]

    def land(self, *names: str) -> None:
        for name in names:
            for key in LANDED[name]:
                self.instance.report_runless_asset_event(dg.AssetMaterialization(key))

    def requested(self, moment: str) -> set[str]:
        """The assets that are requested when the sensor looks at a moment (UTC)."""
        result = dg.evaluate_automation_conditions(
            self.defs,
            self.instance,
            cursor=self.cursor,
            evaluation_time=datetime.fromisoformat(moment).replace(tzinfo=UTC),
        )
        self.cursor = result.cursor
        return {item.key.to_user_string() for item in result.results if not item.true_subset.is_empty}


def test_the_day_is_calculated_whole_when_every_awaited_source_has_landed() -> None:
    days = Days()
    assert days.requested("2024-03-01T02:00") == set()
    assert days.requested("2024-03-01T03:01") == set()
    days.land("crm")
    assert days.requested("2024-03-01T04:01") == set(), "billing has not landed today"
    days.land("billing")
    assert days.requested("2024-03-01T09:00") == {"model", "published_marts"}, (
        "late, and not missed; maven_crm is optional"
    )
    assert days.requested("2024-03-01T09:01") == set(), "once"


def test_a_later_landing_is_calculated_too_and_the_next_day_waits_again() -> None:
    days = Days()
    days.requested("2024-03-01T02:00")
    days.requested("2024-03-01T03:01")
    days.land("crm", "billing")
    assert days.requested("2024-03-01T04:01")
    days.land("crm")
    assert days.requested("2024-03-01T11:00") == {"model", "published_marts"}
    assert days.requested("2024-03-02T03:01") == set()
    days.land("crm")
    assert days.requested("2024-03-02T04:01") == set(), "billing of yesterday is not enough"
    days.land("billing")
    assert days.requested("2024-03-02T04:02") == {"model", "published_marts"}


def test_landed_tables_have_a_freshness_policy_and_nothing_that_runs_them() -> None:
    specs = {spec.key: spec for spec in Days().defs.resolve_all_asset_specs()}
    for keys in LANDED.values():
        for key in keys:
            assert specs[key].freshness_policy is not None and specs[key].automation_condition is None
    assert specs[PUBLISHED_KEY].automation_condition is not None


def test_a_landing_with_losses_is_calculated_at_once_and_once() -> None:
    key = dg.AssetKey(["billing", "payments"])
    instance = dg.DagsterInstance.ephemeral()
    sensor = losses_sensor([key], 30, defs.resolve_job_def("calculate_now"))
    cursor: str | None = None

    def look() -> Sequence[dg.RunRequest]:
        nonlocal cursor
        result = sensor(dg.build_sensor_context(instance=instance, cursor=cursor))
        assert isinstance(result, dg.SensorResult)
        cursor = result.cursor
        return result.run_requests or []

    assert look() == []
    instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata={LOSSES: 0}))
    assert look() == []
    instance.report_runless_asset_event(dg.AssetMaterialization(key, metadata={LOSSES: 2}))
    (request,) = look()
    assert request.tags["commissions/because"] == "losses landed: 2 with billing"
    assert look() == []


def test_a_closed_month_asks_for_its_journal_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMMISSIONS_HOME", str(tmp_path))
    folder = tmp_path / "books" / "actions"
    sensor = defs.resolve_sensor_def("journal_sensor")
    cursor: str | None = None

    def look() -> list[str]:
        nonlocal cursor
        result = sensor(dg.build_sensor_context(cursor=cursor))
        assert isinstance(result, dg.SensorResult)
        cursor = result.cursor
        return [
            request.run_config["ops"]["export_journal"]["config"]["month"]
            for request in result.run_requests or []
        ]

    def act(code: str, period: str) -> None:
        append(
            folder,
            read_actions(folder),
            action_code=code,
            acted_at=datetime(2024, 4, 1, tzinfo=UTC),
            actor="laura",
            period_code=period,
        )

    folder.mkdir(parents=True)
    act("close", "2024-01")
    assert look() == [], "closed before the sensor was switched on"
    act("approve", "2024-02")
    assert look() == []
    act("close", "2024-02")
    act("close", "2024-03")
    assert look() == ["2024-02", "2024-03"]
    assert look() == []


def test_the_payroll_schedule_asks_for_the_due_cycles_of_the_sample() -> None:
    """The cycle 2013-03 of the sample company is paid on 2013-04-15: its file is written on the 12th."""
    schedule = defs.resolve_schedule_def("payroll_schedule")
    assert isinstance(schedule, dg.ScheduleDefinition)

    def asked(day: int) -> list[str | None]:
        context = dg.build_schedule_context(scheduled_execution_time=datetime(2013, 4, day, 8, tzinfo=UTC))
        return [request.run_key for request in schedule.evaluate_tick(context).run_requests or []]

    assert CADENCES.payroll_days == 3
    assert asked(11) == []
    assert asked(12) == ["sales|2013-03"]


def test_a_late_source_is_told_when_it_becomes_late_and_not_at_every_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    key = dg.AssetKey(["crm", "deals"])
    told: list[list[str]] = []
    monkeypatch.setattr(
        "orchestration.defs.freshness.send_alerts",
        lambda *alerts: told.append([one.subject for one in alerts]) or [],
    )
    sensor = freshness_sensor({"crm": key}, {"crm": "The CRM"}, CADENCES)
    cursor: str | None = None
    for state in ("PASS", "WARN", "WARN", "FAIL", "FAIL", "PASS", "WARN"):
        record = SimpleNamespace(freshness_state=FreshnessState[state])
        monkeypatch.setattr(
            dg.DagsterInstance,
            "get_freshness_state_records",
            lambda self, keys, record=record: {key: record},
        )
        context = dg.build_sensor_context(instance=dg.DagsterInstance.ephemeral(), cursor=cursor)
        sensor(context)
        cursor = context.cursor
    assert told == [["crm/warn"], ["crm/fail"], [], ["crm/warn"]]
