"""Everything Dagster loads. This file only merges."""

from __future__ import annotations

import dagster as dg

from orchestration.alerts.sensors import ALERT_SENSORS
from orchestration.assets import ASSETS, DBT, RunResource
from orchestration.books.export_jobs import EXPORT_JOBS
from orchestration.books.jobs import JOBS
from orchestration.events.jobs import deliver_events, events_are_due
from orchestration.schedules import daily, daily_schedule

defs = dg.Definitions(
    assets=ASSETS,
    jobs=[daily, *JOBS, *EXPORT_JOBS, deliver_events],
    schedules=[daily_schedule],
    sensors=[events_are_due, *ALERT_SENSORS],
    resources={"run": RunResource(), "dbt": DBT},
    executor=dg.in_process_executor,
)
