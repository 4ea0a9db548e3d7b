"""The bank's file of reference rates: a line a day, a column a currency, `N/A` where there is no rate."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from ingestion.api.errors import ApiError
from ingestion.landing.files import InputError
from ingestion.load import TableResult
from tests.support.companies.connected_company import Connected
from tests.support.fakes.ecb import FILE, Bank
from tests.support.servers.fault_server import FaultServer, retry_after


@pytest.fixture
def bank() -> Iterator[Bank]:
    with FaultServer() as server:
        yield Bank(server)


@pytest.fixture
def company(bank: Bank, tmp_path: Path) -> Connected:
    return Connected(bank.server, "ecb", tmp_path)


def test_each_rate_lands_exactly_and_a_day_without_one_has_no_row(company: Connected) -> None:
    company.load()
    landed = company.live("CurrencyRate")
    assert len(landed) == 10
    assert landed["EURCYP20071231"] == {
        "CurrencyRateID": "EURCYP20071231", "CurrencyRateDate": date(2007, 12, 31), "FromCurrencyCode": "EUR",
        "ToCurrencyCode": "CYP", "AverageRate": Decimal("0.585274"), "EndOfDayRate": Decimal("0.585274"),
    }  # fmt: skip
    assert {row["ToCurrencyCode"] for row in landed.values() if row["CurrencyRateDate"].year == 2024} == {
        "USD", "JPY", "BGN",
    }  # fmt: skip


def test_a_new_day_is_added_and_a_corrected_rate_is_a_version(bank: Bank, company: Connected) -> None:
    company.load()
    assert company.load().load_ids == (), "nothing has changed"
    bank.text = FILE.replace("155.63", "155.64").replace(
        "BGN,CYP,\n", "BGN,CYP,\n2024-01-04,1.0953,158.13,1.9558,N/A,\n"
    )
    assert company.load().tables["CurrencyRate"] == TableResult(13, 4, 0, 13)
    versions = company.rows("CurrencyRate", "\"CurrencyRateID\" = 'EURJPY20240102'")
    assert [row["AverageRate"] for row in versions] == [Decimal("155.63"), Decimal("155.64")]


def test_the_plain_file_from_a_day_on(bank: Bank, company: Connected) -> None:
    bank.is_packed = False
    company.configure(
        '[ecb.options]\npath = "/stats/eurofxref/eurofxref-hist.csv"\nfirst_day = "2024-01-03"\n'
    )
    company.load()
    assert set(company.live("CurrencyRate")) == {"EURUSD20240103", "EURJPY20240103", "EURBGN20240103"}


def test_a_bad_cell_is_named_and_nothing_is_written(bank: Bank, company: Connected) -> None:
    company.load()
    bank.text = FILE.replace("1.0956", "1,0956").replace("155.98", "-155.98")
    with pytest.raises(InputError) as caught:
        company.load()
    assert "eurofxref-hist.csv row 2 column JPY: '-155.98' is not a rate" in str(caught.value)
    assert "eurofxref-hist.csv row 3: has 7 fields, the header has 6" in str(caught.value)
    assert len(company.live("CurrencyRate")) == 10


def test_a_damaged_packet_is_refused_and_a_limit_is_waited_for(bank: Bank, company: Connected) -> None:
    bank.server.fault(r"/stats/", retry_after(0.3))
    company.load()
    first, second = bank.server.asked(r"/stats/")
    assert (first.status, second.status) == (429, 200) and second.at - first.at >= 0.3
    bank.text, bank.is_packed = "PK damaged", False
    with pytest.raises(ApiError, match="is no complete zip of one file"):
        company.load()
    bank.text = "<html>moved</html>"
    with pytest.raises(ApiError, match="does not begin with a column Date"):
        company.load()
