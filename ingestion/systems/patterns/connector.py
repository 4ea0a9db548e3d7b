"""Read side sources: each table is all files of a folder whose names fit a pattern.

Every load reads the files as they are and compares them with what has landed: a row that changed is a new version, one
that is in no file any more is retired. Files are found by dlt's own search, in a folder or any store that fsspec knows.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from pathlib import Path
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import fsspec
from dlt.common.storages.fsspec_filesystem import glob_files

from ingestion.api.auth import Credentials
from ingestion.api.client import Client, Record
from ingestion.api.config import ConfigError
from ingestion.api.connector import Connector, Deleted, Finding
from ingestion.landing.files import InputError, Problem, convert
from ingestion.landing.tables import Table, text, whole
from ingestion.systems.patterns.formats import Format, SideFile, read_file

PAGE = 5_000
# The column that numbers equal rows of one file, where the table says that repeats are meant.
REPEAT = "repeat_number"
_OPTIONS = {"glob", "format", "last_file_wins", "repeats_are_meant"} | {
    option.name for option in fields(Format)
} - {"kind"}
_FORMATS = ("csv", "excel", "parquet")


class Patterns(Connector):
    """The connector for one folder of side files."""

    name: ClassVar[str] = "patterns"
    title: ClassVar[str] = "Files by pattern: CSV, Excel, Parquet"
    tables = ()
    auths: ClassVar[tuple[str, ...]] = ("none",)
    needs_base_url: ClassVar[bool] = False

    @classmethod
    def further_table(cls, name: str, details: Mapping[str, Any]) -> Table | None:
        """Return a table of sources.toml; it needs a pattern and a key.

        Raises:
            ConfigError: an option is missing or cannot be used.
        """
        options, key = details.get("options", {}), tuple(details.get("key", ()))
        place = f"tables.{name}.options"
        if unknown := sorted(set(options) - _OPTIONS):
            raise ConfigError(f"{place}.{unknown[0]} is not known; known are {', '.join(sorted(_OPTIONS))}")
        if not isinstance(options.get("glob"), str):
            raise ConfigError(f'{place}.glob is missing; write a pattern, for example glob = "quotas_*.xlsx"')
        if not key:
            raise ConfigError(
                f'tables.{name}.key is missing; name the columns of a row\'s key, key = ["payee_id"]'
            )
        if options.get("format", "csv") not in _FORMATS:
            raise ConfigError(f"{place}.format must be one of {', '.join(_FORMATS)}")
        if not isinstance(options.get("repeats_are_meant", False), bool):
            raise ConfigError(f"{place}.repeats_are_meant must be true or false")
        if options.get("repeats_are_meant") and options.get("last_file_wins"):
            raise ConfigError(
                f"{place}.repeats_are_meant and last_file_wins exclude each other: of repeated rows nobody knows which one a "
                "later file corrects; leave one of the two"
            )
        if options.get("decimal", ".") not in (".", ","):
            raise ConfigError(f'{place}.decimal must be "." or ","')
        try:
            ZoneInfo(options.get("time_zone", "UTC"))
        except (ZoneInfoNotFoundError, ValueError):
            raise ConfigError(f"{place}.time_zone is no time zone; write one as Europe/Berlin") from None
        if options.get("repeats_are_meant"):
            return Table(name, (*text(*key), *whole(REPEAT)), (*key, REPEAT))
        return Table(name, text(*key), key)

    def client(self) -> Client:
        """Return a client that is never asked: files need none."""
        return Client(self.config.name, "http://localhost", Credentials())

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield the rows of all files that fit the pattern.

        Raises:
            InputError: no file fits, or a file, cell or key is not in order; nothing is yielded then.
        """
        rows = list(self._rows(table))
        for start in range(0, len(rows), PAGE):
            yield rows[start : start + PAGE]

    def check(self, client: Client, tables: Sequence[Table]) -> list[Finding]:
        """Read all files of each table."""
        findings = []
        for table in tables:
            try:
                rows = list(self._rows(table))
                lacking = [c.name for c in table.columns if rows and all(c.name not in row for row in rows)]
            except InputError as error:
                fix = "fix the files, or the options of the table in sources.toml"
                findings.append(Finding(self.config.name, table.name, str(error), False, fix))
                continue
            told = f"{', '.join(lacking)} not in the files" if lacking else f"readable ({len(rows)} rows)"
            fix = "add the columns to the files, or take them out of sources.toml" if lacking else ""
            findings.append(Finding(self.config.name, table.name, told, not lacking, fix))
        return findings

    def _rows(self, table: Table) -> list[Record]:
        options = dict(self.config.table_options.get(table.name, {}))
        glob, wins = options.pop("glob"), bool(options.pop("last_file_wins", False))
        is_numbering = bool(options.pop("repeats_are_meant", False))
        form = Format(kind=options.pop("format", ""), **options)
        types = {column.name: column.type for column in table.columns}
        files = [read_file(name, content, form, types) for name, content in self._files(glob)]
        problems = [problem for file in files for problem in file.problems]
        if is_numbering:
            problems += [problem for file in files for problem in _number_repeats(file)]
        problems += _columns_in_some(table, files, form)
        problems += [problem for file in files for problem in _bad_cells(table, file)]
        kept: dict[tuple[str, ...], tuple[SideFile, int, dict[str, str]]] = {}
        for file in files:
            problems += _keep(table, file, kept, is_replacing=wins)
        if problems:
            raise InputError(problems)
        return [dict(row) for _, _, row in kept.values()]

    def _files(self, glob: str) -> list[tuple[str, bytes]]:
        """Return name and content of each file that fits, in the order of the names."""
        folder = str(self.config.options.get("folder", ""))
        if not folder:
            raise InputError(
                [Problem(self.config.name, f"options.folder is missing in [{self.config.name}.options]")]
            )
        folder = folder if "://" in folder else str(Path(folder).resolve())
        files, root = fsspec.core.url_to_fs(folder)
        found = sorted(glob_files(files, folder, glob), key=lambda item: item["relative_path"])
        # Excel keeps a lock file beside an open one.
        found = [item for item in found if not item["file_name"].startswith("~$")]
        if not found:
            message = f"no file in {folder} fits the pattern; put the file there, or correct glob or folder"
            raise InputError([Problem(glob, message)])
        return [(item["relative_path"], files.cat_file(f"{root}/{item['relative_path']}")) for item in found]


def _columns_in_some(table: Table, files: Sequence[SideFile], form: Format) -> list[Problem]:
    """Return a problem for each declared column that some files have and others lack.

    One that all lack is for the landing to report: it knows the plans that use it.
    """
    return [
        Problem(
            file.name,
            "the column is missing here and is in other files; add it",
            form.header_row,
            column.name,
        )
        for column in table.columns
        for file in files
        if column.name not in file.header and any(column.name in other.header for other in files)
    ]


def _bad_cells(table: Table, file: SideFile) -> list[Problem]:
    lines = [line for line, _ in file.rows]
    found = []
    for column in table.columns:
        cells = [row.get(column.name, "") for _, row in file.rows]
        found += convert(file.name, column, cells, lines)[2]
    return found


def _number_repeats(file: SideFile) -> list[Problem]:
    """Number the equal rows of a file from 1; the same number in two files is the same row."""
    if REPEAT in file.header:
        message = "the name is used for the numbers of repeated rows; rename the column"
        return [Problem(file.name, message, None, REPEAT)]
    file.header.append(REPEAT)
    met: Counter[tuple[tuple[str, str], ...]] = Counter()
    for _, row in file.rows:
        content = tuple(row.items())
        met[content] += 1
        row[REPEAT] = str(met[content])
    return []


def _keep(
    table: Table,
    file: SideFile,
    kept: dict[tuple[str, ...], tuple[SideFile, int, dict[str, str]]],
    *,
    is_replacing: bool,
) -> list[Problem]:
    """Add a file's rows by key. Equal rows of two files count once; within one file nobody knows what they mean."""
    problems = []
    for line, row in file.rows:
        key = tuple(row.get(name, "") for name in table.primary_key)
        if "" in key:
            name = table.primary_key[key.index("")]
            if name in file.header:
                problems.append(Problem(file.name, "the key is empty; fill it", line, name))
            continue
        other, other_line, before = kept.get(key, (file, 0, row))
        if other is file and other_line and before == row:
            message = (
                f"is equal to row {other_line}; delete one of them, or set repeats_are_meant = true for the table if both "
                f"count, and they are numbered in the column {REPEAT}"
            )
            problems.append(Problem(file.name, message, line))
        elif before != row and not (is_replacing and other is not file):
            place = f"row {other_line}" if other is file else f"row {other_line} of {other.name}"
            message = f"'{', '.join(key)}' is the key of {place} as well, with other contents; keep one"
            if other is not file:
                message += ", or set last_file_wins = true if later files correct earlier ones"
            problems.append(Problem(file.name, message, line, " + ".join(table.primary_key)))
        kept[key] = (file, line, row)
    return problems
