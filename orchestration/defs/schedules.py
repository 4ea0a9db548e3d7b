"""Jobs of landing, calculating and everything at once, and the schedules of landings and pay cycles."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import dagster as dg

from ingestion.landing.tables import SourceSystem
from orchestration.defs.translator import FULL_TAG, MONTH_KEY, raw_key
from orchestration.operating.cadences import Cadences
from orchestration.plans.checks import seeds_folder
from orchestration.warehouse.settings import PROJECT_ROOT

if TYPE_CHECKING:
    from dagster._core.definitions.unresolved_asset_job_definition import (
        UnresolvedAssetJobDefinition as AssetJob,
    )

PAY_CYCLES = Path("payroll") / "pay_cycles.csv"

# A run whose process died is restarted from the beginning; a run that failed is not (dagster.yaml).
BEGUN_ANEW = {"dagster/max_retries": "2", "dagster/retry_strategy": "ALL_STEPS"}

# Everything, in one process: DuckDB has one writer, and the run holds one lock.
daily = dg.define_asset_job(
    "daily",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(MONTH_KEY),
    description="Check the inputs, land every source, calculate, publish: what `commissions run` does.",
    executor_def=dg.in_process_executor,
    tags=BEGUN_ANEW,
)


# The same without any assumption: it shows what a run of changes alone would have missed.
full = dg.define_asset_job(
    "full",
    selection=dg.AssetSelection.all() - dg.AssetSelection.assets(MONTH_KEY),
    description="Land, build and check everything from scratch, with every data test: what `commissions run --full` does.",
    executor_def=dg.in_process_executor,
    tags={**BEGUN_ANEW, FULL_TAG: "true"},
)


review_months = dg.define_asset_job(
    "review_months",
    selection=dg.AssetSelection.assets(MONTH_KEY),
    description="Review a month, or a year of months by a backfill: what each posts, and what has corrected it since.",
    executor_def=dg.in_process_executor,
)


def landed_keys(system: SourceSystem) -> list[dg.AssetKey]:
    """The landed tables of one system."""
    return [raw_key(system.name, table.name) for table in system.tables]


def landing_jobs(systems: Mapping[str, SourceSystem]) -> dict[str, AssetJob]:
    """One job per system: its landing alone, so that a source that fails holds no other back."""
    return {
        name: dg.define_asset_job(
            f"land_{name}_now",
            selection=dg.AssetSelection.assets(*landed_keys(system)),
            description=f"Land {system.title}, checked whole before anything is written.",
            executor_def=dg.in_process_executor,
            tags=BEGUN_ANEW,
        )
        for name, system in systems.items()
    }


def calculation_job(landed: Sequence[dg.AssetKey]) -> AssetJob:
    """Everything but the landings of ``landed``."""
    return dg.define_asset_job(
        "calculate_now",
        selection=dg.AssetSelection.all() - dg.AssetSelection.assets(*landed, MONTH_KEY),
        description="Check the inputs, calculate from what has landed, publish.",
        executor_def=dg.in_process_executor,
        tags=BEGUN_ANEW,
    )


def full_schedule(cadences: Cadences) -> dg.ScheduleDefinition:
    """When everything is done from scratch."""
    return dg.ScheduleDefinition(
        name="full_schedule",
        job=full,
        cron_schedule=cadences.full,
        execution_timezone=cadences.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Lands, builds and checks everything from scratch, with every data test.",
    )


def landing_schedules(cadences: Cadences, jobs: Mapping[str, AssetJob]) -> Iterator[dg.ScheduleDefinition]:
    """When each system lands: daily, and for some a second schedule to be switched on at the end of a period."""
    for system, job in jobs.items():
        if cron := cadences.land_cron(system):
            yield dg.ScheduleDefinition(
                name=f"land_{system}",
                job=job,
                cron_schedule=cron,
                execution_timezone=cadences.timezone,
                default_status=dg.DefaultScheduleStatus.RUNNING,
                description="Lands the source; the calculation follows when all have landed.",
            )
    for system, cron in cadences.often.items():
        if system in jobs:
            yield dg.ScheduleDefinition(
                name=f"land_{system}_often",
                job=jobs[system],
                cron_schedule=cron,
                execution_timezone=cadences.timezone,
                default_status=(
                    dg.DefaultScheduleStatus.RUNNING
                    if cadences.often_is_running
                    else dg.DefaultScheduleStatus.STOPPED
                ),
                description="For the end of a period: switch it on, and off again afterwards.",
            )


@dataclass(frozen=True)
class PayCycle:
    """One row of pay_cycles.csv."""

    pay_group_id: str
    pay_cycle_code: str
    pay_date: date


def pay_cycles() -> list[PayCycle]:
    """All pay cycles in the order of their pay dates. Rows that cannot be read are for the preflight to name."""
    cycles = []
    with (seeds_folder(PROJECT_ROOT) / PAY_CYCLES).open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            try:
                pay_date = date.fromisoformat(row["pay_date"])
            except (KeyError, TypeError, ValueError):
                continue
            cycles.append(PayCycle(row["pay_group_id"], row["pay_cycle_code"], pay_date))
    return sorted(cycles, key=lambda cycle: (cycle.pay_date, cycle.pay_group_id, cycle.pay_cycle_code))


def due_cycles(cycles: Sequence[PayCycle], day: date, days_before: int) -> list[PayCycle]:
    """The cycles whose file is written on ``day``: so many days before their pay date."""
    return [cycle for cycle in cycles if cycle.pay_date - timedelta(days=days_before) == day]


def payroll_schedule(cadences: Cadences, job: dg.JobDefinition) -> dg.ScheduleDefinition:
    """Export the pay cycles that are due; each once, even when requested twice."""

    @dg.schedule(
        name="payroll_schedule",
        job=job,
        cron_schedule=cadences.payroll_cron,
        execution_timezone=cadences.timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description=(
            f"Writes each pay cycle's file {cadences.payroll_days} days before its pay date, from what is approved by then. "
            "What is approved later waits for the next cycle, or for `commissions payroll`."
        ),
    )
    def schedule(context: dg.ScheduleEvaluationContext) -> Iterator[dg.RunRequest | dg.SkipReason]:
        moment: datetime = context.scheduled_execution_time
        day = moment.astimezone(ZoneInfo(cadences.timezone)).date()
        due = due_cycles(pay_cycles(), day, cadences.payroll_days)
        if not due:
            yield dg.SkipReason(f"No pay cycle is due on {day}.")
        for cycle in due:
            yield dg.RunRequest(
                run_key=f"{cycle.pay_group_id}|{cycle.pay_cycle_code}",
                run_config=dg.RunConfig(
                    ops={
                        "export_payroll": {
                            "config": {
                                "cycle": cycle.pay_cycle_code,
                                "group": cycle.pay_group_id,
                                "by": cadences.payroll_by,
                                "dry_run": False,
                            }
                        }
                    }
                ),
                tags={
                    "commissions/pay_cycle": cycle.pay_cycle_code,
                    "commissions/pay_group": cycle.pay_group_id,
                },
            )

    return schedule
