"""A REST service of daily rates, asked year by year."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ingestion.api.errors import ApiError
from ingestion.load import TableResult
from tests.support.companies.connected_company import Connected
from tests.support.fakes.rates import SECTION, Service
from tests.support.servers.fault_server import FaultServer, retry_after


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
