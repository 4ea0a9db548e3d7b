"""Read Pipedrive: deals by `update_time`, the product lines of changed deals, the short lists whole."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from dlt.sources.helpers.requests import Response

from ingestion.api.auth import Credentials, api_key
from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding, FullReadNeeded, Reading, SourceConfig
from ingestion.api.errors import ApiError, AuthError
from ingestion.landing.tables import ColumnType, Table
from ingestion.systems.pipedrive.reader import cursor_pages, deal_products, deals, gone, offset_pages, rows_of
from ingestion.systems.pipedrive.tables import DEALS, OPTIONAL, TABLES

USERS_PATH = "/api/v1/users"
# Pipedrive lists deleted deals for 30 days.
DELETED_REACH = timedelta(days=29)
_OVERLAP = timedelta(hours=1)
# A new login is no change of a user, `is_you` depends on who asks.
_NOT_LANDED = frozenset({"last_login", "is_you"})
_BASE = {table.name: frozenset(column.name for column in table.columns) for table in TABLES}
_CHANGES = Reading(incremental=True, overlap=_OVERLAP, full_every=timedelta(days=7))


class Pipedrive(Connector):
    """The connector for one company at Pipedrive."""

    name: ClassVar[str] = "pipedrive"
    title: ClassVar[str] = "Pipedrive: deals, their products, users, stages"
    tables = TABLES
    readings: Mapping[str, Reading] = {"deals": _CHANGES, "deal_products": _CHANGES}
    auths: ClassVar[tuple[str, ...]] = ("api_key", "refresh_token", "bearer")
    token_path: ClassVar[str] = "https://oauth.pipedrive.com/oauth/token"

    def __init__(self, config: SourceConfig) -> None:
        super().__init__(replace(config, client=replace(config.client, retry_after=_asked)))

    def credentials(self) -> Credentials:
        """Return the credentials: an API token has a header of its own."""
        if self.auth == "api_key":
            return api_key(self.config.secret("api_key"), "x-api-token")
        if self.auth == "refresh_token":
            return self.oauth2(self.config.secret("refresh_token"), client_in_header=True)
        return super().credentials()

    def fields(self, table: Table, client: Client) -> Mapping[str, ColumnType | None] | None:
        """Return the fields of deals when sources.toml names custom ones: they may be deleted by an administrator."""
        if table.name != DEALS.name or not self._custom(table):
            return None
        found: dict[str, ColumnType | None] = dict.fromkeys(_BASE[table.name])
        for page in offset_pages(client, "/api/v1/dealFields", {}):
            found |= {str(field["key"]): None for field in page}
        return found

    def _custom(self, table: Table) -> list[str]:
        """Return the columns of sources.toml that are not Pipedrive's own: keys of custom fields."""
        return [
            column.name for column in table.columns if column.name not in _BASE.get(table.name, frozenset())
        ]

    # Rows

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all rows, or what has changed and what is gone."""
        match table.name:
            case "deals":
                yield from self._deals(table, client, since)
            case "deal_products":
                yield from self._lines(table, client, since)
            case "users":
                yield [self._row(table, record) for record in rows_of(client.get(USERS_PATH), USERS_PATH)]
            case _:
                for page in cursor_pages(client, f"/api/v2/{table.name}", {}):
                    yield [self._row(table, record) for record in page]

    def _deals(
        self, table: Table, client: Client, since: datetime | None
    ) -> Iterator[list[Record] | Deleted]:
        memory = self.memory[table.name]
        read_on = memory.get("read_on")
        today = datetime.now(UTC).date()
        memory["read_on"] = today.isoformat()
        if since is not None and (read_on is None or today - date.fromisoformat(read_on) >= DELETED_REACH):
            raise FullReadNeeded("Pipedrive lists deleted deals for 30 days, and the last load is longer ago")
        for page in deals(client, since):
            yield [self._row(table, record) for record in page]
        if since is not None and (keys := [(key,) for key in gone(client, since)]):
            yield Deleted(keys)

    def _lines(
        self, table: Table, client: Client, since: datetime | None
    ) -> Iterator[list[Record] | Deleted]:
        """Yield the lines of all or of the changed deals; lines that a deal has lost are deleted."""
        memory = self.memory[table.name]
        lines: dict[str, list[int]] = memory.setdefault("lines", {})
        start = since
        if since is not None and memory.get("deals_at"):
            start = max(since, datetime.fromisoformat(memory["deals_at"]) - _OVERLAP)
        ids: list[int] = []
        for page in deals(client, start):
            ids += [int(deal["id"]) for deal in page]
            stamps = [str(deal["update_time"]) for deal in page if deal.get("update_time")]
            memory["deals_at"] = max([*stamps, memory.get("deals_at", "")])
        for some, rows in deal_products(client, ids):
            yield [self._row(table, row) for row in rows]
            lost: list[tuple[int]] = []
            for deal in some:
                now = sorted(int(row["id"]) for row in rows if row["deal_id"] == deal)
                lost += [(line,) for line in lines.pop(str(deal), []) if line not in now]
                if now:
                    lines[str(deal)] = now
            if lost:
                yield Deleted(lost)

    def _row(self, table: Table, record: Record) -> Record:
        row = {name: value for name, value in record.items() if name not in _NOT_LANDED}
        for column in table.columns:
            if column.name in OPTIONAL:
                row.setdefault(column.name, None)
            value = row.get(column.name)
            # Stamps of v1 name no zone; they are UTC.
            if column.type == "timestamp" and isinstance(value, str) and len(value) == 19:
                row[column.name] = f"{value}Z"
        if wanted := self._custom(table):
            own = record.get("custom_fields") or {}
            row |= {name: _value(own.get(name)) for name in wanted}
        return row

    # Checks

    def probe(self, table: Table, client: Client) -> Finding:
        """Ask for one row; a list of lines is proved by the deals that hold it."""
        path = {"users": USERS_PATH, "deal_products": "/api/v2/deals"}.get(
            table.name, f"/api/v2/{table.name}"
        )
        rows_of(client.get(path, None if table.name == "users" else {"limit": "1"}), path)
        return Finding(self.config.name, table.name, "readable", True)

    def credentials_fix(self, error: AuthError) -> str | None:
        return "set the API token of an active user"

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        scope = {"users": "users:read", "products": "products:read"}.get(table.name, "deals:read")
        return f"let the user see all deals (global admin), and give an OAuth app the scope {scope}"


def _value(value: Any) -> Any:
    """Return the value of a custom field; one of money or of a range is an object with its `value`."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _asked(response: Response) -> float | None:
    """Return how long a 429 asks to wait: until the day's budget is new, or the burst window ends."""
    if response.status_code != 429:
        return None
    if response.headers.get("x-daily-ratelimit-token-remaining", "").strip() == "0":
        now = datetime.now(UTC)
        midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
        return (midnight - now).total_seconds()
    reset = response.headers.get("x-ratelimit-reset", "").strip()
    return float(reset) if reset.isdigit() else None
