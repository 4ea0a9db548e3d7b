"""Read QuickBooks Online: the query endpoint and change data capture."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from ingestion.api.errors import ApiError

Record = dict[str, Any]

PAGE = 1000
CDC_OBJECTS_MAX = 1000
# Intuit keeps 30 days; a day less, so that a run at the edge is not cut off.
CDC_REACH = timedelta(days=29)
MINOR_VERSION = "75"


class Client(Protocol):
    """What the functions here need of the REST client."""

    def get(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the parsed body of a GET."""


@dataclass(frozen=True)
class Changes:
    """What change data capture says of one entity: full records, and the ids of deleted ones."""

    changed: list[Record]
    deleted: list[str]


class ListMoved(Exception):
    """Records were added or deleted while the pages were read, so that one may have been passed over."""


def ask(client: Client, statement: str) -> Record:
    """Return the answer to a query.

    Raises:
        ApiError: the answer is none; its message is in it.
    """
    body = client.get("/query", {"query": statement, "minorversion": MINOR_VERSION})
    found = body.get("QueryResponse") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        raise ApiError("quickbooks", f"'{statement}': the answer has no QueryResponse; load again later")
    return found


def where(entity: str) -> str:
    """Return the condition by which inactive customers are given out as well."""
    return " where Active in (true, false)" if entity == "Customer" else ""


def count(client: Client, entity: str) -> int:
    """Return how many records an entity has."""
    return int(ask(client, f"select count(*) from {entity}{where(entity)}")["totalCount"])


def query(client: Client, entity: str) -> Iterator[list[Record]]:
    """Yield all records of an entity, in the order of their ids.

    Each page begins with the last record of the one before, by which a list that has moved is noticed.

    Raises:
        ListMoved: it has.
    """
    start, last = 1, None
    while True:
        asked = f"select * from {entity}{where(entity)} orderby Id startposition {start} maxresults {PAGE}"
        rows: list[Record] = ask(client, asked).get(entity) or []
        if last is not None and (not rows or rows[0]["Id"] != last):
            raise ListMoved(entity)
        yield rows if last is None else rows[1:]
        if len(rows) < PAGE:
            return
        start, last = start + len(rows) - 1, rows[-1]["Id"]


def changes(client: Client, entity: str, since: datetime) -> Changes | None:
    """Return what changed since; None when the answer is full and may leave something out."""
    stamp = since.isoformat(timespec="seconds")
    body = client.get("/cdc", {"entities": entity, "changedSince": stamp, "minorversion": MINOR_VERSION})
    found = Changes([], [])
    for answer in body["CDCResponse"]:
        if fault := answer.get("Fault"):
            raise ApiError("quickbooks", f"change data capture of {entity}: {fault}")
        for listed in answer.get("QueryResponse") or []:
            for row in listed.get(entity) or []:
                if row.get("status") == "Deleted":
                    found.deleted.append(str(row["Id"]))
                else:
                    found.changed.append(row)
    return None if len(found.changed) + len(found.deleted) >= CDC_OBJECTS_MAX else found
