"""The daily run."""

from __future__ import annotations

import dagster as dg

# Everything, in one process: DuckDB has one writer, and the run holds one lock.
daily = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.all(),
    description="Check the inputs, land the sources, calculate, publish.",
    executor_def=dg.in_process_executor,
    # A run whose process died is begun anew, from the beginning; one that failed is not (dagster.yaml).
    tags={"dagster/max_retries": "2", "dagster/retry_strategy": "ALL_STEPS"},
)

daily_schedule = dg.ScheduleDefinition(
    name="daily_schedule",
    job=daily,
    cron_schedule="0 5 * * *",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Every morning, so that last night's extracts are in this morning's statements.",
)
