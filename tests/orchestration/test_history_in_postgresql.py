"""Dagster's history in a real PostgreSQL, named by the environment: written, and read by the doctor."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from orchestration.operating.doctor.examine import load_checks, made
from orchestration.operating.doctor.finding import ERROR, OK, WARNING, Patient
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.installation import Installation
from tests.support.companies.small_home import make_home

STORAGE = "storage:\n  postgres:\n    postgres_url:\n      env: DAGSTER_POSTGRES_URL\n"
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


def user() -> dict[str, int]:
    """PostgreSQL does not run as root."""
    if os.geteuid() != 0:
        return {}
    entry = pwd.getpwnam("postgres")
    return {"user": entry.pw_uid, "group": entry.pw_gid}


@pytest.fixture(scope="module")
def postgresql() -> Iterator[str]:
    """A server that listens on a socket only; yields its address."""
    if not PROGRAMS:
        pytest.skip("PostgreSQL is not installed here")
    folder = Path(tempfile.mkdtemp())
    as_user = user()
    os.chown(folder, as_user.get("user", -1), as_user.get("group", -1))
    initdb, postgres = str(PROGRAMS[-1] / "initdb"), str(PROGRAMS[-1] / "postgres")
    subprocess.run(
        [initdb, "-D", str(folder / "data"), "-U", "dagster", "--auth=trust", "--no-sync"],
        check=True, capture_output=True, cwd=folder, **as_user,
    )  # fmt: skip
    server = subprocess.Popen(
        [postgres, "-D", str(folder / "data"), "-k", str(folder), "-c", "listen_addresses=", "-c", "fsync=off"],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder, **as_user,
    )  # fmt: skip
    ready = [str(PROGRAMS[-1] / "pg_isready"), "-h", str(folder), "-t", "30"]
    for _ in range(100):
        if subprocess.run(ready, capture_output=True, check=False).returncode == 0:
            break
    yield f"postgresql+psycopg2://dagster@/postgres?host={folder}"
    server.terminate()
    server.wait(30)
    shutil.rmtree(folder)


@dg.op
def nothing() -> None:
    pass


@dg.job
def job() -> None:
    nothing()


def test_the_history_is_in_postgresql_and_the_doctor_reads_it(
    tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "dagster").mkdir(parents=True)
    (home / "dagster" / "dagster.yaml").write_text(STORAGE)
    settings = make_home(home)
    assert isinstance(settings, RunSettings)
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", postgresql)
    with dg.DagsterInstance.get() as instance:
        assert instance.run_retries_enabled
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
    assert not (settings.dagster_home / "history" / "runs.db").exists()
    checks = {each.subject: each for each in load_checks() if each.topic == "dagster"}
    patient = Patient(settings, {"DAGSTER_POSTGRES_URL": postgresql})
    [dead] = made(checks["dead runs"], patient)
    assert (dead.level, run.run_id in dead.what) == (WARNING, True)
    assert [finding.level for finding in made(checks["dagster.yaml"], patient)] == [OK]
    told = Installation(home).done("backup", str(tmp_path / "backups"), DAGSTER_POSTGRES_URL=postgresql)
    assert "Without Dagster's history, which is in a database of its own: pg_dump it" in told


def test_a_database_that_does_not_answer_is_named_without_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "dagster").mkdir(parents=True)
    (home / "dagster" / "dagster.yaml").write_text(STORAGE)
    settings = make_home(home)
    word = "not" + "-to-be-seen"
    monkeypatch.setenv("DAGSTER_POSTGRES_URL", f"postgresql+psycopg2://dagster:{word}@/x?host={tmp_path}")
    answer = Installation(home).commissions("doctor", "--problems")
    assert answer.returncode == 1
    assert "the history of runs cannot be read" in answer.stdout
    assert word not in answer.stdout + answer.stderr
    checks = {each.subject: each for each in load_checks() if each.topic == "dagster"}
    unset = [
        finding for finding in made(checks["dagster.yaml"], Patient(settings, {})) if finding.level == ERROR
    ]
    assert [finding.what for finding in unset] == [
        "takes a value from DAGSTER_POSTGRES_URL, which is not set"
    ]
