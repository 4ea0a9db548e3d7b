"""Stripe, played by the fault server."""

import copy
from typing import Any

from tests.support.companies.connected_company import (
    Row,
    payload,
)
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
)

FIXTURES, SPECIFICATION = payload("stripe/fixtures.json"), payload("stripe/specification.json")
ITEMS = {
    "customers": "customer", "invoices": "invoice", "charges": "charge", "refunds": "refund",
    "credit_notes": "credit_note", "balance_transactions": "balance_transaction",
    "payment_intents": "payment_intent", "invoice_payments": "invoice_payment", "disputes": "dispute",
}  # fmt: skip
START = 1_770_000_000
KEY = "rk_live_of_the_company"


class Account:
    """A Stripe account: objects by list, newest first, and the events about them. `now` is its clock."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.now, self.oldest_event = server, START, 0
        self.objects: dict[str, dict[str, Row]] = {name: {} for name in ITEMS}
        self.events: list[Row] = []
        self.forbidden: set[str] = set()
        server.tokens.add(KEY)
        server.protect("/v1/")
        server.route("GET", r"/v1/events")(lambda request: self._page(request, self._events(request)))
        server.route("GET", r"/v1/invoices/(?P<id>\w+)/lines")(self._lines)
        server.route("GET", r"/v1/(?P<list>\w+)")(self._list)
        server.route("GET", r"/v1/(?P<list>\w+)/(?P<id>\w+)")(self._one)

    # What happens in the account

    def save(self, name: str, key: str, event: str = "", **values: Any) -> Row:
        """Make or edit an object; Stripe's example lends the other fields."""
        objects = self.objects[name]
        if key not in objects:
            objects[key] = copy.deepcopy(FIXTURES[ITEMS[name]]) | {
                "id": key,
                "created": self.now,
                "livemode": True,
            }
            if name in ("refunds", "balance_transactions"):
                del objects[key]["livemode"]
        objects[key] |= values
        if event:
            self.tell(event, objects[key])
        return objects[key]

    def tell(self, event: str, thing: Row) -> None:
        self.events.insert(
            0, FIXTURES["event"] | {
                "id": f"evt_{len(self.events)}", "type": event, "created": self.now, "data": {"object": thing},
            },
        )  # fmt: skip

    def delete(self, name: str, key: str, event: str) -> None:
        self.tell(event, self.objects[name].pop(key))

    def lines(self, invoice: str, count: int) -> None:
        """Give an invoice so many lines; it shows the first ten itself."""
        lines = [
            FIXTURES["line_item"] | {"id": f"il_{invoice}_{number}", "amount": number, "invoice": invoice}
            for number in range(count)
        ]
        self.objects["invoices"][invoice]["all_lines"] = lines

    # What the API answers

    def _shown(self, record: Row) -> Row:
        shown = {name: value for name, value in record.items() if name != "all_lines"}
        if "all_lines" in record:
            lines = record["all_lines"]
            shown["lines"] = record["lines"] | {"data": lines[:10], "has_more": len(lines) > 10}
        return shown

    def _events(self, request: Request) -> list[Row]:
        kind = request.query.get("type", "*")
        return [
            event for event in self.events
            if (event["type"] == kind or (kind.endswith("*") and event["type"].startswith(kind[:-1])))
            and event["created"] >= self.oldest_event
        ]  # fmt: skip

    def _list(self, request: Request) -> Any:
        name = request.found["list"]
        if name in self.forbidden:
            return Answer(403, {"error": {"code": "more_permissions_required", "message": f"no {name}"}})
        # Newest first, and of one second the last one made.
        found = sorted(self.objects[name].values(), key=lambda record: record["created"])[::-1]
        return self._page(request, [self._shown(record) for record in found])

    def _lines(self, request: Request) -> Any:
        return self._page(request, self.objects["invoices"][request.found["id"]]["all_lines"])

    def _page(self, request: Request, found: list[Row]) -> Any:
        limit, after = int(request.query["limit"]), request.query.get("starting_after")
        if "created[gte]" in request.query:
            found = [record for record in found if record["created"] >= int(request.query["created[gte]"])]
        ids = [record["id"] for record in found]
        start = ids.index(after) + 1 if after else 0
        return {
            "object": "list", "url": request.path, "data": found[start : start + limit],
            "has_more": start + limit < len(found),
        }  # fmt: skip

    def _one(self, request: Request) -> Any:
        name, key = request.found["list"], request.found["id"]
        record = self.objects[name].get(key)
        if record is None and name == "customers":
            return {"id": key, "object": "customer", "deleted": True}
        if record is None:
            told = {"type": "invalid_request_error", "code": "resource_missing", "message": f"No such {name}"}
            return Answer(404, {"error": told})
        return self._shown(record)


def invoices(account: Account, count: int) -> None:
    """Have so many invoices more, five of them a second."""
    for number in range(count):
        account.now += number % 5 == 0
        account.save("invoices", f"in_{number:04d}", status="open", total=number)
        account.lines(f"in_{number:04d}", 1)
