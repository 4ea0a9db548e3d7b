"""Read the file of euro reference rates: a line a day, a column a currency, units of the currency for one euro."""

import csv
import io
import zipfile
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import ClassVar

from ingestion.api.auth import Credentials
from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted
from ingestion.api.errors import ApiError
from ingestion.landing.files import InputError, Problem
from ingestion.landing.tables import Table
from ingestion.systems.fx import SYSTEM as FX

FILE = "/stats/eurofxref/eurofxref-hist.zip"
BASE = "EUR"
# The bank's own sign for a day on which a currency has no reference rate.
NO_RATE = "N/A"


class Ecb(Connector):
    """The connector for the bank's file, plain or packed."""

    name: ClassVar[str] = "ecb"
    title: ClassVar[str] = "European Central Bank: euro reference rates"
    tables = FX.tables
    auths: ClassVar[tuple[str, ...]] = ("none",)

    def credentials(self) -> Credentials:
        """Return no credentials: the file is public."""
        return Credentials()

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield the rates of each currency and day; a day without a rate has no row.

        Raises:
            InputError: a day or rate cannot be read; row and column are those of the bank's file.
        """
        path = str(self.config.options.get("path", FILE))
        first_day = str(self.config.options.get("first_day", ""))
        name, content = self._content(path, client)
        lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""))
        header = [cell.strip() for cell in next(lines, [])]
        if not header or header[0] != "Date":
            raise ApiError(
                self.config.name, f"{path}: {name} does not begin with a column Date; check options.path"
            )
        problems: list[Problem] = []
        page: list[Record] = []
        for row, cells in enumerate(lines, start=2):
            if any(cells) and (not first_day or cells[0] >= first_day):
                page += _rates(name, row, header, [cell.strip() for cell in cells], problems)
        if problems:
            raise InputError(problems)
        yield page

    def _content(self, path: str, client: Client) -> tuple[str, bytes]:
        content = client.request("GET", path, headers={"Accept": "*/*"}).content
        if not content.startswith(b"PK"):
            return path.rpartition("/")[2], content
        try:
            with zipfile.ZipFile(io.BytesIO(content)) as packed:
                (name,) = packed.namelist()
                return name, packed.read(name)
        except (zipfile.BadZipFile, ValueError) as error:
            raise ApiError(self.config.name, f"{path}: is no complete zip of one file; load again") from error


def _rates(
    name: str, row: int, header: list[str], cells: list[str], problems: list[Problem]
) -> Iterator[Record]:
    try:
        day = date.fromisoformat(cells[0])
    except ValueError:
        problems.append(
            Problem(name, f"'{cells[0]}' is not a date; the bank's file is damaged, load again", row, "Date")
        )
        return
    if len(cells) != len(header):
        message = (
            f"has {len(cells)} fields, the header has {len(header)}; the bank's file is damaged, load again"
        )
        problems.append(Problem(name, message, row))
        return
    for code, cell in zip(header[1:], cells[1:], strict=True):
        if not code or cell in ("", NO_RATE):
            continue
        try:
            rate = Decimal(cell)
        except InvalidOperation:
            rate = Decimal(0)
        if not rate.is_finite() or rate <= 0:
            problems.append(
                Problem(name, f"'{cell}' is not a rate; the bank's file is damaged, load again", row, code)
            )
            continue
        yield rate_row(BASE, code, day, rate)


def rate_row(base: str, code: str, day: date, rate: Decimal) -> Record:
    """Return a row of CurrencyRate: units of `code` for one `base`; the day has one rate, for average and end."""
    return {
        "CurrencyRateID": f"{base}{code}{day:%Y%m%d}",
        "CurrencyRateDate": day,
        "FromCurrencyCode": base,
        "ToCurrencyCode": code,
        "AverageRate": rate,
        "EndOfDayRate": rate,
    }
