"""Writing back as a Dagster job: the same function as the command."""

import dagster as dg

from ingestion.api.config import ConfigError
from ingestion.landing.settings import Settings as IngestionSettings
from orchestration.defs.closing_jobs import _job
from orchestration.telling.write_back.acknowledged import WriteBackError
from orchestration.telling.write_back.send import write_back
from orchestration.telling.write_back.wording import told
from orchestration.warehouse.lock import RunInProgress
from orchestration.warehouse.settings import RunSettings


class WriteBackConfig(dg.Config):
    """Which CRM (salesforce, hubspot; empty: all targets), and whether anything is sent."""

    system: str | None = None
    dry_run: bool = False


@dg.op
def write_commission_back(context: dg.OpExecutionContext, config: WriteBackConfig) -> None:
    """Write commission back to the CRM, only what differs from what it has."""
    settings = RunSettings.from_env()
    settings.prepare()
    try:
        results = write_back(
            settings, IngestionSettings.from_env(), system_code=config.system, is_dry_run=config.dry_run
        )
    except (RunInProgress, WriteBackError, ConfigError) as error:
        raise dg.Failure(f"Refused: {error}. Nothing was sent.", allow_retries=False) from None
    for line in told(results):
        context.log.info(line)
    refused = [f"{key}: {reason}" for sent in results for key, reason in sent.refused]
    failures = [sent.failure for sent in results if sent.failure]
    if refused or failures:
        raise dg.Failure("; ".join([*failures, *refused[:5]]), allow_retries=False)


WRITE_BACK_JOBS = [_job("write_back", write_commission_back)]
