"""What has passed the preflight is read again when anything that decided it has changed, and only then."""

from __future__ import annotations

import gzip
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import ingestion.landing.changes
from ingestion.landing.settings import SAMPLE_DIR, Settings
from orchestration.plans import checks as preflight
from orchestration.plans.checks import PreflightError, check_inputs, passes
from orchestration.plans.checks.passes import Passes

ROOT = Path(__file__).resolve().parents[2]


@dataclass
class Checks:
    """A copy of the project's inputs, and what the checks have read of them."""

    root: Path
    settings: Settings
    extracts: list[str]
    seeds: list[str]
    plans: list[str]

    def run(self, **options: Any) -> None:
        for read in (self.extracts, self.seeds, self.plans):
            read.clear()
        check_inputs(self.root, self.settings, **options)

    def fails(self) -> str:
        with pytest.raises(PreflightError) as refused:
            self.run()
        return str(refused.value)

    @property
    def remembered(self) -> Path:
        return self.settings.home / "preflight.json"


@pytest.fixture
def checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checks:
    for name in ("COMMISSIONS_SEEDS", "COMMISSIONS_SOURCES"):
        monkeypatch.delenv(name, raising=False)
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    shutil.copytree(SAMPLE_DIR, tmp_path / "extracts")
    (tmp_path / "dbt_project").mkdir()
    shutil.copy(ROOT / "dbt_project" / "dbt_project.yml", tmp_path / "dbt_project")
    settings = Settings(home=tmp_path / "home", extracts=tmp_path / "extracts")
    made = Checks(tmp_path, settings, [], [], [])
    read_extract, check_columns, read_company = (
        ingestion.landing.changes.read_extract,
        preflight.check_columns,
        preflight.read_company,
    )

    def noting(read: Callable[..., Any], notes: list[str], name: Callable[..., str]) -> Callable[..., Any]:
        def noted(*arguments: Any) -> Any:
            notes.append(name(*arguments))
            return read(*arguments)

        return noted

    monkeypatch.setattr(
        ingestion.landing.changes,
        "read_extract",
        noting(read_extract, made.extracts, lambda extract, _: extract.file),
    )
    monkeypatch.setattr(
        preflight, "check_columns", noting(check_columns, made.seeds, lambda seed, _: seed.name)
    )
    monkeypatch.setattr(preflight, "read_company", noting(read_company, made.plans, lambda *_: "plans"))
    return made


def append(path: Path, text: str) -> None:
    path.write_bytes(path.read_bytes() + text.encode())


def test_only_what_changed_is_read_again(checks: Checks) -> None:
    checks.run()
    assert len(checks.extracts) == 22 - 1
    assert len(checks.seeds) > 40
    checks.run()
    assert (checks.extracts, checks.seeds, checks.plans) == ([], [], [])
    seed = checks.root / "seeds" / "calendar" / "windows.csv"
    seed.write_bytes(seed.read_bytes().replace(b"\r\n", b"\n").rstrip(b"\n") + b"\n\n")
    assert "blank line" in checks.fails()
    assert checks.extracts == []
    assert "blank line" in checks.fails(), "a failure is never remembered"
    seed.write_bytes((ROOT / "seeds" / "calendar" / "windows.csv").read_bytes())
    checks.run()
    assert (checks.extracts, checks.seeds, checks.plans) == ([], [], []), "this is what had passed"
    rows = seed.read_bytes().splitlines(keepends=True)
    seed.write_bytes(rows[0] + rows[2] + rows[1] + b"".join(rows[3:]))
    checks.run()
    assert (checks.extracts, checks.seeds, checks.plans) == ([], ["windows"], ["plans"])
    extract = checks.root / "extracts" / "crm" / "User.csv"
    lines = extract.read_bytes().splitlines(keepends=True)
    extract.write_bytes(lines[0] + lines[2] + lines[1] + b"".join(lines[3:]))
    checks.run()
    assert (checks.extracts, checks.seeds, checks.plans) == (["crm/User.csv"], [], [])


def test_a_seed_is_checked_again_with_the_seeds_that_it_names(checks: Checks) -> None:
    checks.run()
    groups = checks.root / "seeds" / "payroll" / "pay_groups.csv"
    lines = groups.read_text().splitlines(keepends=True)
    renamed = lines[1].split(",", 1)
    groups.write_text(lines[0] + f"{renamed[0]}_renamed,{renamed[1]}" + "".join(lines[2:]))
    told = checks.fails()
    assert "pay_group_members" in told
    assert "pay_groups" in checks.seeds
    assert "pay_group_members" in checks.seeds
    assert "currencies" not in checks.seeds


def test_an_extract_s_header_belongs_to_the_plans(checks: Checks) -> None:
    checks.run()
    path = checks.root / "extracts" / "crm" / "Opportunity.csv.gz"
    text = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    path.write_bytes(
        gzip.compress(
            "".join([text[0].rstrip() + ",New__c\n", *(line.rstrip() + ",\n" for line in text[1:])]).encode()
        )
    )
    checks.run()
    assert (checks.extracts, checks.seeds, checks.plans) == (["crm/Opportunity.csv.gz"], [], ["plans"])


@pytest.mark.parametrize("file", ["seeds/plans/_plans.yml", "dbt_project/dbt_project.yml"])
def test_a_contract_and_the_project_belong_to_the_plans(checks: Checks, file: str) -> None:
    path = checks.root / file
    if not path.exists():
        path = next((checks.root / file).parent.glob("*.yml"))
    checks.run()
    append(path, "\n# a comment\n")
    checks.run()
    assert (checks.extracts, checks.plans) == ([], ["plans"])


def test_a_missing_file_is_told_however_often_it_passed(checks: Checks) -> None:
    checks.run()
    (checks.root / "extracts" / "crm" / "User.csv").unlink()
    (checks.root / "seeds" / "plans" / "tiers.csv").unlink()
    for _ in range(2):
        told = checks.fails()
        assert "crm/User.csv: the file is missing" in told
        assert "seeds/plans/tiers.csv: the file is missing" in told


@pytest.mark.parametrize(
    "damage",
    ["", "{", "[]", '{"passes": {"seeds": 1}}', '{"code": "other", "passes": {}}', "null", "\x00"],
)
def test_a_damaged_memory_means_more_work_and_no_less(checks: Checks, damage: str) -> None:
    checks.run()
    before = checks.remembered.read_text()
    checks.remembered.write_text(damage)
    checks.run()
    assert len(checks.extracts) == 21
    assert checks.plans == ["plans"]
    assert checks.remembered.read_text() == before
    checks.remembered.unlink()
    checks.run()
    assert len(checks.extracts) == 21


def test_other_code_and_full_read_everything(checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.run()
    checks.run(full=True)
    assert len(checks.extracts) == 21
    assert len(checks.seeds) > 40
    monkeypatch.setattr(passes, "CODE", "another version")
    checks.run()
    assert len(checks.extracts) == 21
    assert checks.plans == ["plans"]


def test_another_declaration_reads_the_extract_again(checks: Checks) -> None:
    from ingestion.registry import SYSTEMS

    table = SYSTEMS["crm"].tables[0]
    remembered = Passes(checks.remembered)
    folder = checks.settings.extracts
    for declared, expected in ((table, 1), (table, 1), (replace(table, stamp=None), 2)):
        assert ingestion.landing.changes.check_system("crm", [declared], folder, remembered) == []
        assert len(checks.extracts) == expected


def test_a_home_that_cannot_be_written_only_costs_time(checks: Checks) -> None:
    checks.settings.home.write_text("no folder")
    checks.run()
    checks.run()
    assert len(checks.extracts) == 21


def test_the_memory_holds_passes_alone(checks: Checks) -> None:
    path = checks.root / "extracts" / "crm" / "User.csv"
    append(path, "one field too few\n")
    checks.fails()
    known = json.loads(checks.remembered.read_text())["passes"]
    assert "extract crm/User.csv" not in known
    assert "extract crm/Account.csv" in known
    assert "seeds" in known
