"""The doctor over a home made by hand that is broken for real, one thing at a time."""

import os
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    ManagedGrpcPythonEnvCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, ScheduleInstigatorData
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from dagster._daemon.types import DaemonHeartbeat

from orchestration.operating.doctor.finding import ERROR, OK, WARNING
from orchestration.warehouse.settings import RunSettings
from tests.orchestration.examined import found, one, patient_of
from tests.support.companies.installation import ROOT, Installation
from tests.support.companies.small_home import make_home, state_of


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    return make_home(tmp_path / "home")


# Warehouse and published marts.


def test_a_warehouse_that_is_gone_comes_back_from_the_landings(settings: RunSettings) -> None:
    settings.warehouse.unlink()
    told = one(patient_of(settings), "warehouse", "file", WARNING)
    assert (told.what, told.fix) == ("is gone; the landings give it back", "commissions run")


def test_the_mend_of_a_corrupt_warehouse_is_a_command_that_works(settings: RunSettings) -> None:
    from orchestration.books.verify import restore_lost_warehouse

    with settings.warehouse.open("r+b") as file:
        file.write(b"\0" * 4096)
    told = one(patient_of(settings), "warehouse", "file", ERROR)
    move = told.fix.split(" && ")[0]
    subprocess.run(move, shell=True, check=True)
    assert restore_lost_warehouse(settings), "what `commissions run` begins with"
    assert one(patient_of(settings), "warehouse", "file", OK)


def test_a_dead_run_left_its_marker(settings: RunSettings) -> None:
    settings.begin_writing()
    told = one(patient_of(settings), "warehouse", "run", WARNING)
    assert "did not publish: it failed or was killed" in told.what


def test_a_run_in_progress_is_no_dead_one(settings: RunSettings) -> None:
    settings.begin_writing()
    code = (
        "import sys, time; from pathlib import Path; from orchestration.warehouse.lock import RunLock\n"
        "with RunLock(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(settings.lock)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    try:
        told = one(patient_of(settings), "warehouse", "run", OK)
        assert told.what == f"in progress (process {process.pid})"
        os.utime(settings.lock, (time.time() - 7 * 3600,) * 2)
        assert "has been at it for 7 h" in one(patient_of(settings), "warehouse", "run", WARNING).what
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    one(patient_of(settings), "warehouse", "run", WARNING)


def test_a_warehouse_other_than_what_readers_see_is_told(settings: RunSettings) -> None:
    import duckdb

    with duckdb.connect(str(settings.warehouse)) as warehouse:
        warehouse.execute("update marts.fct_payouts set payout_amount = 8 where period_code = '2014-05'")
    told = one(patient_of(settings), "warehouse", "published marts", ERROR)
    assert told.what.startswith("1 payout rows differ")
    settings.begin_writing()
    told = one(patient_of(settings), "warehouse", "published marts", WARNING)
    assert told.what == "1 payout rows are newer than what readers see"


def test_a_corrupt_published_file_and_one_of_another_day(settings: RunSettings) -> None:
    later = replace(settings, as_of_date="2014-06-30")
    told = one(patient_of(later), "published", "file", WARNING)
    assert "as of 2014-05-31" in told.what
    assert told.what.endswith("2014-06-30 is wanted")
    settings.published.chmod(0o644)
    assert "write it" in one(patient_of(settings), "published", "file", WARNING).what
    settings.published.write_bytes(b"x" * 5000)
    one(patient_of(settings), "published", "file", ERROR)


def test_half_copies_of_dead_runs_only(settings: RunSettings) -> None:
    settings.published.with_name(f"marts.duckdb.{os.getpid()}.tmp").touch()
    assert found(patient_of(settings), "published", "leftovers") == []
    settings.published.with_name("marts.duckdb.4194999.tmp").touch()
    one(patient_of(settings), "published", "leftovers", WARNING)


# Books.


@pytest.mark.parametrize(
    ("subject", "file", "told"),
    [
        ("actions", "actions/000002.json", "000002.json was changed"),
        ("closed months", "periods/2014-04/lines.parquet", "lines.parquet was changed after the closing"),
        ("exports", "exports/000001/journal_2014-03_EUR.csv", "was changed after the export"),
    ],
)
def test_a_changed_book_is_named(settings: RunSettings, subject: str, file: str, told: str) -> None:
    path = settings.books / file
    path.write_bytes(path.read_bytes().replace(b"1", b"2", 1))
    assert told in one(patient_of(settings), "books", subject, ERROR).what


def test_a_lost_book_is_named_by_the_log_and_lost_books_by_the_marts(settings: RunSettings) -> None:
    shutil.rmtree(settings.books / "periods" / "2014-04")
    told = one(patient_of(settings), "books", "closed months", ERROR)
    assert "the book of 2014-04 is missing" in told.what
    shutil.rmtree(settings.books)
    told = one(patient_of(settings), "books", "closed months", ERROR)
    assert told.what == "the published marts show 2014-03, 2014-04 as closed, and there is no book"


def test_landings_that_cannot_give_the_warehouse_back(settings: RunSettings) -> None:
    import duckdb

    with duckdb.connect(str(settings.warehouse)) as warehouse:
        warehouse.execute("insert into raw_crm.deals values ('d3', 7)")
    assert (
        "other rows than the archive: raw_crm.deals"
        in one(patient_of(settings), "books", "landings", WARNING).what
    )
    next(settings.landings.glob("*.parquet")).unlink()
    assert "is missing" in one(patient_of(settings), "books", "landings", ERROR).what


def test_an_old_backup_is_told(settings: RunSettings, tmp_path: Path) -> None:
    Installation(settings.home).done("backup", str(tmp_path / "backups"))
    patient = patient_of(settings)
    assert "less than an hour ago" in one(patient, "books", "backup", OK).what
    later = replace(patient, now=datetime.now(UTC) + timedelta(days=8, hours=1))
    assert "8 days ago" in one(later, "books", "backup", WARNING).what


# Dagster.


def test_settings_of_dagster_that_would_let_two_runs_write(settings: RunSettings) -> None:
    path = settings.dagster_home / "dagster.yaml"
    text = path.read_text()
    path.write_text(text.replace("max_concurrent_runs: 1", "max_concurrent_runs: 4"))
    assert one(patient_of(settings), "dagster", "dagster.yaml", ERROR).what == "more than one run at a time"
    path.write_text(text.replace("telemetry:\n  enabled: false", "telemetry:\n  enabled: true"))
    assert one(patient_of(settings), "dagster", "dagster.yaml", ERROR).what == "telemetry is on"
    path.write_text("telemetry:\n  enabled: false\n")
    told = one(patient_of(settings), "dagster", "dagster.yaml", WARNING)
    assert "run_monitoring" in told.what
    settings.prepare({})
    one(patient_of(settings), "dagster", "dagster.yaml", OK)


@dg.op
def nothing() -> None:
    pass


@dg.job
def job() -> None:
    nothing()


def test_dead_runs_stopped_schedules_and_a_silent_daemon(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    patient = patient_of(settings)
    one(patient, "dagster", "dead runs", OK)
    one(patient, "dagster", "daemon", OK)
    one(replace(patient, is_daemon_expected=True), "dagster", "daemon", ERROR)
    location = ManagedGrpcPythonEnvCodeLocationOrigin(
        LoadableTargetOrigin(module_name="orchestration.definitions"), "orchestration.definitions"
    )
    origin = RemoteInstigatorOrigin(RemoteRepositoryOrigin(location, "__repository__"), "daily_schedule")
    with dg.DagsterInstance.get() as instance:
        dead = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 3600 * 5.5, "SCHEDULER", "d1", []))
        instance.add_instigator_state(
            InstigatorState(
                origin, InstigatorType.SCHEDULE, InstigatorStatus.STOPPED, ScheduleInstigatorData("0 5 * * *")
            )
        )
    before = state_of(settings.home)
    patient = replace(patient)
    assert dead.run_id in one(patient, "dagster", "dead runs", WARNING).what
    assert one(patient, "dagster", "schedules", WARNING).where == "daily_schedule"
    assert one(patient, "dagster", "daemon", WARNING).what == "last seen 5 h ago: no schedule starts"
    one(replace(patient, is_daemon_expected=True), "dagster", "daemon", ERROR)
    assert state_of(settings.home) == before
    with dg.DagsterInstance.get() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), "SCHEDULER", "d1", []))
    assert one(replace(patient, is_daemon_expected=True), "dagster", "daemon", OK).what == "alive"
