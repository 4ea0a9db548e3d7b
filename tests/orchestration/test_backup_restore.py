"""Backup and restore of a home made by hand: destroyed, tampered with, killed, behind, and of another history."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import duckdb
import pytest

from orchestration.books.verify import verify
from orchestration.defs.history import last_beat
from orchestration.operating.safekeeping.backup import make_backup
from orchestration.operating.safekeeping.contents import Backup, BackupError, backups_in, prove, read_backup
from orchestration.operating.safekeeping.restore import find_backup, plan_restore, restore
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.settings import RunSettings, SettingsError
from tests.support.companies.installation import ROOT, Installation
from tests.support.companies.small_home import act, bytes_of, close_month, make_home, state_of

ROUNDS = int(os.environ.get("KILL_ROUNDS", "4"))
KEPT = ("books", "landings", "published")
FIRST = datetime(2014, 6, 1, 6, 30, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    return make_home(tmp_path / "home")


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    """The folder of the plans, of one file."""
    folder = tmp_path / "seeds"
    folder.mkdir()
    (folder / "plans.csv").write_text("plan_id,rate\np,0.05\n")
    return folder


def backed_up(settings: RunSettings, folder: Path, seeds: Path, *, day: int = 0, keep: int = 9) -> Backup:
    return make_backup(
        settings, folder, keep=keep, now=FIRST + timedelta(days=day), seeds=seeds, sources=None
    )


def put_back(settings: RunSettings, folder: Path, seeds: Path, *, is_forced: bool = False) -> Path | None:
    plan = plan_restore(settings, find_backup(folder), seeds)
    settings.home.mkdir(exist_ok=True)
    with RunLock(settings.lock):
        return restore(settings, plan, is_forced=is_forced, last_beat=last_beat)


def test_a_destroyed_home_comes_back_byte_for_byte(
    settings: RunSettings, seeds: Path, tmp_path: Path
) -> None:
    before = {part: bytes_of(settings.home / part) for part in KEPT}
    proved = verify(settings, is_rebuilt=False)
    backed_up(settings, tmp_path / "backups", seeds)
    shutil.rmtree(settings.home)
    assert put_back(settings, tmp_path / "backups", seeds) is None
    assert {part: bytes_of(settings.home / part) for part in KEPT} == before
    assert verify(settings, is_rebuilt=False) == proved
    assert "books: 2 in one chain, 2014-03 to 2014-04" in proved
    assert not settings.warehouse.exists(), "the next run makes it from the landings"
    assert settings.published.stat().st_mode & 0o777 == 0o444


def test_a_backup_of_a_live_history_holds_what_is_only_in_its_log(
    settings: RunSettings, seeds: Path, tmp_path: Path
) -> None:
    path = settings.dagster_home / "history" / "runs.db"
    path.parent.mkdir(parents=True)
    live = sqlite3.connect(path)
    live.execute("pragma journal_mode = wal")
    live.execute("create table runs (run_id text)")
    live.execute("insert into runs values ('r1')")
    live.commit()
    assert path.with_name("runs.db-wal").stat().st_size > 0
    made = backed_up(settings, tmp_path / "backups", seeds)
    copy = sqlite3.connect(made.folder / "dagster" / "history" / "runs.db")
    assert copy.execute("select run_id from runs").fetchall() == [("r1",)]
    copy.close()
    live.close()


def test_what_receivers_and_crms_have_acknowledged_comes_back(
    settings: RunSettings, seeds: Path, tmp_path: Path
) -> None:
    outbox, acknowledged = settings.outbox, settings.home / "write_back" / "salesforce.json"
    for path in (outbox, acknowledged):
        path.parent.mkdir(parents=True)
    acknowledged.write_text('{"a": 1}')
    live = sqlite3.connect(outbox)
    live.execute("pragma journal_mode = wal")
    live.execute("create table deliveries (event_id text)")
    live.execute("insert into deliveries values ('e1')")
    live.commit()
    backed_up(settings, tmp_path / "backups", seeds)
    live.close()
    shutil.rmtree(settings.home)
    put_back(settings, tmp_path / "backups", seeds)
    assert acknowledged.read_text() == '{"a": 1}'
    with sqlite3.connect(outbox) as copy:
        assert copy.execute("select event_id from deliveries").fetchall() == [("e1",)]


def change_a_byte(folder: Path) -> str:
    path = folder / "books" / "periods" / "2014-03" / "lines.parquet"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    return "lines.parquet was changed after the backup"


def change_the_manifest(folder: Path) -> str:
    path = folder / "manifest.json"
    path.write_text(path.read_text().replace("2014-06-01", "2014-06-02"))
    return "manifest.json was changed after the backup"


def take_a_file_away(folder: Path) -> str:
    (folder / "books" / "actions" / "000002.json").unlink()
    return "000002.json is missing"


def add_a_file(folder: Path) -> str:
    (folder / "books" / "actions" / "000009.json").write_text("{}")
    return "000009.json is not in the manifest"


@pytest.mark.parametrize("tamper", [change_a_byte, change_the_manifest, take_a_file_away, add_a_file])
def test_a_tampered_backup_is_refused_and_nothing_is_touched(
    settings: RunSettings, seeds: Path, tmp_path: Path, tamper: object
) -> None:
    made = backed_up(settings, tmp_path / "backups", seeds)
    assert callable(tamper)
    expected = tamper(made.folder)
    before = state_of(settings.home)
    with pytest.raises(BackupError, match=expected):
        put_back(settings, made.folder, seeds, is_forced=True)
    after = state_of(settings.home)
    after.pop("run.lock", None)
    assert after == before


def test_a_backup_with_recomputed_hashes_still_breaks_the_chain(
    settings: RunSettings, seeds: Path, tmp_path: Path
) -> None:
    """Who writes a manifest anew over edited books meets the hash that the log of actions has of them."""
    from orchestration.warehouse.files import canonical, file_hash, hash_of, read_object

    made = backed_up(settings, tmp_path / "backups", seeds)
    name = "books/exports/000001/journal_2014-03_EUR.csv"
    (made.folder / name).write_text("account,amount\n6100,9910.50\n")
    content = read_object(made.folder / "manifest.json")
    content["files"][name] = file_hash(made.folder / name)
    content["backup_hash"] = hash_of(content, without="backup_hash")
    (made.folder / "manifest.json").write_bytes(canonical(content))
    with pytest.raises(BackupError, match=r"journal_2014-03_EUR\.csv was changed after the export"):
        plan_restore(settings, find_backup(made.folder), seeds)


def test_newer_books_are_lost_only_when_somebody_says_so(
    settings: RunSettings, seeds: Path, tmp_path: Path
) -> None:
    backed_up(settings, tmp_path / "backups", seeds)
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        close_month(settings, warehouse, "2014-05")
    newer = bytes_of(settings.books)
    with pytest.raises(
        BackupError, match=r"has not: closed month 2014-05; action 000004\. Books are never cut"
    ):
        put_back(settings, tmp_path / "backups", seeds)
    assert bytes_of(settings.books) == newer
    kept = put_back(settings, tmp_path / "backups", seeds, is_forced=True)
    assert "books: 2 in one chain, 2014-03 to 2014-04" in verify(settings, is_rebuilt=False)
    assert kept is not None
    assert bytes_of(kept / "books") == newer


def test_an_action_between_the_look_and_the_restore_is_not_lost(
    settings: RunSettings, seeds: Path, tmp_path: Path
) -> None:
    backed_up(settings, tmp_path / "backups", seeds)
    plan = plan_restore(settings, find_backup(tmp_path / "backups"), seeds)
    act(settings, "release_credits", period_code="2014-05", plan_id="p")
    with pytest.raises(BackupError, match="has grown meanwhile"):
        restore(settings, plan, is_forced=True, last_beat=last_beat)
    assert (settings.books / "actions" / "000004.json").exists()


def test_a_damaged_book_comes_back_without_force(settings: RunSettings, seeds: Path, tmp_path: Path) -> None:
    backed_up(settings, tmp_path / "backups", seeds)
    path = settings.books / "actions" / "000001.json"
    path.write_text(path.read_text().replace("2014-03", "2014-02"))
    with pytest.raises(BooksError):
        verify(settings, is_rebuilt=False)
    plan = plan_restore(settings, find_backup(tmp_path / "backups"), seeds)
    assert (plan.lost, plan.damaged) == ((), ("actions/000001.json",))
    put_back(settings, tmp_path / "backups", seeds)
    verify(settings, is_rebuilt=False)


def test_books_of_another_history_are_not_written_over(
    settings: RunSettings, seeds: Path, tmp_path: Path
) -> None:
    """The same number of actions, but not the same ones."""
    act(settings, "release_credits", period_code="2014-05", plan_id="p")
    backed_up(settings, tmp_path / "backups", seeds)
    (settings.books / "actions" / "000004.json").unlink()
    act(settings, "release_rewards", period_code="2014-05", plan_id="p")
    with pytest.raises(BackupError, match="action 000004"):
        put_back(settings, tmp_path / "backups", seeds)


def test_a_home_that_lost_its_books_does_not_push_out_the_backups_that_hold_them(
    settings: RunSettings, seeds: Path, tmp_path: Path
) -> None:
    first = backed_up(settings, tmp_path / "backups", seeds, keep=1)
    shutil.rmtree(settings.books)
    with pytest.raises(BackupError, match="holds what this home has not: closed month 2014-03"):
        backed_up(settings, tmp_path / "backups", seeds, day=1, keep=1)
    assert backups_in(tmp_path / "backups") == [first.folder]
    prove(read_backup(first.folder))


def test_broken_books_are_not_backed_up(settings: RunSettings, seeds: Path, tmp_path: Path) -> None:
    path = settings.books / "exports" / "000001" / "settled.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BackupError, match=r"settled\.parquet was changed after the export"):
        backed_up(settings, tmp_path / "backups", seeds)
    assert not (tmp_path / "backups").exists()


def test_the_newest_backups_are_kept(settings: RunSettings, seeds: Path, tmp_path: Path) -> None:
    for day in range(4):
        backed_up(settings, tmp_path / "backups", seeds, day=day, keep=2)
    assert [path.name for path in backups_in(tmp_path / "backups")] == [
        "backup-20140603T063000Z",
        "backup-20140604T063000Z",
    ]
    assert find_backup(tmp_path / "backups").folder.name == "backup-20140604T063000Z"


def test_a_foreign_folder_and_one_inside_the_home_are_refused(settings: RunSettings, tmp_path: Path) -> None:
    home = Installation(settings.home)
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.jpg").write_bytes(b"cat")
    assert "holds something else (cat.jpg)" in home.refused("backup", str(tmp_path / "photos"))
    assert "it would be lost with it" in home.refused("backup", str(settings.home / "backups"))
    assert bytes_of(tmp_path / "photos") == {"cat.jpg": b"cat"}


def test_a_backup_waits_for_a_run(settings: RunSettings, tmp_path: Path) -> None:
    home = Installation(settings.home)
    with RunLock(settings.lock):
        answer = home.commissions("backup", str(tmp_path / "backups"))
        assert (answer.returncode, "another run is in progress" in answer.stderr) == (3, True)
        waiting = subprocess.Popen(
            **home.command("backup", str(tmp_path / "backups"), "--wait"), stdout=subprocess.PIPE, text=True
        )
        assert waiting.stdout is not None
        assert "Waiting for process" in waiting.stdout.readline()
        assert not (tmp_path / "backups").exists()
    assert waiting.wait(60) == 0
    assert "3 actions, closed months: 2014-03 to 2014-04, 1 exports" in waiting.stdout.read()


def test_the_command_proves_before_it_writes_and_tells_of_other_plans(
    settings: RunSettings, tmp_path: Path
) -> None:
    home = Installation(settings.home)
    seeds = tmp_path / "plans"
    shutil.copytree(ROOT / "seeds" / "operations", seeds)
    home.done("backup", str(tmp_path / "backups"), COMMISSIONS_SEEDS=str(seeds))
    before = state_of(settings.home)
    told = home.done("restore", str(tmp_path / "backups"), "--dry-run", COMMISSIONS_SEEDS=str(seeds))
    assert "It can be restored" in told
    assert state_of(settings.home) == before
    (seeds / "approvers.csv").write_text("changed\n")
    told = home.done("restore", str(tmp_path / "backups"), COMMISSIONS_SEEDS=str(seeds))
    assert "The plans here are not those of the backup (approvers.csv)" in told


BACKING_UP = """
import itertools, sys
from datetime import datetime, timedelta, UTC
from functools import partial
from pathlib import Path
from orchestration.operating.safekeeping.backup import make_backup
from orchestration.warehouse.settings import RunSettings
home, folder, seeds = map(Path, sys.argv[1:4])
print("begun", flush=True)
for number in itertools.count(int(sys.argv[4])):
    now = datetime(2014, 6, 1, tzinfo=UTC) + timedelta(seconds=number)
    make_backup(RunSettings(home), folder, keep=2, now=now, seeds=seeds, sources=None)
"""
RESTORING = """
import sys
from functools import partial
from pathlib import Path
from orchestration.defs.history import last_beat
from orchestration.operating.safekeeping.restore import find_backup, plan_restore, restore
from orchestration.warehouse.settings import RunSettings
home, folder, seeds = map(Path, sys.argv[1:4])
settings = RunSettings(home)
print("begun", flush=True)
while True:
    restore(settings, plan_restore(settings, find_backup(folder), seeds), is_forced=False, last_beat=last_beat)
"""


def killed(code: str, *arguments: object, when: Callable[[], None]) -> None:
    """Start a program that does the same again and again, and kill it as soon as ``when`` returns."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, arguments)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    when()
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it was still at it"
    process.stdout.close()


def test_a_killed_backup_leaves_the_last_good_one(settings: RunSettings, seeds: Path, tmp_path: Path) -> None:
    folder, cut = tmp_path / "backups", 0
    backed_up(settings, folder, seeds, day=-1)
    chance = random.Random(7)
    for number in range(ROUNDS):
        pause = partial(time.sleep, chance.uniform(0.05, 0.6))
        killed(BACKING_UP, settings.home, folder, seeds, number * 100_000, when=pause)
        cut += len(list(folder.glob("*.tmp")))
        assert backups_in(folder)
        for path in backups_in(folder):
            prove(read_backup(path))
    assert cut, "no kill met a backup in the middle"
    backed_up(settings, folder, seeds, day=400)
    assert not list(folder.glob("*.tmp")), "what was cut off is taken away"


def test_a_killed_restore_lets_nothing_start_and_is_finished_by_the_same_command(
    settings: RunSettings, seeds: Path, tmp_path: Path
) -> None:
    folder, cut = tmp_path / "backups", 0
    backed_up(settings, folder, seeds)
    before = {part: bytes_of(settings.home / part) for part in KEPT}

    def swapping() -> None:
        """Parts are put in place in a few milliseconds of each restore: wait for them."""
        deadline = time.monotonic() + 30
        while not settings.restoring.exists() and time.monotonic() < deadline:
            pass

    for _ in range(ROUNDS):
        killed(RESTORING, settings.home, folder, seeds, when=swapping)
        is_cut = settings.restoring.exists()
        if is_cut:
            cut += 1
            with pytest.raises(SettingsError, match="Finish it: commissions restore"):
                settings.prepare({})
        else:
            assert bytes_of(settings.books) == before["books"]
        put_back(settings, folder, seeds)
        settings.prepare({})
        assert {part: bytes_of(settings.home / part) for part in KEPT} == before
    assert cut, "no kill met a restore in the middle"


def test_a_restore_under_a_living_daemon_is_refused(
    settings: RunSettings, seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import dagster as dg
    from dagster._daemon.types import DaemonHeartbeat

    backed_up(settings, tmp_path / "backups", seeds)
    monkeypatch.setenv("DAGSTER_HOME", str(settings.dagster_home))
    with dg.DagsterInstance.get() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 30, "SCHEDULER", "d1", []))
    with pytest.raises(BackupError, match="Stop it"):
        put_back(settings, tmp_path / "backups", seeds)
