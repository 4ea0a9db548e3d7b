"""What happened in the simulated month: runs, alerts, events and what people did, in one list by fake time."""

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import dagster as dg

from tests.orchestration.simulated.clock import Clock
from tests.support.servers.receiving import Accepted, Receiving

WIDTH = 124
# Its result is the events themselves.
NOT_TOLD = "deliver_events"


@dataclass
class Timeline:
    """Entries (moment, kind, text)."""

    clock: Clock
    entries: list[tuple[datetime, str, str]] = field(default_factory=list)

    def note(self, text: str, kind: str = "") -> None:
        """Something that happens now."""
        self.entries.append((self.clock.now(), kind, text))

    def follow_alerts(self, channel: Receiving) -> None:
        """Note every alert as it arrives."""

        def told(accepted: Accepted) -> None:
            data = accepted.event["data"]
            self.note(f"{data['severity']}: {data['title']}\n{data['text']}", "ALERT")

        channel.before_answer = told

    def follow_events(self, receiver: Receiving) -> None:
        """Note every event as it arrives."""

        def told(accepted: Accepted) -> None:
            event = accepted.event
            data = event["data"]
            facts = [
                f"{name} {data[name]}"
                for name in ("as_of_date", "is_changed", "role_code", "amount", "row_count", "line_count")
                if data.get(name) is not None
            ]
            facts += [f"{total['amount']} {total['currency_code']}" for total in data.get("totals", [])]
            told = f"{event['type']} of {event['subject']}, number {event['subject_sequence']} of it"
            self.note(f"{told}: {', '.join(facts)}" if facts else told, "event")

        receiver.before_answer = told

    def runs(self, instance: dg.DagsterInstance) -> Iterator[tuple[datetime, str, str]]:
        """The runs of an instance, each at its start."""
        for record in instance.get_run_records(ascending=True):
            run = record.dagster_run
            if run.job_name == NOT_TOLD or record.start_time is None:
                continue
            name = "the calculation" if run.job_name.startswith("__") else run.job_name
            yield (
                datetime.fromtimestamp(record.start_time, UTC),
                "run",
                f"{name}, by {_cause(run)}: {run.status.value}",
            )

    def text(self, instance: dg.DagsterInstance) -> str:
        """The whole list, one paragraph an entry."""
        lines, day = [], ""
        for moment, kind, told in sorted([*self.entries, *self.runs(instance)], key=lambda entry: entry[0]):
            if (today := f"{moment:%a %Y-%m-%d}") != day:
                lines += ["", today]
                day = today
            start = f"{moment:%H:%M:%S}  {kind:5}  "
            for number, line in enumerate(told.splitlines()):
                lines += textwrap.wrap(
                    line,
                    WIDTH,
                    initial_indent=" " * len(start) if number else start,
                    subsequent_indent=" " * len(start),
                )
        return "\n".join(lines)


def _cause(run: dg.DagsterRun) -> str:
    tags = run.tags
    for tag in ("dagster/schedule_name", "dagster/sensor_name", "commissions/by"):
        if found := tags.get(tag):
            because = tags.get("commissions/because")
            return f"{found} ({because})" if because else found
    return "calculation_sensor" if tags.get("dagster/from_automation_condition") else "?"
