"""Everything Dagster loads. This file only merges."""

from __future__ import annotations

import dagster as dg

from orchestration.defs.alert_sensors import ALERT_SENSORS
from orchestration.defs.assets import ASSETS, CADENCES, SOURCE_SYSTEMS, RunResource
from orchestration.defs.automation import automated, automation_sensor
from orchestration.defs.closing_jobs import JOBS
from orchestration.defs.dispute_jobs import DISPUTE_JOBS
from orchestration.defs.event_jobs import deliver_events, events_are_due
from orchestration.defs.export_jobs import EXPORT_JOBS, journal_job, payroll_job
from orchestration.defs.freshness import freshness_sensor
from orchestration.defs.months import reviewed_month
from orchestration.defs.schedules import (
    calculation_job,
    daily,
    full,
    full_schedule,
    landed_keys,
    landing_jobs,
    landing_schedules,
    payroll_schedule,
    review_months,
)
from orchestration.defs.sensors import journal_sensor, losses_sensor
from orchestration.defs.statement_jobs import STATEMENT_JOBS
from orchestration.defs.write_back_jobs import WRITE_BACK_JOBS

LANDED = {name: landed_keys(system) for name, system in SOURCE_SYSTEMS.items()}
FIRST_TABLES = {name: keys[0] for name, keys in LANDED.items()}
# "The CRM: opportunities, accounts" is "The CRM" in the title of an alert.
SHORT_TITLES = {name: system.title.partition(":")[0] for name, system in SOURCE_SYSTEMS.items()}
LANDINGS = landing_jobs(SOURCE_SYSTEMS)
CALCULATION = calculation_job([key for keys in LANDED.values() for key in keys])

defs = dg.Definitions(
    assets=[*automated(ASSETS, LANDED, CADENCES), reviewed_month(CADENCES.first_month)],
    jobs=[
        daily,
        full,
        CALCULATION,
        review_months,
        *LANDINGS.values(),
        *JOBS,
        *EXPORT_JOBS,
        *DISPUTE_JOBS,
        *STATEMENT_JOBS,
        *WRITE_BACK_JOBS,
        deliver_events,
    ],
    schedules=[
        *landing_schedules(CADENCES, LANDINGS),
        *([full_schedule(CADENCES)] if CADENCES.full else []),
        *([payroll_schedule(CADENCES, payroll_job)] if CADENCES.payroll_cron else []),
    ],
    sensors=[
        automation_sensor(CADENCES.sensor_seconds),
        losses_sensor(list(FIRST_TABLES.values()), CADENCES.sensor_seconds, CALCULATION),
        journal_sensor(CADENCES, journal_job),
        freshness_sensor(FIRST_TABLES, SHORT_TITLES, CADENCES),
        events_are_due,
        *ALERT_SENSORS,
    ],
    resources={"run": RunResource()},
    executor=dg.in_process_executor,
)
