"""The synthetic company as extracts: what `commissions run` reads, one CSV file a table."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import duckdb

from benchmarks import company
from ingestion.registry import SYSTEMS


def write_extracts(folder: Path, deals: int) -> None:
    """Write the company with this many deals as files; what is in the folder is deleted before."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as aside:
        raw = Path(aside) / "raw.duckdb"
        company.build(raw, deals)
        with duckdb.connect(str(raw), read_only=True) as connection:
            for system in SYSTEMS.values():
                (folder / system.name).mkdir()
                for table in system.tables:
                    columns = ", ".join(f'"{column.name}"' for column in table.columns)
                    connection.execute(
                        f'copy (select {columns} from {system.schema}."{table.name}" order by _source_row) '
                        f"to '{folder / system.name / table.name}.csv' (format csv, header)"
                    )
