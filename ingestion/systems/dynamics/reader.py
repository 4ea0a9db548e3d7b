"""Read Dataverse's Web API (OData v4): pages, delta links, removed records, definitions of tables."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

from ingestion.api.client import Client, Record
from ingestion.api.errors import ApiError

PAGE = 5000
# "Version stamp associated with the client has expired. Please perform a full sync."
DELTA_EXPIRED = "0x80044352"
_ODATA = {"OData-MaxVersion": "4.0", "OData-Version": "4.0", "Accept": "application/json"}


@dataclass(frozen=True)
class Page:
    """A page of changes: records as they are now, keys of removed ones, and on the last page the next delta."""

    rows: list[Record]
    removed: list[str]
    delta_link: str | None


def strip(record: Record) -> Record:
    """Return the record without the annotations of the transport (`@odata.etag` and its like)."""
    return {name: value for name, value in record.items() if "@" not in name}


def is_removed(record: Record) -> bool:
    """Tell a removed record: its own context ends in `$deletedEntity`."""
    return str(record.get("@odata.context", "")).endswith("$deletedEntity")


def values(body: Any, address: str) -> list[Record]:
    """Return the records of an answer.

    Raises:
        ApiError: it has none.
    """
    found = body.get("value") if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise ApiError("dynamics", f"{address.partition('?')[0]}: the answer has no value; check base_url")
    return found


def pages(
    client: Client,
    entity_set: str,
    columns: Sequence[str],
    *,
    delta_link: str | None = None,
    track_changes: bool = True,
) -> Iterator[Page]:
    """Yield all records, or with a delta link what changed since.

    Change tracking allows no filter and no order, so the columns are the only thing that is asked for.

    Raises:
        ApiError: a page leads back to an earlier one, or the answer has no records.
    """
    prefer = f"odata.maxpagesize={PAGE}"
    if track_changes and delta_link is None:
        prefer = f"odata.track-changes,{prefer}"
    address = delta_link or f"/{entity_set}"
    params = None if delta_link else {"$select": ",".join(columns)}
    pages_by_link = JSONLinkPaginator("'@odata.nextLink'")
    for body in client.bodies(address, pages_by_link, params=params, headers={"Prefer": prefer, **_ODATA}):
        found = values(body, address)
        yield Page(
            rows=[strip(row) for row in found if not is_removed(row)],
            removed=[str(row["id"]) for row in found if is_removed(row)],
            delta_link=body.get("@odata.deltaLink"),
        )


def definition(client: Client, entity_set: str) -> Record:
    """Return LogicalName and ChangeTrackingEnabled of the table behind an entity set.

    Raises:
        ApiError: there is none.
    """
    asked = {
        "$filter": f"EntitySetName eq '{entity_set}'",
        "$select": "LogicalName,ChangeTrackingEnabled",
    }
    found = values(client.get("/EntityDefinitions", asked, _ODATA), "/EntityDefinitions")
    if not found:
        raise ApiError("dynamics", f"there is no entity set {entity_set}; correct its name under read")
    return found[0]


def attributes(client: Client, logical_name: str) -> dict[str, str]:
    """Return the columns of a table as its records name them, each with Dataverse's type of it."""
    path = f"/EntityDefinitions(LogicalName='{logical_name}')/Attributes"
    found = values(client.get(path, {"$select": "LogicalName,AttributeType"}, _ODATA), path)
    named: dict[str, str] = {}
    for entry in found:
        name, kind = str(entry["LogicalName"]), str(entry["AttributeType"])
        named[f"_{name}_value" if kind in ("Lookup", "Owner", "Customer") else name] = kind
    return named
