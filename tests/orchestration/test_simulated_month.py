"""A month of an installation under a fake clock: everything runs by the daemon's own schedules and sensors.

Daemon, code server and runs are the real processes; only the time of day is moved (simulated/). The story: every source lands,
billing tells late, the CRM's extract is broken for a day, a refund lands before the others, June is approved, paid and closed,
and is not touched by what comes afterwards. Days on which nothing is told are jumped over. It takes half an hour, so
it runs on request only: `make month`. It prints the timeline.
"""

import csv
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import dagster as dg
import duckdb
import pytest

from tests.orchestration.simulated.clock import Clock
from tests.orchestration.simulated.company import Extracts, seeds
from tests.orchestration.simulated.stack import Stack, copy_project
from tests.orchestration.simulated.timeline import Timeline

# isort: split
from tests.support.servers.fault_server import FaultServer
from tests.support.servers.receiving import SECRET, Receiving, listening

pytestmark = pytest.mark.skipif("MONTH" not in os.environ, reason="half an hour; run it with: make month")

DAYS = "1-5,31"
CADENCES = f"""
timezone = "UTC"
first_month = "2013-06"
day_starts = "0 3 * * *"
sensor_seconds = 30
[land]
default = "0 4 1 * *"
crm = "10 4 {DAYS} * *"
billing = "20 4 {DAYS} * *"
optional = ["fx", "hris", "maven_crm"]
[freshness.default]
warn_hours = 26
fail_hours = 50
[freshness.fx]
warn_hours = 8000
fail_hours = 9000
[freshness.hris]
warn_hours = 8000
fail_hours = 9000
[freshness.maven_crm]
warn_hours = 8000
fail_hours = 9000
[payroll]
cron = "0 8 * * *"
days_before_pay_date = 3
"""
DAILY = ("land_crm", "land_billing")
Payouts = dict[tuple[str, str], Decimal]


@dataclass
class Month:
    """The installation, what it reads, and who is told."""

    stack: Stack
    extracts: Extracts
    timeline: Timeline
    alerts: Receiving
    events: Receiving
    told_alerts: int = field(default=0)

    def day(self, day: int) -> None:
        """All landings of a day come due, with what follows."""
        self.stack.go_to(f"2013-07-{day:02}T04:21:00", *DAILY)

    def overdue(self) -> list[tuple[str, str, str]]:
        """The alerts of sources that are late: the freshness daemon looks first, the sensor after it."""
        for _ in range(6):
            if found := self.new_alerts():
                return found
            self.stack.settle()
        return []

    def runs(self, job: str | None = None) -> list[dg.RunRecord]:
        """The runs so far, of one job where it is given; the automation's runs are those of "calculation"."""
        found = self.stack.instance.get_run_records(ascending=True)
        wanted = "__ASSET_JOB" if job == "calculation" else job
        return [record for record in found if wanted in (None, record.dagster_run.job_name)]

    def new_alerts(self) -> list[tuple[str, str, str]]:
        """Severity, title and text of the alerts since this was asked last."""
        found = self.alerts.first_time[self.told_alerts :]
        self.told_alerts += len(found)
        return [(one["data"]["severity"], one["data"]["title"], one["data"]["text"]) for one in found]

    def payouts(self) -> Payouts:
        """What is published: amounts in USD by payee and month."""
        found = self.published(
            "select payee_id, period_code, payout_amount, currency_code from marts.fct_payouts where payout_amount <> 0"
        )
        assert {row[3] for row in found} <= {"USD"}
        return {(row[0], row[1]): row[2] for row in found}

    def published(self, query: str) -> list[tuple[object, ...]]:
        with duckdb.connect(str(self.stack.home / "published" / "marts.duckdb"), read_only=True) as marts:
            return marts.execute(query).fetchall()

    def expect(self, **amounts: str) -> None:
        """The published payouts are these: ana_06="100.00" is ana's of June, in USD; they are noted."""
        wanted = {(name[:-3], f"2013-{name[-2:]}"): Decimal(amount) for name, amount in amounts.items()}
        found = self.payouts()
        self.timeline.note(
            ", ".join(
                f"{payee} {period} {amount:.2f} USD" for (payee, period), amount in sorted(found.items())
            ),
            "pays",
        )
        assert found == wanted


@pytest.fixture(scope="module")
def month(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Month]:
    folder = tmp_path_factory.mktemp("month")
    project = copy_project(folder / "project")
    seeds(project / "seeds")
    extracts = Extracts(folder / "extracts")
    (folder / "cadences.toml").write_text(CADENCES)
    clock = Clock(folder / "clock", "2013-07-01T03:30:00")
    timeline = Timeline(clock)
    with FaultServer() as pager, FaultServer() as erp:
        alerts, events = listening(pager), listening(erp)
        timeline.follow_alerts(alerts)
        timeline.follow_events(events)
        (folder / "notifications.toml").write_text(
            f'[receivers.erp]\nurl = "{events.url}"\n'
            f'[alerts.channels.pager]\nkind = "webhook"\nurl = "{alerts.url}"\n'
        )
        stack = Stack(
            folder,
            project,
            clock,
            {
                "COMMISSIONS_EXTRACTS": str(extracts.folder),
                "COMMISSIONS_CADENCES": str(folder / "cadences.toml"),
                "COMMISSIONS_NOTIFICATIONS": str(folder / "notifications.toml"),
                "COMMISSIONS_AS_OF_DATE": "today",
                "RECEIVERS__ERP__SECRET": SECRET,
                "ALERTS__PAGER__SECRET": SECRET,
            },
        )
        try:
            extracts.deals("D1", "D2", "D3")
            extracts.pay(("D1", "2013-06-20"), ("D3", "2013-06-25"))
            stack.start()
            stack.settle()
            yield Month(stack, extracts, timeline, alerts, events)
        finally:
            print(timeline.text(stack.instance))
            stack.stop()


def test_first_day_is_calculated_when_the_last_source_has_landed(month: Month) -> None:
    stack = month.stack
    stack.go_to("2013-07-01T04:10:05", "land_hris", "land_fx", "land_maven_crm", "land_crm")
    assert len(month.runs()) == 4
    assert not month.runs("calculation")
    assert not (stack.home / "published" / "marts.duckdb").exists()
    stack.go_to("2013-07-01T04:20:05", "land_billing")
    (landed,), (calculated,) = month.runs("land_billing_now"), month.runs("calculation")
    assert landed.end_time and calculated.start_time and landed.end_time < calculated.start_time
    # 10 % of 1,000.00 and of 500.00; D2 is not paid yet.
    month.expect(ana_06="100.00", ben_06="50.00")
    assert month.new_alerts() == []


def test_late_data_is_calculated_again(month: Month) -> None:
    month.day(2)
    assert len(month.runs("calculation")) == 2
    month.expect(ana_06="100.00", ben_06="50.00")
    month.stack.go_to("2013-07-02T11:00:00")
    month.extracts.pay(("D2", "2013-06-28"))
    month.timeline.note(
        "billing's extract arrives late, with the payment of D2; a person launches land_billing_now"
    )
    month.stack.launch("land_billing_now")
    month.stack.settle()
    assert len(month.runs("calculation")) == 3
    # 10 % of 2,000.50 besides.
    month.expect(ana_06="300.05", ben_06="50.00")
    assert month.new_alerts() == []


def test_a_failed_source_is_told_and_holds_the_calculation_until_it_is_mended(month: Month) -> None:
    month.timeline.note("the CRM writes an amount with a comma")
    month.extracts.deals("D1", "D2", "D3", "D4", D2="2000,50")
    before = month.published("select * from publication.run order by all")
    month.day(3)
    (failed,) = [run for run in month.runs("land_crm_now") if not run.dagster_run.is_success]
    assert failed.dagster_run.is_failure
    assert len(month.runs("calculation")) == 3
    assert month.published("select * from publication.run order by all") == before
    ((severity, title, text),) = month.new_alerts()
    assert (severity, title) == ("error", "Run of land_crm_now failed in step land_crm")
    assert "Opportunity.csv" in text and "row 3" in text and "Amount" in text and "2000,50" in text
    month.stack.go_to("2013-07-03T07:00:00")
    ((severity, title, text),) = month.overdue()
    assert severity == "warning" and title.endswith("has not landed for 26 hours")
    assert "land_crm_now" in text and "calculate_now" in text
    month.timeline.note("the CRM's extract is fixed")
    month.extracts.deals("D1", "D2", "D3", "D4")
    month.day(4)
    assert len(month.runs("calculation")) == 4
    # D4 is won, and not paid yet.
    month.expect(ana_06="300.05", ben_06="50.00")
    assert month.new_alerts() == []


def test_a_refund_is_calculated_at_once(month: Month) -> None:
    month.stack.go_to("2013-07-05T03:30:00")
    month.timeline.note(
        "a refund of D3 arrives before the day's landings; a person launches land_billing_now"
    )
    month.extracts.refund(("D3", "2013-07-04"))
    month.stack.launch("land_billing_now")
    month.stack.settle()
    (at_once,) = month.runs("calculate_now")
    assert at_once.dagster_run.tags["commissions/because"] == "losses landed: 1 with billing"
    assert at_once.dagster_run.is_success
    assert len(month.runs("calculation")) == 4, "the other sources have not landed today"
    # June stays; July takes 10 % of 500.00 back.
    month.expect(ana_06="300.05", ben_06="50.00", ben_07="-50.00")
    month.day(5)
    assert len(month.runs("calculation")) == 5 and len(month.runs("calculate_now")) == 1
    month.expect(ana_06="300.05", ben_06="50.00", ben_07="-50.00")
    assert month.new_alerts() == []


def test_june_is_released_and_approved(month: Month) -> None:
    month.stack.go_to("2013-07-05T14:00:00")
    for what in ("credits", "rewards"):
        config = {"what": what, "period": "2013-06", "by": "ana"}
        month.stack.launch("release", {"ops": {"release_period": {"config": config}}}, by="ana")
    for who in ("stephen", "laura"):
        month.stack.launch(
            "approve", {"ops": {"approve_period": {"config": {"period": "2013-06", "by": who}}}}, by=who
        )
    month.stack.settle()
    assert month.published("select period_code, state_code from marts.fct_calculations order by all") == [
        ("2013-06", "approved"),
        ("2013-07", "draft"),
    ]
    assert month.new_alerts() == []


def test_payroll_is_written_by_its_schedule_and_each_amount_once(month: Month) -> None:
    month.timeline.note("the landings are off until the end of the month; the daemon keeps running")
    month.stack.go_to("2013-07-12T08:00:05", "payroll_schedule")
    overdue = month.overdue()
    assert len(overdue) == 2
    assert {severity for severity, _, _ in overdue} == {"error"}
    assert all(title.endswith("has not landed for 50 hours") for _, title, _ in overdue)
    (run,) = month.runs("payroll")
    assert run.dagster_run.is_success
    (file,) = (month.stack.home / "exports").glob("*/payroll*.csv")
    with file.open(encoding="utf-8", newline="") as opened:
        paid = {row["payee_id"]: (row["currency"], row["amount"]) for row in csv.DictReader(opened)}
    assert paid == {"ana": ("USD", "300.05"), "ben": ("USD", "50.00")}
    month.timeline.note(
        f"{file.name}: "
        + ", ".join(f"{who} {amount} {currency}" for who, (currency, amount) in sorted(paid.items())),
        "file",
    )
    again = month.stack.command("payroll", "2013-06", "--by", "laura")
    month.timeline.note(f"laura types commissions payroll 2013-06: {(again.stdout + again.stderr).strip()}")
    assert len(list((month.stack.home / "books" / "exports").iterdir())) == 1
    assert month.new_alerts() == []


def test_closing_writes_the_journal(month: Month) -> None:
    month.stack.go_to("2013-07-12T15:00:00")
    month.stack.launch(
        "close", {"ops": {"close_period": {"config": {"period": "2013-06", "by": "laura"}}}}, by="laura"
    )
    month.stack.settle()
    (journal,) = month.runs("journal")
    assert journal.dagster_run.is_success
    (file,) = (month.stack.home / "exports").glob("*/journal*.csv")
    month.timeline.note(f"{file.name}: {len(file.read_text().splitlines()) - 1} lines", "file")
    assert month.new_alerts() == []


def test_what_comes_later_is_posted_in_july_and_all_is_proved(month: Month) -> None:
    month.stack.go_to("2013-07-31T03:30:00")
    assert {severity for severity, _, _ in month.overdue()} == {"error"}
    month.timeline.note("billing has the payment of D4, and the CRM has found D5 of June, paid in June")
    month.extracts.deals("D1", "D2", "D3", "D4", "D5")
    month.extracts.pay(("D4", "2013-07-20"), ("D5", "2013-06-30"))
    month.day(31)
    # 10 % of 333.33; -50.00 and 10 % of 100.00, which June would have paid and July pays.
    month.expect(ana_06="300.05", ben_06="50.00", ana_07="33.33", ben_07="-40.00")
    verified = month.stack.command("verify")
    month.timeline.note(f"commissions verify: {verified.stdout.strip()}")
    assert verified.returncode == 0, verified.stderr
    assert month.new_alerts() == []


def test_events_arrived_signed_and_in_order(month: Month) -> None:
    assert month.events.refused == [] and month.alerts.refused == []
    by_subject: dict[str, list[tuple[int, str]]] = {}
    for event in month.events.first_time:
        by_subject.setdefault(event["subject"], []).append((event["subject_sequence"], event["type"]))
    for subject, told in by_subject.items():
        assert [number for number, _ in told] == list(range(1, len(told) + 1)), subject
    assert [kind for _, kind in by_subject["period/2013-06"]] == [
        "credits.released",
        "statement.released",
        "period.approved",
        "period.approved",
        "payout.exported",
        "period.closed",
        "journal.exported",
    ]
    published = [run for name in ("calculation", "calculate_now") for run in month.runs(name)]
    assert len(by_subject["calculation"]) == len(published) == 7
    changed = [
        datetime.fromisoformat(event["timestamp"]).day
        for event in month.events.first_time
        if event["type"] == "calculation.completed" and event["data"]["is_changed"]
    ]
    assert changed == [1, 2, 5, 31]
