"""Do the environment variables say what was meant?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from ingestion.landing.settings import SAMPLE_DIR
from ingestion.landing.settings import Settings as IngestionSettings
from ingestion.landing.settings import SettingsError as IngestionSettingsError
from orchestration.operating.doctor.finding import Finding, Patient, check, error, ok, warning
from orchestration.operating.environment import unknown_names
from orchestration.warehouse.machine_limits import MEMORY_VARIABLE, LimitsError, memory_limit
from orchestration.warehouse.settings import SettingsError, dbt_as_of_date, resolve_as_of_date

# More than a year back is not a closing of last month: the date was left as the sample has it.
OLD_DAYS = 366


@check("environment", "names")
def names(patient: Patient) -> Iterator[Finding]:
    """No variable is set that nobody reads."""
    unknown = unknown_names(patient.env)
    for name, question in unknown:
        yield error(
            "no such variable, so it has no effect",
            name,
            fix=question or "unset it; docs/operating.md lists all",
        )
    if not unknown:
        yield ok("every COMMISSIONS_ variable is known")


@check("environment", "values")
def values(patient: Patient) -> Iterator[Finding]:
    """Numbers are numbers, and what is meant for one load is not set for all."""
    is_well = True
    for name in ("COMMISSIONS_SHRINK_RATIO_MAX", "COMMISSIONS_CHUNK_ROWS"):
        try:
            IngestionSettings.from_env({name: patient.env.get(name, "")})
        except IngestionSettingsError as problem:
            is_well = False
            yield error(str(problem), name, fix=f"correct it, or: unset {name}")
    try:
        memory_limit(patient.env)
    except LimitsError as problem:
        is_well = False
        yield error(str(problem), MEMORY_VARIABLE, fix=f"correct it, or: unset {MEMORY_VARIABLE}")
    if patient.env.get("COMMISSIONS_ALLOW_SHRINK"):
        is_well = False
        yield warning(
            "lets these tables lose rows in every load, not once",
            "COMMISSIONS_ALLOW_SHRINK",
            fix="set it for one run only: COMMISSIONS_ALLOW_SHRINK=... commissions run",
        )
    warehouse = patient.env.get("COMMISSIONS_WAREHOUSE")
    if warehouse and Path(warehouse).resolve() != patient.settings.warehouse:
        is_well = False
        yield warning(
            f"names {warehouse}, and every command uses {patient.settings.warehouse}",
            "COMMISSIONS_WAREHOUSE",
            fix="unset COMMISSIONS_WAREHOUSE",
        )
    if is_well:
        yield ok("can be used")


@check("environment", "as_of_date")
def as_of_date(patient: Patient) -> Iterator[Finding]:
    """The one date is a day, not in the future, and not that of the sample by mistake."""
    name = "COMMISSIONS_AS_OF_DATE"
    given = patient.env.get(name)
    try:
        day = date.fromisoformat(resolve_as_of_date(given) or dbt_as_of_date())
    except SettingsError as problem:
        yield error(str(problem), name, fix=f"export {name}=today")
        return
    is_sample = (
        IngestionSettings.from_env({**patient.env, "COMMISSIONS_CHUNK_ROWS": ""}).extracts
        == SAMPLE_DIR.resolve()
    )
    if day > patient.today:
        yield error(f"{day} is in the future", name, fix=f"export {name}=today")
    elif not given and not is_sample:
        yield warning(
            f"not set: calculates to {day}, the sample company's last day; later deals do not count",
            name,
            fix=f"export {name}=today, or set as_of_date in dbt_project/dbt_project.yml",
        )
    elif not is_sample and (patient.today - day).days > OLD_DAYS:
        yield warning(f"{day} is {(patient.today - day).days} days ago", name, fix=f"export {name}=today")
    else:
        yield ok(f"calculates to {day}" + (" (the sample company's)" if is_sample and not given else ""))


@check("environment", "one home")
def one_home(patient: Patient) -> Iterator[Finding]:
    """No second home with books is near, into which a command without its variable would write."""
    default = (patient.root / "var").resolve()
    home = patient.settings.home
    is_alone = True
    if home != default and any((default / "books").glob("*/*")):
        is_alone = False
        yield warning(
            f"{default} holds books too: a command without COMMISSIONS_HOME would use those",
            home,
            fix=f"set COMMISSIONS_HOME={home} for all users, and move {default} away",
        )
    dagster_home = patient.env.get("DAGSTER_HOME")
    if dagster_home and Path(dagster_home).resolve() != patient.settings.dagster_home:
        is_alone = False
        yield error(
            f"{dagster_home}: runs started by Dagster and by commands would be in two histories, with two queues",
            "DAGSTER_HOME",
            fix=f"export DAGSTER_HOME={patient.settings.dagster_home}",
        )
    if is_alone:
        yield ok("is the only one", home)
