"""Rippling, played by the fault server."""

import copy
from typing import Any

from tests.support.companies.connected_company import (
    Row,
    payload,
)
from tests.support.servers.fault_server import (
    FaultServer,
    Request,
)

SPECIFICATION = payload("rippling/specification.json")
TOKEN, BASE = "key-of-the-company", "/platform/api"


class Company:
    """A company at Rippling."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.lists = server, payload("rippling/records.json")
        self.before_page = lambda _offset: None
        server.tokens.add(TOKEN)
        server.protect(BASE)
        server.route("GET", rf"{BASE}/employees/(?P<list>)include_terminated")(self._list)
        server.route("GET", rf"{BASE}/(?P<list>departments|teams|levels)")(self._list)

    @property
    def employees(self) -> dict[str, Row]:
        return {record["id"]: record for record in self.lists["employees"]}

    def hire(self, count: int) -> None:
        for number in range(count):
            self.lists["employees"].append(
                copy.deepcopy(self.lists["employees"][1]) | {"id": f"n{number:03d}"}
            )

    def _list(self, request: Request) -> Any:
        name = request.found["list"] or "employees"
        offset, limit = int(request.query["offset"]), int(request.query["limit"])
        self.before_page(offset)
        return self.lists[name][offset : offset + limit]
