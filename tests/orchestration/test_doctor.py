"""The doctor over a home made by hand that is broken for real, one thing at a time; and over one that is well."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
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
from installation import ROOT, Installation
from small_home import AS_OF, is_root, make_home, state_of

from orchestration.doctor.examine import examine, load_checks, made
from orchestration.doctor.finding import ERROR, OK, WARNING, Finding, Patient, Registered
from orchestration.doctor.installation import pinned
from orchestration.settings import RunSettings

NOBODY = 65534


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    return make_home(tmp_path / "home")


def patient_of(settings: RunSettings, **env: str) -> Patient:
    return Patient(settings, {"COMMISSIONS_HOME": str(settings.home), "COMMISSIONS_AS_OF_DATE": AS_OF, **env})


def found(patient: Patient, topic: str, subject: str) -> list[Finding]:
    """What one check finds, as the command tells it."""
    [registered] = [each for each in load_checks() if (each.topic, each.subject) == (topic, subject)]
    return made(registered, patient)


def one(patient: Patient, topic: str, subject: str, level: str) -> Finding:
    """The one finding of a check that is not in order (or the only one), of a level; it says how to mend it."""
    findings = found(patient, topic, subject)
    told = [finding for finding in findings if finding.level != OK] or findings
    assert [finding.level for finding in told] == [level], told
    if level != OK:
        assert told[0].mend, told[0]
    return told[0]


def test_a_home_that_is_well_has_no_error_and_nothing_is_written(settings: RunSettings) -> None:
    before = state_of(settings.home)
    answer = Installation(settings.home).commissions(
        "doctor", "--json", COMMISSIONS_AS_OF_DATE=AS_OF, COMMISSIONS_HOME=str(settings.home)
    )
    assert state_of(settings.home) == before
    content = json.loads(answer.stdout)
    # Whoever runs these tests may have books of the sample in var/.
    told = [each for each in content["findings"] if each["level"] != OK and each["subject"] != "one home"]
    assert (answer.returncode, content["is_well"]) == (0, True), told
    # No backup was made of closed months: that is all there is to say.
    assert [(finding["topic"], finding["subject"], finding["level"]) for finding in told] == [
        ("books", "backup", WARNING)
    ]


def test_everything_broken_at_once_is_told_without_a_traceback_or_a_write(settings: RunSettings) -> None:
    settings.warehouse.write_bytes(b"no database" * 100)
    settings.published.chmod(0o644)
    settings.published.write_bytes(b"none either" * 100)
    (settings.books / "actions" / "000001.json").write_bytes(b"\xff\xfe")
    (settings.books / "periods" / "2014-03" / "manifest.json").unlink()
    (settings.landings / "manifest.json").write_text("[]")
    (settings.dagster_home / "dagster.yaml").write_text("telemetry: [")
    (settings.dagster_home / "history").mkdir(exist_ok=True)
    (settings.dagster_home / "history" / "runs.db").write_bytes(b"no history")
    before = state_of(settings.home)
    answer = Installation(settings.home).commissions(
        "doctor", COMMISSIONS_AS_OF_DATE="soon", COMMISSIONS_SEEDS="../nowhere", COMMISSIONS_CHUNK_ROWS="many"
    )
    assert state_of(settings.home) == before
    assert (answer.returncode, answer.stderr) == (1, "")
    assert "could not be looked at" not in answer.stdout, answer.stdout
    for told in (
        "plans: holds no seed file",
        "values: COMMISSIONS_CHUNK_ROWS is 'many'",
        "as_of_date: COMMISSIONS_AS_OF_DATE is 'soon'",
        "not a valid DuckDB database",
        "000001.json cannot be read",
        "periods/2014-03/manifest.json cannot be read",
        "dagster.yaml: cannot be read",
        "the history of runs cannot be read",
    ):
        assert told in answer.stdout, told
    lines = answer.stdout.splitlines()
    assert all(
        lines[number + 1].strip().startswith("->")
        for number, line in enumerate(lines)
        if line[2:7] == "ERROR"
    )


def test_a_home_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    patient = patient_of(RunSettings(tmp_path / "none", AS_OF))
    topics = ("machine", "warehouse", "books", "published", "dagster")
    findings = [
        finding
        for check in load_checks()
        if check.topic in topics
        for finding in found(patient, check.topic, check.subject)
    ]
    assert {finding.level for finding in findings} == {OK}
    assert not (tmp_path / "none").exists()


def test_a_check_that_fails_itself_is_an_error_and_the_others_go_on(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_patient: Patient) -> Iterator[Finding]:
        raise ZeroDivisionError("by nothing")
        yield

    from orchestration.doctor import examine as module
    from orchestration.doctor.finding import ok

    checks = [Registered("a", "b", broken), Registered("a", "c", lambda _patient: iter([ok("fine")]))]
    monkeypatch.setattr(module, "load_checks", lambda: checks)
    first, second = examine(patient_of(settings))
    assert (first.level, first.what) == (ERROR, "could not be looked at: ZeroDivisionError: by nothing")
    assert (second.level, second.subject) == (OK, "c")


# Warehouse and published marts.


def test_a_warehouse_that_is_gone_comes_back_from_the_landings(settings: RunSettings) -> None:
    settings.warehouse.unlink()
    told = one(patient_of(settings), "warehouse", "file", WARNING)
    assert (told.what, told.mend) == ("is gone; the landings give it back", "commissions run")


def test_the_mend_of_a_corrupt_warehouse_is_a_command_that_works(settings: RunSettings) -> None:
    from orchestration.books.verify import restore_lost_warehouse

    with settings.warehouse.open("r+b") as file:
        file.write(b"\0" * 4096)
    told = one(patient_of(settings), "warehouse", "file", ERROR)
    move = told.mend.split(" && ")[0]
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
        "import sys, time; from pathlib import Path; from orchestration.lock import RunLock\n"
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


# Machine and environment.


def test_a_disk_without_room_for_a_run(settings: RunSettings) -> None:
    os.truncate(settings.warehouse, 10**13)  # a hole: it takes no room
    assert "a run may need 30,000,000 MB" in one(patient_of(settings), "machine", "free space", ERROR).what


def test_a_clock_that_was_set_back(settings: RunSettings) -> None:
    back = replace(patient_of(settings), now=datetime.now(UTC) - timedelta(days=1))
    one(back, "machine", "clock", ERROR)
    one(patient_of(settings), "machine", "clock", OK)


def test_rights_of_the_home(settings: RunSettings) -> None:
    one(patient_of(settings), "machine", "rights", OK)
    settings.home.chmod(0o755)
    assert "every user of this machine" in one(patient_of(settings), "machine", "rights", WARNING).what


@pytest.mark.skipif(not is_root(), reason="needs to become another user")
def test_a_home_of_another_user() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        settings = make_home(Path(folder) / "home")
        settings.home.chmod(0o755)
        os.seteuid(NOBODY)
        try:
            told = [each for each in found(patient_of(settings), "machine", "rights") if each.level == ERROR]
        finally:
            os.seteuid(0)
        assert told[0].what == "nobody cannot read and write it"
        assert told[0].mend == f"sudo chown -R nobody {settings.home}"
        # A file that root has left in a home of the service.
        os.chown(settings.logs, NOBODY, NOBODY)
        told = [each for each in found(patient_of(settings), "machine", "rights") if each.level == WARNING]
        assert told[0].what.startswith("1 entries belong to nobody, and root looks")


def test_a_misspelt_variable_is_told_with_the_nearest(settings: RunSettings) -> None:
    told = one(patient_of(settings, COMMISSIONS_AS_OFF_DATE="today"), "environment", "names", ERROR)
    assert (told.where, told.mend) == ("COMMISSIONS_AS_OFF_DATE", "Did you mean COMMISSIONS_AS_OF_DATE?")


@pytest.mark.parametrize(
    ("env", "level", "told"),
    [
        ({"COMMISSIONS_AS_OF_DATE": "2999-01-01"}, ERROR, "2999-01-01 is in the future"),
        (
            {"COMMISSIONS_AS_OF_DATE": "", "COMMISSIONS_EXTRACTS": "/"},
            WARNING,
            "not set: calculates to 2013-06-30",
        ),
        ({"COMMISSIONS_AS_OF_DATE": "2013-05-31", "COMMISSIONS_EXTRACTS": "/"}, WARNING, "days ago"),
        ({"COMMISSIONS_AS_OF_DATE": "today", "COMMISSIONS_EXTRACTS": "/"}, OK, "calculates to 20"),
    ],
)
def test_the_date_that_was_left_as_the_sample_has_it(
    settings: RunSettings, env: dict[str, str], level: str, told: str
) -> None:
    assert told in one(patient_of(settings, **env), "environment", "as_of_date", level).what


def test_two_homes(settings: RunSettings, tmp_path: Path) -> None:
    (tmp_path / "project" / "var" / "books" / "actions").mkdir(parents=True)
    (tmp_path / "project" / "var" / "books" / "actions" / "000001.json").touch()
    patient = replace(patient_of(settings), root=tmp_path / "project")
    assert "a command without COMMISSIONS_HOME" in one(patient, "environment", "one home", WARNING).what
    other = replace(patient_of(settings, DAGSTER_HOME=str(tmp_path)), root=tmp_path)
    assert one(other, "environment", "one home", ERROR).where == "DAGSTER_HOME"


def test_a_secret_that_is_not_set_is_named_and_one_that_is_set_is_not_printed(
    settings: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(
        '[stripe]\nconnector = "stripe"\nbase_url = "http://127.0.0.1:9"\nreplaces = "billing"\n'
        "client = { attempts = 1, backoff_seconds = 0.01 }\n"
    )
    patient = patient_of(settings, COMMISSIONS_SOURCES=str(sources))
    told = one(patient, "configuration", "sources.toml", ERROR)
    assert "stripe: " in told.what
    assert "SOURCES__STRIPE__" in told.mend
    secret = "rk." + "of.the.company"
    monkeypatch.setenv(told.mend.split()[4].rstrip(","), secret)
    one(patient, "configuration", "sources.toml", OK)
    asked = found(replace(patient, is_online=True), "sources", "connections")
    assert any(finding.level == ERROR for finding in asked), "nothing answers on this port"
    assert secret not in json.dumps([finding.__dict__ for finding in asked])
    sources.write_text('[crm]\nconnector = "salesfroce"\nbase_url = "https://example.my.salesforce.com"\n')
    assert "salesfroce" in one(patient, "configuration", "sources.toml", ERROR).what


def test_broken_seeds_are_named(settings: RunSettings, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    path = tmp_path / "seeds" / "plans" / "plans.csv"
    path.write_bytes(b"\xff\xfe\x00" + path.read_bytes())
    findings = found(
        patient_of(settings, COMMISSIONS_SEEDS=str(tmp_path / "seeds")), "configuration", "plans"
    )
    assert any(each.level == ERROR and "plans.csv" in each.what for each in findings), findings


def test_the_lock_file_is_read_and_a_missing_package_is_told(settings: RunSettings, tmp_path: Path) -> None:
    assert {requirement.name for requirement in pinned(ROOT / "requirements.lock")} >= {
        "dagster",
        "duckdb",
        "dlt",
    }
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "requirements.lock").write_text(
        "duckdb==1.0.0 \\\n    --hash=sha256:00\nnot-there-at-all==1.0 \\\n    --hash=sha256:00\n"
        'on-windows-only==1.0 ; sys_platform == "win32" \\\n    --hash=sha256:00\n'
    )
    findings = found(replace(patient_of(settings), root=tmp_path), "installation", "packages")
    assert [finding.what for finding in findings] == [
        "not installed: not-there-at-all",
        "other versions than pinned: duckdb 2.0.0 instead of 1.0.0",
    ]


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
