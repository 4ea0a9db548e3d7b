"""Read Pipedrive's API: cursors of v2, pages of v1, products of deals, the list of recent changes."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator

from ingestion.api.client import Client, Record
from ingestion.api.errors import ApiError

PAGE = 500
DEAL_IDS_MAX = 100


def rows_of(body: Any, path: str) -> list[Record]:
    """Return the records of an answer; an empty list is null at Pipedrive, and so may be a record among others.

    Raises:
        ApiError: the answer has no data.
    """
    if not isinstance(body, dict) or "data" not in body or body.get("success") is False:
        raise ApiError("pipedrive", f"{path}: the answer has no data; load again later")
    return [row for row in body["data"] or [] if row is not None]


def cursor_pages(client: Client, path: str, params: Mapping[str, Any]) -> Iterator[list[Record]]:
    """Follow `additional_data.next_cursor` to the end; a null among the records is left out."""
    pages = JSONResponseCursorPaginator("additional_data.next_cursor", "cursor")
    for body in client.bodies(path, pages, params={"limit": str(PAGE), **params}):
        yield rows_of(body, path)


def offset_pages(client: Client, path: str, params: Mapping[str, Any]) -> Iterator[list[Record]]:
    """Follow the pages of v1 by `start`, as long as the answer announces more."""
    pages = JSONResponseCursorPaginator("additional_data.pagination.next_start", "start")
    for body in client.bodies(path, pages, params={"limit": str(PAGE), **params}):
        yield rows_of(body, path)
        pagination = (body.get("additional_data") or {}).get("pagination") or {}
        if not pagination.get("more_items_in_collection"):
            return
        if not pagination.get("next_start"):
            raise ApiError("pipedrive", f"{path}: the answer announces more and no next_start; load again")


def _rfc3339(stamp: datetime) -> str:
    return stamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def deals(client: Client, since: datetime | None) -> Iterator[list[Record]]:
    """Yield open, won, lost, then deleted, then archived deals; with `since` only those updated from then on.

    Pipedrive gives out deleted deals for 30 days. A deal that changes its list in between is met twice: the
    later list is the one with its outcome.
    """
    changed = {} if since is None else {"updated_since": _rfc3339(since)}
    order = {"sort_by": "update_time", "sort_direction": "asc"}
    yield from cursor_pages(client, "/api/v2/deals", {**order, **changed})
    yield from cursor_pages(client, "/api/v2/deals/archived", {**order, **changed})
    yield from cursor_pages(client, "/api/v2/deals", {"status": "deleted", **order, **changed})


def deal_products(client: Client, deal_ids: Iterable[int]) -> Iterator[tuple[Sequence[int], list[Record]]]:
    """Yield, a hundred deals at a time, their ids and all their product lines."""
    wanted = sorted(set(deal_ids))
    for at in range(0, len(wanted), DEAL_IDS_MAX):
        some = wanted[at : at + DEAL_IDS_MAX]
        asked = {"deal_ids": ",".join(str(one) for one in some), "sort_by": "id"}
        rows = [row for page in cursor_pages(client, "/api/v2/deals/products", asked) for row in page]
        yield some, rows


def gone(client: Client, since: datetime) -> Iterator[int]:
    """Yield the ids of deals that the list of recent changes names without a record: they are gone for good."""
    stamp = since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    asked = {"since_timestamp": stamp, "items": "deal"}
    for page in offset_pages(client, "/api/v1/recents", asked):
        for entry in page:
            if entry.get("item") == "deal" and entry.get("data") is None:
                yield int(entry["id"])
