"""Checks every input before anything is written: seed files, plan language, extracts.

Three layers, all reported together:

- `contracts`: each CSV against the property file beside it (columns, types, data tests);
- `accounting_rules`, `plan_rules`, `reward_rules`, `payout_rules`, `crediting_rules`, `crm_rules`, `planning_rules`, `role_rules`: what the tables must agree on among each other;
- `language_rules`: every expression against the plan language (orchestration/plans/language).

Rows are numbered as an editor numbers lines: the header is row 1. An empty cell is a null.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ingestion.landing.settings import Settings as IngestionSettings
from ingestion.load import check_inputs as check_extracts
from ingestion.models import DBT_PROJECT
from ingestion.registry import SYSTEMS
from orchestration.plans.checks import (
    accounting_rules,
    crediting_rules,
    crm_rules,
    language_rules,
    payout_rules,
    plan_rules,
    planning_rules,
    reward_rules,
    role_rules,
)
from orchestration.plans.checks.contracts import check_cells, check_columns, run_checks, seed_referred_to
from orchestration.plans.checks.files import SeedContract, SeedFile, read_contracts, read_seed
from orchestration.plans.checks.names import check_names
from orchestration.plans.checks.passes import Passes, digest_of
from orchestration.plans.checks.problems import PreflightError, Problem, in_order, render
from orchestration.plans.checks.tables import COLUMNS, Company, header_of, read_company

__all__ = [
    "Checked",
    "PreflightError",
    "Problem",
    "check_contracts",
    "check_inputs",
    "check_plans",
    "check_seeds",
    "render",
    "seeds_folder",
]

# The file in the home that remembers what has passed.
PASSES = "preflight.json"

Rule = Callable[[Company], Iterator[Problem]]

# Each rule with the tables that it reads; it is left out where one of them is absent or lacks a column.
RULES: tuple[tuple[Rule, tuple[str, ...]], ...] = (
    (plan_rules.source_rules, ("plans",)),
    (plan_rules.deal_version_rules, ("plans",)),
    (plan_rules.calendar_rules, ("plans", "windows")),
    (plan_rules.number_rules, ("plans",)),
    (plan_rules.catalogue_rules, ("plans", "catalogue")),
    (plan_rules.version_rules, ("plans",)),
    (plan_rules.tier_rules, ("plans", "tiers")),
    (plan_rules.rate_rules, ("plans", "tiers", "rates")),
    (reward_rules.bonus_rules, ("plans", "bonuses")),
    (reward_rules.modifier_rules, ("plans", "modifiers")),
    (payout_rules.event_rules, ("plans",)),
    (payout_rules.term_rules, ("plans", "payout_terms")),
    (payout_rules.hold_rules, ("holds",)),
    (payout_rules.draw_rules, ("plans", "draws")),
    (crediting_rules.name_rules, ()),
    (crediting_rules.rule_rules, ("credit_rules",)),
    (crediting_rules.first_day_rules, ("plans", "credit_rules")),
    (crediting_rules.rollup_rules, ("rollup_levels",)),
    (crediting_rules.team_rules, ("teams",)),
    (crediting_rules.variable_rules, ("variables", "plans", "teams", "team_memberships")),
    (crediting_rules.window_rules, ("windows",)),
    (role_rules.role_rules, ("plans", "roles")),
    (crm_rules.target_rules, ("crm_targets", "crm_fields")),
    (crm_rules.field_rules, ("crm_targets", "crm_fields")),
    (planning_rules.pipeline_rules, ("open_deals", "won_fields")),
    (
        accounting_rules.coverage_rules,
        ("plans", "posting_rules", "capitalisation_rules", "entry_kinds", "pay_groups", "draws"),
    ),
    (accounting_rules.liability_rules, ("posting_rules", "accounts")),
    (language_rules.expression_rules, ("plans", "variables")),
)


def check_seeds(root: Path, extracts: Path | None = None, seeds: Path | None = None) -> list[Problem]:
    """Check the seeds of a project: each file by itself, and the plans that they make together.

    Args:
        root: folder of the project; source objects are read from its dbt_project/dbt_project.yml.
        extracts: folder of the extracts, whose headers name custom fields; None = declared fields only.
        seeds: folder of the seeds, by default `root`/seeds.

    Returns:
        Every problem (`problems.in_order`); empty where dbt can load the seeds and calculate the plans.
    """
    files = _read_seeds(seeds or root / "seeds")
    return in_order(
        [*_contract_problems(files, seeds or root / "seeds"), *_plan_problems(files, root, extracts)]
    )


def check_contracts(root: Path) -> list[Problem]:
    """Check each CSV file under `root`/seeds against the property files beside it, and nothing else."""
    return in_order(_contract_problems(_read_seeds(root / "seeds"), root / "seeds"))


def check_plans(root: Path, extracts: Path | None = None) -> list[Problem]:
    """Check what the plan tables under `root`/seeds say together, and nothing else."""
    return in_order(_plan_problems(_read_seeds(root / "seeds"), root, extracts))


def _seed_digest(seed: SeedFile, contract: SeedContract, files: Mapping[str, SeedFile]) -> str:
    """A digest of all that the checks of one seed read: its rows, its contract, the seeds that its relationships name."""
    named = {seed_referred_to(check.arguments) for check in contract.checks}
    others = sorted(name for name in named if name in files)
    return digest_of(contract, seed, [files[name] for name in others])


def _surroundings(root: Path, folder: Path, extracts: Path) -> str:
    """A digest of all that the checks of the seeds read."""
    paths = sorted(
        path for path in folder.rglob("*") if path.suffix in (".csv", ".yml", ".yaml") and path.is_file()
    )
    projects = [root / "dbt_project" / "dbt_project.yml", DBT_PROJECT]
    company = Company({}, {}, extracts)
    return digest_of(
        [
            (path.relative_to(folder).as_posix(), hashlib.sha256(path.read_bytes()).hexdigest())
            for path in paths
        ],
        [path.read_bytes() if path.is_file() else None for path in projects],
        [
            (
                system.name,
                system.reads_files,
                system.tables,
                [company.header(system.name, table) for table in system.tables],
            )
            for system in SYSTEMS.values()
        ],
        None if company.territories is None else sorted(company.territories),
    )


def _check_seeds_with(passes: Passes, root: Path, extracts: Path, seeds: Path) -> list[Problem]:
    """`check_seeds`, where what has passed before is not checked again."""
    before = _surroundings(root, seeds, extracts)
    if passes.passed("seeds", before):
        return []
    files = _read_seeds(seeds)
    problems = in_order([*_contract_problems(files, seeds, passes), *_plan_problems(files, root, extracts)])
    # A file that was saved meanwhile may not be the one that was read.
    if not problems and _surroundings(root, seeds, extracts) == before:
        passes.add("seeds", before)
    return problems


def _read_seeds(folder: Path) -> dict[str, SeedFile]:
    return {path.stem: read_seed(path, folder.parent) for path in sorted(folder.rglob("*.csv"))}


def _contract_problems(
    files: Mapping[str, SeedFile], folder: Path, passes: Passes | None = None
) -> Iterator[Problem]:
    contracts, problems = read_contracts(folder)
    yield from problems
    for name, seed in files.items():
        contract = contracts.get(name)
        if contract is None:
            yield from seed.problems
            yield Problem(
                seed.file,
                (),
                "",
                "no property file describes this seed",
                f"Add `{name}` with its columns and data types to a _*.yml file in the same folder",
            )
            continue
        checked = f"seed {seed.file}", "" if passes is None else _seed_digest(seed, contract, files)
        if passes is not None and passes.passed(*checked):
            continue
        found = list(_seed_problems(seed, contract, files))
        yield from found
        if passes is not None and not found:
            passes.add(*checked)
    for name, contract in contracts.items():
        if name not in files and name not in COLUMNS:
            yield Problem(
                contract.declared_in,
                (),
                "",
                f"describes the seed `{name}`, but there is no {name}.csv under seeds/",
                "Add the file or delete the entry",
            )


def _seed_problems(
    seed: SeedFile, contract: SeedContract, files: Mapping[str, SeedFile]
) -> Iterator[Problem]:
    yield from seed.problems
    if seed.header:
        yield from check_columns(seed, contract)
        yield from check_cells(seed, contract)
        yield from run_checks(seed, contract, files)
        yield from check_names(seed, contract)


def _plan_problems(files: Mapping[str, SeedFile], root: Path, extracts: Path | None) -> Iterator[Problem]:
    for name, (folder, _) in COLUMNS.items():
        if name not in files:
            yield Problem(
                f"seeds/{folder}/{name}.csv",
                (),
                "",
                "the file is missing",
                f"Add it; a table that is not used has its header only: {header_of(name)}",
            )
    company = read_company(files, root, extracts)
    for rule, tables in RULES:
        if company.has(tables):
            yield from rule(company)


@dataclass(frozen=True)
class Checked:
    """What a preflight without problems has read."""

    seeds: int
    extracts: int


def seeds_folder(root: Path, env: Mapping[str, str] = os.environ) -> Path:
    """The folder that dbt loads seeds from: COMMISSIONS_SEEDS (relative to dbt_project/), or `root`/seeds."""
    return (root / "dbt_project" / env.get("COMMISSIONS_SEEDS", "../seeds")).resolve()


def check_inputs(root: Path, settings: IngestionSettings, *, full: bool = False) -> Checked:
    """Check all seeds and all extracts. Raises PreflightError with every problem found.

    What has passed before and has not changed since is not read again: `home`/preflight.json remembers it.

    Args:
        full: read everything, whatever has passed before.
    """
    seeds = seeds_folder(root)
    passes = Passes(settings.home / PASSES, full=full)
    problems = _check_seeds_with(passes, root, settings.extracts, seeds)
    problems += [
        Problem(
            file=problem.file,
            rows=() if problem.row is None else (problem.row,),
            column=problem.column or "",
            message=problem.message,
            fix="",
        )
        for problem in check_extracts(settings.extracts, passes)
    ]
    passes.save()
    if problems:
        raise PreflightError(problems)
    return Checked(
        seeds=len(list(seeds.rglob("*.csv"))),
        extracts=sum(len(system.tables) for system in SYSTEMS.values() if system.reads_files),
    )
