"""Read BambooHR: the list of employees, the tables of all employees (jobInfo, ...), datasets.

Every table is read whole: BambooHR tells that an employee has changed, not which row of a table, and a company's
tables fit into a few requests. Versions and retired rows come from comparing.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from dlt.sources.helpers.requests import Response
from dlt.sources.helpers.rest_client.auth import HttpBasicAuth
from dlt.sources.helpers.rest_client.paginators import JSONResponseCursorPaginator, PageNumberPaginator

from ingestion.api.auth import Credentials, Fixed
from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding
from ingestion.api.errors import ApiError, AuthError, ForbiddenError, NotFoundError
from ingestion.landing.tables import Table, text
from ingestion.systems.bamboohr.tables import ALWAYS_SENT, EMPLOYEES, TABLES

PAGE = 100
DATASET_PAGE = 1000
# photoUrl is a signed link, new at each request.
_NOT_LANDED = frozenset({"photoUrl", "_restrictedFields"})
_NO_DATE = "0000-00-00"


class BambooHR(Connector):
    """The connector for one company."""

    name: ClassVar[str] = "bamboohr"
    title: ClassVar[str] = "BambooHR: employees, job history with managers, employment status"
    tables = TABLES
    auths: ClassVar[tuple[str, ...]] = ("api_key", "refresh_token", "bearer")
    token_path: ClassVar[str] = "/token.php?request=token"

    def credentials(self) -> Credentials:
        """Return the credentials; an API key travels as the user name of basic authentication."""
        if self.auth != "api_key":
            return super().credentials()
        key = self.config.secret("api_key")
        return Fixed("API key", HttpBasicAuth(username=key, password="x"), key)

    @classmethod
    def further_table(cls, name: str, details: Mapping[str, Any]) -> Table | None:
        """Return any other table of employees, a custom one say, or a dataset named in the options."""
        if not details.get("options", {}).get("dataset"):
            return Table(name, text("id", "employeeId"), ("id",))
        key = tuple(details.get("key", ()))
        return Table(name, text(*key), key) if key else None

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all rows of a table, inactive employees too."""
        dataset = self.config.table_options.get(table.name, {}).get("dataset")
        if table.name == EMPLOYEES.name:
            yield from self._employees(table, client)
        elif dataset:
            yield from self._dataset(table, client, str(dataset))
        else:
            found = client.get(f"/api/v1/employees/all/tables/{table.name}")
            if not isinstance(found, list):
                raise ApiError(self.config.name, f"{table.name}: the answer is not a list of rows")
            yield [_row(record) for record in found]

    def _employees(self, table: Table, client: Client) -> Iterator[list[Record]]:
        asked = ",".join(column.name for column in table.columns if column.name not in ALWAYS_SENT)
        total = _Total()
        ids: set[str] = set()
        for page in client.pages(
            "/api/v1/employees", total, "data", params={"fields": asked, "page[limit]": str(PAGE)}
        ):
            ids.update(str(record["employeeId"]) for record in page)
            self._refuse_restricted(table, page)
            yield [_row(record) for record in page]
        self._check_count(table, len(ids), total.employees)

    def _refuse_restricted(self, table: Table, page: Sequence[Record]) -> None:
        """Stop when a declared field is hidden: BambooHR sends it as null, which would read as emptied."""
        names = {column.name for column in table.columns}
        for record in page:
            if hidden := sorted(names & set(record.get("_restrictedFields") or ())):
                raise ForbiddenError(
                    self.config.name,
                    f"{table.name}: {', '.join(hidden)} of employee {record['employeeId']} may not be seen; give the "
                    "user of the key an access level that views these fields of all employees",
                    status=403,
                )

    def _dataset(self, table: Table, client: Client, dataset: str) -> Iterator[list[Record]]:
        names, given = [column.name for column in table.columns], 0
        # Sorted by key, so that pages neither overlap nor leave gaps.
        asked = {"fields": names, "orderBy": f"{table.primary_key[0]} asc", "pageSize": DATASET_PAGE}
        path, body = f"/api/v2/datasets/{dataset}/data", {}
        pages = PageNumberPaginator(base_page=1, page_body_path="page", total_path="meta.totalPages")
        for body in client.bodies(path, pages, method="POST", json=asked):
            rows = [_row(record["fields"]) for record in body["data"]]
            given += len(rows)
            if given > int(body["meta"]["totalItems"]):
                break
            yield rows
            if not rows:
                break
        self._check_count(table, given, int(body["meta"]["totalItems"]))

    def _check_count(self, table: Table, found: int, announced: int | None) -> None:
        if announced is not None and found != announced:
            raise ApiError(
                self.config.name,
                f"{table.name}: the pages held {found} different rows, BambooHR announced {announced}; load again",
            )

    def probe(self, table: Table, client: Client) -> Finding:
        """Read the first page, which shows hidden fields too."""
        first = next(iter(self.read(table, client, None)), [])
        assert isinstance(first, list)
        names = {name for record in first for name in record}
        lacking = [column.name for column in table.columns if first and column.name not in names]
        told = (
            f"{', '.join(lacking)} not sent" if lacking else f"readable ({len(first)} rows in the first page)"
        )
        fix = "let the access level of the user view these fields" if lacking else ""
        return Finding(self.config.name, table.name, told, not lacking, fix)

    def credentials_fix(self, error: AuthError) -> str | None:
        return "set the API key of an active user of the company"

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        if isinstance(error, NotFoundError):
            return f"see `/api/v1/meta/tables` for the company's tables: {table.name} is none of them"
        return f"give the user of the key an access level that views {table.name} of all employees"


class _Total(JSONResponseCursorPaginator):
    """dlt's paginator, which also keeps the number of employees that BambooHR announces."""

    def __init__(self) -> None:
        super().__init__(cursor_path="meta.page.nextCursor", cursor_param="page[after]")
        self.employees: int | None = None

    def update_state(self, response: Response, data: list[Any] | None = None) -> None:
        super().update_state(response, data)
        self.employees = (response.json().get("meta") or {}).get("total")


def _row(record: Record) -> Record:
    """Return a record without what belongs to the transport; BambooHR's empty date is empty."""
    return {
        name: None if value == _NO_DATE else value
        for name, value in record.items()
        if name not in _NOT_LANDED
    }
