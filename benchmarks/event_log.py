"""`python -m benchmarks.event_log`: storing a run's events as Dagster does, and as the project does."""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence

import dagster as dg
from dagster._core.definitions.asset_checks.asset_check_evaluation import AssetCheckEvaluation
from dagster._core.events import (
    AssetCheckEvaluationPlanned,
    AssetMaterializationPlannedData,
    DagsterEvent,
    DagsterEventType,
    StepMaterializationData,
)
from dagster._core.events.log import EventLogEntry
from dagster._core.storage.event_log import SqliteEventLogStorage

from benchmarks.report import table
from orchestration.defs.event_log import PooledSqliteEventLogStorage
from orchestration.warehouse.settings import EVENT_BATCH_SIZE

JOB = "daily"
CHECK = "unique"


def _entry(run_id: str, kind: DagsterEventType, data: object) -> EventLogEntry:
    event = DagsterEvent(
        event_type_value=kind.value, job_name=JOB, event_specific_data=data, step_key="calculate"  # type: ignore[arg-type]
    )  # fmt: skip
    return EventLogEntry(
        error_info=None, level=10, user_message="", run_id=run_id, timestamp=time.time(), step_key="calculate",
        job_name=JOB, dagster_event=event,
    )  # fmt: skip


def planned_events(run_id: str, number: int) -> list[EventLogEntry]:
    """What a run says before its first step: every second event an asset, the others a check on it."""
    events = []
    for index in range(number):
        key = dg.AssetKey(["marts", f"model_{index // 2}"])
        if index % 2:
            planned = AssetCheckEvaluationPlanned(asset_key=key, check_name=CHECK)
            events.append(_entry(run_id, DagsterEventType.ASSET_CHECK_EVALUATION_PLANNED, planned))
        else:
            data = AssetMaterializationPlannedData(key)
            events.append(_entry(run_id, DagsterEventType.ASSET_MATERIALIZATION_PLANNED, data))
    return events


def materializations(run_id: str, number: int) -> list[EventLogEntry]:
    """What a run says of its assets."""
    return [
        _entry(
            run_id,
            DagsterEventType.ASSET_MATERIALIZATION,
            StepMaterializationData(
                dg.AssetMaterialization(["marts", f"model_{index}"], metadata={"seconds": 0.1, "rows": index})
            ),
        )
        for index in range(number)
    ]


def evaluations(run_id: str, number: int) -> list[EventLogEntry]:
    """What a run says of its checks."""
    return [
        _entry(
            run_id,
            DagsterEventType.ASSET_CHECK_EVALUATION,
            AssetCheckEvaluation(
                asset_key=dg.AssetKey(["marts", f"model_{index}"]), check_name=CHECK, passed=True, metadata={}
            ),
        )
        for index in range(number)
    ]


def _one_by_one(storage: SqliteEventLogStorage, events: Iterable[EventLogEntry]) -> None:
    for event in events:
        storage.store_event(event)


def _in_batches(storage: SqliteEventLogStorage, events: Sequence[EventLogEntry]) -> None:
    for first in range(0, len(events), EVENT_BATCH_SIZE):
        storage.store_event_batch(events[first : first + EVENT_BATCH_SIZE])


def _measure(store: Callable[[], None]) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    store()
    return time.perf_counter() - wall, time.process_time() - cpu


def measure(
    make: type[SqliteEventLogStorage], batched: bool, planned: int, done: int
) -> dict[str, tuple[float, float]]:
    """Wall and CPU seconds of each kind of event, in a new history."""
    run_id = "benchmark"
    with tempfile.TemporaryDirectory(prefix="event_log_") as folder:
        storage = make(folder)
        storage.get_records_for_run(run_id, limit=1)  # makes the file of the run
        store = _in_batches if batched else _one_by_one
        kinds = {
            f"{planned:,} planned": lambda: store(storage, planned_events(run_id, planned)),
            f"{done:,} materialized": lambda: _one_by_one(storage, materializations(run_id, done)),
            f"{done:,} checked": lambda: _one_by_one(storage, evaluations(run_id, done)),
        }
        figures = {kind: _measure(stored) for kind, stored in kinds.items()}
        storage.dispose()
    return figures


def main() -> int:
    """Measure both in turns and print the medians with their ratios."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.event_log", description=__doc__)
    parser.add_argument("--planned", type=int, default=1000, help="planned assets and checks")
    parser.add_argument("--done", type=int, default=300, help="materializations, and as many checks")
    parser.add_argument("--repeat", type=int, default=3, help="rounds; the median counts")
    arguments = parser.parse_args()
    rounds = [
        (
            measure(SqliteEventLogStorage, False, arguments.planned, arguments.done),
            measure(PooledSqliteEventLogStorage, True, arguments.planned, arguments.done),
        )
        for _ in range(arguments.repeat)
    ]
    rows = []
    for kind in rounds[0][0]:
        for index, name in enumerate(("wall", "CPU")):
            stock, ours = (statistics.median(sides[side][kind][index] for sides in rounds) for side in (0, 1))
            rows.append([f"{kind}, {name}", f"{stock:.2f}", f"{ours:.2f}", f"{stock / ours:.1f}"])
    print(table(["seconds", "Dagster", "project", "ratio"], rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
