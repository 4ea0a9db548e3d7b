"""The command as its users run it: twice, over broken rows, over broken seeds, and over a broken model.

One installation is taken through all of it; the tests depend on each other's order.
"""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.companies.installation import ROOT, Installation, edited_sample

# A deal that one payee is credited directly, and managers by roll-up.
BLANKED_DEAL = "SO50670"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def first(installation: Installation) -> subprocess.CompletedProcess[str]:
    return installation.commissions("run")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project that a test may break."""
    ignored = shutil.ignore_patterns("target", "logs", "__pycache__", "var")
    for folder in ("ingestion", "orchestration", "seeds", "dbt_project"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    return tmp_path


def test_before_the_first_run_the_summary_says_how_to_start(tmp_path: Path) -> None:
    answer = Installation(tmp_path).commissions("summary")
    assert answer.returncode == 1
    assert "does not exist yet. Start with: commissions run" in answer.stderr


def test_the_first_run_publishes_and_explains(
    installation: Installation, first: subprocess.CompletedProcess[str]
) -> None:
    assert first.returncode == 0, first.stdout + first.stderr
    for heading in ("LANDED", "TRANSACTIONS", "PAYOUTS 2013-", "ONE PAYOUT UNFOLDED", "PAYOUT ROWS", "NEXT"):
        assert heading in first.stdout
    payouts = installation.ask("select count(*) from marts.fct_payouts")[0][0]
    assert payouts > 0
    assert f"{payouts:,} added, 0 changed, 0 removed" in first.stdout


def test_the_unfolded_payout_adds_up(first: subprocess.CompletedProcess[str]) -> None:
    lines = first.stdout.splitlines()
    heading = next(line for line in lines if line.startswith("ONE PAYOUT UNFOLDED"))
    total = next(line for line in lines if line.startswith("  sum of the lines"))
    assert heading.split()[-2:] == total.split()[-2:]


def test_the_summary_is_printed_again_and_more_of_it_on_request(
    installation: Installation, first: subprocess.CompletedProcess[str]
) -> None:
    again = installation.done("summary")
    assert first.stdout.endswith(again)
    assert len(again.splitlines()) < 70
    assert "crm.Opportunity " not in again
    assert "crm.Opportunity " in installation.done("summary", "--all")


def test_the_run_is_in_dagsters_history(
    installation: Installation, first: subprocess.CompletedProcess[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg

    monkeypatch.setenv("DAGSTER_HOME", str(installation.home / "dagster"))
    run_id = installation.ask("select value from publication.run where name = 'run_id'")[0][0]
    with dg.DagsterInstance.get() as instance:
        run = instance.get_run_by_id(run_id)
        assert run is not None
        assert (run.job_name, run.status) == ("daily", dg.DagsterRunStatus.SUCCESS)
        assert not instance.telemetry_enabled
        payouts = instance.get_latest_materialization_event(dg.AssetKey(["marts", "fct_payouts"]))
        opportunities = instance.get_latest_materialization_event(dg.AssetKey(["crm", "Opportunity"]))
    assert payouts and payouts.asset_materialization and opportunities and opportunities.asset_materialization
    lineage = payouts.asset_materialization.metadata["dagster/column_lineage"]
    assert isinstance(lineage, dg.TableColumnLineageMetadataValue)
    amount = dg.TableColumnDep(dg.AssetKey(["marts", "fct_ledger_lines"]), "line_amount")
    assert lineage.value.deps_by_column["payout_amount"] == [amount]
    schema = opportunities.asset_materialization.metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    assert "Amount" in {column.name for column in schema.value.columns}
    assert (installation.home / "logs" / f"{run_id}.log").exists()


def test_the_same_inputs_change_no_payout(
    installation: Installation, first: subprocess.CompletedProcess[str]
) -> None:
    before = installation.published.stat().st_ino
    second = installation.done("run")
    assert "Nothing has changed since the run of" in second
    assert "45 seed files" in second
    assert installation.published.stat().st_ino == before


def test_a_month_is_released_approved_and_closed(
    installation: Installation, first: subprocess.CompletedProcess[str]
) -> None:
    """More of it: test_closing_months.py (`make proofs`)."""
    assert "2011-05 is not approved" in installation.refused("close", "2011-05", "--by", "laura")
    for command in (("release", "credits"), ("release", "rewards")):
        installation.done(*command, "2011-05", "--by", "ana")
    for actor in ("stephen", "laura"):
        installation.done("approve", "2011-05", "--by", actor)
    assert "2011-05: closed by laura" in installation.done("close", "2011-05", "--by", "laura")
    assert "a closed period is never opened" in installation.refused("close", "2011-05", "--by", "laura")
    assert "books: 1 in one chain, 2011-05 to 2011-05" in installation.done("verify")


def test_broken_rows_are_listed_and_nobody_else_is_paid_differently(
    installation: Installation, first: subprocess.CompletedProcess[str], tmp_path: Path
) -> None:
    deal = f"crm/Opportunity/{BLANKED_DEAL}"
    touched = {
        payee
        for (payee,) in installation.ask(
            f"select payee_id from marts.fct_credits where transaction_id = '{deal}'"
        )
    }
    assert touched
    break_deals(tmp_path / "extracts")
    answer = installation.commissions("run", "--full", COMMISSIONS_EXTRACTS=str(tmp_path / "extracts"))
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert re.search(r"\d+ tables and views built, 0 unchanged", answer.stdout)
    skipped = {
        record: (reason, bool(fix))
        for record, reason, fix in installation.ask(
            "select source_record_id, reason_code, fix from marts.rpt_skipped_transactions where plan_id = 'reseller'"
        )
    }
    assert skipped[BLANKED_DEAL] == ("missing_amount", True)
    assert skipped["BROKEN-1"] == ("owner_not_in_hris", True)
    assert "missing_amount" in answer.stdout
    changed = {
        payee for (payee,) in installation.ask("select distinct payee_id from publication.payout_changes")
    }
    assert changed, "the deal without an amount is no longer paid"
    assert changed <= touched


def break_deals(extracts: Path) -> None:
    """Copy the sample with one deal's amount blanked, and one deal added whose owner nobody knows."""

    def edit(rows: list[dict[str, str]]) -> None:
        broken = next(row for row in rows if row["Id"] == BLANKED_DEAL)
        rows.append({**broken, "Id": "BROKEN-1", "OwnerId": "005000000009999"})
        broken["Amount"] = ""

    edited_sample(extracts, "crm/Opportunity", edit)


def add_seed_mistakes(project: Path) -> None:
    tiers = project / "seeds" / "plans" / "tiers.csv"
    header, *rows = tiers.read_text(encoding="utf-8").splitlines()
    cells = dict(zip(header.split(","), rows[0].split(","), strict=True))
    rows[0] = ",".join({**cells, "plan_id": "foo", "rate_expression": "5%"}.values())
    tiers.write_text("\n".join([header, *rows, ""]), encoding="utf-8")


def test_broken_seeds_stop_the_run_before_anything_is_written(
    installation: Installation, first: subprocess.CompletedProcess[str], project: Path
) -> None:
    add_seed_mistakes(project)
    before = (
        installation.published.stat().st_ino,
        (installation.home / "warehouse.duckdb").stat().st_mtime_ns,
    )
    answer = installation.commissions("run", root=project)
    after = (
        installation.published.stat().st_ino,
        (installation.home / "warehouse.duckdb").stat().st_mtime_ns,
    )
    assert answer.returncode == 1
    assert (
        "seeds/plans/tiers.csv row 2, column rate_expression: plan 'foo', expression `5%`: 5% is not a number"
        in answer.stdout
    )
    assert (
        "seeds/plans/tiers.csv row 2, column plan_id: 'foo' is not in seeds/plans/plans.csv" in answer.stdout
    )
    assert "The published marts are unchanged: " in answer.stdout
    assert "raw_crm" not in answer.stdout
    assert before == after


def test_check_names_the_same_mistakes(project: Path, tmp_path: Path) -> None:
    add_seed_mistakes(project)
    answer = Installation(tmp_path / "home").commissions("check", root=project)
    assert answer.returncode == 1
    assert (
        "seeds/plans/tiers.csv row 2, column rate_expression: plan 'foo', expression `5%`: 5% is not a number"
        in answer.stderr
    )
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()


def test_a_failing_test_and_a_broken_model_are_named_and_nothing_is_published(
    installation: Installation, first: subprocess.CompletedProcess[str], project: Path
) -> None:
    (project / "dbt_project" / "tests" / "assert_no_plans.sql").write_text(
        "select * from {{ ref('plans') }}\n"
    )
    model = project / "dbt_project" / "models" / "staging" / "stg_broken.sql"
    model.write_text("select no_such_column from {{ ref('currencies') }}\n")
    before = installation.published.stat().st_ino
    plans = installation.ask("select count(*) from marts.dim_plans")[0][0]
    answer = installation.commissions("run", root=project)
    assert answer.returncode == 1
    assert f"test assert_no_plans on plans: {plans} failing rows" in answer.stdout
    assert 'model stg_broken: Binder Error: Referenced column "no_such_column" not found' in answer.stdout
    assert "Fix dbt_project/models/staging/stg_broken.sql" in answer.stdout
    assert "The published marts are unchanged: " in answer.stdout
    assert installation.published.stat().st_ino == before


USAGE: dict[str, Callable[[str], bool]] = {
    "run": lambda text: "--wait" in text,
    "check": lambda text: "Writes nothing" in text,
    "summary": lambda text: "last published run" in text,
    "ui": lambda text: "--port" in text,
    "prepare": lambda text: "before it starts" in text,
    "doctor": lambda text: "Writes nothing" in text,
    "backup": lambda text: "--keep" in text,
    "restore": lambda text: "--dry-run" in text,
}


@pytest.mark.parametrize("command", USAGE)
def test_help_says_what_a_command_does(command: str, tmp_path: Path) -> None:
    answer = Installation(tmp_path).commissions(command, "--help")
    assert answer.returncode == 0
    assert USAGE[command](answer.stdout)


def test_a_date_that_is_none_is_refused(tmp_path: Path) -> None:
    answer = Installation(tmp_path).commissions("run", COMMISSIONS_AS_OF_DATE="31.12.2013")
    assert answer.returncode == 2
    assert "COMMISSIONS_AS_OF_DATE is '31.12.2013'. Write a day as YYYY-MM-DD, or `today`." in answer.stderr
