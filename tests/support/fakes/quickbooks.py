"""QuickBooks, played by the fault server."""

import copy
import re
from datetime import UTC, datetime, timedelta
from typing import Any

from ingestion.systems.quickbooks.tables import TABLES
from tests.support.companies.connected_company import Row, payload
from tests.support.servers.fault_server import (
    Answer,
    FaultServer,
    Request,
)

RECORDS = payload("quickbooks/records.json")
BASE = "/v3/company/4620816365000000000"
CLIENT_ID, SECRET, REFRESH = "app-of-the-company", "secret-of-the-app", "refresh-token-at-first"
_QUERY = re.compile(
    r"select (?P<what>\*|count\(\*\)) from (?P<name>\w+)(?P<all> where Active in \(true, false\))?"
    r"(?: orderby Id startposition (?P<start>[0-9]+) maxresults (?P<size>[0-9]+))?"
)


def ago(**time: float) -> str:
    return (datetime.now(UTC) - timedelta(**time)).isoformat(timespec="seconds")


class Books:
    """A company's books: records by entity, and what was deleted when."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.before_page = server, lambda _start: None
        self.records: dict[str, dict[str, Row]] = {table.name: {} for table in TABLES}
        self.deleted: dict[str, dict[str, str]] = {table.name: {} for table in TABLES}
        server.oauth(
            "/tokens/bearer", client_id=CLIENT_ID, client_secret=SECRET, refresh_token=REFRESH, rotates=True
        )
        server.protect(BASE)
        server.route("GET", f"{BASE}/query")(self._query)
        server.route("GET", f"{BASE}/cdc")(self._cdc)

    def save(self, name: str, key: str, at: str | None = None, **values: Any) -> Row:
        like = RECORDS.get(name, RECORDS["Invoice"])[0]
        record = self.records[name].setdefault(key, copy.deepcopy(like) | {"Id": key})
        record |= values | {"MetaData": {"CreateTime": ago(days=90), "LastUpdatedTime": at or ago()}}
        return record

    def delete(self, name: str, key: str) -> None:
        del self.records[name][key]
        self.deleted[name][key] = ago()

    def _query(self, request: Request) -> Any:
        assert request.query["minorversion"] == "75"
        match = _QUERY.fullmatch(request.query["query"])
        if (
            match is None
            or match["name"] not in self.records
            or (match["name"] == "Customer") != bool(match["all"])
        ):
            return Answer(400, {"Fault": {"Error": [{"Message": "QueryParserError", "code": "4000"}]}})
        if match["what"] != "*":
            return {"QueryResponse": {"totalCount": len(self.records[match["name"]])}, "time": ago()}
        start, size = int(match["start"]), int(match["size"])
        self.before_page(start)
        found = sorted(self.records[match["name"]].values(), key=lambda record: int(record["Id"]))
        page = found[start - 1 : start - 1 + size]
        return {
            "QueryResponse": {match["name"]: page, "startPosition": start, "maxResults": len(page)}
            if page
            else {}
        }

    def _cdc(self, request: Request) -> Any:
        since, name = datetime.fromisoformat(request.query["changedSince"]), request.query["entities"]
        if datetime.now(UTC) - since > timedelta(days=30):
            return Answer(400, {"Fault": {"Error": [{"Message": "changedSince is too old"}]}})
        found = [
            record for record in self.records[name].values()
            if datetime.fromisoformat(record["MetaData"]["LastUpdatedTime"]) >= since
        ] + [
            {"domain": "QBO", "status": "Deleted", "Id": key, "MetaData": {"LastUpdatedTime": at}}
            for key, at in self.deleted[name].items() if datetime.fromisoformat(at) >= since
        ]  # fmt: skip
        listed = {name: found[:1000], "startPosition": 1} if found else {}
        return {"CDCResponse": [{"QueryResponse": [listed]}], "time": ago()}
