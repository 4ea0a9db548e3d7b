"""Can the plans be calculated and the sources be read: seeds, extracts, sources.toml, secrets?"""

from __future__ import annotations

from collections.abc import Iterator

from ingestion.api.config import ConfigError
from ingestion.checks import missing_secrets
from ingestion.landing.settings import Settings as IngestionSettings
from ingestion.landing.settings import SettingsError
from ingestion.load import check_inputs as check_extracts
from ingestion.registry import configured_systems
from orchestration.operating.doctor.finding import Finding, Patient, check, error, ok
from orchestration.plans.checks import check_seeds, seeds_folder

SHOWN = 3


@check("configuration", "plans")
def plans(patient: Patient) -> Iterator[Finding]:
    """Every seed file, and what they say together."""
    folder = seeds_folder(patient.root, patient.env)
    files = list(folder.rglob("*.csv"))
    if not files:
        yield error("holds no seed file", folder, fix="correct COMMISSIONS_SEEDS, or put the plans there")
        return
    extracts = _ingestion(patient).extracts
    problems = check_seeds(patient.root, extracts if extracts.is_dir() else None, folder)
    yield from _told([str(problem) for problem in problems], f"{len(files)} seed files are in order", folder)


@check("configuration", "extracts")
def extracts(patient: Patient) -> Iterator[Finding]:
    """Every file of the systems that are read from files."""
    folder = _ingestion(patient).extracts
    if not folder.is_dir():
        yield error("is not a folder", folder, fix="correct COMMISSIONS_EXTRACTS")
        return
    try:
        problems = check_extracts(folder)
    except (ConfigError, SettingsError):
        return  # the checks of sources.toml and of the environment say it
    yield from _told([str(problem) for problem in problems], "every extract can be read", folder)


@check("configuration", "sources.toml")
def sources_file(patient: Patient) -> Iterator[Finding]:
    """The connected systems are described and their secrets are set."""
    settings = _ingestion(patient)
    if settings.sources is None:
        yield ok("there is none: every system is read from its extracts")
        return
    try:
        configured = configured_systems(settings)
    except ConfigError as problem:
        yield error(str(problem), settings.sources, fix="correct it there, then: commissions check-sources")
        return
    if not configured:
        yield ok("no connected system is switched on", settings.sources)
    for system in configured:
        missing = missing_secrets(system)
        for finding in missing:
            yield error(
                f"{finding.system}: {finding.subject}: {finding.message}", settings.sources, fix=finding.fix
            )
        if not missing:
            yield ok(f"{system.config.name}: described, its secrets are set", settings.sources)


def _ingestion(patient: Patient) -> IngestionSettings:
    """The settings of the landing; a value that is not a number is reported by its own check."""
    unread = {"COMMISSIONS_CHUNK_ROWS", "COMMISSIONS_SHRINK_RATIO_MAX"}
    return IngestionSettings.from_env(
        {name: value for name, value in patient.env.items() if name not in unread}
    )


def _told(problems: list[str], well: str, where: object) -> Iterator[Finding]:
    for problem in problems[:SHOWN]:
        yield error(problem, where, fix="correct it there, then: commissions check")
    if len(problems) > SHOWN:
        yield error(f"{len(problems) - SHOWN} more problems", where, fix="see all: commissions check")
    if not problems:
        yield ok(well, where)
