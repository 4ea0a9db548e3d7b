"""Everything Dagster loads. This file only merges."""

from __future__ import annotations

import dagster as dg

from orchestration.assets import ASSETS, DBT, RunResource
from orchestration.books.export_jobs import EXPORT_JOBS
from orchestration.books.jobs import JOBS
from orchestration.schedules import daily, daily_schedule
from orchestration.write_back.jobs import WRITE_BACK_JOBS

defs = dg.Definitions(
    assets=ASSETS,
    jobs=[daily, *JOBS, *EXPORT_JOBS, *WRITE_BACK_JOBS],
    schedules=[daily_schedule],
    resources={"run": RunResource(), "dbt": DBT},
    executor=dg.in_process_executor,
)
