"""Read HubSpot's CRM API v3/v4: properties, lists, windows of the search, batches, associations."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from ingestion.api.client import Client, Record
from ingestion.api.errors import ApiError

SEARCH_RESULTS_MAX = 10_000
SEARCH_PAGE = 200
LIST_PAGE = 100
OWNERS_PAGE = 500
BATCH_READ = 100
BATCH_READ_WITH_HISTORY = 50
ASSOCIATED = ("companies", "contacts", "line_items")
_AFTER = "paging.next.after"
_SINGULAR = {"companies": "company", "contacts": "contact", "line items": "line_item"}


def properties_of(client: Client, kind: str) -> list[Record]:
    """Return what HubSpot says of the properties of an object type: `name`, `type`, `hubspotDefined`."""
    path = f"/crm/v3/properties/{kind}"
    return sorted(
        results(client.get(path, {"archived": "false"}), path), key=lambda entry: str(entry["name"])
    )


def results(body: Any, path: str) -> list[Record]:
    """Return the records of an answer.

    Raises:
        ApiError: there is no list of them, or HubSpot could not read some.
    """
    found = body.get("results") if isinstance(body, dict) else None
    if not isinstance(found, list):
        raise ApiError("hubspot", f"{path}: the answer has no results; load again later")
    # A record that was archived or erased since its id was listed is no error.
    other = [error for error in body.get("errors") or [] if error.get("category") != "OBJECT_NOT_FOUND"]
    if other:
        raise ApiError("hubspot", f"{path}: {other[0].get('message')}; load again later")
    return found


def list_pages(client: Client, path: str, params: Mapping[str, Any]) -> Iterator[list[Record]]:
    """Follow `paging.next.after` to the end."""
    for body in client.bodies(path, JSONResponseCursorPaginator(_AFTER, "after"), params=params):
        yield results(body, path)


def _epoch_ms(stamp: datetime) -> str:
    return str(int(stamp.timestamp() * 1000))


def instant(text: str) -> datetime:
    """Parse an instant as HubSpot writes it; it carries its zone (`Z`)."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC)


def _search(
    client: Client, kind: str, filters: Sequence[Record], sort: str, properties: Sequence[str]
) -> Iterator[tuple[list[Record], int]]:
    """Yield the pages of one search with the total it reports; stop at the most that a search gives out."""
    path, given = f"/crm/v3/objects/{kind}/search", 0
    query = {
        "filterGroups": [{"filters": list(filters)}],
        "sorts": [{"propertyName": sort, "direction": "ASCENDING"}],
        "properties": list(properties),
        "limit": min(SEARCH_PAGE, SEARCH_RESULTS_MAX),
        "after": "0",
    }
    pages = JSONResponseCursorPaginator(_AFTER, cursor_body_path="after")
    for body in client.bodies(path, pages, method="POST", json=query):
        rows = results(body, path)
        yield rows, int(body["total"])
        given += len(rows)
        if not rows or given >= SEARCH_RESULTS_MAX:
            return


def _same_stamp(client: Client, kind: str, stamp: datetime) -> Iterator[list[Record]]:
    """Yield all records of one millisecond, in windows over their ids (a bulk import can stamp thousands)."""
    last = "0"
    while True:
        filters = [
            {"propertyName": "hs_lastmodifieddate", "operator": "EQ", "value": _epoch_ms(stamp)},
            {"propertyName": "hs_object_id", "operator": "GT", "value": last},
        ]
        given, total = 0, 0
        for rows, reported in _search(client, kind, filters, "hs_object_id", ["hs_lastmodifieddate"]):
            yield rows
            total = reported
            given += len(rows)
            last = rows[-1]["id"] if rows else last
        if given >= total or not given:
            return


def changed_ids(client: Client, kind: str, since: datetime) -> Iterator[list[str]]:
    """Yield the ids of the records modified at or after `since`, each once.

    A search gives out 10,000 results. When it finds more, the next search starts at the last stamp seen;
    when one millisecond alone fills a search, that millisecond is read in windows over the record id.
    """
    seen: set[str] = set()

    def fresh(rows: Iterable[Record]) -> list[str]:
        ids = [str(row["id"]) for row in rows if str(row["id"]) not in seen]
        seen.update(ids)
        return ids

    start, operator = since, "GTE"
    while True:
        filters = [{"propertyName": "hs_lastmodifieddate", "operator": operator, "value": _epoch_ms(start)}]
        given, total, last = 0, 0, start
        for rows, reported in _search(client, kind, filters, "hs_lastmodifieddate", ["hs_lastmodifieddate"]):
            given += len(rows)
            total = reported
            if rows:
                last = instant(rows[-1]["properties"]["hs_lastmodifieddate"])
            if ids := fresh(rows):
                yield ids
        if given >= total or not given:
            return
        if operator == "GTE" and _epoch_ms(last) == _epoch_ms(start):
            for rows in _same_stamp(client, kind, start):
                if ids := fresh(rows):
                    yield ids
            start, operator = last, "GT"
        else:
            start, operator = last, "GTE"


def chunks(ids: Iterable[str], size: int) -> Iterator[list[str]]:
    """Cut ids into lists of at most `size`."""
    chunk: list[str] = []
    for one in ids:
        chunk.append(one)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk


def batch_read(
    client: Client,
    kind: str,
    ids: Iterable[str],
    properties: Sequence[str],
    *,
    history: bool = False,
    archived: bool = False,
) -> Iterator[list[Record]]:
    """Yield the records of the ids with all `properties`.

    The properties travel in the body: as parameters of a list, some hundred of them make the address too long.
    """
    path = f"/crm/v3/objects/{kind}/batch/read" + ("?archived=true" if archived else "")
    for chunk in chunks(ids, BATCH_READ_WITH_HISTORY if history else BATCH_READ):
        query: Record = {"inputs": [{"id": one} for one in chunk], "properties": list(properties)}
        if history:
            query["propertiesWithHistory"] = list(properties)
        yield results(client.post(path, query), path)


def flat(record: Record) -> Record:
    """Return the record as one row: its properties beside what HubSpot sends around them."""
    around = {
        name: value
        for name, value in record.items()
        if name not in ("properties", "propertiesWithHistory", "associations")
    }
    return {**(record.get("properties") or {}), **around}


def merged_away(rows: Iterable[Record]) -> list[str]:
    """Return the ids that merges into these records have hidden: HubSpot lists them on the record that is left."""
    return [
        hidden
        for row in rows
        for hidden in re.split(r"[;,\s]+", str(row.get("hs_merged_object_ids") or ""))
        if hidden and hidden != str(row["id"])
    ]


def history_rows(record: Record) -> list[Record]:
    """Return one row per version of a property.

    HubSpot sends the newest version first. Of two with one stamp the first is kept: the other was in force
    for no time at all.
    """
    rows: dict[tuple[str, str], Record] = {}
    for name, versions in (record.get("propertiesWithHistory") or {}).items():
        for version in versions:
            rows.setdefault((name, version["timestamp"]), {"id": record["id"], "property": name, **version})
    return list(rows.values())


def association_rows(client: Client, record: Record) -> list[Record]:
    """Return one row per association of a listed deal; long lists are followed to their end."""
    rows: dict[tuple[str, str, str], Record] = {}
    for kind, listed in (record.get("associations") or {}).items():
        found = list(listed.get("results") or [])
        if (listed.get("paging") or {}).get("next"):
            found = []
            path = f"/crm/v4/objects/deals/{record['id']}/associations/{kind.replace(' ', '_')}"
            for page in list_pages(client, path, {"limit": "500"}):
                found += [
                    {"id": str(entry["toObjectId"]), "type": _association_type(kind, association)}
                    for entry in page
                    for association in entry["associationTypes"]
                ]
        for entry in found:
            row = {
                "fromObjectId": str(record["id"]),
                "toObjectType": kind,
                "toObjectId": str(entry["id"]),
                "type": entry["type"],
            }
            rows[kind, row["toObjectId"], row["type"]] = row
    return list(rows.values())


def _association_type(kind: str, association: Mapping[str, Any]) -> str:
    # The list names a type in words, the v4 address by number and label; these are the list's words.
    if association.get("category") == "HUBSPOT_DEFINED":
        return f"deal_to_{_SINGULAR.get(kind, kind)}" + (
            "_primary" if association.get("label") == "Primary" else ""
        )
    return str(association.get("label") or association.get("typeId"))
