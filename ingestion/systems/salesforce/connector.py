"""Read Salesforce: describe, SOQL over REST (queryAll, nextRecordsUrl), Bulk API 2.0 for large tables.

Data flow: describe -> declared fields and the found custom ones -> one SOQL query a table -> pages of records.
Every query's answer is counted: fewer rows than Salesforce announced is an error, never a smaller table.
"""

import csv
import io
import time
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar
from urllib.parse import quote

from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator

from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding, Reading, SourceConfig
from ingestion.api.errors import ApiError, AuthError, ForbiddenError, NotFoundError
from ingestion.landing.tables import ColumnType, Table, flag, instant, text
from ingestion.systems.salesforce.tables import TABLES

DEFAULT_VERSION = "v62.0"
# Salesforce refuses addresses above 16,000 characters; a longer query goes by the Bulk API, in a body.
QUERY_CHARACTERS_MAX = 12_000
BULK_PAGE_ROWS = 50_000
BULK_POLL_SECONDS = 5.0
BULK_WAIT_SECONDS_MAX = 4 * 3600.0
OPTIONS = {
    "api_version",
    "fields",
    "bulk",
    "bulk_page_rows",
    "bulk_poll_seconds",
    "single_currency",
    "token_url",
}

_TYPES: Mapping[str, ColumnType] = {
    "currency": "decimal",
    "double": "decimal",
    "percent": "decimal",
    "int": "bigint",
    "long": "bigint",
    "date": "date",
    "datetime": "timestamp",
    "boolean": "bool",
}
# Compound fields repeat their parts, and the Bulk API refuses them; base64 is a file.
_NOT_READ = {"address", "location", "base64", "complexvalue"}
# Columns under which the name of a related record lands, instead of its id.
_RELATED = {("OpportunitySplit", "SplitType"): "DeveloperName"}
_CURRENCY = "CurrencyIsoCode"

_CHANGES = Reading(incremental=True, overlap=timedelta(hours=1), full_every=timedelta(days=7))


class Salesforce(Connector):
    """The connector for one Salesforce org."""

    name: ClassVar[str] = "salesforce"
    title: ClassVar[str] = (
        "Salesforce: opportunities, splits, products, history, users, accounts, territories"
    )
    tables = TABLES
    auths: ClassVar[tuple[str, ...]] = ("client_credentials", "refresh_token", "bearer")
    token_path: ClassVar[str] = "/services/oauth2/token"

    def __init__(self, config: SourceConfig) -> None:
        super().__init__(config)
        options = config.options
        if unknown := sorted(set(options) - OPTIONS):
            raise ApiError(
                config.name, f"options.{unknown[0]} is not known; known are {', '.join(sorted(OPTIONS))}"
            )
        self._data = f"/services/data/{options.get('api_version', DEFAULT_VERSION)}"
        self._wanted = str(options.get("fields", "custom"))
        self._bulk = frozenset(options.get("bulk", ()))
        self._described: dict[str, dict[str, Record]] = {}

    @classmethod
    def further_table(cls, name: str, details: Mapping[str, Any]) -> Table | None:
        """Return any other object, a custom one say, with the fields that every object has."""
        columns = (*text("Id"), *flag("IsDeleted"), *instant("SystemModstamp"))
        return Table(name, columns, ("Id",), stamp="SystemModstamp", deleted_flag="IsDeleted")

    def reading(self, table: Table) -> Reading:
        """All objects with a stamp are read by changes; formulas and purged rows wait for the weekly full read."""
        return self.readings.get(table.name, _CHANGES if table.stamp else Reading())

    # Fields

    def _describe(self, name: str, client: Client) -> dict[str, Record]:
        """Return the readable fields of an object by name."""
        if name not in self._described:
            body = client.get(f"{self._data}/sobjects/{name}/describe")
            if not body.get("queryable", True):
                raise ForbiddenError(self.config.name, f"the object {name} may not be queried", status=403)
            self._described[name] = {
                field["name"]: field for field in body["fields"] if field["type"] not in _NOT_READ
            }
        return self._described[name]

    def _related(self, table: Table, client: Client) -> dict[str, str]:
        """Return the paths of the columns that come from a related record: {"SplitType": "SplitType.DeveloperName"}."""
        described = self._describe(table.name, client)
        relations = {field.get("relationshipName") for field in described.values()}
        return {
            column.name: f"{column.name}.{_RELATED[table.name, column.name]}"
            for column in table.columns
            if (table.name, column.name) in _RELATED
            and column.name in relations
            and column.name not in described
        }

    def _lacks_currency(self, described: Mapping[str, Any]) -> bool:
        """Tell whether the org has one currency and the configuration names it."""
        return _CURRENCY not in described and "single_currency" in self.config.options

    def fields(self, table: Table, client: Client) -> Mapping[str, ColumnType | None]:
        """Return what the describe says; fields that are hidden from the user are not in it."""
        described = self._describe(table.name, client)
        found: dict[str, ColumnType | None] = {
            name: _TYPES.get(field["type"], "text") for name, field in described.items()
        }
        found |= dict.fromkeys(self._related(table, client), "text")
        if self._lacks_currency(described):
            found[_CURRENCY] = "text"
        return found

    def _selected(self, table: Table, client: Client) -> list[str]:
        """Return the select list: declared fields, then the currency and the custom (or all) others."""
        described, related = self._describe(table.name, client), self._related(table, client)
        by_name = {name.lower(): name for name in described}
        chosen = dict.fromkeys(
            related.get(column.name) or by_name.get(column.name.lower(), "") for column in table.columns
        )
        chosen.pop("", None)
        if self._wanted != "declared":
            chosen |= dict.fromkeys(
                name
                for name, field in described.items()
                if self._wanted == "all" or field.get("custom") or name == _CURRENCY
            )
        return list(chosen)

    def soql(self, table: Table, client: Client, since: datetime | None) -> str:
        """Return the query for a table; no order is asked for, the answer is one snapshot in pages."""
        query = f"SELECT {', '.join(self._selected(table, client))} FROM {table.name}"
        if since is None:
            return query
        literal = since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        return f"{query} WHERE {table.stamp} >= {literal}"

    # Rows

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all rows or the changed ones, deleted ones with IsDeleted true."""
        query, related = self.soql(table, client, since), self._related(table, client)
        is_bulk = table.name in self._bulk or len(quote(query)) > QUERY_CHARACTERS_MAX
        pages = self._bulk_pages(table, client, query) if is_bulk else self._rest_pages(client, query)
        lacks_currency = self._lacks_currency(self._describe(table.name, client)) and any(
            column.name == _CURRENCY for column in table.columns
        )
        for page in pages:
            rows = [_flat(record, related) for record in page]
            if lacks_currency:
                rows = [{**row, _CURRENCY: self.config.options["single_currency"]} for row in rows]
            yield rows

    def _rest_pages(self, client: Client, query: str) -> Iterator[list[Record]]:
        announced: int | None = None
        ids: set[str] = set()
        total = _Total()
        for page in client.pages(f"{self._data}/queryAll", total, "records", params={"q": query}):
            announced = total.rows if announced is None else announced
            ids.update(record["Id"] for record in page)
            yield page
        self._check_count(query, len(ids), announced)

    def _check_count(self, query: str, found: int, announced: int | None) -> None:
        if announced is not None and found != announced:
            name = query.rpartition(" FROM ")[2].split()[0]
            raise ApiError(
                self.config.name,
                f"{name}: the pages held {found} different rows, Salesforce announced {announced}; load again",
            )

    def _bulk_pages(self, table: Table, client: Client, query: str) -> Iterator[list[Record]]:
        """Run a query job and yield its CSV results."""
        jobs = f"{self._data}/jobs/query"
        job = client.post(jobs, {"operation": "queryAll", "query": query})
        done = self._await_job(client, f"{jobs}/{job['id']}")
        numbers = {
            name
            for name, field in self._describe(table.name, client).items()
            if _TYPES.get(field["type"]) == "decimal"
        }
        params = {"maxRecords": str(self.config.options.get("bulk_page_rows", BULK_PAGE_ROWS))}
        ids: set[str] = set()
        locators: set[str] = set()
        while True:
            answer = client.request(
                "GET", f"{jobs}/{job['id']}/results", params=params, headers={"Accept": "text/csv"}
            )
            rows = _csv_rows(answer.content.decode("utf-8-sig"), numbers)
            announced = answer.headers.get("Sforce-NumberOfRecords")
            self._check_count(query, len(rows), int(announced) if announced else None)
            ids.update(row["Id"] for row in rows)
            yield rows
            locator = answer.headers.get("Sforce-Locator", "null")
            if locator == "null":
                break
            if locator in locators:
                raise ApiError(
                    self.config.name, f"{table.name}: a result page leads back to an earlier one; load again"
                )
            locators.add(locator)
            params["locator"] = locator
        self._check_count(query, len(ids), done.get("numberRecordsProcessed"))

    def _await_job(self, client: Client, path: str) -> Record:
        pause = float(self.config.options.get("bulk_poll_seconds", BULK_POLL_SECONDS))
        until = time.monotonic() + BULK_WAIT_SECONDS_MAX
        while True:
            job: Record = client.get(path)
            if job["state"] == "JobComplete":
                return job
            if job["state"] in ("Failed", "Aborted"):
                told = job.get("errorMessage") or "no reason given"
                raise ApiError(self.config.name, f"the query job {job['id']} is {job['state']}: {told}")
            if time.monotonic() > until:
                raise ApiError(
                    self.config.name, f"the query job {job['id']} is still {job['state']}; load again later"
                )
            time.sleep(pause)

    # Checks

    def check(self, client: Client, tables: Sequence[Table]) -> list[Finding]:
        """Check the credentials and the requests left today, then each object."""
        system = self.config.name
        try:
            left = client.get(f"{self._data}/limits")["DailyApiRequests"]
        except (AuthError, ForbiddenError) as error:
            return [Finding(system, "credentials", str(error), False, self._credentials_fix(error))]
        told = f"accepted, {left['Remaining']} of {left['Max']} requests left today"
        return [Finding(system, "credentials", told, True), *super().check(client, tables)]

    def probe(self, table: Table, client: Client) -> Finding:
        """Describe and query an object."""
        found = self._describe(table.name, client)
        client.get(f"{self._data}/queryAll", {"q": f"SELECT Id FROM {table.name} LIMIT 1"})
        return Finding(self.config.name, table.name, f"readable, {len(found)} fields visible", True)

    def _credentials_fix(self, error: ApiError) -> str:
        if isinstance(error, ForbiddenError):
            return "give the user the permission API Enabled; REQUEST_LIMIT_EXCEEDED passes within a day"
        return "correct the secrets, and let the connected app run as an active user"

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        if isinstance(error, NotFoundError) or "INVALID_TYPE" in str(error):
            return (
                f"give the user Read on {table.name} in a permission set; if the org does not use it (splits and "
                "territories are switched on in Setup), leave it out of `read`"
            )
        return f"give the user Read and View All on {table.name}"


class _Total(JSONLinkPaginator):
    """dlt's paginator, which also keeps the number of rows that Salesforce announces."""

    def __init__(self) -> None:
        super().__init__("nextRecordsUrl")
        self.rows: int | None = None

    def update_state(self, response: Any, data: list[Any] | None = None) -> None:
        super().update_state(response, data)
        self.rows = response.json().get("totalSize")


def _flat(record: Record, related: Mapping[str, str]) -> Record:
    """Return a record without the envelope, names of related records under the relation's name."""
    row = {name: value for name, value in record.items() if name != "attributes"}
    for column, path in related.items():
        name = path.partition(".")[2]
        # REST nests the related record, a CSV has its path as the column name.
        value = row.pop(path) if path in row else (row.get(column) or {}).get(name)
        row[column] = value
    return row


def _csv_rows(content: str, numbers: set[str]) -> list[Record]:
    """Parse a result page; numbers become exact decimals, whatever their spelling."""
    reader = csv.DictReader(io.StringIO(content, newline=""), strict=True)
    return [
        {name: _number(value) if name in numbers and value else value for name, value in row.items()}
        for row in reader
    ]


def _number(value: str) -> Any:
    try:
        return Decimal(value)
    except InvalidOperation:
        return value
