"""Payroll files and journals as Dagster jobs: the same functions as the commands."""

import dagster as dg

from orchestration.books import exporting
from orchestration.books.jobs import WRITER_POOL, _act, _job


class PayrollConfig(dg.Config):
    """Which pay cycle is exported, of one pay group or of all."""

    cycle: str
    group: str | None = None
    by: str
    dry_run: bool = False


@dg.op(pool=WRITER_POOL)
def export_payroll(context: dg.OpExecutionContext, config: PayrollConfig) -> None:
    """Export what a pay cycle pays and no file has paid yet."""
    _act(
        context,
        config.dry_run,
        lambda desk: exporting.payroll(desk, config.cycle, config.group, config.by),
    )


EXPORT_JOBS = [_job("payroll", export_payroll)]
