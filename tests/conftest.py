"""What all tests share: the sample company, landed and calculated once a test session."""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler.loadscope import LoadScopeScheduling

from orchestration.plans.situations.build import calculate

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "ingestion" / "sample"
SAMPLE_AS_OF = date(2013, 6, 30)


def run(arguments: list[str], home: Path, folder: Path, extracts: Path) -> None:
    """Run a program on the warehouse in `home`; on failure show what it said."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(("COMMISSIONS_", "DBT_"))}
    env |= {
        "COMMISSIONS_HOME": str(home),
        "COMMISSIONS_EXTRACTS": str(extracts),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "DO_NOT_TRACK": "1",
    }
    done = subprocess.run(arguments, cwd=folder, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"{' '.join(arguments)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}", pytrace=False)


def build_warehouse(home: Path, as_of: date, extracts: Path = SAMPLE, seeds: Path = ROOT / "seeds") -> Path:
    """Land the extracts in `home` and calculate them with the plan seeds, without dbt's tests."""
    run([sys.executable, "-m", "ingestion"], home, ROOT, extracts)
    # One dbt a test process, which has parsed the project once.
    copied = home / "seeds"
    if seeds != copied:
        shutil.copytree(seeds, copied)
    calculate(home, copied, as_of, ROOT / "dbt_project")
    return home / "warehouse.duckdb"


# Files that share what one test process makes, such as dbt's parses.
TOGETHER = {
    "test_conventions.py": "parses",
    "test_connected_staging.py": "parses",
}
# The longest first, so that none is left to a single process at the end.
FIRST = (
    "test_commissions_run.py",
    "test_whole_companies.py",
    "parses",
    "test_disputes.py",
    "test_changed_only.py",
    "test_statement_pages.py",
    "test_random_companies.py",
    "test_exported_once.py",
    "test_write_back.py",
)


def group_of(nodeid: str) -> str:
    """The group of a test: its file, or what several files share."""
    name = nodeid.partition("::")[0].rpartition("/")[2]
    return TOGETHER.get(name, name)


class ByGroup(LoadScopeScheduling):
    """Gives the tests of a group to one process, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByGroup:
    """Make the scheduler of pytest-xdist."""
    return ByGroup(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the groups that take longest first."""
    places = {group: place for place, group in enumerate(FIRST)}
    items.sort(key=lambda item: places.get(group_of(item.nodeid), len(FIRST)))


BuildOnce = Callable[[str, Callable[[Path], Path]], Path]


@contextmanager
def only_one(lock: Path) -> Iterator[None]:
    """Let one process at a time through."""
    with lock.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


@pytest.fixture(scope="session")
def sample_as_of() -> date:
    """The day from which `sample_warehouse` looks."""
    return SAMPLE_AS_OF


@pytest.fixture(scope="session")
def build_once(tmp_path_factory: pytest.TempPathFactory) -> BuildOnce:
    """Return a function that builds a warehouse once a session, in whichever pytest-xdist worker comes first.

    It takes a name and the builder, which is given an empty folder and returns the warehouse file.
    """
    folder = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        folder = folder.parent  # the workers' common folder

    def build(name: str, builder: Callable[[Path], Path]) -> Path:
        built = folder / f"{name}.built"
        with only_one(folder / f"{name}.lock"):
            if not built.exists():
                home = folder / name
                shutil.rmtree(home, ignore_errors=True)  # of a builder that failed
                home.mkdir()
                built.write_text(str(builder(home)))
        return Path(built.read_text())

    return build


@pytest.fixture(scope="session")
def sample_warehouse(build_once: BuildOnce, sample_as_of: date) -> Path:
    """The bundled sample's warehouse file: open it read-only."""
    return build_once("sample_warehouse", lambda home: build_warehouse(home, sample_as_of))


@pytest.fixture(scope="session")
def warehouse_builder() -> Callable[[Path, date, Path, Path], Path]:
    """Return the function that lands and calculates other extracts and seeds."""
    return build_warehouse
