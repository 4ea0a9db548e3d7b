"""Read a service that answers `{"base": "USD", "rates": {"2024-01-02": {"EUR": 0.91}}}` for a range of days."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, ClassVar

from ingestion.api.auth import Credentials
from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted
from ingestion.api.errors import ApiError
from ingestion.landing.tables import Table
from ingestion.systems.ecb.connector import rate_row
from ingestion.systems.fx import SYSTEM as FX

PATH = "/v1/{from}..{to}"


class Rates(Connector):
    """The connector for one service."""

    name: ClassVar[str] = "rates"
    title: ClassVar[str] = "A REST service of daily exchange rates"
    tables = FX.tables
    auths: ClassVar[tuple[str, ...]] = ("none", "bearer", "api_key")

    def credentials(self) -> Credentials:
        """Return the credentials; an open service needs none."""
        return Credentials() if self.auth == "none" else super().credentials()

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield the rates year by year, from options.first_day to today.

        Raises:
            ApiError: the answer is for another base, or a rate is none; nothing is landed then.
        """
        options = self.config.options
        base = str(options.get("base", "USD"))
        params = {str(options.get("base_param", "base")): base}
        if symbols := options.get("symbols"):
            params[str(options.get("symbols_param", "symbols"))] = ",".join(symbols)
        path = str(options.get("path", PATH))
        for first, last in self._years():
            asked = path.replace("{from}", first.isoformat()).replace("{to}", last.isoformat())
            yield list(self._rates(asked, base, client.get(asked, params)))

    def _years(self) -> Iterator[tuple[date, date]]:
        written = str(self.config.options.get("first_day", ""))
        try:
            first = date.fromisoformat(written)
        except ValueError:
            raise ApiError(
                self.config.name,
                f"options.first_day '{written}' is not a date; write the first day that rates are needed for, "
                'for example first_day = "2024-01-01"',
            ) from None
        today = datetime.now(UTC).date()
        while first <= today:
            last = min(date(first.year, 12, 31), today)
            yield first, last
            first = date(first.year + 1, 1, 1)

    def _rates(self, asked: str, base: str, answer: Any) -> Iterator[Record]:
        if not isinstance(answer, dict) or not isinstance(answer.get("rates"), dict):
            raise ApiError(self.config.name, f"{asked}: the answer has no rates by day; check options.path")
        if answer.get("base") != base:
            raise ApiError(
                self.config.name,
                f"{asked}: the answer is for {answer.get('base')}, {base} was asked for; see which base currencies "
                "the service offers",
            )
        for written, rates in answer["rates"].items():
            for code, rate in rates.items():
                yield rate_row(base, code, self._day(asked, written), self._rate(asked, written, code, rate))

    def _day(self, asked: str, written: str) -> date:
        try:
            return date.fromisoformat(written)
        except ValueError:
            raise ApiError(
                self.config.name, f"{asked}: '{written}' is not a day; check options.path"
            ) from None

    def _rate(self, asked: str, written: str, code: str, rate: Any) -> Decimal:
        if isinstance(rate, bool) or not isinstance(rate, int | Decimal) or rate <= 0:
            raise ApiError(
                self.config.name, f"{asked}: {rate!r} of {code} on {written} is not a rate; load again later"
            )
        return Decimal(rate)
