"""The storage of Dagster's events: the files are Dagster's, nothing is lost, and a storage that somebody chose stays."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.asset_checks.asset_check_spec import AssetCheckKey
from dagster._core.events import DagsterEventType
from dagster._core.storage.event_log import SqliteEventLogStorage

from benchmarks.event_log import CHECK, evaluations, materializations, planned_events
from orchestration.defs.event_log import OPEN_FILES_MAX, PooledSqliteEventLogStorage
from orchestration.operating.doctor.examine import load_checks, made
from orchestration.operating.doctor.finding import ERROR, OK, Patient
from orchestration.warehouse.settings import DAGSTER_SECTIONS, RunSettings

ROOT = Path(__file__).resolve().parents[2]
RUN = "run"
KEY = dg.AssetKey(["marts", "model_0"])

WRITER = """
import sys
from benchmarks.event_log import materializations, planned_events
from orchestration.defs.event_log import PooledSqliteEventLogStorage

storage = PooledSqliteEventLogStorage(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
storage.store_event_batch(planned_events(sys.argv[2], 40))
for event in materializations(sys.argv[2], 20):
    storage.store_event(event)
print("stored", flush=True)
sys.stdin.readline()
"""


@pytest.fixture
def ours(tmp_path: Path) -> Iterator[PooledSqliteEventLogStorage]:
    storage = PooledSqliteEventLogStorage(str(tmp_path))
    yield storage
    storage.dispose()


def stored(storage: SqliteEventLogStorage, run_id: str = RUN) -> int:
    return len(storage.get_records_for_run(run_id).records)


def writer(folder: Path, run_id: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), run_id],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def go_on(process: subprocess.Popen[str], after: str) -> None:
    assert process.stdin and process.stdout
    assert process.stdout.readline().strip() == after
    process.stdin.write("\n")
    process.stdin.flush()


def fill(storage: SqliteEventLogStorage, run_id: str = RUN) -> None:
    storage.store_event_batch(planned_events(run_id, 6))
    for event in [*materializations(run_id, 3), *evaluations(run_id, 3)]:
        storage.store_event(event)


def facts(storage: SqliteEventLogStorage) -> tuple[object, ...]:
    """What a reader sees of all kinds of events, in the run's file and in the index."""
    [check] = storage.get_asset_check_execution_history(AssetCheckKey(KEY, CHECK), limit=9)
    assets = storage.get_asset_records()
    planned = storage.get_latest_planned_materialization_info(KEY)
    return (
        [record.event_log_entry.dagster_event_type for record in storage.get_records_for_run(RUN).records],
        sorted(
            (record.asset_entry.asset_key.to_user_string(), record.asset_entry.last_run_id)
            for record in assets
        ),
        [record.event_log_entry.run_id for record in storage.fetch_materializations(KEY, limit=9).records],
        (check.status.value, check.run_id),
        planned and planned.run_id,
    )


@pytest.mark.parametrize("writes_first", [PooledSqliteEventLogStorage, SqliteEventLogStorage])
def test_either_class_reads_what_the_other_wrote_and_goes_on(
    tmp_path: Path, writes_first: type[SqliteEventLogStorage]
) -> None:
    first, second = writes_first(str(tmp_path / "a")), PooledSqliteEventLogStorage(str(tmp_path / "b"))
    other: SqliteEventLogStorage = SqliteEventLogStorage(str(tmp_path / "b"))
    if writes_first is SqliteEventLogStorage:
        other = PooledSqliteEventLogStorage(str(tmp_path / "a"))
    else:
        other = SqliteEventLogStorage(str(tmp_path / "a"))
    fill(first)
    fill(second)
    assert facts(first) == facts(other) == facts(second)
    assert len(facts(first)[0]) == 12  # type: ignore[arg-type]
    for event in materializations(RUN, 1):
        other.store_event(event)
    assert stored(first) == stored(other) == 13
    assert len(first.fetch_materializations(KEY, limit=9).records) == 2
    for storage in (first, second, other):
        storage.dispose()
    assert not list(tmp_path.rglob("*-wal")), "closed files have no log beside them"


def test_a_batch_is_stored_whole_or_not_at_all(
    ours: PooledSqliteEventLogStorage, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(ours)
    before = facts(ours)
    events = planned_events(RUN, 20)
    monkeypatch.setattr(
        ours, "_event_to_row", lambda event, row=ours._event_to_row: 1 / 0 if event is events[-1] else row(event)
    )  # fmt: skip
    with pytest.raises(ZeroDivisionError):
        ours.store_event_batch(events)
    assert facts(ours) == before


def test_two_processes_that_write_at_once_lose_nothing(
    tmp_path: Path, ours: PooledSqliteEventLogStorage
) -> None:
    processes = [writer(tmp_path, run_id) for run_id in ("shared", "shared")]
    for after in ("ready", "stored"):
        for process in processes:
            go_on(process, after)
        if after == "ready":
            fill(ours)
    for process in processes:
        assert process.wait(60) == 0
    assert [stored(ours, run_id) for run_id in ("shared", RUN)] == [120, 12]
    assert len(ours.fetch_materializations(KEY, limit=99).records) == 3


def test_threads_share_a_storage(ours: PooledSqliteEventLogStorage) -> None:
    threads = [threading.Thread(target=fill, args=(ours, f"run_{number}")) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [stored(ours, f"run_{number}") for number in range(4)] == [12] * 4


def test_what_was_stored_outlives_a_killed_process(tmp_path: Path, ours: PooledSqliteEventLogStorage) -> None:
    process = writer(tmp_path, RUN)
    go_on(process, "ready")
    assert process.stdout
    assert process.stdout.readline().strip() == "stored"
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    assert stored(SqliteEventLogStorage(str(tmp_path))) == 60
    assert len(ours.fetch_materializations(KEY, limit=9).records) == 1


def test_a_fork_carries_no_open_file_over(tmp_path: Path, ours: PooledSqliteEventLogStorage) -> None:
    fill(ours)
    child = os.fork()
    if not child:
        for event in materializations(RUN, 20):
            ours.store_event(event)
        ours.dispose()
        os._exit(0)
    for event in materializations(RUN, 20):
        ours.store_event(event)
    assert os.waitpid(child, 0)[1] == 0
    assert stored(ours) == stored(SqliteEventLogStorage(str(tmp_path))) == 52


def test_a_file_that_was_replaced_is_opened_anew(tmp_path: Path, ours: PooledSqliteEventLogStorage) -> None:
    fill(ours)
    for path in tmp_path.glob(f"{RUN}.db*"):
        path.unlink()
    assert stored(ours) == 0
    ours.store_event(materializations(RUN, 1)[0])
    assert stored(ours) == stored(SqliteEventLogStorage(str(tmp_path))) == 1


def test_few_files_stay_open(tmp_path: Path, ours: PooledSqliteEventLogStorage) -> None:
    for number in range(OPEN_FILES_MAX + 3):
        fill(ours, f"run_{number}")
    opened = {os.path.realpath(link) for link in Path("/proc/self/fd").iterdir()}
    assert (
        sum(path.startswith(str(tmp_path)) and path.endswith(".db") for path in opened) <= OPEN_FILES_MAX + 2
    )
    assert [stored(ours, f"run_{number}") for number in range(OPEN_FILES_MAX + 3)] == [12] * (
        OPEN_FILES_MAX + 3
    )


def test_who_watches_a_run_is_told_while_the_file_is_open(
    tmp_path: Path, ours: PooledSqliteEventLogStorage
) -> None:
    ours.store_event_batch(planned_events(RUN, 2))
    seen: list[DagsterEventType | None] = []
    told = threading.Event()

    def look(event: dg.EventLogEntry, _cursor: str) -> None:
        seen.append(event.dagster_event_type)
        told.set()

    watching = PooledSqliteEventLogStorage(str(tmp_path))
    [last] = watching.get_records_for_run(RUN, limit=1, ascending=False).records
    cursor = watching.get_records_for_run(RUN).cursor
    assert last.event_log_entry.run_id == RUN
    watching.watch(RUN, cursor, look)
    ours.store_event(materializations(RUN, 1)[0])
    assert told.wait(20)
    watching.end_watch(RUN, look)
    watching.dispose()
    assert seen == [DagsterEventType.ASSET_MATERIALIZATION]


@dg.asset
def one() -> None: ...


@dg.asset_check(asset=one)
def check_of_one() -> dg.AssetCheckResult:
    return dg.AssetCheckResult(passed=True)


def test_an_old_home_gets_the_storage_and_keeps_its_history(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = RunSettings(tmp_path / "home")
    settings.dagster_home.mkdir(parents=True)
    path = settings.dagster_home / "dagster.yaml"
    path.write_text("".join(text for name, text in DAGSTER_SECTIONS.items() if name != "event_log_storage"))
    environment: dict[str, str] = {}
    for _ in range(2):
        monkeypatch.setenv("DAGSTER_EVENT_BATCH_SIZE", environment.get("DAGSTER_EVENT_BATCH_SIZE", "0"))
        # Of another home: the files are those of the instance.
        monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
        with dg.DagsterInstance.from_config(str(settings.dagster_home)) as instance:
            ended = dg.materialize([one, check_of_one], instance=instance)
            assert ended.success
            records = instance.get_run_records()
            events = [len(instance.all_logs(record.dagster_run.run_id)) for record in records]
            assert len(instance.fetch_materializations(one.key, limit=9).records) == len(records)
            assert isinstance(instance.event_log_storage, PooledSqliteEventLogStorage) == bool(environment)
        settings.prepare(environment)
    assert len(records) == 2
    assert events[0] == events[1]
    assert (settings.dagster_home / "history" / "runs" / "index.db").exists()
    assert set(yaml.safe_load(path.read_text())) == set(DAGSTER_SECTIONS)


def test_a_storage_that_somebody_chose_is_left_alone(tmp_path: Path) -> None:
    settings = RunSettings(tmp_path)
    settings.dagster_home.mkdir()
    path = settings.dagster_home / "dagster.yaml"
    chosen = "storage:\n  postgres:\n    postgres_url: {env: DAGSTER_POSTGRES_URL}\n"
    path.write_text(chosen)
    settings.prepare({})
    content = yaml.safe_load(path.read_text())
    assert "event_log_storage" not in content
    [look] = [each for each in load_checks() if each.subject == "dagster.yaml"]
    patient = Patient(settings, {"DAGSTER_POSTGRES_URL": "postgresql:///dagster"})
    assert [finding.level for finding in made(look, patient)] == [OK]
    path.write_text(path.read_text() + DAGSTER_SECTIONS["event_log_storage"])
    [told] = made(look, patient)
    assert (told.level, told.what) == (ERROR, "has two storages of events, which Dagster refuses")
