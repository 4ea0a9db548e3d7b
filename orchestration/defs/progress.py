"""The run as it is read live: one line per step, table or model, with the elapsed seconds."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from typing import TextIO

import dagster as dg
from dagster._core.events import DagsterEventType  # no public name for the type of an event

from orchestration.defs.translator import CALCULATION_KEY

COUNT_WIDTH = 9


class Progress:
    """Prints a Dagster run's events to ``out``. Add `handle` as the instance's event listener.

    ``started`` is the run's beginning on the monotonic clock, in seconds.
    """

    def __init__(self, out: TextIO, groups: Mapping[dg.AssetKey, str], *, started: float) -> None:
        self._out, self._groups, self._started = out, groups, started
        self._checks = 0

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the run began."""
        return time.monotonic() - self._started

    @property
    def checks_asked(self) -> int:
        """Number of data tests that were asked so far."""
        return self._checks

    def say(self, group: str, text: str) -> None:
        """Print one line. Where nobody reads any more (`commissions run | head`), the run continues without."""
        try:
            self._out.write(f"{self.elapsed_seconds:6.1f} s  {group:<16} {text}\n")
            self._out.flush()
        except BrokenPipeError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._out.fileno())
            os.close(nowhere)

    def handle(self, entry: dg.EventLogEntry) -> None:
        """Print the line of one event; most events have none."""
        event = entry.dagster_event
        if event is None:
            if entry.user_message.startswith("Waiting for another run"):
                self.say("lock", entry.user_message)
        elif event.event_type == DagsterEventType.ASSET_MATERIALIZATION:
            self._materialized(event)
        elif event.event_type == DagsterEventType.ASSET_CHECK_EVALUATION:
            self._checked(event)
        elif event.event_type == DagsterEventType.STEP_FAILURE:
            self.say("FAILED", str(event.step_key))

    def built(self, unique_id: str, status: str, seconds: float) -> None:
        """Print the line of a node as dbt finishes it; Dagster hears of it when the whole calculation is done."""
        kind, _, name = unique_id.partition(".")
        if kind in ("seed", "model"):
            word = "" if status == "success" else f"  {status}"
            self.say(kind, f"{name.rpartition('.')[2]:<44}{seconds:>6.2f} s{word}")

    def _materialized(self, event: dg.DagsterEvent) -> None:
        materialization = event.step_materialization_data.materialization
        key = materialization.asset_key
        values = {name: entry.value for name, entry in materialization.metadata.items()}
        group = self._groups.get(key, "")
        if key == CALCULATION_KEY:
            self.say(
                group,
                f"{values['built']} tables and views built, {values['unchanged']} unchanged; {values['checks']} checks",
            )
        elif group.startswith("raw_"):
            counts = "".join(
                f"{int(str(values[name])):>{COUNT_WIDTH},} {label}"
                for name, label in (
                    ("file", "in file"),
                    ("new", "new"),
                    ("retired", "retired"),
                    ("live", "live"),
                )
                if name in values
            )
            self.say(group, f"{key.path[-1]:<24}{counts}")
        elif group == "preflight":
            self.say(
                group, f"{values['seed_files']} seed files and {values['extract_files']} extracts checked"
            )
        elif group == "published":
            self.say(
                group,
                f"{values['marts_copied']} of {values['marts']} marts copied, {values['rows']:,} rows; payouts: {values['payouts_added']} added, "
                f"{values['payouts_changed']} changed, {values['payouts_removed']} removed",
            )
        elif "Execution Duration" not in values:
            self.say(group, str(key.path[-1]))

    def _checked(self, event: dg.DagsterEvent) -> None:
        evaluation = event.asset_check_evaluation_data
        asked = evaluation.metadata.get("asked")
        self._checks += int(str(asked.value)) if asked else 1
        if not evaluation.passed:
            word = "warning" if evaluation.severity == dg.AssetCheckSeverity.WARN else "FAILED TEST"
            table = evaluation.asset_key.path[-1]
            found = f": {evaluation.description}" if evaluation.description else ""
            self.say(
                self._groups.get(evaluation.asset_key, ""),
                f"{word} {evaluation.check_name} on {table}{found}",
            )
