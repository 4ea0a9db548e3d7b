"""What is printed as an equation is one: every line of the sample company, and the words for what is none."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration.reading.equations import credit_steps, grouped, tier_steps
from orchestration.reading.explain import _line
from tests.support.equations import equations, faults

GBP: dict[str, Any] = {
    "transaction_amount": Decimal("44597.18"),
    "transaction_currency_code": "GBP",
    "native_value_amount": Decimal("44597.18"),
    "units_from": Decimal("0.8"),
    "units_to": Decimal("1"),
    "fx_rate_date": date(2024, 2, 9),
    "value_amount": Decimal("55746.475"),
    "share_ratio": Decimal("1"),
    "level_number": 0,
    "level_factor": Decimal("1"),
    "candidate_amount": Decimal("55746.475"),
    "credited_amount": Decimal("55746.475"),
    "currency_code": "USD",
}


@pytest.mark.parametrize(
    "false",
    [
        "tier 1: 4.704 x 0.05 = 0.23",
        "tier 1: 4.704 x 0.05 = 0.2352, rounded 0.23",
        "1: 4.704 x 0.05 = 0.2352, 0.2275 + 0.2352 = 0.4627, rounded 0.47 - 0.23 = 0.24",
        "1: 4.704 x 0.05 = 0.2352, 0.2275 + 0.2352 = 0.4627, rounded 0.46 - 0.23 = 0.24",
        "1,000.00 EUR / 0.7 = 1,428.57 USD, cut at the 10th decimal",
    ],
)
def test_what_is_not_true_is_found(false: str) -> None:
    assert faults(false, 2)


def test_what_is_true_is_no_fault() -> None:
    assert not faults("1: 4.704 x 0.05 = 0.2352, 0.2275 + 0.2352 = 0.4627, rounded 0.46 - 0.23 = 0.23", 2)
    assert not faults(
        "1: 98,765 x 0.033 = 3,259.245, 40,740.711 + 3,259.245 = 43,999.956, rounded 44,000 - 40,741 = 3,259",
        0,
    )
    assert not faults("1,000.00 EUR / 0.7 = 1,428.5714285714 USD, cut at the 10th decimal", 2)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        # 44,597.18 / 0.8 = 55,746.475.
        ({}, ["deal of 44,597.18 GBP", "44,597.18 GBP / 0.8 = 55,746.475 USD, at the rates of 2024-02-09"]),
        # A third of 55,746.475 at half: 9,291.0791666666...; neither the share nor the product has an end.
        (
            {
                "share_ratio": Decimal("0.3333333333"), "level_number": 1, "level_factor": Decimal("0.5"),
                "candidate_amount": Decimal("9291.0791666666"), "credited_amount": Decimal("9291.0791666666"),
            },
            ["share: 9,291.0791666666 of 55,746.475, with the factor 0.5 of level 1"],
        ),
        # 55,746.475 x 0.4 x 0.5 = 11,149.295.
        (
            {
                "share_ratio": Decimal("0.4"), "level_number": 2, "level_factor": Decimal("0.5"),
                "candidate_amount": Decimal("11149.295"), "credited_amount": Decimal("11149.295"),
            },
            ["share and factor of level 2: 55,746.475 x 0.4 x 0.5 = 11,149.295"],
        ),
        ({"credited_amount": Decimal("50")}, ["all that one payee is given of the deal is capped at its value: 50.00"]),
        # 44,597.18 / 0.7 = 63,710.25714285714...
        (
            {
                "units_from": Decimal("0.7"), "value_amount": Decimal("63710.2571428571"),
                "candidate_amount": Decimal("63710.2571428571"), "credited_amount": Decimal("63710.2571428571"),
            },
            ["44,597.18 GBP / 0.7 = 63,710.2571428571 USD, cut at the 10th decimal, at the rates of 2024-02-09"],
        ),
        # Two rates: x 1.5 / 0.8 = 83,619.7125.
        (
            {
                "units_to": Decimal("1.5"), "currency_code": "CAD", "value_amount": Decimal("1000"),
                "candidate_amount": Decimal("1000"), "credited_amount": Decimal("1000"),
            },
            [
                "44,597.18 GBP x 1.5 / 0.8 = 83,619.7125 CAD, at the rates of 2024-02-09",
                "of it 1,000.00 CAD count here",
            ],
        ),
        # A plan that counts points: nothing is converted.
        (
            {
                "units_from": None, "units_to": None, "fx_rate_date": None, "native_value_amount": Decimal("12"),
                "value_amount": Decimal("12"), "candidate_amount": Decimal("12"), "credited_amount": Decimal("12"),
            },
            ["deal of 44,597.18 GBP, worth 12.00 USD under the plan"],
        ),
    ],
)  # fmt: skip
def test_the_way_from_the_deal_to_the_credit(cells: dict[str, Any], expected: list[str]) -> None:
    steps = credit_steps({**GBP, **cells})
    assert set(expected) <= set(steps), steps
    assert not faults("\n".join(steps), 2)


def test_a_line_without_a_credit_has_no_way() -> None:
    assert credit_steps({**GBP, "value_amount": None, "candidate_amount": None}) == []


def test_numbers_of_a_text_are_grouped_and_days_stay() -> None:
    assert (
        grouped("1: 28202.6747640372 x 0.015 = 423.040121460558")
        == "1: 28,202.6747640372 x 0.015 = 423.040121460558"
    )
    assert grouped("D1000-2 of 2024-02-09, -1234.5") == "D1000-2 of 2024-02-09, -1,234.5"
    assert tier_steps("1: 1000 x 0.1 = 100; 2: 5 x 0.2 = 1") == [
        "tier 1: 1,000 x 0.1 = 100",
        "tier 2: 5 x 0.2 = 1",
    ]


def test_every_equation_of_the_sample_company_is_true(sample_warehouse: Path) -> None:
    with duckdb.connect(str(sample_warehouse), read_only=True) as connection:
        found = connection.execute("select * from marts.rpt_line_explanations")
        names = [column[0] for column in found.description or []]
        lines = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    counted, wrong = 0, []
    for line in lines:
        text = "\n".join(_line(line))
        counted += sum(1 for _ in equations(text))
        wrong += [f"{line['ledger_line_key']}: {fault}" for fault in faults(text, 2)]
    assert counted > len(lines) > 1000
    assert wrong == []
