"""Read HubSpot: ids from a list (all) or a search (changed), then the records in batches, then the archived ones."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import ClassVar

from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding, Reading, SourceConfig
from ingestion.api.errors import ApiError, AuthError
from ingestion.landing.tables import ColumnType, Table
from ingestion.systems.hubspot.reader import (
    ASSOCIATED,
    LIST_PAGE,
    OWNERS_PAGE,
    association_rows,
    batch_read,
    changed_ids,
    flat,
    history_rows,
    list_pages,
    merged_away,
    properties_of,
)
from ingestion.systems.hubspot.tables import DEALS, TABLES

OPTIONS = {"fields", "history", "token_url"}
OBJECTS = ("deals", "companies", "line_items")
# What HubSpot sends of every record beside its properties.
_AROUND: Mapping[str, ColumnType] = {
    "id": "text",
    "createdAt": "timestamp",
    "updatedAt": "timestamp",
    "archived": "bool",
    "archivedAt": "timestamp",
    "url": "text",
}
_TYPES: Mapping[str, ColumnType] = {
    "number": "decimal",
    "bool": "bool",
    "date": "date",
    "datetime": "timestamp",
}
_CHANGES = Reading(incremental=True, overlap=timedelta(hours=1), full_every=timedelta(days=7))
# HubSpot forgets all but the last values of a property, so a full read would retire what was landed before.
_HISTORY = Reading(incremental=True, overlap=timedelta(hours=1), full_every=None, omits_empty=True)


class HubSpot(Connector):
    """The connector for one HubSpot account."""

    name: ClassVar[str] = "hubspot"
    title: ClassVar[str] = "HubSpot: deals with history, owners, companies, line items, pipelines"
    tables = TABLES
    readings: Mapping[str, Reading] = {
        **dict.fromkeys(OBJECTS, _CHANGES),
        "deal_property_history": _HISTORY,
        "owners": Reading(omits_empty=True),
    }
    auths: ClassVar[tuple[str, ...]] = ("bearer", "refresh_token")
    token_path: ClassVar[str] = "/oauth/v1/token"

    def __init__(self, config: SourceConfig) -> None:
        super().__init__(config)
        if unknown := sorted(set(config.options) - OPTIONS):
            raise ApiError(
                config.name, f"options.{unknown[0]} is not known; known are {', '.join(sorted(OPTIONS))}"
            )
        self._wanted = str(config.options.get("fields", "custom"))
        self._properties: dict[str, list[Record]] = {}

    # Fields

    def _described(self, kind: str, client: Client) -> list[Record]:
        if kind not in self._properties:
            self._properties[kind] = properties_of(client, kind)
        return self._properties[kind]

    def fields(self, table: Table, client: Client) -> Mapping[str, ColumnType | None] | None:
        """Return the properties of an object; the other tables have no description."""
        if table.name not in OBJECTS:
            return None
        found: dict[str, ColumnType | None] = dict(_AROUND)
        for entry in self._described(table.name, client):
            found[entry["name"]] = _TYPES.get(entry["type"], "text")
        return found

    def _selected(self, table: Table, client: Client) -> list[str]:
        """Return the properties to ask for: the declared ones, then the custom (or all) others."""
        described = self._described(table.name, client)
        there = {entry["name"] for entry in described}
        chosen = dict.fromkeys(column.name for column in table.columns if column.name in there)
        if self._wanted != "declared":
            chosen |= dict.fromkeys(
                str(entry["name"])
                for entry in described
                if self._wanted == "all" or not entry.get("hubspotDefined")
            )
        return list(chosen)

    # Rows

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all rows or the changed ones; archived records come after the others and so prevail."""
        match table.name:
            case "deal_property_history":
                yield from self._history(client, since)
            case "owners":
                for archived in ("true", "false"):
                    asked = {"limit": str(OWNERS_PAGE), "archived": archived}
                    yield from list_pages(client, "/crm/v3/owners", asked)
            case "pipelines":
                yield from list_pages(client, "/crm/v3/pipelines/deals", {})
            case "deal_associations":
                asked = {"limit": str(LIST_PAGE), "associations": ",".join(ASSOCIATED)}
                for page in list_pages(client, "/crm/v3/objects/deals", asked):
                    yield [row for record in page for row in association_rows(client, record)]
            case _:
                yield from self._objects(table, client, since)

    def _ids(self, kind: str, client: Client, since: datetime | None, *, archived: bool) -> Iterator[str]:
        """Yield the ids of all, of the changed or of the archived records (which the search does not know)."""
        if since is not None and not archived:
            for ids in changed_ids(client, kind, since):
                yield from ids
            return
        asked = {"limit": str(LIST_PAGE), "properties": "hs_object_id"}
        asked |= {"archived": "true"} if archived else {}
        for page in list_pages(client, f"/crm/v3/objects/{kind}", asked):
            yield from (str(record["id"]) for record in page)

    def _objects(
        self, table: Table, client: Client, since: datetime | None
    ) -> Iterator[list[Record] | Deleted]:
        names = self._selected(table, client)
        for archived in (False, True):
            ids = self._ids(table.name, client, since, archived=archived)
            for page in batch_read(client, table.name, ids, names, archived=archived):
                rows = [flat(record) for record in page]
                yield rows
                if hidden := merged_away(rows):
                    yield Deleted([(one,) for one in hidden])

    def _history(self, client: Client, since: datetime | None) -> Iterator[list[Record]]:
        names = self.config.options.get("history") or [
            name for name in self._selected(DEALS, client) if name != "hs_lastmodifieddate"
        ]
        for archived in (False, True):
            ids = self._ids(DEALS.name, client, since, archived=archived)
            for page in batch_read(client, DEALS.name, ids, names, history=True, archived=archived):
                yield [row for record in page for row in history_rows(record)]

    # Checks

    def probe(self, table: Table, client: Client) -> Finding:
        """Ask for one record, and for the properties of an object."""
        client.get(*_probe(table))
        if table.name in OBJECTS:
            self._described(table.name, client)
        return Finding(self.config.name, table.name, "readable", True)

    def credentials_fix(self, error: AuthError) -> str | None:
        return "set the token of an active private app"

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        kind = {"companies": "companies", "line_items": "line_items", "owners": "owners"}.get(
            table.name, "deals"
        )
        scopes = [f"crm.objects.{kind}.read"] + ([] if kind == "owners" else [f"crm.schemas.{kind}.read"])
        return f"give the app the scopes {' and '.join(scopes)}"


def _probe(table: Table) -> tuple[str, dict[str, str]]:
    """Return the smallest request that needs the right to read a table."""
    match table.name:
        case "owners":
            return "/crm/v3/owners", {"limit": "1"}
        case "pipelines":
            return "/crm/v3/pipelines/deals", {}
        case "companies" | "line_items":
            return f"/crm/v3/objects/{table.name}", {"limit": "1"}
        case _:
            return "/crm/v3/objects/deals", {"limit": "1"}
