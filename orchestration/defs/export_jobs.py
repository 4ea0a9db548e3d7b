"""Payroll files and journals as Dagster jobs: the same functions as the commands."""

import dagster as dg

from orchestration.books import exporting
from orchestration.defs.closing_jobs import _act, _job


class PayrollConfig(dg.Config):
    """Which pay cycle is exported, of one pay group or of all."""

    cycle: str
    group: str | None = None
    by: str
    dry_run: bool = False


class JournalConfig(dg.Config):
    """Which month's journal is exported."""

    month: str
    by: str
    dry_run: bool = False


@dg.op
def export_payroll(context: dg.OpExecutionContext, config: PayrollConfig) -> None:
    """Export what a pay cycle pays and no file has paid yet."""
    _act(
        context,
        config.dry_run,
        lambda desk: exporting.payroll(desk, config.cycle, config.group, config.by),
    )


@dg.op
def export_journal(context: dg.OpExecutionContext, config: JournalConfig) -> None:
    """Export what a month's journal says and no file has said yet."""
    _act(context, config.dry_run, lambda desk: exporting.journal(desk, config.month, config.by))


payroll_job = _job("payroll", export_payroll)
journal_job = _job("journal", export_journal)
EXPORT_JOBS = [payroll_job, journal_job]
