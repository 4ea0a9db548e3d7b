"""Read NetSuite by SuiteQL over REST: queries from the declared columns, pages by id, deleted records."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from ingestion.api.errors import ApiError, FullReadNeeded
from ingestion.landing.tables import Table

Record = dict[str, Any]

PATH = "/services/rest/query/v1/suiteql"
PAGE = 1000
# One query gives out so many rows.
RESULTS_MAX = 100_000
DAY, INSTANT = "YYYY-MM-DD", "YYYY-MM-DD HH24:MI:SS"


class Client(Protocol):
    """What the functions here need of the REST client."""

    def post(
        self,
        path: str,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Return the parsed body of a POST."""


def literal(text: str) -> str:
    """Return a text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def local(stamp: datetime, zone: ZoneInfo) -> str:
    """Return an instant as the clock of the integration's user shows it, which is what SuiteQL compares."""
    return stamp.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def utc(text: str, zone: ZoneInfo) -> str:
    """Return a stamp of SuiteQL, which names no zone, as an instant in UTC.

    In the hour that a clock change repeats the first one is taken; the overlap of the cursor covers it.
    """
    stamp = datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone)
    return stamp.astimezone(UTC).isoformat()


def select(table: Table) -> list[str]:
    """Return the select list: dates and instants in a fixed form, for SuiteQL writes them as the user likes."""
    formats = {"date": DAY, "timestamp": INSTANT}
    return [
        f"TO_CHAR(t.{column.name}, '{formats[column.type]}') AS {column.name}"
        if column.type in formats
        else f"t.{column.name}"
        for column in table.columns
    ]


def ask(client: Client, query: str, offset: int = 0) -> tuple[list[Record], bool]:
    """Return one page of a query, and whether there are more.

    Raises:
        ApiError: the answer has no items.
    """
    place = {"limit": str(PAGE), "offset": str(offset)}
    body = client.post(PATH, {"q": query}, place, {"Prefer": "transient"})
    if not isinstance(body, dict) or not isinstance(body.get("items"), list):
        raise ApiError("netsuite", f"{PATH}: the answer has no items; load again later")
    rows = [{name: value for name, value in row.items() if name != "links"} for row in body["items"]]
    return rows, bool(body.get("hasMore")) and bool(rows)


def in_order(
    client: Client, select_list: Sequence[str], origin: str, conditions: Sequence[str], key: str, alias: str
) -> Iterator[list[Record]]:
    """Yield all rows of a query in the order of the numeric `key`, each page from the last key of the one before.

    So no row is passed over when others are added or removed meanwhile, and no query meets the limit of 100,000.
    """
    last: int | None = None
    while True:
        where = [*conditions, *([] if last is None else [f"{key} > {last}"])]
        asked = f"SELECT {', '.join(select_list)} FROM {origin}"
        asked += f" WHERE {' AND '.join(where)}" if where else ""
        rows, has_more = ask(client, f"{asked} ORDER BY {key}")
        yield rows
        if not has_more:
            return
        last = int(rows[-1][alias])


def applied(client: Client, select_list: Sequence[str]) -> Iterator[list[Record]]:
    """Yield what payments, credit memos and refunds are applied to; links have no stamp, so all of them.

    Each page begins with the last document of the one before, whose links it may have cut; they come twice.
    """
    last, offset = "", 0
    while True:
        after = f" AND t.previousdoc >= {last}" if last else ""
        rows, has_more = ask(
            client,
            f"SELECT {', '.join(select_list)} FROM nexttransactionlinelink t WHERE t.linktype = 'Payment'{after} "
            "ORDER BY t.previousdoc, t.previousline, t.nextdoc, t.nextline",
            offset,
        )
        yield rows
        if not has_more:
            return
        following = str(int(rows[-1]["previousdoc"]))
        last, offset = (following, 0) if following != last else (last, offset + len(rows))


def with_utc(rows: Sequence[Record], table: Table, zone: ZoneInfo) -> list[Record]:
    """Return the rows with their instants in UTC; a column that is empty is absent from SuiteQL's rows."""
    instants = [column.name for column in table.columns if column.type == "timestamp"]
    flags = [column.name for column in table.columns if column.type == "bool"]
    typed = []
    for row in rows:
        made = dict(row)
        for name in instants:
            if made.get(name):
                made[name] = utc(made[name], zone)
        for name in flags:
            if made.get(name) in ("T", "F"):
                made[name] = made[name] == "T"
        typed.append(made)
    return typed


def deleted(client: Client, record_types: Sequence[str], since: datetime, zone: ZoneInfo) -> Iterator[str]:
    """Yield the ids of the records of these types that were deleted since."""
    kinds = ", ".join(literal(kind.lower()) for kind in record_types)
    query = (
        "SELECT t.recordid FROM deletedrecord t "
        f"WHERE t.deleteddate >= TO_DATE({literal(local(since, zone))}, '{INSTANT}') "
        f"AND LOWER(REPLACE(t.type, ' ', '')) IN ({kinds}) ORDER BY t.deleteddate, t.recordid"
    )
    offset = 0
    while True:
        rows, has_more = ask(client, query, offset)
        yield from (str(row["recordid"]) for row in rows)
        offset += len(rows)
        if not has_more:
            return
        if offset >= RESULTS_MAX:
            raise FullReadNeeded(f"{offset} records were deleted, as many as one query gives out")
