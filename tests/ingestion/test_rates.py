"""A REST service of daily rates, asked year by year."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from connected_company import Connected
from fault_server import FaultServer, Request, retry_after

from ingestion.api.errors import ApiError
from ingestion.load import TableResult

SECTION = '[rates.options]\nbase = "USD"\nfirst_day = "2024-12-30"\nsymbols = ["EUR", "JPY"]\n'
RATES: dict[str, dict[str, Any]] = {
    "2024-12-27": {"EUR": Decimal("0.95886"), "JPY": Decimal("157.83")},
    "2024-12-30": {"EUR": Decimal("0.95877"), "JPY": Decimal("157.93")},
    "2025-01-02": {"EUR": Decimal("0.9689"), "JPY": 157},
}


class Service:
    """The service: of a range it gives the days it has, and the last day before one that begins on a holiday."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.rates, self.base = server, {day: dict(r) for day, r in RATES.items()}, "USD"
        server.route("GET", r"/v1/(?P<first>[-0-9]+)\.\.(?P<last>[-0-9]+)")(self._range)

    def _range(self, request: Request) -> Any:
        assert request.query == {"base": "USD", "symbols": "EUR,JPY"}
        start = max(day for day in self.rates if day <= request.found["first"])
        days = {day: rates for day, rates in self.rates.items() if start <= day <= request.found["last"]}
        return {"amount": Decimal("1.0"), "base": self.base, "rates": days}


@pytest.fixture
def service() -> Iterator[Service]:
    with FaultServer() as server:
        yield Service(server)


@pytest.fixture
def company(service: Service, tmp_path: Path) -> Connected:
    return Connected(service.server, "rates", tmp_path, "", SECTION)


def test_rates_land_exactly_and_a_day_given_twice_lands_once(service: Service, company: Connected) -> None:
    service.server.fault(r"/v1/2025", retry_after(0.2))
    company.load()
    landed = company.live("CurrencyRate")
    assert {key: row["AverageRate"] for key, row in landed.items()} == {
        "USDEUR20241230": Decimal("0.95877"), "USDJPY20241230": Decimal("157.93"),
        "USDEUR20250102": Decimal("0.9689"), "USDJPY20250102": Decimal(157),
    }  # fmt: skip
    assert landed["USDEUR20250102"]["CurrencyRateDate"] == date(2025, 1, 2)
    asked = [request.path for request in service.server.asked(r"/v1/")]
    assert asked[0] == "/v1/2024-12-30..2024-12-31"
    assert asked[1].startswith("/v1/2025-01-01..2025-12-31") and asked[1] == asked[2], "429 is asked again"


def test_a_corrected_rate_is_a_version_and_one_that_vanished_is_retired(
    service: Service, company: Connected
) -> None:
    company.load()
    assert company.load().load_ids == ()
    service.rates["2024-12-30"]["EUR"] = Decimal("0.95878")
    del service.rates["2025-01-02"]["JPY"]
    assert company.load().tables["CurrencyRate"] == TableResult(3, 1, 1, 3)


@pytest.mark.parametrize(
    ("rate", "said"),
    [(0, "0 of EUR on 2025-01-02 is not a rate"), ("0.97", "'0.97' of EUR on 2025-01-02 is not a rate")],
)
def test_what_is_no_rate_is_refused(service: Service, company: Connected, rate: Any, said: str) -> None:
    service.rates["2025-01-02"]["EUR"] = rate
    with pytest.raises(ApiError, match=said):
        company.load()


def test_another_base_than_asked_for_is_refused(service: Service, company: Connected) -> None:
    service.base = "EUR"
    with pytest.raises(ApiError, match="the answer is for EUR, USD was asked for"):
        company.load()


def test_the_first_day_is_needed(service: Service, company: Connected) -> None:
    company.configure('[rates.options]\nbase = "USD"\n')
    with pytest.raises(ApiError, match="'' is not a date; write the first day"):
        company.load()
