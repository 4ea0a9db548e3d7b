"""A run builds what has changed, and ends where a full one ends: the same rows in every table, the same published file.

One home is taken through a changed rate, a changed deal, a dbt that somebody ran by hand and a killed build; the tests depend
on each other's order.
"""

import gzip
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.books.desk import open_desk
from orchestration.calculation.dbt_process import current
from orchestration.calculation.manifest import ensure_manifest, read_manifest
from orchestration.calculation.step import Calculated, Calculation
from orchestration.planning.preview import preview
from orchestration.planning.scratch import PlanningError
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.publish import Publication, put_candidate_in_place
from orchestration.warehouse.settings import RunSettings

ROOT = Path(__file__).resolve().parents[2]
RATE = "reseller,2011-05-31,,2,1,1.5,@@BaseRate * 1.5"
PAYOUTS = "model.commissions.fct_payouts"

KILLED = """
import sys
from pathlib import Path
from orchestration.calculation.dbt_process import current
from orchestration.calculation.step import Calculation
from orchestration.calculation.manifest import read_manifest
from orchestration.warehouse.settings import RunSettings
current().listeners.append(lambda name, *_: print(name, flush=True))
Calculation(RunSettings(Path(sys.argv[1])), read_manifest(), current(), Path(sys.argv[2])).run()
"""


class Company:
    """A home with seeds of its own, calculated and published without Dagster."""

    def __init__(self, home: Path, warehouse: Path) -> None:
        self.settings = RunSettings(home / "var")
        self.settings.published.parent.mkdir(parents=True)
        shutil.copy(warehouse, self.settings.warehouse)
        self.seeds = home / "seeds"
        shutil.copytree(ROOT / "seeds", self.seeds)
        ensure_manifest()
        self.manifest = read_manifest()

    def calculation(self, *, full: bool = False) -> Calculation:
        return Calculation(self.settings, self.manifest, current(), self.seeds, full=full)

    def run(self, *, full: bool = False) -> tuple[Calculated, Publication]:
        done = self.calculation(full=full).run()
        publication = put_candidate_in_place(
            done.candidate,
            published=self.settings.published,
            run={"as_of_date": "2013-06-30"},
            nodes=done.nodes,
        )
        self.settings.end_writing()
        return done, publication

    def edit(self, seed: str, old: str, new: str) -> None:
        path = next(self.seeds.rglob(f"{seed}.csv"))
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")

    def hashes(self) -> dict[str, Any]:
        """The rows of every table of the stages, and of every published mart, whatever their order."""
        found: dict[str, Any] = {}
        for path, schemas in (
            (self.settings.warehouse, ("intermediate", "marts", "seeds")),
            (self.settings.published, ("main",)),
        ):
            with duckdb.connect(str(path), read_only=True) as connection:
                for schema, table in connection.execute(
                    "select schema_name, table_name from duckdb_tables() where list_contains(?, schema_name)",
                    [list(schemas)],
                ).fetchall():
                    found[f"{path.name}/{schema}.{table}"] = connection.execute(
                        f'select count(*), sum(hash(t)::hugeint) from "{schema}"."{table}" as t'
                    ).fetchone()
        return found


@pytest.fixture(scope="module")
def company(sample_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Company:
    made = Company(tmp_path_factory.mktemp("changed"), sample_warehouse)
    _, publication = made.run()
    assert publication.count("added") == len(publication.changes) > 500
    return made


def test_where_nothing_has_changed_nothing_is_built_and_nothing_asked(company: Company) -> None:
    done, publication = company.run()
    assert (list(done.built), list(done.checks), done.candidate.copied) == ([], [], ())
    assert publication.changes == ()
    assert publication.row_counts["fct_payouts"] > 500


def test_a_mart_that_is_built_by_itself_from_the_same_inputs_holds_nobody_up(company: Company) -> None:
    for _ in range(2):
        company.calculation().run_some([PAYOUTS])
        assert company.settings.unfinished_reason is None
        with open_desk(company.settings):
            pass
    done, publication = company.run()
    assert (list(done.built), publication.changes) == ([], ())


def test_a_mart_that_is_built_by_itself_from_newer_inputs_says_what_is_stale(company: Company) -> None:
    company.edit("tiers", RATE, RATE.replace("1.5,@@BaseRate * 1.5", "1.5,@@BaseRate * 1.9"))
    company.calculation().run_some([PAYOUTS])
    with pytest.raises(BooksError) as refused, open_desk(company.settings):
        pass
    text = str(refused.value)
    assert text.startswith(
        "fct_payouts was materialised without the rest after inputs had changed since the last run (tiers)"
    )
    assert "; stale are " in text and "The asset published_marts refreshes all of it" in text
    assert "did not finish" not in text
    company.edit("tiers", RATE.replace("1.5,@@BaseRate * 1.5", "1.5,@@BaseRate * 1.9"), RATE)
    _, publication = company.run()
    assert publication.changes == ()
    with open_desk(company.settings):
        pass


def test_a_changed_rate_ends_where_a_full_run_ends(company: Company) -> None:
    company.edit("tiers", RATE, RATE.replace("1.5,@@BaseRate * 1.5", "1.5,@@BaseRate * 1.6"))
    done, publication = company.run()
    built = {node.unique_id.rpartition(".")[2] for node in done.built}
    assert {"tiers", "int_rewards__credit_rewards", "fct_payouts"} <= built
    assert "int_crediting__candidates" not in built and len(built) < 60
    changed = {(change.plan_id, change.change_code) for change in publication.changes}
    assert changed == {("reseller", "changed")}
    asked = {check.unique_id.split(".")[2] for check in done.checks}
    assert {
        "assert_payouts_equal_lines",
        "assert_ledger_equals_entitlement",
        "assert_tier_parts_add_up",
    } <= asked
    assert "assert_credits_add_up_to_value" not in asked
    before = company.hashes()
    full, again = company.run(full=True)
    assert full.unchanged == 0 and len(full.candidate.copied) == len(publication.row_counts)
    assert again.changes == ()
    assert company.hashes() == before


def test_a_preview_shows_the_payouts_that_a_run_then_changes(company: Company) -> None:
    published = company.settings.published.read_bytes()
    company.edit("tiers", "@@BaseRate * 1.6", "@@BaseRate * 1.7")
    seen = preview(company.settings, company.seeds)
    assert company.settings.published.read_bytes() == published
    assert not company.settings.unfinished.exists()
    _, publication = company.run()
    by_payee: dict[str, Any] = {}
    for change in publication.changes:
        assert change.previous_amount is not None and change.new_amount is not None
        before, after = by_payee.get(change.payee_id, (0, 0))
        by_payee[change.payee_id] = (before + change.previous_amount, after + change.new_amount)
    assert seen.payouts and seen.built < 60
    assert {
        one.payee.rpartition("(")[2].rstrip(")"): (one.before, one.after) for one in seen.payouts
    } == by_payee
    # An edit that is taken back changes nothing, and the copy that was edited knows it.
    company.edit("tiers", "@@BaseRate * 1.7", "@@BaseRate * 1.8")
    assert preview(company.settings, company.seeds).payouts
    company.edit("tiers", "@@BaseRate * 1.8", "@@BaseRate * 1.7")
    assert preview(company.settings, company.seeds).payouts == ()


def test_a_preview_names_the_cell_of_a_field_that_has_not_landed(company: Company, tmp_path: Path) -> None:
    extracts = tmp_path / "extracts"
    shutil.copytree(ROOT / "ingestion" / "sample", extracts)
    deals = extracts / "crm" / "Opportunity.csv.gz"
    header, *rows = gzip.decompress(deals.read_bytes()).decode().splitlines()
    text = "\n".join([f"{header},Channel__c", *(f"{row},web" for row in rows)])
    deals.write_bytes(gzip.compress(text.encode()))
    known, unknown = """"\""Type"" = 'Reseller'\"""", """"\""Channel__c"" = 'web'\""""
    company.edit("plans", known, unknown)
    with pytest.raises(PlanningError) as caught:
        preview(company.settings, company.seeds, extracts=extracts)
    company.edit("plans", unknown, known)
    assert str(caught.value).splitlines()[1].strip() == (
        "seeds/plans/plans.csv row 2, column filter_expression: the field Channel__c has not landed, so the preview cannot "
        "calculate with it. Where the extract has it, `commissions run` lands it; else correct the name"
    )


def test_a_changed_deal_ends_where_a_full_run_ends(company: Company) -> None:
    with duckdb.connect(str(company.settings.warehouse)) as connection:
        connection.execute(
            """update raw_crm."Opportunity" set "Amount" = "Amount" + 1000 where "Id" = 'SO50728' and _dlt_valid_to is null"""
        )
    done, publication = company.run()
    assert done.unchanged > 50, "the seeds are as they were"
    assert publication.changes
    before = company.hashes()
    company.run(full=True)
    assert company.hashes() == before


def test_after_a_dbt_by_hand_nothing_is_taken_for_known(company: Company) -> None:
    calculation = company.calculation()
    assert calculation._due(calculation.fingerprints()) == []
    by_hand = current().run(
        ["seed", "--select", "roles"],
        warehouse=company.settings.warehouse,
        home=company.settings.home,
        target=company.settings.home / "by_hand",
        seeds=company.seeds,
    )
    assert by_hand.is_good
    assert len(calculation._due(calculation.fingerprints())) == len(calculation._buildable())
    company.run()


def test_a_killed_build_is_built_again(company: Company) -> None:
    before = company.hashes()
    company.edit("tiers", "@@BaseRate * 1.7", "@@BaseRate * 1.5")
    arguments = [sys.executable, "-c", KILLED, str(company.settings.home), str(company.seeds)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        seen = [process.stdout.readline() for _ in range(12)]
        process.send_signal(signal.SIGKILL)
    assert all(seen), "it was killed in the middle of the build"
    assert company.settings.unfinished.exists()
    # The dbt of the killed run notices it and lets go of the file.
    for _ in range(100):
        try:
            duckdb.connect(str(company.settings.warehouse)).close()
            break
        except duckdb.IOException:
            time.sleep(0.1)
    company.run()
    assert company.hashes() != before
    after = company.hashes()
    company.run(full=True)
    assert company.hashes() == after
