"""Read a company's tables from files: the extracts as the systems sent them, and the seeds."""

import csv
import gzip
import io
from pathlib import Path

Row = dict[str, str | None]
Tables = dict[str, list[Row]]

RAW_TABLES = (
    "crm/Opportunity",
    "crm/OpportunitySplit",
    "crm/User",
    "hris/employees",
    "hris/job_info",
    "hris/territory_history",
    "billing/invoices",
    "billing/payments",
    "fx/CurrencyRate",
    "maven_crm/sales_pipeline",
)


def read_csv(folder: Path, table: str) -> list[Row]:
    """Return the rows of table.csv or table.csv.gz; empty text is None."""
    path = folder / f"{table}.csv"
    packed = folder / f"{table}.csv.gz"
    content = path.read_bytes() if path.exists() else gzip.decompress(packed.read_bytes())
    rows = csv.DictReader(io.StringIO(content.decode("utf-8-sig"), newline=""))
    return [{name: text or None for name, text in row.items()} for row in rows]


def tables_from_files(extracts: Path, seeds: Path) -> Tables:
    """Read the extracts (one folder per system) under system/table, and all seeds under their names."""
    tables = {table: read_csv(extracts, table) for table in RAW_TABLES}
    for path in sorted(seeds.glob("*/*.csv")):
        tables[path.stem] = read_csv(path.parent, path.stem)
    return tables
