"""Send what differs, through a dlt destination: a batch, its answers, one line per record in the memory, the next batch."""

from __future__ import annotations

import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import dlt
from dlt.common.destination.exceptions import DestinationTerminalException
from dlt.pipeline.exceptions import PipelineStepFailed

from ingestion.api.config import Configured
from ingestion.api.errors import ApiError
from ingestion.api.writing import Outcome, Outgoing, Writer
from ingestion.landing.settings import Settings as IngestionSettings
from ingestion.registry import configured_systems
from ingestion.systems.hubspot.writer import HubSpotWriter
from ingestion.systems.salesforce.connector import DEFAULT_VERSION
from ingestion.systems.salesforce.writer import SalesforceWriter
from orchestration.telling.write_back.acknowledged import Memory, WriteBackError
from orchestration.telling.write_back.records import (
    AMOUNTS,
    COUNTS,
    Comparison,
    Due,
    Target,
    compare,
    memory_folder,
    open_published,
    read_published,
    read_targets,
)
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.settings import RunSettings

TABLE = "crm_records"


@dataclass
class Sent:
    """The outcome of a target.

    Attributes:
        refused: key and reason of each record that the CRM did not take.
        failure: why it was broken off; empty: it was not.
        is_connected: False where sources.toml has no such CRM, so that nothing could be sent.
    """

    comparison: Comparison
    is_dry_run: bool
    written: Counter[str] = field(default_factory=Counter)
    refused: list[tuple[str, str]] = field(default_factory=list)
    failure: str = ""
    is_connected: bool = True

    @property
    def is_whole(self) -> bool:
        """True where every record that was to be sent was taken."""
        return not self.refused and not self.failure


def write_back(
    settings: RunSettings, sources: IngestionSettings, *, system_code: str | None, is_dry_run: bool
) -> list[Sent]:
    """Send each target what differs from what it has acknowledged. A dry run sends nothing and needs no CRM.

    Raises:
        WriteBackError: nothing is published, no target, or no connection for any of them; nothing was sent.
        RunInProgress: another write-back is on its way.
    """
    folder = memory_folder(settings)
    with RunLock(folder / "lock"), open_published(settings) as marts:
        targets = read_targets(marts, system_code)
        connected = {found.config.name: found for found in configured_systems(sources)}
        reachable = [target for target in targets if _is_connected(target, connected)]
        if not reachable and not is_dry_run:
            raise WriteBackError(_unconnected(targets))
        results = []
        for target in targets:
            published = read_published(marts, target)
            configured = connected.get(target.source_name) if target in reachable else None
            memory = Memory(folder, target.target_id, configured.config.base_url) if configured else None
            sent = Sent(compare(target, published, memory), is_dry_run, is_connected=configured is not None)
            results.append(sent)
            if not is_dry_run and configured and memory:
                memory.tidy()
                _deliver(sent, configured, memory)
        return results


def _is_connected(target: Target, connected: dict[str, Configured]) -> bool:
    found = connected.get(target.source_name)
    return found is not None and found.config.connector == target.system_code


def _unconnected(targets: list[Target]) -> str:
    wanted = sorted({f"[{target.source_name}] with connector {target.system_code}" for target in targets})
    return (
        f"no CRM to write to is connected: the targets name {'; '.join(wanted)}, which ingestion/sources.toml does not "
        "have. Add the section and its secrets, or correct source_name in seeds/crm/crm_targets.csv"
    )


def writer_of(target: Target, configured: Configured) -> Writer:
    """The writer of a target, with the client of the connected system.

    Raises:
        ApiError: a secret is not set.
    """
    connector = configured.make()
    if target.system_code == "hubspot":
        return HubSpotWriter(connector.client(), target.crm_object, target.key_field)
    version = str(connector.config.options.get("api_version", DEFAULT_VERSION))
    return SalesforceWriter(connector.client(), target.crm_object, target.key_field, version)


def _deliver(sent: Sent, configured: Configured, memory: Memory) -> None:
    """Check the fields, then send; what failed for good is in ``sent.failure``."""
    target, due = sent.comparison.target, sent.comparison.due
    if not due:
        return
    try:
        writer = writer_of(target, configured)
        faults = writer.faults(list(target.columns))
    except ApiError as error:
        sent.failure = f"{error}. Nothing was sent"
        return
    if faults:
        sent.failure = f"{'; '.join(faults)}; or correct seeds/crm/crm_fields.csv. Nothing was sent"
        return
    by_key = {record.key: record for record in due}

    def take(rows: list[dict[str, Any]]) -> None:
        batch = [Outgoing(row["record_key"], _fields(target, row)) for row in rows]
        outcomes = writer.write(batch)
        memory.add(
            by_key[outcome.key].remembered for outcome in outcomes if _is_done(by_key[outcome.key], outcome)
        )
        for outcome in outcomes:
            _note(sent, by_key[outcome.key], outcome)

    _run_dlt(sent, writer, memory, take)


def _is_done(due: Due, outcome: Outcome) -> bool:
    """Whether the CRM holds what it should: there is nothing to empty of a record that it no longer has."""
    return outcome.is_written or (due.change_code == "taken_back" and outcome.is_gone)


def _note(sent: Sent, due: Due, outcome: Outcome) -> None:
    if _is_done(due, outcome):
        sent.written[due.change_code] += 1
    else:
        sent.refused.append((due.key, outcome.reason))


def _run_dlt(sent: Sent, writer: Writer, memory: Memory, take: Any) -> None:
    """Hand the records to dlt, whose destination is the CRM.

    dlt's own folder is thrown away: what it would send again after a kill are yesterday's amounts; the memory of acknowledgements is newer.
    """
    failures: list[ApiError] = []

    @dlt.destination(
        batch_size=writer.batch_max,
        loader_file_format="typed-jsonl",
        name="crm",
        naming_convention="direct",
        skip_dlt_columns_and_tables=True,
        max_table_nesting=0,
        loader_parallelism_strategy="sequential",
    )
    def crm(items: Any, table: Any) -> None:
        try:
            take(items)
        except ApiError as error:
            failures.append(error)
            # Without a cause: dlt writes causes to its trace. The client has tried often enough.
            raise DestinationTerminalException("the CRM could not be written to") from None

    folder = memory.path.parent
    folder.mkdir(parents=True, exist_ok=True)
    for left in folder.glob("dlt-*"):
        shutil.rmtree(left, ignore_errors=True)
    target = sent.comparison.target
    with tempfile.TemporaryDirectory(prefix="dlt-", dir=folder) as scratch:
        pipeline = dlt.pipeline(f"write_back_{target.target_id}", pipelines_dir=scratch, destination=crm)
        try:
            pipeline.run(
                dlt.resource(_rows(sent.comparison), name=TABLE, columns=_hints(target)),  # type: ignore[arg-type]
                write_disposition="append",
            )
        except PipelineStepFailed:
            if not failures:
                raise
            done = sum(sent.written.values())
            sent.failure = (
                f"{failures[0]}. Broken off: {done} of {len(sent.comparison.due)} records were taken, the others are sent "
                "by the next write-back"
            )


def _rows(comparison: Comparison) -> Iterator[dict[str, Any]]:
    for due in comparison.due:
        values = {comparison.target.columns[name]: value for name, value in due.fields.items()}
        yield {"record_key": due.key, **values}


def _hints(target: Target) -> dict[str, Any]:
    hints: dict[str, Any] = {"record_key": {"name": "record_key", "data_type": "text", "nullable": False}}
    for column in target.columns.values():
        hint: dict[str, Any] = {"name": column, "data_type": "text", "nullable": True}
        if column in AMOUNTS:
            hint |= {"data_type": "decimal", "precision": 18, "scale": 4}
        elif column in COUNTS:
            hint["data_type"] = "bigint"
        hints[column] = hint
    return hints


def _fields(target: Target, row: dict[str, Any]) -> dict[str, Any]:
    return {name: row.get(column) for name, column in target.columns.items()}
