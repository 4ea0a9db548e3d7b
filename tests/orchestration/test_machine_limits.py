"""DuckDB's memory follows the machine and its control groups, and what does not fit goes to the home."""

import os
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse.machine_limits import (
    MEMORY_MAX,
    MEMORY_MIN,
    MEMORY_SHARE,
    LimitsError,
    empty_spill,
    limits,
    memory_bytes,
    memory_limit,
    spill_folder,
)
from orchestration.warehouse.settings import RunSettings, SettingsError

GIBIBYTE = 1024**3


def machine(root: Path, cgroup: str, **files: str) -> Path:
    """A folder with the /proc and /sys of a machine; in names `__` is a slash and `_` a point."""
    (root / "proc/self").mkdir(parents=True)
    (root / "proc/self/cgroup").write_text(cgroup)
    for name, text in files.items():
        path = root / "sys/fs/cgroup" / name.replace("__", "/").replace("_", ".")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def test_without_a_limit_it_is_the_memory_of_the_machine(tmp_path: Path) -> None:
    root = machine(tmp_path, "0::/user\n", user__memory_max="max\n")
    assert memory_bytes(root) == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert memory_bytes(tmp_path / "nothing") == memory_bytes(root)


def test_the_least_limit_of_all_groups_above_counts(tmp_path: Path) -> None:
    root = machine(
        tmp_path,
        "0::/system/commissions\n",
        system__memory_max=f"{GIBIBYTE}\n",
        system__commissions__memory_max=f"{2 * GIBIBYTE}\n",
        system__commissions__memory_high="max\n",
    )
    assert memory_bytes(root) == GIBIBYTE


def test_a_container_that_does_not_see_its_own_group_counts_the_top(tmp_path: Path) -> None:
    root = machine(tmp_path, "0::/docker/0123\n", memory_max=f"{GIBIBYTE}\n")
    assert memory_bytes(root) == GIBIBYTE


def test_control_groups_of_the_first_version_count(tmp_path: Path) -> None:
    root = machine(tmp_path, "4:memory:/job\n1:cpu:/\n0::/\n")
    folder = root / "sys/fs/cgroup/memory/job"
    folder.mkdir(parents=True)
    (folder / "memory.limit_in_bytes").write_text(f"{GIBIBYTE}\n")
    assert memory_bytes(root) == GIBIBYTE


def test_the_limit_is_a_share_within_bounds(tmp_path: Path) -> None:
    root = machine(tmp_path, "0::/\n", memory_max=f"{4 * GIBIBYTE}\n")
    assert memory_limit({}, root) == f"{int(4 * 1024 * MEMORY_SHARE)}MiB"
    (root / "sys/fs/cgroup/memory.max").write_text(str(GIBIBYTE // 2))
    assert memory_limit({}, root) == f"{MEMORY_MIN // 1024**2}MiB"
    assert int(memory_limit({}).removesuffix("MiB")) <= MEMORY_MAX // 1024**2


@pytest.mark.parametrize("given", ["4GB", "512MiB", "1.5 GB", "50%"])
def test_a_limit_that_is_given_goes_to_duckdb_as_it_is(given: str) -> None:
    assert memory_limit({"COMMISSIONS_MEMORY_LIMIT": given}) == given
    duckdb.connect(":memory:", config={"memory_limit": given}).close()


@pytest.mark.parametrize("given", ["much", "4", "-1GB", "4GB; drop table x"])
def test_a_limit_that_is_none_is_refused_before_anything_starts(given: str, tmp_path: Path) -> None:
    with pytest.raises(LimitsError, match="Write a size, for example 2GB, or 50%"):
        memory_limit({"COMMISSIONS_MEMORY_LIMIT": given})
    with pytest.raises(SettingsError, match="COMMISSIONS_MEMORY_LIMIT is"):
        RunSettings(tmp_path).prepare({"COMMISSIONS_MEMORY_LIMIT": given})


def test_what_does_not_fit_goes_to_the_home_and_is_gone_afterwards(tmp_path: Path) -> None:
    config = limits(tmp_path, {"COMMISSIONS_MEMORY_LIMIT": "64MiB"})
    with duckdb.connect(str(tmp_path / "x.duckdb"), config=config) as connection:
        connection.execute("create table t as select hash(i) as h from range(6000000) r(i) order by h")
        spilled = connection.execute("select sum(size) from duckdb_temporary_files()").fetchone()
        assert connection.execute("select count(*) from t").fetchone() == (6000000,)
        assert spilled is not None and list(spill_folder(tmp_path).iterdir())
    assert list(spill_folder(tmp_path).iterdir()) == []


def test_only_what_dead_processes_left_is_deleted(tmp_path: Path) -> None:
    spill = spill_folder(tmp_path)
    spill.mkdir()
    gone = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True
    )
    dead = spill / f"duckdb_temp_{gone.stdout.strip()}_0_storage_DEFAULT-0.tmp"
    living = spill / f"duckdb_temp_{os.getpid()}_0_storage_DEFAULT-0.tmp"
    for path in (dead, living):
        path.touch()
    assert empty_spill(tmp_path) == 1
    assert list(spill.iterdir()) == [living]
    assert empty_spill(tmp_path / "new") == 0
