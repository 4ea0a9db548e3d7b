"""The columns of the seeds that hold expressions of the plan language, as their property files declare them.

A column is declared where it is described (``seeds/**/_*.yml``), and nowhere else:

    - name: cancelled_date_expression
      config: {meta: {deal_expression: date}}

`deal_expression`: read off a deal; names its fields and variables of scope plan and global. `payee_expression`: read for a
payee on a day; names variables of every scope. The value says what comes out: condition, number, text, date.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import yaml

from ingestion.landing.settings import PROJECT_ROOT

DEAL, PAYEE = "deal", "payee"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Expression:
    """One column of expressions.

    Attributes:
        seed: name of the seed, "plans".
        file: its CSV file under the folder of seeds, "plans/plans.csv".
        of: DEAL or PAYEE.
        wanted: condition, number, text or date.
    """

    seed: str
    file: str
    column: str
    of: str
    wanted: str


def expressions(seeds: Path) -> tuple[Expression, ...]:
    """The columns that a folder of seeds declares; a folder that declares none has those of the project."""
    return _of(seeds) or _of(PROJECT_ROOT / "seeds")


def _of(seeds: Path) -> tuple[Expression, ...]:
    files = tuple(sorted(seeds.rglob("_*.yml")))
    return _read(seeds, files, tuple(path.stat().st_mtime_ns for path in files))


@cache
def _read(folder: Path, files: tuple[Path, ...], _times: tuple[int, ...]) -> tuple[Expression, ...]:
    return tuple(found for path in files for found in _declared(folder, path))


def _declared(folder: Path, path: Path) -> Iterator[Expression]:
    text = path.read_text(encoding="utf-8")
    if "_expression:" not in text:
        return
    for seed in (yaml.load(text, Loader=_LOADER) or {}).get("seeds") or []:
        file = (path.parent / f"{seed['name']}.csv").relative_to(folder).as_posix()
        for column in seed.get("columns") or []:
            meta = (column.get("config") or {}).get("meta") or {}
            for of in (DEAL, PAYEE):
                if wanted := meta.get(f"{of}_expression"):
                    yield Expression(seed["name"], file, column["name"], of, str(wanted))
