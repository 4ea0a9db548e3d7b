"""Ask Stripe's API: lists by `starting_after`, events, single objects; and shape what it answers into rows."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from dlt.sources.helpers.requests import Response
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import Request

from ingestion.api.client import Client, Record
from ingestion.api.errors import ApiError, NotFoundError
from ingestion.landing.tables import Table

PAGE = 100
# With this text alone a browser may finish the payment: it is not landed.
SECRET_FIELDS = frozenset({"client_secret"})


class StartingAfter(BasePaginator):
    """Stripe's pages: `has_more`, and the id of the last object as the next `starting_after`."""

    def __init__(self) -> None:
        super().__init__()
        self._after = ""

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        """Take the last id of the page."""
        body = response.json()
        found = body.get("data") or []
        self._has_next_page = bool(body.get("has_more")) and bool(found)
        if self._has_next_page:
            self._after = str(found[-1]["id"])

    def update_request(self, request: Request) -> None:
        """Ask for what follows it."""
        params: dict[str, Any] = dict(request.params or {})  # type: ignore[arg-type]
        request.params = {**params, "starting_after": self._after}


def listed(client: Client, path: str, params: Mapping[str, str]) -> Iterator[list[Record]]:
    """Yield the pages of a list, newest object first."""
    yield from client.pages(path, StartingAfter(), "data", params={"limit": str(PAGE), **params})


def listed_since(client: Client, path: str, created: int) -> Iterator[list[Record]]:
    """Yield the objects created at or after `created` (seconds) of a list that has no such filter."""
    for page in listed(client, path, {}):
        young = [record for record in page if int(record["created"]) >= created]
        yield young
        if len(young) < len(page):
            return


def newest_event(client: Client) -> int:
    """Return when the newest event was created (seconds); 0 when there is none."""
    found = client.get("/v1/events", {"limit": "1"})["data"]
    return int(found[0]["created"]) if found else 0


def touched_ids(client: Client, kinds: tuple[str, ...], item: str, created: int) -> list[str]:
    """Return the ids of the objects of the type `item` that events since `created` (seconds) are about.

    An event about another object counts when that names one: a dispute its charge, a credit note its invoice.
    """
    ids: dict[str, None] = {}
    for kind in kinds:
        for page in listed(client, "/v1/events", {"type": kind, "created[gte]": str(created)}):
            for event in page:
                thing = event["data"]["object"]
                found = thing.get("id") if thing.get("object") == item else thing.get(item)
                # The invoice of `invoice.upcoming` does not exist yet and has no id.
                if isinstance(found, str):
                    ids[found] = None
    return list(ids)


def one(client: Client, path: str, key: str) -> Record | None:
    """Return an object as it is now, None when it is deleted."""
    try:
        found: Record = client.get(f"{path}/{key}")
    except NotFoundError as error:
        told = error.body.get("error") if isinstance(error.body, dict) else None
        if isinstance(told, dict) and told.get("code") == "resource_missing":
            return None
        raise
    return None if found.get("deleted") else found


def invoice_lines(client: Client, invoice: Record) -> list[Record]:
    """Return all lines of an invoice; the invoice itself holds the first ones."""
    embedded = invoice["lines"]
    lines: list[Record] = list(embedded.get("data") or [])
    if embedded.get("has_more"):
        path = f"/v1/invoices/{invoice['id']}/lines"
        lines = [line for page in listed(client, path, {}) for line in page]
    return [{**line, "invoice": invoice["id"], "invoice_created": invoice["created"]} for line in lines]


def row(table: Table, record: Record) -> Record:
    """Return an object as a row: seconds as instants, expanded objects as their id, no secrets.

    Raises:
        ApiError: seconds that are none.
    """
    made: Record = _without_secrets(record)
    for column in table.columns:
        value = made.get(column.name)
        if column.type == "timestamp" and value is not None:
            made[column.name] = _instant(column.name, value)
        # An expanded object stands in the place of its id.
        elif isinstance(value, dict) and "object" in value and value["object"] != "list" and "id" in value:
            made[column.name] = value["id"]
    return made


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_secrets(inner) for name, inner in value.items() if name not in SECRET_FIELDS}
    return [_without_secrets(inner) for inner in value] if isinstance(value, list) else value


def _instant(name: str, value: Any) -> datetime:
    if isinstance(value, bool) or not isinstance(value, int):
        raise ApiError("stripe", f"{name}: '{value}' is not a number of seconds; check the API version")
    return datetime.fromtimestamp(value, UTC)
