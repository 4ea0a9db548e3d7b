"""A run of Dagster that fails, or whose checks do not pass, becomes alerts; a good one does not."""

from collections.abc import Iterator

import dagster as dg
import pytest

from orchestration.definitions import defs
from orchestration.defs.alert_sensors import ALERT_SENSORS
from orchestration.defs.alerts_of_runs import alerts_of_run
from orchestration.telling.alerts.alert import presentable

CHECKED = dg.AssetKey(["crm", "deals"])


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as made:
        yield made


def run(
    instance: dg.DagsterInstance, failing: dict[str, dg.AssetCheckSeverity], failure: Exception | None = None
) -> list[tuple[str, ...]]:
    """Materialize one asset with checks; returns kind, severity, title and subject of the alerts."""

    @dg.asset(
        key=CHECKED, check_specs=[dg.AssetCheckSpec(name, asset=CHECKED) for name in ("good", *failing)]
    )
    def deals() -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
        yield dg.MaterializeResult(
            check_results=[
                dg.AssetCheckResult(check_name="good", passed=True),
                *(
                    dg.AssetCheckResult(
                        check_name=name, passed=False, severity=severity, description=f"{name}: 3 rows"
                    )
                    for name, severity in failing.items()
                ),
            ]
        )
        if failure:
            raise failure

    result = dg.materialize([deals], instance=instance, raise_on_error=False)
    alerts = alerts_of_run(instance, instance.get_run_by_id(result.run_id) or result.dagster_run)
    for alert in alerts:
        assert result.run_id in presentable(alert).text
    return [
        (alert.kind, alert.severity, alert.title, alert.subject, alert.text.split("\n")[0])
        for alert in alerts
    ]


def test_a_good_run_is_no_alert(instance: dg.DagsterInstance) -> None:
    assert run(instance, {}) == []


def test_a_run_that_failed_tells_step_reason_and_checks(instance: dg.DagsterInstance) -> None:
    refused = dg.Failure("billing: the token was refused; set SOURCES__BILLING__TOKEN", allow_retries=False)
    assert run(instance, {"unique": dg.AssetCheckSeverity.ERROR}, refused) == [
        (
            "run_failed", "error", "Run of __ephemeral_asset_job__ failed in step crm__deals", "__ephemeral_asset_job__/crm__deals",
            "billing: the token was refused; set SOURCES__BILLING__TOKEN",
        ),
        ("check_failed", "error", "crm/deals/unique did not pass", "crm/deals/unique", "crm/deals/unique: unique: 3 rows"),
    ]  # fmt: skip


def test_a_long_reason_does_not_push_the_run_out_of_the_text(instance: dg.DagsterInstance) -> None:
    ((*_, reason),) = run(instance, {}, dg.Failure("x" * 9000, allow_retries=False))
    assert len(reason) == 1500


def test_an_action_that_was_refused_is_only_a_warning(instance: dg.DagsterInstance) -> None:
    ((kind, severity, *_),) = run(
        instance, {}, dg.Failure("Refused: 2014-03 is closed.", allow_retries=False)
    )
    assert (kind, severity) == ("run_failed", "warning")


def test_warnings_of_a_good_run_and_freshness_are_told_apart(instance: dg.DagsterInstance) -> None:
    warning = dg.AssetCheckSeverity.WARN
    found = run(instance, {"freshness_check": warning, "few_rows": warning})
    assert [alert[:4] for alert in found] == [
        ("check_failed", "warning", "crm/deals/few_rows did not pass", "crm/deals/few_rows"),
        ("freshness_overdue", "warning", "crm/deals/freshness_check overdue", "crm/deals/freshness_check"),
    ]


def test_many_failed_checks_are_one_alert_and_others_are_another(instance: dg.DagsterInstance) -> None:
    error = dg.AssetCheckSeverity.ERROR
    (many,) = run(instance, {f"check_{number}": error for number in range(12)})
    (again,) = run(instance, {f"check_{number}": error for number in range(12)})
    (other,) = run(instance, {f"check_{number}": error for number in range(1, 13)})
    assert many[2] == "12 checks did not pass"
    assert many[3] == again[3] != other[3]


def test_the_sensors_are_on_and_send(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    names = {sensor.name: sensor.default_status for sensor in defs.sensors or []}
    assert names == dict.fromkeys(
        (
            "alert_on_failed_checks",
            "alert_on_failed_runs",
            "calculation_sensor",
            "events_are_due",
            "freshness_sensor",
            "journal_sensor",
            "losses_sensor",
        ),
        dg.DefaultSensorStatus.RUNNING,
    )
    sent: list[str] = []
    monkeypatch.setattr(
        "orchestration.defs.alert_sensors.send_alerts",
        lambda *alerts: sent.extend(alert.title for alert in alerts) or [],
    )

    @dg.op
    def fails() -> None:
        raise dg.Failure("no")

    @dg.job
    def daily_of_the_test() -> None:
        fails()

    result = daily_of_the_test.execute_in_process(instance=instance, raise_on_error=False)
    (failure,) = [event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE"]
    context = dg.build_run_status_sensor_context(
        sensor_name="alert_on_failed_runs",
        dagster_instance=instance,
        dagster_run=instance.get_run_by_id(result.run_id) or result.dagster_run,
        dagster_event=failure,
    ).for_run_failure()
    ALERT_SENSORS[0](context)
    assert sent == ["Run of daily_of_the_test failed in step fails"]
