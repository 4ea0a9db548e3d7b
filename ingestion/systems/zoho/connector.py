"""Read Zoho CRM: the fields of a module, its records (all, or modified since), its deleted records, the users."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from requests import PreparedRequest

from ingestion.api.auth import Credentials, OAuth2
from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding, FullReadNeeded, Reading
from ingestion.api.errors import ApiError, AuthError
from ingestion.landing.tables import ColumnType, Table, instant, text
from ingestion.systems.zoho.reader import deleted, fields_of, pages, records
from ingestion.systems.zoho.tables import OPTIONAL, TABLES, USERS

# Deleted records stay in the recycle bin, and in the list of deleted ones, for 60 days.
DELETED_REACH = timedelta(days=59)
_TYPES: Mapping[str, ColumnType] = {
    **dict.fromkeys(("currency", "double", "percent"), "decimal"),
    **dict.fromkeys(("integer", "bigint"), "bigint"),
    "boolean": "bool",
    "date": "date",
    "datetime": "timestamp",
}
_CHANGES = Reading(incremental=True, overlap=timedelta(hours=1), full_every=timedelta(days=7))


class _ZohoOAuth(OAuth2):
    """OAuth2 with Zoho's own word before the token."""

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        signed = super().__call__(request)
        signed.headers["Authorization"] = f"Zoho-oauthtoken {self.token}"
        return signed


class Zoho(Connector):
    """The connector for one organisation at Zoho CRM."""

    name: ClassVar[str] = "zoho"
    title: ClassVar[str] = "Zoho CRM: deals, accounts, products, users"
    tables = TABLES
    auths: ClassVar[tuple[str, ...]] = ("refresh_token",)

    @classmethod
    def further_table(cls, name: str, details: Mapping[str, Any]) -> Table | None:
        """Return any other module, a custom one say, with the fields that every module has."""
        return Table(name, (*text("id"), *instant("Modified_Time")), ("id",), stamp="Modified_Time")

    def reading(self, table: Table) -> Reading:
        """Modules are read by changes; the list of users is short."""
        return Reading() if table.name == USERS.name else _CHANGES

    @property
    def token_url(self) -> str:
        """Where tokens are given out: each data centre has its own."""
        if not self.config.options.get("token_url"):
            raise ApiError(
                self.config.name,
                "options.token_url is missing; write the address of your data centre, for example "
                "https://accounts.zoho.eu/oauth/v2/token",
            )
        return super().token_url

    def credentials(self) -> Credentials:
        """Return the credentials; Zoho does not replace refresh tokens."""
        secret = self.config.secret
        return _ZohoOAuth(
            self.token_url,
            secret("client_id"),
            secret("client_secret"),
            refresh_token=secret("refresh_token"),
        )

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self._fields: dict[str, dict[str, str]] = {}

    def _described(self, table: Table, client: Client) -> dict[str, str]:
        if table.name not in self._fields:
            self._fields[table.name] = fields_of(client, table.name)
        return self._fields[table.name]

    def fields(self, table: Table, client: Client) -> Mapping[str, ColumnType | None] | None:
        """Return the fields of a module; users have no description."""
        if table.name == USERS.name:
            return None
        found: dict[str, ColumnType | None] = {"id": "text"}
        for name, kind in self._described(table, client).items():
            # A formula may be of any type.
            found[name] = None if kind == "formula" else _TYPES.get(kind, "text")
        return found

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all records, or those modified since and the keys of deleted ones."""
        if table.name == USERS.name:
            for page in pages(client, "/users", {"type": "AllUsers"}, "users"):
                yield [_user(table, record) for record in page]
            return
        memory, today = self.memory[table.name], datetime.now(UTC).date()
        read_on = memory.get("read_on")
        memory["read_on"] = today.isoformat()
        if since is not None and (read_on is None or today - date.fromisoformat(read_on) >= DELETED_REACH):
            raise FullReadNeeded("Zoho names deleted records for 60 days, and the last load is longer ago")
        for page in records(client, table.name, list(self._described(table, client)), since):
            yield [{name: value for name, value in row.items() if not name.startswith("$")} for row in page]
        if since is not None:
            for page in deleted(client, table.name, since):
                yield Deleted([(str(record["id"]),) for record in page])

    def probe(self, table: Table, client: Client) -> Finding:
        """Ask for the fields and one record of a module."""
        if table.name == USERS.name:
            client.get("/users", {"type": "AllUsers", "per_page": "1"})
        else:
            self._described(table, client)
            client.get(f"/{table.name}", {"fields": "Modified_Time", "per_page": "1"})
        return Finding(self.config.name, table.name, "readable", True)

    def credentials_fix(self, error: AuthError) -> str | None:
        if "OAUTH_SCOPE_MISMATCH" in str(error):
            return None
        return "make a new refresh token in the API console of your data centre"

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        if table.name == USERS.name:
            return "make the refresh token with the scope ZohoCRM.users.READ"
        return (
            f"make the refresh token with the scopes ZohoCRM.modules.{table.name.lower()}.READ and "
            f"ZohoCRM.settings.fields.READ, as a user who sees all {table.name}"
        )


def _user(table: Table, record: Record) -> Record:
    """Return the declared fields of a user: the others change at each login."""
    names = {column.name for column in table.columns}
    empty = dict.fromkeys(OPTIONAL & names)
    return {**empty, **{name: value for name, value in record.items() if name in names}}
