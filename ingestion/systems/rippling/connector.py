"""Read Rippling: lists by offset, whole at each load; of an employee the declared fields alone."""

from collections.abc import Iterator
from datetime import datetime
from typing import ClassVar

from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding
from ingestion.api.errors import ApiError, AuthError
from ingestion.landing.tables import Table
from ingestion.systems.rippling.tables import EMPLOYEES, OPTIONAL, TABLES

PAGE = 100
LIST_READS_MAX = 3
_PATHS = {"employees": "/employees/include_terminated"}
_SCOPES = {
    "employees": "employee:name, workEmail, employmentType, title, department, manager, startDate, endDate, "
    "roleState, flsaStatus",
    "departments": "company:departments",
    "teams": "company:teams",
    "levels": "company:levels",
}


class _ListMoved(Exception):
    """The next page does not begin with the last record of the one before."""


class Rippling(Connector):
    """The connector for one company."""

    name: ClassVar[str] = "rippling"
    title: ClassVar[str] = "Rippling: employees with managers and terminations, departments, teams, levels"
    tables = TABLES
    auths: ClassVar[tuple[str, ...]] = ("bearer", "refresh_token")
    token_path: ClassVar[str] = "https://app.rippling.com/api/o/token/"

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all rows, terminated employees too."""
        path = _PATHS.get(table.name, f"/{table.name}")
        for _ in range(LIST_READS_MAX):
            try:
                pages = list(self._pages(client, path))
            except _ListMoved:
                continue
            for page in pages:
                yield [_row(table, record) for record in page]
            return
        raise ApiError(
            self.config.name,
            f"{table.name}: the list moved in each of {LIST_READS_MAX} reads; load again when nobody works in it",
        )

    def _pages(self, client: Client, path: str) -> Iterator[list[Record]]:
        """Yield the pages of a list; each begins with the last record of the one before, to notice a move."""
        offset, last = 0, None
        while True:
            rows = client.get(path, {"limit": str(PAGE), "offset": str(offset)})
            if not isinstance(rows, list):
                raise ApiError(self.config.name, f"{path}: the answer is not a list; check base_url")
            if last is not None and (not rows or rows[0]["id"] != last):
                raise _ListMoved(path)
            yield rows if last is None else rows[1:]
            if len(rows) < PAGE:
                return
            offset, last = offset + len(rows) - 1, rows[-1]["id"]

    def probe(self, table: Table, client: Client) -> Finding:
        """Ask for one row; name the fields that the scopes hide."""
        rows = client.get(_PATHS.get(table.name, f"/{table.name}"), {"limit": "1", "offset": "0"})
        names = {name for record in rows for name in _row(table, record)}
        lacking = [column.name for column in table.columns if rows and column.name not in names]
        told = f"{', '.join(lacking)} not sent" if lacking else "readable"
        fix = f"give the key the scopes {_SCOPES[table.name]}" if lacking else ""
        return Finding(self.config.name, table.name, told, not lacking, fix)

    def credentials_fix(self, error: AuthError) -> str | None:
        return "set the API key of the company"

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        return f"give the key the scopes {_SCOPES[table.name]}"


def _row(table: Table, record: Record) -> Record:
    """Return the declared fields of a record; a custom field of an employee is found by its title."""
    if table.name != EMPLOYEES.name:
        return {**dict.fromkeys(OPTIONAL & {column.name for column in table.columns}), **record}
    own = {column.name for column in EMPLOYEES.columns}
    custom = record.get("customFields") or {}
    row: Record = {}
    for column in table.columns:
        if column.name in record:
            row[column.name] = record[column.name]
        elif column.name in OPTIONAL or column.name not in own:
            row[column.name] = custom.get(column.name)
    return row
