"""How much memory DuckDB may take on this machine, and where it puts what does not fit.

DuckDB by itself takes 80 % of the memory, also on a machine that it shares. Here it gets a share of what this process may
use (the machine's memory, or less where a container or a systemd unit sets a limit), and never more than a ceiling.
What does not fit is written to the folder `spill` of the home.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

MEMORY_VARIABLE = "COMMISSIONS_MEMORY_LIMIT"
MEBIBYTE = 1024**2
# Python, Dagster and dbt need the rest.
MEMORY_SHARE = 0.4
MEMORY_MIN = 512 * MEBIBYTE
# 100,000 deals need between 2 and 3 GiB: two models at a time hold what cannot be spilled.
MEMORY_MAX = 4096 * MEBIBYTE

_SIZE = re.compile(r"\d+(\.\d+)?\s*([KMGT]i?B|%)", re.IGNORECASE)


class LimitsError(Exception):
    """COMMISSIONS_MEMORY_LIMIT is not an amount of memory."""


def memory_bytes(root: Path = Path("/")) -> int:
    """Bytes that this process may use: the machine's memory, or the least limit of its control groups.

    ``root`` is where /proc and /sys are.
    """
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min([physical, *_group_limits(root)])


def _group_limits(root: Path) -> Iterator[int]:
    """The limits of the process's control groups and of all groups above them, versions 1 and 2."""
    try:
        lines = (root / "proc/self/cgroup").read_text(encoding="ascii").splitlines()
    except OSError:
        return
    names: tuple[str, ...]
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if not controllers:
            top, names = root / "sys/fs/cgroup", ("memory.max", "memory.high")
        elif "memory" in controllers.split(","):
            top, names = root / "sys/fs/cgroup/memory", ("memory.limit_in_bytes",)
        else:
            continue
        # Inside a container the path may be that of the host: then only the top is there.
        folder = top / group.lstrip("/")
        while folder != top.parent:
            for name in names:
                try:
                    yield int((folder / name).read_text(encoding="ascii"))
                except (OSError, ValueError):
                    continue  # no such group, or `max`
            folder = folder.parent


def memory_limit(env: Mapping[str, str] = os.environ, root: Path = Path("/")) -> str:
    """DuckDB's memory_limit: COMMISSIONS_MEMORY_LIMIT, or a share of the memory that this process may use.

    Raises LimitsError when COMMISSIONS_MEMORY_LIMIT is neither a size nor a percentage.
    """
    given = (env.get(MEMORY_VARIABLE) or "").strip()
    if given:
        if not _SIZE.fullmatch(given):
            raise LimitsError(f"{MEMORY_VARIABLE} is '{given}'. Write a size, for example 2GB, or 50%")
        return given
    share = int(memory_bytes(root) * MEMORY_SHARE)
    return f"{min(max(share, MEMORY_MIN), MEMORY_MAX) // MEBIBYTE}MiB"


def spill_folder(home: Path) -> Path:
    """Where DuckDB puts what does not fit into memory; nothing in it outlives the process that wrote it."""
    return home / "spill"


def limits(home: Path, env: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Settings for `duckdb.connect(..., config=limits(home))`, the same that dbt gets from profiles.yml.

    Several processes may share the folder: DuckDB puts the process into the names of its files. Raises LimitsError as
    `memory_limit` does.
    """
    folder = spill_folder(home)
    folder.mkdir(parents=True, exist_ok=True)
    return {"memory_limit": memory_limit(env), "temp_directory": str(folder)}


def empty_spill(home: Path) -> int:
    """Delete what processes that are gone have left in the spill folder; returns how many files went."""
    removed = 0
    for path in spill_folder(home).glob("duckdb_temp_*"):
        owner = path.name.removeprefix("duckdb_temp_").partition("_")[0]
        if owner.isdigit() and _is_alive(int(owner)):
            continue
        path.unlink(missing_ok=True)
        removed += 1
    return removed


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
