"""Every environment variable of this project: its default and what it means. docs/operating.md has the same table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from orchestration.plans.checks.problems import did_you_mean

PREFIX = "COMMISSIONS_"


@dataclass(frozen=True)
class Variable:
    """One environment variable. ``default`` and ``meaning`` are words for people."""

    name: str
    default: str
    meaning: str


VARIABLES = (
    Variable("COMMISSIONS_HOME", "`var/` in the project", "folder of everything that is written"),
    Variable(
        "COMMISSIONS_AS_OF_DATE", "that of `dbt_project.yml`", "last day that counts, YYYY-MM-DD or `today`"
    ),
    Variable(
        "COMMISSIONS_SEEDS", "`../seeds`", "folder of the plans, absolute or as seen from `dbt_project/`"
    ),
    Variable("COMMISSIONS_EXTRACTS", "the bundled sample", "folder with one folder of extracts per system"),
    Variable("COMMISSIONS_SAMPLE_DIR", "", "older name of COMMISSIONS_EXTRACTS, which takes precedence"),
    Variable(
        "COMMISSIONS_SOURCES",
        "`ingestion/sources.toml` where there is one",
        "the systems that are read by a connector",
    ),
    Variable("COMMISSIONS_CADENCES", "`orchestration/cadences.toml`", "when things run by themselves"),
    Variable(
        "COMMISSIONS_NOTIFICATIONS",
        "`orchestration/notifications.toml` where there is one",
        "who is notified of [events](events.md) and [alerts](alerts.md)",
    ),
    Variable(
        "COMMISSIONS_PUBLISHED_KEY",
        "not encrypted",
        "where the key of the published file is, `env:NAME` or `file:PATH` ([encryption](bi.md#encryption))",
    ),
    Variable(
        "COMMISSIONS_PUBLISHED_CRYPTO",
        "`httpfs`",
        "`built_in` accepts DuckDB's own random numbers for it",
    ),
    Variable(
        "COMMISSIONS_ALLOW_SHRINK",
        "none",
        "tables that may lose rows this once: `crm.Opportunity,hris.employees`",
    ),
    Variable(
        "COMMISSIONS_SHRINK_RATIO_MAX",
        "`0.10`",
        "share of a table's rows that may vanish in one load, 1 = all",
    ),
    Variable("COMMISSIONS_CHUNK_ROWS", "`50000`", "rows that are landed at a time"),
    Variable(
        "COMMISSIONS_MEMORY_LIMIT",
        "0.4 of the memory, 4 GiB at most",
        "memory that DuckDB may take, `4GB` or `50%`; what does not fit goes to `spill/` of the home",
    ),
    Variable(
        "COMMISSIONS_FULL",
        "none",
        "`1`: a run assumes nothing and does everything from scratch, as `commissions run --full` does",
    ),
    Variable("COMMISSIONS_ACTOR", "none", "who acts, where a command has no `--by`"),
    Variable(
        "COMMISSIONS_WAREHOUSE",
        "`warehouse.duckdb` in the home",
        "set by every command for dbt; to be set by hand only for a dbt that is started by hand",
    ),
)


def unknown_names(env: Mapping[str, str]) -> list[tuple[str, str]]:
    """Names that begin like this project's and are none of them, each with a question that names the nearest."""
    known = [variable.name for variable in VARIABLES]
    return [
        (name, did_you_mean(name, known))
        for name in sorted(env)
        if name.upper().startswith(PREFIX) and name not in known
    ]


def markdown(variables: Iterable[Variable] = VARIABLES) -> str:
    """The table of docs/operating.md."""
    lines = ["| variable | default | meaning |", "|---|---|---|"]
    lines += [f"| `{each.name}` | {each.default} | {each.meaning} |" for each in variables]
    return "\n".join(lines)
