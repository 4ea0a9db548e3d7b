"""Read Workday's reports as a service (RaaS): each table of the configuration is one report, in JSON or CSV.

A report is a picture of today, so it is read whole; versions and retired rows come from comparing.
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, ClassVar
from urllib.parse import quote

from ingestion.api.auth import Credentials
from ingestion.api.client import Client, Record
from ingestion.api.config import ConfigError
from ingestion.api.connector import Connector, Deleted, Reading
from ingestion.api.errors import ApiError, ForbiddenError, NotFoundError
from ingestion.landing.tables import Column, Table, text, whole

FORMATS = ("json", "csv")
OPTIONS = {"report", "format", "params", "date_format", "several_a_key"}
# The table of jobs that the models read. Workday allows several changes on one effective day, and reports them in order.
POSITIONS = "position_history"
# Column that numbers the further rows of one key, from 2, in the order of the report; empty on the first.
ORDER = "report_order"
# A date of Workday's may carry the offset of the server's zone; the day is what counts.
_DAY_WITH_OFFSET = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(Z|[+-][0-9]{2}:[0-9]{2})")
_FLAGS = {"1": True, "0": False, "yes": True, "no": False, "y": True, "n": False}


class Workday(Connector):
    """The connector for one tenant."""

    name: ClassVar[str] = "workday"
    title: ClassVar[str] = "Workday: reports as a service"
    tables: tuple[Table, ...] = ()
    auths: ClassVar[tuple[str, ...]] = ("basic", "refresh_token")

    @classmethod
    def further_table(cls, name: str, details: Mapping[str, Any]) -> Table | None:
        """Return the table of a report.

        Raises:
            ConfigError: its key, its report or another option is missing or not known.
        """
        options, key = details.get("options", {}), tuple(details.get("key", ()))
        if unknown := sorted(set(options) - OPTIONS):
            raise ConfigError(
                f"tables.{name}.options.{unknown[0]} is not known; known are {', '.join(sorted(OPTIONS))}"
            )
        if not key:
            raise ConfigError(
                f'tables.{name} has no key; name the columns that tell its rows apart, key = ["Employee_ID"]'
            )
        if not re.fullmatch(r"[^/?#]+/[^/?#]+", str(options.get("report", ""))):
            raise ConfigError(
                f"tables.{name}.options.report is missing; write the owner and the name of the report, "
                "as in its web service address: owner/Report_Name"
            )
        if options.get("format", "json") not in FORMATS:
            raise ConfigError(f"tables.{name}.options.format is not known; known are {', '.join(FORMATS)}")
        if not isinstance(options.get("several_a_key", False), bool):
            raise ConfigError(f"tables.{name}.options.several_a_key must be true or false")
        # Types, those of the key too, come from `columns` of the configuration.
        if options.get("several_a_key") or name == POSITIONS:
            return Table(name, (*text(*key), *whole(ORDER)), key, further_key=ORDER)
        return Table(name, text(*key), key)

    def reading(self, table: Table) -> Reading:
        """A JSON report leaves empty fields out; a CSV report has all its columns in each row."""
        return Reading(omits_empty=self._format(table) == "json")

    def credentials(self) -> Credentials:
        """Return the credentials; Workday wants the client's id and secret as basic authentication."""
        if self.auth != "refresh_token":
            return super().credentials()
        if not self.config.options.get("token_url"):
            raise ApiError(
                self.config.name,
                "options.token_url is missing; write the token endpoint that Workday shows for the API client, "
                "https://<host>/ccx/oauth2/<tenant>/token",
            )
        return self.oauth2(self.config.secret("refresh_token"), client_in_header=True)

    def _options(self, table: Table) -> Mapping[str, Any]:
        return self.config.table_options.get(table.name, {})

    def _format(self, table: Table) -> str:
        return str(self._options(table).get("format", "json"))

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all rows of the report."""
        options, kind = self._options(table), self._format(table)
        owner, _, report = str(options["report"]).partition("/")
        path = f"/{quote(owner)}/{quote(report)}"
        params = {**options.get("params", {}), "format": kind}
        if kind == "json":
            rows = self._entries(table, client.get(path, params))
        else:
            answer = client.request("GET", path, params=params, headers={"Accept": "text/csv"})
            rows = self._lines(table, answer.content)
        typed = [_typed(row, table.columns, str(options.get("date_format", ""))) for row in rows]
        yield _numbered(table, typed) if table.further_key else typed

    def _entries(self, table: Table, body: Any) -> list[Record]:
        entries = body.get("Report_Entry") if isinstance(body, dict) else None
        if body == {}:
            return []
        if not isinstance(entries, list):
            raise ApiError(
                self.config.name,
                f"{table.name}: the answer has no Report_Entry; see that the report is a web service",
            )
        return entries

    def _lines(self, table: Table, content: bytes) -> list[Record]:
        """Return the rows of a CSV report; one that is cut off or crooked is refused."""
        try:
            decoded = content.decode("utf-8-sig")
            header, *lines = list(csv.reader(io.StringIO(decoded, newline=""), strict=True))
        except (UnicodeDecodeError, csv.Error, ValueError) as error:
            raise ApiError(
                self.config.name, f"{table.name}: the answer is no CSV ({error}); load again"
            ) from None
        if len(set(header)) != len(header):
            twice = next(name for name in header if header.count(name) > 1)
            raise ApiError(
                self.config.name, f"{table.name}: the column {twice} is there twice; rename one in the report"
            )
        for number, line in enumerate(lines, start=2):
            if line and len(line) != len(header):
                raise ApiError(
                    self.config.name,
                    f"{table.name}: line {number} has {len(line)} fields, the header has {len(header)}; load again",
                )
        return [dict(zip(header, line, strict=True)) for line in lines if line]

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a report."""
        if isinstance(error, NotFoundError):
            return "see owner and name of the report in its web service address (View URLs)"
        if isinstance(error, ForbiddenError):
            return "share the report with the integration user, and give its security group Get on the report's data"
        return "see that the report runs in Workday, that it is enabled as a web service, and that its prompts are in params"


def _numbered(table: Table, rows: list[Record]) -> list[Record]:
    """Return the rows with the further ones of each key numbered from 2. Equal rows are one."""
    places: dict[tuple[str, ...], list[Record]] = {}
    for row in rows:
        places.setdefault(tuple(str(row.get(name)) for name in table.primary_key), []).append(row)
    numbered = []
    for listed in places.values():
        distinct = [row for place, row in enumerate(listed) if row not in listed[:place]]
        numbered += [
            {**row, ORDER: number if number > 1 else None} for number, row in enumerate(distinct, start=1)
        ]
    return numbered


def _typed(row: Record, columns: tuple[Column, ...], date_format: str) -> Record:
    """Return the row with days, flags and empty values in the spelling of the landing."""
    made = dict(row)
    for column in columns:
        value = made.get(column.name)
        if not isinstance(value, str) or not value:
            continue
        if column.type == "date":
            made[column.name] = _day(value, date_format)
        elif column.type == "bool":
            made[column.name] = _FLAGS.get(value.strip().lower(), value)
    return made


def _day(value: str, date_format: str) -> str:
    if date_format:
        try:
            return datetime.strptime(value, date_format).date().isoformat()
        except ValueError:
            return value  # The landing says what is wrong with it, and where.
    match = _DAY_WITH_OFFSET.fullmatch(value)
    return match[1] if match else value
