"""BambooHR, played by the fault server."""

import copy
from typing import Any

from ingestion.systems.bamboohr.tables import ALWAYS_SENT
from tests.support.companies.connected_company import (
    Row,
    payload,
)
from tests.support.servers.fault_server import Answer, FaultServer, Request

SPECIFICATION = payload("bamboohr/specification.json")
KEY = "key-of-the-integration-user"
# base64 of "<key>:x"
BASIC = "Basic a2V5LW9mLXRoZS1pbnRlZ3JhdGlvbi11c2VyOng="


class Hr:
    """A company at BambooHR: employees by id, and the rows of its tables."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.page_rows, self.restricted = server, 2, list[str]()
        self.employees: dict[str, Row] = {}
        self.tables: dict[str, list[Row]] = {
            name: payload(f"bamboohr/{name}.json") for name in ("jobInfo", "employmentStatus")
        }
        self.dataset: list[Row] = []
        server.route("GET", "/api/v1/employees")(self._list)
        server.route("GET", r"/api/v1/employees/all/tables/(?P<table>\w+)")(self._table)
        server.route("POST", "/api/v2/datasets/employee/data")(self._data)

    def _refused(self, request: Request) -> Answer | None:
        return None if request.headers.get("authorization") == BASIC else Answer(401)

    def hire(self, key: str, **values: Any) -> Row:
        example = SPECIFICATION["employees_example"]["data"][0]
        further = dict.fromkeys(SPECIFICATION["employees_fields"])
        self.employees[key] = {
            **copy.deepcopy(example),
            **further,
            "employeeId": key,
            "hireDate": "2021-02-01",
            **values,
        }
        return self.employees[key]

    def _list(self, request: Request) -> Any:
        if refused := self._refused(request):
            return refused
        asked = request.query["fields"].split(",")
        if unknown := set(asked) - set(SPECIFICATION["employees_fields"]):
            return Answer(400, {"error": f"unknown fields {sorted(unknown)}"})
        start = int(request.query.get("page[after]", "0"))
        found = list(self.employees.values())
        names = {*asked, *ALWAYS_SENT, "photoUrl", "_restrictedFields"}
        page = [
            {
                name: None if name in self.restricted else value
                for name, value in record.items()
                if name in names
            }
            | {
                "_restrictedFields": self.restricted,
                "photoUrl": f"https://cdn.example.com/{len(self.server.requests)}",
            }
            for record in found[start : start + self.page_rows]
        ]
        following = str(start + self.page_rows) if start + self.page_rows < len(found) else None
        return {"data": page, "meta": {"total": len(found), "page": {"limit": self.page_rows, "nextCursor": following}},
                "_links": {"next": {"href": f"https://api.bamboohr.com/api/v1/employees?after={following}"}}}  # fmt: skip

    def _table(self, request: Request) -> Any:
        return self._refused(request) or self.tables.get(request.found["table"]) or Answer(404)

    def _data(self, request: Request) -> Any:
        body = request.json
        assert set(body) <= set(SPECIFICATION["dataset_body"])
        start, size = (body["page"] - 1) * 2, 2
        rows = [{"fields": {name: row[name] for name in body["fields"]}} for row in self.dataset]
        pages = -(-len(rows) // size)
        return {"data": rows[start : start + size],
                "meta": {"page": body["page"], "pageSize": size, "totalPages": pages, "totalItems": len(rows)}}  # fmt: skip
