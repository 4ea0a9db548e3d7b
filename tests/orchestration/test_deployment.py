"""What runs on a server: the units, the settings of Dagster in old and new homes, dead runs, the table of variables."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.events import EngineEventData
from dagster._core.launcher.base import WorkerStatus
from dagster._core.storage.tags import GRPC_INFO_TAG
from dagster._grpc.client import DagsterGrpcClient

from ingestion.registry import FILE_SYSTEMS
from orchestration.calculation.manifest import dbt_executable
from orchestration.defs.launcher import WatchedRunLauncher
from orchestration.operating.environment import PREFIX, VARIABLES, markdown, unknown_names
from orchestration.plans.checks import seeds_folder
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.settings import DAGSTER_SECTIONS, RunSettings, complete_dagster_yaml
from tests.support.companies.installation import ROOT
from tests.support.companies.small_home import bytes_of

UNITS = ROOT / "orchestration" / "operating" / "deployment"
# Landings and calculations may be begun anew; what people do to a month never is: a second adjustment would be one too many.
BEGUN_ANEW = {"daily", "full", "calculate_now", *(f"land_{name}_now" for name in FILE_SYSTEMS)}


@dg.op
def nothing() -> None:
    pass


@dg.job
def job() -> None:
    nothing()


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> RunSettings:
    """A prepared home, named by the environment."""
    settings = RunSettings(tmp_path / "home")
    env: dict[str, str] = {}
    settings.prepare(env)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    return settings


def test_every_variable_that_the_code_reads_is_in_the_table_and_the_table_in_the_docs() -> None:
    read = set()
    for folder in ("orchestration", "ingestion", "dbt_project", "benchmarks"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix in {".py", ".yml", ".sql"} and not {"target", "logs"} & set(path.parts):
                read |= set(re.findall(rf"{PREFIX}[A-Z]+(?:_[A-Z]+)*", path.read_text(encoding="utf-8")))
    assert read == {variable.name for variable in VARIABLES}
    assert markdown() in (ROOT / "docs" / "operating.md").read_text(encoding="utf-8")


def test_the_example_of_the_environment_holds_no_unknown_name_and_turns_telemetry_off() -> None:
    lines = (UNITS / "commissions.env").read_text().splitlines()
    env = dict(line.removeprefix("# ").split("=", 1) for line in lines if re.match(r"(# )?[A-Z_]+=", line))
    assert unknown_names(env) == []
    assert (env["DO_NOT_TRACK"], env["DAGSTER_DISABLE_TELEMETRY"]) == ("1", "yes")
    assert env["DAGSTER_HOME"] == f"{env['COMMISSIONS_HOME']}/dagster"


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed here")
def test_systemd_accepts_the_units_and_their_programs_exist(tmp_path: Path) -> None:
    python = Path(sys.executable).parent
    for path in [*UNITS.glob("*.service"), *UNITS.glob("*.timer")]:
        text = (
            path.read_text()
            .replace("/opt/commissions/.venv/bin", str(python))
            .replace("/opt/commissions", str(ROOT))
        )
        (tmp_path / path.name).write_text(text)
    units = sorted(str(path) for path in tmp_path.iterdir())
    assert len(units) == 5
    answer = subprocess.run(
        ["systemd-analyze", "verify", *units], capture_output=True, text=True, check=False
    )
    assert (answer.returncode, answer.stderr) == (0, "")


def test_the_ui_listens_on_this_machine_only_and_auditors_change_nothing() -> None:
    starts = {
        path.stem: re.findall(r"^ExecStart=(.*)$", path.read_text(), re.MULTILINE)
        for path in UNITS.glob("*.service")
    }
    webservers = [start for unit in starts.values() for start in unit if "dagster-webserver" in start]
    assert len(webservers) == 2
    assert all(" -h 127.0.0.1 " in start for start in webservers)
    assert starts["commissions-auditors"][0].endswith(" --read-only")


def test_an_old_home_gets_what_it_lacks_and_keeps_what_somebody_wrote(tmp_path: Path) -> None:
    settings = RunSettings(tmp_path)
    path = settings.dagster_home / "dagster.yaml"
    path.parent.mkdir()
    mine = "# ours\nstorage:\n  postgres:\n    postgres_url: {env: DAGSTER_POSTGRES_URL}\nrun_retries:\n  enabled: false"
    path.write_text(mine)
    settings.prepare({})
    text = path.read_text()
    assert text.startswith(mine + "\n")
    content = yaml.safe_load(text)
    assert set(content) == {"storage", *DAGSTER_SECTIONS} - {"event_log_storage"}
    assert content["run_retries"] == {"enabled": False}
    written = path.stat().st_mtime_ns
    settings.prepare({})
    assert path.stat().st_mtime_ns == written, "a complete file is not written again"
    path.write_text("telemetry: [")
    settings.prepare({})
    assert path.read_text() == "telemetry: [", "a file that cannot be read is left to whoever wrote it"


def test_dagster_takes_the_settings_and_only_the_daily_run_is_begun_anew(settings: RunSettings) -> None:
    from dagster._core.events import RunFailureReason
    from dagster._core.execution.retries import auto_reexecution_should_retry_run

    from orchestration.definitions import defs

    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.run_launcher, WatchedRunLauncher)
        assert (instance.run_monitoring_enabled, instance.run_retries_enabled) == (True, True)
        begun_anew = set()
        for definition in defs.resolve_all_job_defs():
            tags = definition.tags
            run = instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.FAILURE)
            if auto_reexecution_should_retry_run(instance, run, RunFailureReason.UNKNOWN):
                begun_anew.add(definition.name)
            assert not auto_reexecution_should_retry_run(instance, run, RunFailureReason.STEP_FAILURE)
        assert begun_anew == BEGUN_ANEW


def test_a_run_of_the_command_line_is_alive_while_it_holds_the_lock(settings: RunSettings) -> None:
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED)
        with RunLock(settings.lock):
            assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
        dead = instance.run_launcher.check_run_worker_health(run)
        assert (dead.status, "Nobody holds the run lock" in (dead.msg or "")) == (WorkerStatus.FAILED, True)


@contextmanager
def code_server(folder: Path, *command: str) -> Iterator[tuple["subprocess.Popen[bytes]", str]]:
    """A code server; yields it and its socket when it answers."""
    module = folder / "some_code.py"
    module.write_text("import dagster as dg\n@dg.asset\ndef a(): pass\ndefs = dg.Definitions([a])\n")
    socket = str(folder / "s")
    process = subprocess.Popen(
        [sys.executable, "-m", "dagster", *command, "--socket", socket, "-f", str(module)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    client = DagsterGrpcClient(socket=socket, host="localhost")
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        try:
            client.ping("hello")
            break
        except Exception:
            time.sleep(0.3)
    try:
        yield process, socket
    finally:
        process.kill()
        process.wait()


def assert_dead_and_then_without_server(
    instance: dg.DagsterInstance, run: dg.DagsterRun, server: "subprocess.Popen[bytes]"
) -> None:
    """The server says that the run has ended; killed, it says nothing."""
    ended = instance.run_launcher.check_run_worker_health(run)
    assert (ended.status, ended.msg) == (
        WorkerStatus.FAILED,
        "The process of this run ended before the run did.",
    )
    server.kill()
    server.wait()
    gone = instance.run_launcher.check_run_worker_health(run)
    assert (gone.status, gone.msg) == (WorkerStatus.FAILED, "The server that started this run is gone.")


def test_a_run_of_the_ui_is_alive_while_its_process_is(settings: RunSettings, tmp_path: Path) -> None:
    with (
        dg.DagsterInstance.get() as instance,
        subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as of_run,
        # Between the daemon and what it starts is one more server, which does not say what runs.
        code_server(tmp_path, "code-server", "start") as (process, socket),
    ):
        tags = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": socket})}
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
        instance.report_engine_event("Started", run, EngineEventData(metadata={"pid": str(of_run.pid)}))
        assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.RUNNING
        of_run.communicate(b"end")
        assert_dead_and_then_without_server(instance, run, process)


def test_a_run_of_the_daemon_is_dead_when_its_server_does_not_know_it_or_is_gone(
    settings: RunSettings, tmp_path: Path
) -> None:
    with dg.DagsterInstance.get() as instance, code_server(tmp_path, "api", "grpc") as (process, socket):
        tags = {GRPC_INFO_TAG: json.dumps({"host": "localhost", "socket": socket})}
        run = instance.create_run_for_job(job, status=dg.DagsterRunStatus.STARTED, tags=tags)
        with RunLock(settings.lock):  # of another run: it says nothing about this one
            assert_dead_and_then_without_server(instance, run, process)
        instance.report_run_canceled(run)
        assert instance.run_launcher.check_run_worker_health(run).status == WorkerStatus.SUCCESS


def test_prepare_makes_a_home_that_a_service_can_start_in(tmp_path: Path) -> None:
    env = {
        name: value for name, value in os.environ.items() if not name.startswith(("COMMISSIONS_", "DAGSTER_"))
    }
    answer = subprocess.run(
        [sys.executable, "-m", "orchestration", "prepare"],
        cwd=ROOT,
        env={**env, "COMMISSIONS_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    assert f"DAGSTER_HOME is {tmp_path / 'home' / 'dagster'}" in answer.stdout
    assert (tmp_path / "home" / "dagster" / "dagster.yaml").exists()


def test_seeds_of_an_absolute_folder_are_built_with_their_tests_and_not_written(tmp_path: Path) -> None:
    """dbt writes what it compiles under the path of the file: for an absolute one that was the file itself."""
    seeds = tmp_path / "seeds"
    shutil.copytree(ROOT / "seeds", seeds)
    before = bytes_of(seeds)
    env = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("COMMISSIONS_", "DAGSTER_", "DBT_"))
    }
    env["COMMISSIONS_SEEDS"] = str(seeds)
    RunSettings(tmp_path / "home").prepare(env)
    assert seeds_folder(ROOT, env) == seeds
    answer = subprocess.run(
        [dbt_executable(), "build", "--select", "journal_columns", "--exclude-resource-type", "unit_test",
         "--target-path", str(tmp_path / "target"), "--log-path", str(tmp_path / "logs")],
        cwd=ROOT / "dbt_project", env=env, capture_output=True, text=True, check=False,
    )  # fmt: skip
    (ROOT / "dbt_project" / env["COMMISSIONS_SEEDS"]).unlink()
    assert answer.returncode == 0, answer.stdout
    assert bytes_of(seeds) == before


def test_a_home_of_an_earlier_version_finds_the_modules_that_have_moved(tmp_path: Path) -> None:
    path = tmp_path / "dagster.yaml"
    path.write_text(
        "# of our own\nrun_launcher:\n  module: orchestration.deployment.launcher\n  class: WatchedRunLauncher\n"
    )
    complete_dagster_yaml(path)
    text = path.read_text()
    assert text.startswith("# of our own\nrun_launcher:\n  module: orchestration.defs.launcher\n")
    assert "orchestration.deployment" not in text
    complete_dagster_yaml(path)
    assert path.read_text() == text
