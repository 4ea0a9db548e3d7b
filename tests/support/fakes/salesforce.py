"""A small Salesforce org behind the fault server: describe, SOQL with queryAll, Bulk API 2.0, limits, tokens."""

import csv
import io
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from ingestion.landing.tables import Column, Table
from ingestion.systems.salesforce.tables import TABLES
from tests.support.companies.landed_company import sample_rows
from tests.support.servers.fault_server import Answer, FaultServer, Request

VERSION = "v62.0"
DATA = f"/services/data/{VERSION}"
TOKEN = "token.of.the.org"
CLIENT_ID, CLIENT_SECRET = "connected.app.id", "very.secret.of.the.app"
Row = dict[str, Any]

_SOQL = re.compile(
    r"SELECT (?P<fields>[\w., ]+) FROM (?P<name>\w+)"
    r"(?: WHERE (?P<stamp>\w+) >= (?P<since>[0-9T:.Z-]+))?(?: LIMIT (?P<limit>[0-9]+))?"
)


@dataclass
class Sobject:
    """An object: its fields with their Salesforce types, and its rows by id."""

    fields: dict[str, str]
    rows: dict[str, Row] = field(default_factory=dict)


def error(status: int, code: str, message: str) -> Answer:
    return Answer(status, [{"errorCode": code, "message": message}])


class Org:
    """The org; `now` is its clock and only moves when it is told to."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.objects = server, dict[str, Sobject]()
        self.now = datetime(2026, 3, 1, 8, tzinfo=UTC)
        self.page_rows = 100
        self._queries: dict[str, list[Row]] = {}
        self._jobs: dict[str, list[Row]] = {}
        server.oauth("/services/oauth2/token", client_id=CLIENT_ID, client_secret=CLIENT_SECRET)
        server.protect("/services/data/")
        server.route("GET", f"{DATA}/limits")(
            lambda _request: {"DailyApiRequests": {"Max": 15000, "Remaining": 14100}}
        )
        server.route("GET", rf"{DATA}/sobjects/(?P<name>\w+)/describe")(self._describe)
        server.route("GET", f"{DATA}/queryAll")(self._query)
        server.route("GET", rf"{DATA}/query/(?P<id>\w+)-(?P<start>[0-9]+)")(self._more)
        server.route("POST", f"{DATA}/jobs/query")(self._job)
        server.route("GET", rf"{DATA}/jobs/query/(?P<id>\w+)")(
            lambda request: {
                "id": request.found["id"],
                "state": "JobComplete",
                "numberRecordsProcessed": len(self._jobs[request.found["id"]]),
            }
        )
        server.route("GET", rf"{DATA}/jobs/query/(?P<id>\w+)/results")(self._results)

    # What people do in the org

    def stamp(self) -> str:
        return self.now.strftime("%Y-%m-%dT%H:%M:%S.000+0000")

    def tick(self, **step: float) -> None:
        self.now += timedelta(**(step or {"hours": 4}))

    def save(self, name: str, row_id: str, **values: Any) -> None:
        """Make or edit a row: the stamp is the org's clock."""
        row = self.objects[name].rows.setdefault(row_id, {"Id": row_id, "CreatedDate": self.stamp()})
        row.update({"IsDeleted": False, **values, "SystemModstamp": self.stamp()})

    def delete(self, name: str, row_id: str) -> None:
        """Put a row into the recycle bin."""
        self.save(name, row_id, IsDeleted=True)

    def rename(self, name: str, old: str, new: str) -> None:
        """Rename a field, as an administrator does."""
        found = self.objects[name]
        found.fields = {new if field == old else field: kind for field, kind in found.fields.items()}
        for row in found.rows.values():
            row[new] = row.pop(old, None)

    # What the API answers

    def _describe(self, request: Request) -> Any:
        found = self.objects.get(request.found["name"])
        if found is None:
            return error(404, "NOT_FOUND", "The requested resource does not exist")
        fields = [
            {
                "name": name,
                "type": kind,
                "custom": name.endswith("__c"),
                "relationshipName": name.removesuffix("Id") if kind == "reference" else None,
            }
            for name, kind in found.fields.items()
        ]
        return {"name": request.found["name"], "queryable": True, "fields": fields}

    def _select(self, soql: str) -> tuple[str, list[str], list[Row]] | Answer:
        match = _SOQL.fullmatch(soql)
        if match is None:
            return error(400, "MALFORMED_QUERY", f"unexpected token: {soql[:40]}")
        found = self.objects.get(match["name"])
        if found is None:
            return error(400, "INVALID_TYPE", f"sObject type '{match['name']}' is not supported.")
        names = [name.strip() for name in match["fields"].split(",")]
        for name in names:
            base = name.split(".")[0]
            if name not in found.fields and not ("." in name and f"{base}Id" in found.fields):
                return error(400, "INVALID_FIELD", f"No such column '{name}' on entity '{match['name']}'.")
        rows = list(found.rows.values())
        if match["since"]:
            since = datetime.fromisoformat(match["since"])
            rows = [row for row in rows if datetime.fromisoformat(row[match["stamp"]]) >= since]
        rows = rows[: int(match["limit"])] if match["limit"] else rows
        return match["name"], names, [dict(row) for row in rows]

    def _query(self, request: Request) -> Any:
        selected = self._select(request.query["q"])
        if isinstance(selected, Answer):
            return selected
        name, names, rows = selected
        query_id = f"01gQ{len(self._queries):06d}"
        self._queries[query_id] = [
            {"attributes": {"type": name, "url": f"{DATA}/sobjects/{name}/{row['Id']}"}}
            | dict(_nested(row, field) for field in names)
            for row in rows
        ]
        return self._page(query_id, 0)

    def _more(self, request: Request) -> Any:
        if request.found["id"] not in self._queries:
            return error(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(request.found["id"], int(request.found["start"]))

    def _page(self, query_id: str, start: int) -> Any:
        rows, end = self._queries[query_id], start + self.page_rows
        page = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
        if end < len(rows):
            page["nextRecordsUrl"] = f"{DATA}/query/{query_id}-{end}"
        return page

    def _job(self, request: Request) -> Any:
        selected = self._select(request.json["query"])
        if isinstance(selected, Answer):
            return selected
        _, names, rows = selected
        job_id = f"750J{len(self._jobs):06d}"
        self._jobs[job_id] = [{name: _in_csv(row, name) for name in names} for row in rows]
        return {"id": job_id, "operation": request.json["operation"], "state": "UploadComplete"}

    def _results(self, request: Request) -> Any:
        rows, size = self._jobs[request.found["id"]], int(request.query["maxRecords"])
        start = int(request.query.get("locator", "0"))
        page = rows[start : start + size]
        text = io.StringIO()
        writer = csv.DictWriter(
            text, list(rows[0]) if rows else ["Id"], quoting=csv.QUOTE_ALL, lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(page)
        following = str(start + size) if start + size < len(rows) else "null"
        headers = {
            "Content-Type": "text/csv",
            "Sforce-Locator": following,
            "Sforce-NumberOfRecords": str(len(page)),
        }
        return Answer(200, text.getvalue(), headers)


def _nested(row: Row, name: str) -> tuple[str, Any]:
    base, _, inner = name.partition(".")
    if inner:
        value = row.get(name)
        return base, None if value is None else {"attributes": {"type": base}, inner: value}
    return name, row.get(name)


def _in_csv(row: Row, name: str) -> str:
    value = row.get(name)
    if isinstance(value, bool):
        return str(value).lower()
    # The Bulk API writes large numbers with an exponent.
    return f"{value:E}" if isinstance(value, Decimal) else "" if value is None else str(value)


_KINDS = {
    "text": "string",
    "decimal": "currency",
    "date": "date",
    "timestamp": "datetime",
    "bool": "boolean",
    "bigint": "int",
}
_CUSTOM = {
    "Opportunity": {
        "CurrencyIsoCode": "picklist", "BillingAddress": "address", "Region__c": "picklist", "Margin__c": "percent",
    },
}  # fmt: skip


def standard_fields(name: str) -> dict[str, str]:
    """Return the standard fields of an object with their Salesforce types, and what this org has added."""
    table = next(table for table in TABLES if table.name == name)
    fields = {
        column.name: "reference"
        if column.type == "text" and column.name.endswith("Id")
        else _KINDS[column.type]
        for column in table.columns
    }
    # A split has the id of its type; the type's name is on the related record.
    if name == "OpportunitySplit":
        del fields["SplitType"]
    return fields | _CUSTOM.get(name, {})


def standard_org(server: FaultServer, opportunities: int = 250) -> Org:
    """Return an org with opportunities, a split for each tenth of them, and five users."""
    org = Org(server)
    org.objects = {table.name: Sobject(standard_fields(table.name)) for table in TABLES}
    for number in range(5):
        org.save(
            "User",
            f"005{number:015d}",
            Username=f"user{number}@example.com",
            Name=f"Zoë {number}",
            IsActive=True,
        )
    for number in range(opportunities):
        org.tick(seconds=1 if number % 3 else 0)
        org.save(
            "Opportunity",
            f"006{number:015d}",
            Name=f'Deal "{number}", renewal\nand more',
            OwnerId=f"005{number % 5:015d}",
            StageName="Closed Won",
            Amount=Decimal(number * 100) + Decimal("0.07"),
            CloseDate="2026-02-27",
            IsClosed=True,
            IsWon=True,
            CurrencyIsoCode="EUR",
            Region__c="North" if number % 2 else None,
            Margin__c=Decimal("12.345"),
        )
        if number % 10 == 0:
            org.save(
                "OpportunitySplit",
                f"0SP{number:015d}",
                OpportunityId=f"006{number:015d}",
                SplitPercentage=Decimal(100),
                **{"SplitType.DeveloperName": "Revenue"},
            )
    org.tick()
    return org


KINDS = {
    "text": "string", "decimal": "currency", "date": "date", "timestamp": "datetime", "bool": "boolean", "bigint": "int",
}  # fmt: skip


def as_json(column: Column, text: str) -> Any:
    """Return a field of a file as Salesforce would send it."""
    if text == "":
        return None
    if column.type == "decimal":
        return Decimal(text)
    if column.type == "bool":
        return text == "true"
    if column.type == "timestamp":
        return text.replace("Z", ".000+0000")
    return text


def fill(org: Org, table: Table) -> None:
    """Make the object of a table of the sample, with its rows."""
    standard = standard_fields(table.name) if table.name in {known.name for known in TABLES} else {}
    columns = {column.name: column for column in table.columns}
    fields = {"Id": "id", "IsDeleted": "boolean", "SystemModstamp": "datetime"} | standard
    made = Sobject(fields | {name: KINDS[column.type] for name, column in columns.items()})
    org.objects[table.name] = made
    for number, row in enumerate(sample_rows("crm", table.name)):
        values = {name: as_json(column, row[name]) for name, column in columns.items()}
        row_id = str(values.get("Id") or f"a00{number:015d}")
        made.rows[row_id] = {"Id": row_id, "IsDeleted": False, "SystemModstamp": org.stamp()} | values


# Called with the records of each request after they were saved and before it is answered.
Saved = Callable[[list[dict[str, Any]]], None]


class WrittenOrg:
    """An org that takes what is written to it: Commission__c by its external id, Opportunity by its id; records in `refused` meet a validation rule."""

    def __init__(self, server: FaultServer, deals: list[str]) -> None:
        self.server = server
        self.records: dict[str, dict[str, Any]] = {}
        self.deals: dict[str, dict[str, Any]] = {deal: {} for deal in deals}
        self.refused: set[str] = set()
        self.gone: set[str] = set()
        self.locked: dict[str, int] = {}
        self.saved: Saved = lambda _records: None
        self.fields = {
            "Commission__c": ["Commission_Key__c", "Opportunity__c", "Payee__c", "Amount__c", "Months__c", "State__c"],
            "Opportunity": ["Commission__c", "Payees__c"],
        }  # fmt: skip
        server.tokens.add(TOKEN)
        server.protect("/services/data/")
        server.route("GET", rf"{DATA}/sobjects/(?P<name>\w+)/describe")(self._describe)
        server.route("PATCH", rf"{DATA}/composite/sobjects/Commission__c/Commission_Key__c")(self._upsert)
        server.route("PATCH", rf"{DATA}/composite/sobjects")(self._update)

    def sent(self) -> list[int]:
        """Records of each request that wrote."""
        return [len(self._body(request)) for request in self.server.requests if request.method == "PATCH"]

    def _describe(self, request: Request) -> Any:
        fields = [
            {"name": name, "type": "string", "updateable": True, "externalId": name == "Commission_Key__c"}
            for name in self.fields[request.found["name"]]
        ]
        return {"name": request.found["name"], "queryable": True, "fields": fields}

    def _body(self, request: Any) -> list[dict[str, Any]]:
        body = json.loads(request.body, parse_float=Decimal)
        assert body["allOrNone"] is False and len(body["records"]) <= 200
        return list(body["records"])

    def _upsert(self, request: Request) -> Any:
        return self._each(request, "Commission_Key__c", lambda key: self.records.setdefault(key, {}))

    def _update(self, request: Request) -> Any:
        return self._each(request, "id", lambda key: self.deals[key])

    def _each(self, request: Request, key_name: str, find: Callable[[str], dict[str, Any]]) -> Any:
        records, answers = self._body(request), []
        for record in records:
            key = record[key_name]
            if key in self.refused:
                told = {
                    "statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION",
                    "message": "closed deals are frozen",
                }
                answers.append({"success": False, "errors": [told]})
            elif key in self.gone:
                told = {"statusCode": "ENTITY_IS_DELETED", "message": "entity is deleted"}
                answers.append({"success": False, "errors": [told]})
            elif self.locked.get(key):
                self.locked[key] -= 1
                told = {"statusCode": "UNABLE_TO_LOCK_ROW", "message": "unable to obtain exclusive access"}
                answers.append({"success": False, "errors": [told]})
            else:
                find(key).update({n: v for n, v in record.items() if n not in ("attributes", "id")})
                answers.append({"id": f"a00{key}", "success": True, "errors": []})
        self.saved(records)
        return answers
