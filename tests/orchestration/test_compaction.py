"""The warehouse file is made shorter without losing anything, and a repeat over the same data does not make it longer."""

import os
import shutil
import signal
import subprocess
import sys
from collections import namedtuple
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse import compaction
from orchestration.warehouse.compaction import CompactionError, compact, drop_models

ROOT = Path(__file__).resolve().parents[2]
ROWS = 100_000
EVERYTHING = """
    select 'deals', count(*), sum(hash(deals)) from raw.deals as deals
    union all select 'big', count(*), sum(hash(big)) from marts.big_deals as big
    union all select 'named', count(*), sum(hash(named)) from marts.named as named
"""


def build(warehouse: Path) -> None:
    """Build each table beside the old one, as dbt does; run again, it builds the same."""
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            """
            create schema if not exists raw;
            create schema if not exists marts;
            create or replace macro divide(a, b) as case when b <> 0 then a / b end;
            create or replace macro main.three() as table select 3 as three;
            """
        )
        for name in ("deals", "credits", "lines"):
            connection.execute(
                f"""
                create table raw.{name}__new (id bigint not null, text varchar, amount decimal(28, 10));
                insert into raw.{name}__new select i, md5(i::varchar), i / 7 from range({ROWS}) as rows(i);
                drop table if exists raw.{name} cascade;
                alter table raw.{name}__new rename to {name};
                comment on table raw.{name} is 'all "{name}"';
                """
            )
        connection.execute(
            """
            create or replace view marts.big_deals as
              select * exclude (text, amount) replace (divide(id, 2) as id) from raw.deals where amount > 900;
            create or replace view marts.named as select id, three from marts.big_deals, main.three();
            """
        )


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of which a good part is free."""
    warehouse = tmp_path_factory.mktemp("original") / "warehouse.duckdb"
    for _ in range(2):
        build(warehouse)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("drop table raw.lines")
        connection.execute("checkpoint")
    return warehouse


@pytest.fixture
def warehouse(original: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(original, tmp_path))


def content(warehouse: Path) -> list[tuple[object, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(EVERYTHING).fetchall()


def test_the_file_gets_shorter_and_nothing_is_lost(warehouse: Path) -> None:
    before, size = content(warehouse), warehouse.stat().st_size
    done = compact(warehouse, free_share_max=0.1, free_bytes_min=0)
    assert done.was_compacted
    assert done.before_bytes == size
    assert done.after_bytes == warehouse.stat().st_size < size * (1.1 - done.free_share)
    assert content(warehouse) == before
    assert [path.name for path in warehouse.parent.iterdir()] == ["warehouse.duckdb"]
    with duckdb.connect(str(warehouse)) as connection:
        found = connection.execute(
            "select comment from duckdb_tables() where table_name = 'deals'"
        ).fetchall()
        assert found == [('all "deals"',)]
        with pytest.raises(duckdb.ConstraintException):
            connection.execute("insert into raw.deals values (null, '', 0)")


def test_a_file_with_little_free_is_left_alone(warehouse: Path) -> None:
    inode = warehouse.stat().st_ino
    assert not compact(warehouse, free_share_max=0.99, free_bytes_min=0).was_compacted
    assert not compact(warehouse, free_share_max=0, free_bytes_min=10**12).was_compacted
    assert warehouse.stat().st_ino == inode


def test_a_repeat_does_not_make_the_file_longer(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    sizes = []
    for _ in range(4):
        build(warehouse)
        compact(warehouse, free_bytes_min=0)
        sizes.append(warehouse.stat().st_size)
    allowed = sizes[0] / (1 - compaction.FREE_SHARE_MAX)
    assert max(sizes) <= allowed, sizes


def test_tables_that_are_dropped_first_make_no_repeat_longer(tmp_path: Path) -> None:
    warehouse = tmp_path / "warehouse.duckdb"
    models = [
        ("raw", "deals"),
        ("raw", "credits"),
        ("raw", "lines"),
        ("raw", "not_there"),
        ("marts", "named"),
    ]
    build(warehouse)
    size, before = warehouse.stat().st_size, content(warehouse)
    for _ in range(3):
        assert drop_models(warehouse, models, file_bytes_min=0) == 3
        build(warehouse)
        assert warehouse.stat().st_size <= size * 1.01
        assert content(warehouse) == before


def test_only_the_named_tables_of_a_large_file_are_dropped(warehouse: Path) -> None:
    before = content(warehouse)
    assert drop_models(warehouse, [("raw", "deals")]) == 0
    assert drop_models(warehouse.with_name("none.duckdb"), [("raw", "deals")], file_bytes_min=0) == 0
    assert drop_models(warehouse, [("raw", "credits")], file_bytes_min=0) == 1
    assert content(warehouse) == before


def test_a_copy_that_differs_is_not_taken(warehouse: Path, tmp_path: Path) -> None:
    other = Path(shutil.copy(warehouse, tmp_path / "other.duckdb"))
    for change, message in (
        ("delete from raw.deals where id = 7", f"the copy of raw.deals has {ROWS - 1} rows, the file {ROWS}"),
        ("drop view marts.named", "other columns|other views"),
        ("create or replace macro divide(a, b) as a / b", "other macros"),
        ("comment on table raw.credits is 'no'", "other tables"),
    ):
        changed = Path(shutil.copy(other, tmp_path / "changed.duckdb"))
        with duckdb.connect(str(changed)) as connection:
            connection.execute(change)
        with duckdb.connect(":memory:") as connection:
            connection.execute(f"attach '{warehouse}' as warehouse (read_only)")
            connection.execute(f"attach '{changed}' as compacted (read_only)")
            with pytest.raises(CompactionError, match=message):
                compaction._compare(connection, "warehouse")


def test_a_full_disk_leaves_the_file_as_it_was(warehouse: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inode = warehouse.stat().st_ino
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 10, 0))
    with pytest.raises(CompactionError, match="has 0 MB free, and the copy needs"):
        compact(warehouse, free_share_max=0, free_bytes_min=0)
    assert warehouse.stat().st_ino == inode


def test_a_file_that_somebody_writes_to_is_left_alone(warehouse: Path) -> None:
    code = f"import duckdb, sys; c = duckdb.connect({str(warehouse)!r}); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout and writer.stdout.readline()
        with pytest.raises(CompactionError, match="lock"):
            compact(warehouse, free_share_max=0, free_bytes_min=0)
        writer.communicate("")


@pytest.mark.parametrize(
    ("where", "is_done"),
    [
        ("duckdb.sleep", False),
        ("compaction._compare", False),
        ("os.fsync", False),
        ("os.replace", False),
        ("os.open", True),
    ],
)
def test_a_kill_leaves_a_whole_file(warehouse: Path, where: str, is_done: bool) -> None:
    """Killed in the copy, before the comparison, before the rename, and right after it."""
    before, inode = content(warehouse), warehouse.stat().st_ino
    kill = "lambda *_: os.kill(os.getpid(), signal.SIGKILL)"
    code = "import os, signal, threading; from pathlib import Path; from orchestration.warehouse import compaction\n"
    if where == "duckdb.sleep":
        # As soon as the copy has begun to grow.
        code += (
            "def watch():\n"
            f"    while not Path({str(warehouse) + compaction.SUFFIX!r}).exists(): pass\n"
            "    os.kill(os.getpid(), signal.SIGKILL)\n"
            "threading.Thread(target=watch).start()\n"
        )
    else:
        code += f"{where} = {kill}\n"
    code += f"compaction.compact(Path({str(warehouse)!r}), free_share_max=0, free_bytes_min=0)"
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False)
    assert answer.returncode == -signal.SIGKILL
    assert (warehouse.stat().st_ino != inode) is is_done
    assert content(warehouse) == before
    assert compact(warehouse, free_share_max=-1, free_bytes_min=0).was_compacted
    assert content(warehouse) == before
    assert os.listdir(warehouse.parent) == ["warehouse.duckdb"]
