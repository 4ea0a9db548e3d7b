"""The declaration of a source table: its columns, their types, its key.

A declared table lands with exactly these column names, in any file and even when a column is empty, so that
the SQL behind it never meets an absent column.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from ingestion.landing.settings import Settings

if TYPE_CHECKING:
    import dlt
    from dlt.sources import DltSource

ColumnType = Literal["text", "decimal", "date", "timestamp", "bool", "bigint"]

PRECISION = 28
AMOUNT_SCALE = 8
RATE_SCALE = 10


@dataclass(frozen=True)
class Column:
    """A column under the name that it has at the source; `scale` counts decimals.

    Attributes:
        computed: the source computes the number with binary fractions (33.333333333333336); it is rounded to `scale`,
            half away from zero. Any other number with more decimals is refused.
    """

    name: str
    type: ColumnType
    scale: int = AMOUNT_SCALE
    computed: bool = False


def text(*names: str) -> tuple[Column, ...]:
    """Declare text columns: ids, codes, names."""
    return tuple(Column(name, "text") for name in names)


def amount(*names: str) -> tuple[Column, ...]:
    """Declare money and quantities: DECIMAL(28, 8)."""
    return tuple(Column(name, "decimal", AMOUNT_SCALE) for name in names)


def computed(*names: str) -> tuple[Column, ...]:
    """Declare numbers that the source computes with binary fractions: DECIMAL(28, 8), rounded to it."""
    return tuple(Column(name, "decimal", AMOUNT_SCALE, computed=True) for name in names)


def rate(*names: str) -> tuple[Column, ...]:
    """Declare exchange and commission rates: DECIMAL(28, 10)."""
    return tuple(Column(name, "decimal", RATE_SCALE) for name in names)


def day(*names: str) -> tuple[Column, ...]:
    """Declare calendar days: DATE."""
    return tuple(Column(name, "date") for name in names)


def instant(*names: str) -> tuple[Column, ...]:
    """Declare instants: TIMESTAMP WITH TIME ZONE, stored in UTC."""
    return tuple(Column(name, "timestamp") for name in names)


def flag(*names: str) -> tuple[Column, ...]:
    """Declare true/false columns."""
    return tuple(Column(name, "bool") for name in names)


def whole(*names: str) -> tuple[Column, ...]:
    """Declare whole numbers: BIGINT."""
    return tuple(Column(name, "bigint") for name in names)


@dataclass(frozen=True)
class Table:
    """A table of a source system, delivered as one full extract per load.

    Attributes:
        name: the source's own name, also the file's (`<name>.csv` or `<name>.csv.gz`) and the raw table's.
        columns: groups of columns, as the helpers above return them.
        primary_key: columns that name a row; they must be filled, and unique in a file.
        stamp: column with the instant of a row's last change, where the source keeps one.
        deleted_flag: column by which the source marks a deleted row, where it has one. A row that is
            absent from the extract is retired in any case.
        further_key: column that tells rows with one key apart, where the source may have several; it is empty on the
            first of them. None: several rows with one key are refused.
    """

    name: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    stamp: str | None = None
    deleted_flag: str | None = None
    further_key: str | None = None

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        named = [
            *self.primary_key,
            *(name for name in (self.stamp, self.deleted_flag, self.further_key) if name),
        ]
        if len({name.lower() for name in names}) != len(names):
            raise ValueError(f"table {self.name}: two columns have the same name")
        if not self.primary_key or (unknown := [name for name in named if name not in names]):
            raise ValueError(f"table {self.name}: key, stamp or flag is not a column: {unknown or 'no key'}")
        if self.stamp and self.column(self.stamp).type != "timestamp":
            raise ValueError(f"table {self.name}: the stamp {self.stamp} must be a timestamp")

    def column(self, name: str) -> Column:
        """Return the declared column called `name`."""
        return next(column for column in self.columns if column.name == name)


@dataclass(frozen=True)
class SourceSystem:
    """A source system: its folder of extracts, its dlt source and its dlt pipeline have its name.

    Attributes:
        source: `source(extract_dir=None, settings=None)` returns a new DltSource, good for one run; its
            resources are named as the tables. Without arguments the environment decides.
        pipeline: `pipeline(settings=None)` returns the dlt pipeline into the schema `raw_<name>`.
        reads_files: whether the rows come from extracts; otherwise a connector asks the system itself.
    """

    name: str
    title: str
    tables: tuple[Table, ...]
    source: Callable[[Path | None, Settings | None], "DltSource"]
    pipeline: Callable[[Settings | None], "dlt.Pipeline"]
    reads_files: bool = True

    @property
    def schema(self) -> str:
        """The raw schema in the warehouse."""
        return raw_schema(self.name)


def raw_schema(system: str) -> str:
    """Return the warehouse schema that the extracts of `system` are landed in."""
    return f"raw_{system}"
