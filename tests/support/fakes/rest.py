"""A shop with a REST interface, played by the fault server."""

from datetime import UTC, datetime
from typing import Any

from tests.support.servers.fault_server import Answer, FaultServer, Request

TOKEN = "-".join(("token", "of", "the", "shop"))
SECTION = """
auth = "bearer"
[rest.tables.orders]
key = ["id"]
stamp = "changed"
columns = { changed = "timestamp", amount = "decimal", owner_id = "text", note = "text" }
[rest.tables.orders.options]
path = "/orders"
records = "data.items"
params = { status = "all" }
fields = { owner_id = "owner.id" }
since_param = "changed_since"
paginator = { type = "page_number", base_page = 1, page_param = "page", total_path = "data.pages" }
"""
RATE_TABLE = '[rest.tables.teams]\nkey = ["code"]\noptions = { path = "/teams" }\n'


class Shop:
    """Orders in pages, with changes since an instant; teams in one list."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.clock = server, 0
        self.orders: dict[int, dict[str, Any]] = {}
        self.teams: list[Any] = [{"code": "west", "lead": None}, {"code": "east", "lead": "7"}]
        server.route("GET", r"/orders")(self._orders)
        server.route("GET", r"/teams")(lambda request: self.teams)

    def save(self, number: int, amount: Any) -> None:
        self.clock += 1
        changed = datetime(2024, 1, 1, 12, tzinfo=UTC).replace(
            minute=self.clock // 60, second=self.clock % 60
        )
        self.orders[number] = {
            "id": number, "amount": amount, "owner": {"id": f"u{number % 3}", "name": "x"},
            "changed": changed.isoformat(), "note": None if number % 2 else "even",
        }  # fmt: skip

    def _orders(self, request: Request) -> Any:
        if request.headers.get("authorization") != f"Bearer {TOKEN}":
            return Answer(401, {"error": "who are you?"})
        assert request.query["status"] == "all"
        since = request.query.get("changed_since", "")
        fitting = [o for o in self.orders.values() if o["changed"] >= since.replace("Z", "+00:00")]
        page = int(request.query["page"])
        return {"data": {"items": fitting[(page - 1) * 4 : page * 4], "pages": max(1, -(-len(fitting) // 4))}}
