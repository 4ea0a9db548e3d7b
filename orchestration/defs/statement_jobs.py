"""Statements as a Dagster job: the same function as the command."""

from pathlib import Path

import dagster as dg

from orchestration.defs.closing_jobs import _job
from orchestration.reading.statements.reading import StatementsError
from orchestration.reading.statements.writing import write_statements
from orchestration.warehouse.settings import RunSettings


class StatementsConfig(dg.Config):
    """Which month's pages are written, for one payee or manager or for all, and where (default: COMMISSIONS_HOME)."""

    period: str
    payee: str | None = None
    manager: str | None = None
    to: str | None = None


@dg.op
def write_statement_pages(context: dg.OpExecutionContext, config: StatementsConfig) -> None:
    """Write the statements of a month as pages. It reads the published marts, so it waits for nobody."""
    try:
        told = write_statements(
            RunSettings.from_env(),
            config.period,
            payee_id=config.payee,
            manager_id=config.manager,
            to=Path(config.to) if config.to else None,
        )
    except StatementsError as error:
        raise dg.Failure(f"Refused: {error}. Nothing was written.", allow_retries=False) from None
    for line in told:
        context.log.info(line)


STATEMENT_JOBS = [_job("statements", write_statement_pages)]
