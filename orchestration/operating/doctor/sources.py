"""Do the connected systems answer? Only with --online."""

from __future__ import annotations

from collections.abc import Iterator

from ingestion import checks
from ingestion.api.config import ConfigError
from ingestion.landing.settings import Settings as IngestionSettings
from ingestion.landing.settings import SettingsError
from ingestion.registry import configured_systems
from orchestration.operating.doctor.finding import Finding, Patient, check, error, ok


@check("sources", "connections")
def connections(patient: Patient) -> Iterator[Finding]:
    """What `commissions check-sources` finds."""
    try:
        settings = IngestionSettings.from_env(patient.env)
        configured = configured_systems(settings)
    except (ConfigError, SettingsError):
        return  # the checks of sources.toml and of the environment say it
    if not configured:
        yield ok("no connected system to ask")
    elif not patient.is_online:
        names = ", ".join(system.config.name for system in configured)
        yield ok(f"not asked: {names}; commissions doctor --online asks")
    else:
        for finding in checks.check_sources(configured, settings):
            what = f"{finding.system}: {finding.subject}: {finding.message}"
            yield (
                ok(what)
                if finding.is_ok
                else error(what, settings.sources or "", fix=finding.fix or "correct it there")
            )
