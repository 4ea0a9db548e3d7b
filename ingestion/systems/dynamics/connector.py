"""Read Dynamics 365 from Dataverse: a tracked list at first, then the delta link that its last page gave."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar
from urllib.parse import urlsplit

from ingestion.api.auth import Credentials
from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding, FullReadNeeded, Reading, SourceConfig
from ingestion.api.errors import ApiError, AuthError
from ingestion.landing.tables import ColumnType, Table, instant, text
from ingestion.systems.dynamics.reader import DELTA_EXPIRED, attributes, definition, pages
from ingestion.systems.dynamics.tables import TABLES

OPTIONS = {"tenant_id", "token_url"}
_TYPES: Mapping[str, ColumnType] = {
    **dict.fromkeys(("Money", "Decimal", "Double"), "decimal"),
    **dict.fromkeys(("Integer", "BigInt", "Picklist", "State", "Status"), "bigint"),
    "Boolean": "bool",
}
_CHANGES = Reading(incremental=True, overlap=timedelta(0), full_every=timedelta(days=30))


class Dynamics(Connector):
    """The connector for one environment."""

    name: ClassVar[str] = "dynamics"
    title: ClassVar[str] = "Dynamics 365 Sales: opportunities, their products, users, accounts, currencies"
    tables = TABLES
    auths: ClassVar[tuple[str, ...]] = ("client_credentials", "bearer")

    def __init__(self, config: SourceConfig) -> None:
        super().__init__(config)
        if unknown := sorted(set(config.options) - OPTIONS):
            raise ApiError(
                config.name, f"options.{unknown[0]} is not known; known are {', '.join(sorted(OPTIONS))}"
            )
        self._named: dict[str, dict[str, str]] = {}

    @classmethod
    def further_table(cls, name: str, details: Mapping[str, Any]) -> Table | None:
        """Return any other entity set, a custom one say, whose key sources.toml names."""
        key = tuple(details.get("key", ()))
        return Table(name, (*text(*key), *instant("modifiedon")), key, stamp="modifiedon") if key else None

    def reading(self, table: Table) -> Reading:
        """A table is read by its delta link, unless its changes are not tracked."""
        return _CHANGES if self._is_tracked(table) else Reading()

    def _is_tracked(self, table: Table) -> bool:
        return bool(self.config.table_options.get(table.name, {}).get("track_changes", True))

    @property
    def token_url(self) -> str:
        """Where the tenant's tokens are given out."""
        options = self.config.options
        if "token_url" in options:
            return str(options["token_url"])
        if "tenant_id" not in options:
            raise ApiError(
                self.config.name,
                "options.tenant_id is missing; write the directory id of the app registration",
            )
        return f"https://login.microsoftonline.com/{options['tenant_id']}/oauth2/v2.0/token"

    def credentials(self) -> Credentials:
        """Return the credentials of the application user, for this environment alone."""
        if self.auth != "client_credentials":
            return super().credentials()
        parts = urlsplit(self.config.base_url)
        return self.oauth2(None, extra={"scope": f"{parts.scheme}://{parts.netloc}/.default"})

    def fields(self, table: Table, client: Client) -> Mapping[str, ColumnType | None]:
        """Return what the definition of the table says; of an instant it does not say whether it has a time."""
        if table.name not in self._named:
            logical_name = str(definition(client, table.name)["LogicalName"])
            self._named[table.name] = attributes(client, logical_name)
        return {
            name: None if kind == "DateTime" else _TYPES.get(kind, "text")
            for name, kind in self._named[table.name].items()
        }

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all rows, or what the delta link of the last load leads to."""
        memory, columns = self.memory[table.name], [column.name for column in table.columns]
        link: str | None = None
        if since is not None:
            # A delta has the columns of the list that it continues.
            if "delta_link" not in memory or memory.get("columns") != columns:
                raise FullReadNeeded("there is no delta link for these columns")
            link = str(memory["delta_link"])
        tracked = self._is_tracked(table)
        following: str | None = None
        try:
            for page in pages(client, table.name, columns, delta_link=link, track_changes=tracked):
                yield page.rows
                if page.removed:
                    yield Deleted([(key,) for key in page.removed])
                following = page.delta_link
        except ApiError as error:
            if link is not None and _code(error) == DELTA_EXPIRED:
                raise FullReadNeeded("the delta link has expired") from None
            raise
        if not tracked:
            return
        if following is None:
            raise ApiError(
                self.config.name,
                f"{table.name}: the last page has no delta link; switch on Track changes for the table, or set "
                f"tables.{table.name}.options.track_changes = false to compare it whole at each load",
            )
        memory |= {"delta_link": following, "columns": columns}

    # Checks

    def check(self, client: Client, tables: Sequence[Table]) -> list[Finding]:
        """Ask who we are, then for each table."""
        system = self.config.name
        try:
            client.get("/WhoAmI")
        except AuthError as error:
            fix = "correct the secrets, and add the app as an application user of the environment"
            return [Finding(system, "credentials", str(error), False, fix)]
        return [Finding(system, "credentials", "accepted", True), *super().check(client, tables)]

    def probe(self, table: Table, client: Client) -> Finding:
        """Ask for one row, and whether changes are tracked."""
        known = definition(client, table.name)
        client.get(f"/{table.name}", {"$select": table.primary_key[0], "$top": "1"})
        if self._is_tracked(table) and not known.get("ChangeTrackingEnabled"):
            fix = f"switch it on, or set tables.{table.name}.options.track_changes = false"
            return Finding(self.config.name, table.name, "Track changes is off", False, fix)
        return Finding(self.config.name, table.name, "readable", True)

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        return f"give the application user a role that reads {table.name} at organisation level"


def _code(error: ApiError) -> str:
    told = error.body.get("error") if isinstance(error.body, dict) else None
    return str(told.get("code", "")) if isinstance(told, dict) else ""
