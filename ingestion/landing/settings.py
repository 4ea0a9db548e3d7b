"""Where things are, from the environment: no path is written into the code."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SAMPLE_DIR = PROJECT_ROOT / "ingestion" / "sample"
SOURCES_FILE = PROJECT_ROOT / "ingestion" / "sources.toml"
SEEDS_DIR = PROJECT_ROOT / "seeds"


class SettingsError(ValueError):
    """An environment variable has a value that cannot be used."""


@dataclass(frozen=True)
class Settings:
    """What a load needs to know.

    Attributes:
        home: folder of everything that a run writes.
        extracts: folder with one folder of extracts per system.
        shrink_ratio_max: share of a table's rows (1 = all) that may vanish from its file in one load.
        shrink_rows_min: up to this number of rows may always vanish.
        allow_shrink: tables, as "crm.Opportunity", whose file may shrink or be absent this time.
        chunk_rows: rows handed to dlt at a time, and so the least number of rows in a load file.
        sources: the file that says which systems are read by a connector; None: none is.
        seeds: the plans, to name those that use a column.
        read_whole: a connected system is read whole, not by its changes.
    """

    home: Path
    extracts: Path
    shrink_ratio_max: Decimal = Decimal("0.10")
    shrink_rows_min: int = 5
    allow_shrink: frozenset[str] = frozenset()
    chunk_rows: int = 50_000
    sources: Path | None = None
    seeds: Path = SEEDS_DIR
    read_whole: bool = False

    @property
    def warehouse(self) -> Path:
        """The DuckDB file that the extracts are landed in."""
        return self.home / "warehouse.duckdb"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> "Settings":
        """Read the settings from environment variables.

        COMMISSIONS_HOME (default: var/ in the project), COMMISSIONS_EXTRACTS or COMMISSIONS_SAMPLE_DIR
        (default: the bundled sample), COMMISSIONS_ALLOW_SHRINK ("crm.Opportunity,hris.employees"),
        COMMISSIONS_SHRINK_RATIO_MAX (default 0.10), COMMISSIONS_CHUNK_ROWS (default 50000),
        COMMISSIONS_SOURCES (default: ingestion/sources.toml when there is one).

        Raises SettingsError when a value is not a number.
        """
        extracts = env.get("COMMISSIONS_EXTRACTS") or env.get("COMMISSIONS_SAMPLE_DIR")
        sources = Path(env.get("COMMISSIONS_SOURCES") or SOURCES_FILE).resolve()
        allowed = (name.strip() for name in env.get("COMMISSIONS_ALLOW_SHRINK", "").split(","))
        return cls(
            home=Path(env.get("COMMISSIONS_HOME") or PROJECT_ROOT / "var").resolve(),
            extracts=Path(extracts or SAMPLE_DIR).resolve(),
            shrink_ratio_max=_share(env.get("COMMISSIONS_SHRINK_RATIO_MAX") or "0.10"),
            allow_shrink=frozenset(name for name in allowed if name),
            chunk_rows=_rows(env.get("COMMISSIONS_CHUNK_ROWS") or "50000"),
            sources=sources if env.get("COMMISSIONS_SOURCES") or sources.exists() else None,
        )


def _share(text: str) -> Decimal:
    try:
        share = Decimal(text)
    except InvalidOperation:
        share = Decimal(-1)
    if not 0 <= share <= 1:
        raise SettingsError(
            f"COMMISSIONS_SHRINK_RATIO_MAX is '{text}'. Write a share from 0 to 1: 0.10 for 10 %"
        )
    return share


def _rows(text: str) -> int:
    if not (text.isdecimal() and int(text) > 0):
        raise SettingsError(f"COMMISSIONS_CHUNK_ROWS is '{text}'. Write a number of rows, for example 50000")
    return int(text)
