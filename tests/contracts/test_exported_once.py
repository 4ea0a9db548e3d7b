"""Each amount is exported once: run twice, changed afterwards, withdrawn, killed at every durable step, out of disk."""

import os
import shutil
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.books import acting, exporting
from orchestration.books.desk import complete_log, open_desk
from orchestration.books.landed import land_books
from orchestration.books.verify import verify
from orchestration.plans.situations.build import ROOT, calculate, write_seeds
from orchestration.telling.events.deriving import derive
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.publish import publish
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.contract_company import AS_OF, approve, company, install
from tests.support.companies.pay_groups import everybody

# Kills the process at its Nth durable step: a wait for the disk, or a change of a folder.
KILLED = """
import os, pathlib, signal, sys
left = int(sys.argv[2])
def counted(original):
    def step(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)
    return step
from orchestration.books import exporting
from orchestration.books.desk import open_desk
from orchestration.warehouse.settings import RunSettings
for name in ("fsync", "link", "replace", "rename"):
    setattr(os, name, counted(getattr(os, name)))
pathlib.Path.rename = counted(pathlib.Path.rename)
with open_desk(RunSettings(home=pathlib.Path(sys.argv[1]))) as desk:
    exporting.payroll(desk, "2014-03", None, "laura")
"""


@pytest.fixture(scope="module")
def company_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company with March and April approved; nothing is exported."""
    home = tmp_path_factory.mktemp("home")
    settings = install(home, company(**everybody()))
    approve(settings, "2014-03")
    approve(settings, "2014-04")
    return home


@pytest.fixture
def settings(company_home: Path, tmp_path: Path) -> RunSettings:
    """A copy of it."""
    shutil.copytree(company_home, tmp_path / "home", ignore=shutil.ignore_patterns("target", "logs"))
    return RunSettings(home=tmp_path / "home", as_of_date=AS_OF.isoformat())


def export(settings: RunSettings, cycle: str = "2014-03", group: str | None = None) -> list[str]:
    with open_desk(settings) as desk:
        return exporting.payroll(desk, cycle, group, "laura")


def files(settings: RunSettings) -> dict[str, list[str]]:
    return {
        path.stem.removeprefix("payroll_all_"): path.read_text().splitlines()[1:]
        for path in sorted(settings.exports.rglob("*.csv"))
    }


def exported_events(settings: RunSettings) -> int:
    return sum(event.event_type == "payout.exported" for event in derive(settings.books))


def run_again(settings: RunSettings) -> None:
    """Calculate anew, as the next run does."""
    # dbt writes what it compiles over seeds outside its project.
    write_seeds(company(**everybody()), settings.home / "seeds", ROOT / "seeds")
    with duckdb.connect(str(settings.warehouse)) as connection:
        land_books(connection, settings.books)
    calculate(settings.home, settings.home / "seeds", AS_OF, ROOT / "dbt_project")
    publish(
        warehouse=settings.warehouse,
        published=settings.published,
        run={"as_of_date": AS_OF.isoformat()},
    )


def adjust(settings: RunSettings, payee: str, period: str, amount: str) -> None:
    with open_desk(settings) as desk:
        acting.adjust(
            desk,
            payee_id=payee,
            plan_id="deals",
            period_code=period,
            amount=amount,
            currency_code="USD",
            reason="test",
            actor="ana",
        )
        number = desk.actions[-1].action_number
    with open_desk(settings) as desk:
        acting.decide_adjustment(desk, number, is_approved=True, reason="", actor="laura")


def reconciled(settings: RunSettings) -> None:
    with duckdb.connect(str(settings.published), read_only=True) as marts:
        assert marts.execute(
            "select * from rpt_payroll_reconciliation where payout_difference_amount <> 0 "
            "or ledger_difference_amount <> 0 or payroll_difference_amount <> 0"
        ).fetchall() == []  # fmt: skip


MARCH = {
    "2014-03_EUR_1": ["ana,EUR,20.00"],
    "2014-03_USD_1": ["ana,USD,1083.30", "cy,USD,123.45", "eve,USD,1050.00", "fay,USD,77.78"],
}


def test_what_changes_afterwards_comes_in_a_later_file_as_a_difference(settings: RunSettings) -> None:
    export(settings)
    assert files(settings) == MARCH
    # 12.34 more for ana, 100 less for cy: March is a draft again, and nothing of it is paid or taken back meanwhile.
    adjust(settings, "ana", "2014-03", "12.34")
    adjust(settings, "cy", "2014-03", "-100")
    run_again(settings)
    told = export(settings)
    assert "all 2014-03 USD: nothing new since payroll_all_2014-03_USD_1" in told
    assert "  not in it, -87.66 USD: deals 2014-03 is draft" in told
    reconciled(settings)
    approve(settings, "2014-03")
    export(settings)
    assert files(settings) == MARCH | {"2014-03_USD_2": ["ana,USD,12.34"]}
    # cy has 10 in April and -100 of March: nothing. ben: 120 - 50. dee: -3 of March.
    export(settings, "2014-04")
    assert files(settings)["2014-04_USD_1"] == ["ben,USD,70.00"]
    with open_desk(settings, is_dry_run=True) as desk:
        (april,) = [row for row in exporting.payroll_cycles(desk) if row["pay_cycle_code"] == "2014-04"]
    assert april["carried_out_amount"] == Decimal(10 - 100 - 3)
    reconciled(settings)
    run_again(settings)
    reconciled(settings)
    assert export(settings)[-1].startswith("  carried into the next cycle")
    assert len(files(settings)) == 4


def test_a_journal_takes_what_came_later_as_a_difference(settings: RunSettings) -> None:
    def journal() -> list[str]:
        with open_desk(settings) as desk:
            return exporting.journal(desk, "2014-04", "laura")

    journal()
    # March is paid on 15 April, and exported after April's journal.
    export(settings)
    assert [line.split(":")[0] for line in journal()] == ["journal_2014-04_EUR_1", "journal_2014-04_USD_2"]
    second = (settings.exports / "journal_2014-04_USD_2" / "journal_2014-04_USD_2.csv").read_text()
    assert [line.split(",")[3:5] + line.split(",")[-2:] for line in second.splitlines()[1:]] == [
        ["payment", "2310", "2334.53", ""],
        ["payment", "2390", "", "2334.53"],
    ]
    assert all("nothing new" in line or line.startswith("  ") for line in journal())


def test_a_withdrawn_approval_takes_nothing_back(settings: RunSettings) -> None:
    export(settings)
    with open_desk(settings) as desk:
        acting.withdraw(desk, "2014-03", "deals", "look again", "ana")
    export(settings, "2014-04")
    # ben's 50 were counted by March's file, so they are carried all the same.
    assert files(settings)["2014-04_USD_1"] == ["ben,USD,70.00", "cy,USD,10.00"]
    reconciled(settings)


def test_what_cannot_be_exported_is_refused_with_the_reason(settings: RunSettings) -> None:
    with pytest.raises(BooksError, match=r"2014-03 of all has something to pay first.*Nothing was exported"):
        export(settings, "2014-04")
    with pytest.raises(BooksError, match=r"there is no pay cycle 2014-09; see seeds/payroll/pay_cycles\.csv"):
        export(settings, "2014-09")
    with pytest.raises(BooksError, match="there is no pay cycle 2014-03 of the pay group west"):
        export(settings, "2014-03", "west")
    with open_desk(settings, is_dry_run=True) as desk:
        told = exporting.payroll(desk, "2014-03", None, "laura")
    assert told[0] == "payroll_all_2014-03_EUR_1: 1 rows, 20.00 EUR would be exported by laura, payroll_all_2014-03_EUR_1.csv:"  # fmt: skip
    assert "  cy,USD,123.45" in told
    assert not settings.exports.exists()
    assert not (settings.books / "exports").exists()


def test_what_the_layout_cannot_carry_is_refused(tmp_path: Path) -> None:
    seeds = everybody()
    seeds["earnings_codes"] = []
    settings = install(tmp_path, company(**seeds))
    approve(settings, "2014-03")
    with pytest.raises(
        BooksError, match=r"payee ana, code '': No earnings code for the kind of entry\. Add a row"
    ):
        export(settings)


def test_an_export_killed_at_any_step_is_whole_or_not_there(settings: RunSettings, tmp_path: Path) -> None:
    """Kills the export at its first, sixth ... durable step (KILL_ROUNDS: at each) until it is no longer killed."""
    apart = 1 if "KILL_ROUNDS" in os.environ else 5
    steps = 1 - apart
    while True:
        steps += apart
        home = tmp_path / "copy"
        shutil.copytree(settings.home, home)
        copy = RunSettings(home=home, as_of_date=AS_OF.isoformat())
        killed = subprocess.run(
            [sys.executable, "-c", KILLED, str(home), str(steps)], cwd=ROOT, capture_output=True, check=False
        )
        recorded = len([path for path in (copy.books / "exports").glob("*") if path.suffix != ".tmp"])
        if steps % 2:
            # Every other time the delivery of events comes before the next command, and completes the log.
            complete_log(copy)
            assert exported_events(copy) == recorded
        export(copy)
        assert exported_events(copy) == 2
        assert files(copy) == MARCH
        reconciled(copy)
        told = verify(copy, is_rebuilt=False)
        assert any(line.startswith("exports: 2 in one chain") for line in told)
        log = [path.read_text() for path in sorted((copy.books / "actions").glob("*.json"))]
        assert sum('"export_payroll"' in text for text in log) == 2
        assert export(copy)[0] == "all 2014-03 EUR: nothing new since payroll_all_2014-03_EUR_1"
        shutil.rmtree(home)
        if killed.returncode == 0:
            break
    assert steps > 20


def test_a_full_disk_exports_nothing(settings: RunSettings) -> None:
    script = "import pathlib, sys\nfrom orchestration.books import exporting\nfrom orchestration.books.desk import open_desk\n" \
        "from orchestration.warehouse.settings import RunSettings\nimport resource\n" \
        "with open_desk(RunSettings(home=pathlib.Path(sys.argv[1]))) as desk:\n" \
        "    resource.setrlimit(resource.RLIMIT_FSIZE, (10, 10))\n" \
        "    exporting.payroll(desk, '2014-03', None, 'laura')\n"  # fmt: skip
    answer = subprocess.run(
        [sys.executable, "-c", script, str(settings.home)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode
    assert "was not exported" in answer.stderr
    assert not list((settings.books / "exports").iterdir())
    export(settings)
    assert files(settings) == MARCH


def test_a_changed_or_missing_record_is_named(settings: RunSettings) -> None:
    export(settings)
    file = next((settings.books / "exports" / "000001").glob("*.csv"))
    kept = file.read_bytes()
    file.write_bytes(kept.replace(b"20.00", b"90.00"))
    with pytest.raises(BooksError, match=r"000001/.*csv was changed after the export; restore it"):
        export(settings)
    file.write_bytes(kept)
    shutil.move(settings.books / "exports" / "000002", settings.home / "away")
    with pytest.raises(BooksError, match="the record of payroll_all_2014-03_USD_1 is missing, but action"):
        export(settings)
    shutil.move(settings.home / "away", settings.books / "exports" / "000002")
    shutil.rmtree(settings.books / "exports" / "000001")
    with pytest.raises(BooksError, match="exports are numbered without gaps"):
        export(settings)


def test_the_command_is_a_dagster_job_too(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration.definitions import defs

    monkeypatch.setenv("COMMISSIONS_HOME", str(settings.home))
    monkeypatch.setenv("DAGSTER_HOME", "")
    config = {"ops": {"export_payroll": {"config": {"cycle": "2014-03", "by": "laura"}}}}
    assert defs.resolve_job_def("payroll").execute_in_process(run_config=config).success
    assert files(settings) == MARCH


def test_the_command_lists_and_exports(settings: RunSettings) -> None:
    def commissions(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "orchestration", *arguments],
            cwd=ROOT,
            env={**os.environ, "COMMISSIONS_HOME": str(settings.home), "COMMISSIONS_AS_OF_DATE": ""},
            capture_output=True,
            text=True,
            check=False,
        )

    assert "2014-04  all" in commissions("payroll").stdout
    assert commissions("payroll", "2014-03").returncode == 2
    assert "4 rows, 2,334.53 USD" in commissions("payroll", "2014-03", "--by", "laura").stdout
    again = commissions("payroll", "2014-03", "--by", "laura").stdout
    assert "all 2014-03 USD: nothing new since payroll_all_2014-03_USD_1" in again
    assert "each amount once" in " ".join(commissions("payroll", "--help").stdout.split())
