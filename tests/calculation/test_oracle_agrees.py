"""The warehouse and the oracle calculate two companies to the same cent, row by row: the bundled sample, and one
in which everything is off that can be off (`rough_company.py`)."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import pytest
from company_files import company_from_files, read_csv
from oracle import Result, calculate
from rough_company import AS_OF, rough_extracts, rough_seeds

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "ingestion" / "sample"
SHOWN = 10

Rows = Mapping[tuple[Any, ...], tuple[Any, ...]]


class Compared(NamedTuple):
    """A table of the warehouse and the same rows of the oracle; the first `keys` columns are the key."""

    sql: str
    keys: int
    rows: Callable[[Result], Rows]


COMPARED = {
    "dispositions": Compared(
        """
        select transaction_id, plan_id, reason_code, value_amount, credit_count, credited_amount
        from intermediate.int_crediting__dispositions
        """,
        2,
        lambda result: {
            key: (row.reason, row.value, row.credit_count, row.credited)
            for key, row in result.dispositions.items()
        },
    ),
    "credits": Compared(
        """
        select
            credit_id, plan_id, transaction_id, payee_id, credit_type_code, level_number, credit_date,
            window_code, currency_code, credited_amount
        from intermediate.int_crediting__credits
        """,
        1,
        lambda result: {
            (row.credit_id,): (
                row.plan.plan_id,
                row.transaction.transaction_id,
                row.payee_id,
                row.credit_type,
                row.level,
                row.credit_date,
                row.window.code,
                row.plan.currency,
                row.amount,
            )
            for row in result.credits.values()
        },
    ),
    "windows": Compared(
        """
        select
            plan_id, payee_id, window_code, window_from, window_to, parameters_date, currency_code,
            credited_amount, credit_count, quota_amount, attainment_ratio, reason_code
        from intermediate.int_attainment__windows
        """,
        3,
        lambda result: {
            key: (
                row.window.window_from,
                row.window.window_to,
                row.parameters_date,
                row.currency,
                row.credited,
                row.credit_count,
                row.quota,
                row.attainment,
                row.reason,
            )
            for key, row in result.windows.items()
        },
    ),
    "tier curves": Compared(
        """
        select plan_id, payee_id, window_code, tier_number, start_amount, end_amount, rate
        from intermediate.int_rewards__tier_curves
        """,
        4,
        lambda result: {
            (*key, tier.number): (tier.start, tier.high, tier.rate)
            for key, row in result.windows.items()
            for tier in row.curve or []
        },
    ),
    "commissions": Compared(
        """
        select credit_id, cumulative_before_amount, cumulative_after_amount, commission_amount
        from intermediate.int_rewards__commissions
        """,
        1,
        lambda result: {
            (row.credit_id,): (row.before, row.after, row.commission) for row in result.credits.values()
        },
    ),
    "tier parts": Compared(
        """
        select credit_id, tier_number, rate, tier_value_amount, tier_commission_amount
        from intermediate.int_rewards__credit_tiers
        where tier_value_amount <> 0 -- a credit of 0 moves through no tier
        """,
        2,
        lambda result: {key: (row.rate, row.value, row.commission) for key, row in result.tier_parts.items()},
    ),
    "collections": Compared(
        """
        select
            payment_id, transaction_id, collected_amount, collected_before_amount, collected_after_amount,
            reason_code
        from intermediate.int_ledger__collections
        """,
        1,
        lambda result: {
            (key,): (row.transaction_id, row.collected, row.before, row.after, row.reason)
            for key, row in result.collections.items()
        },
    ),
    "lines": Compared(
        """
        select
            credit_id, payment_id, plan_id, payee_id, period_code, event_code, event_date, currency_code,
            line_amount
        from intermediate.int_ledger__lines
        """,
        2,
        lambda result: {
            key: (
                row.plan_id,
                row.payee_id,
                row.period,
                row.event,
                row.event_date,
                row.currency,
                row.amount,
            )
            for key, row in result.lines.items()
        },
    ),
    "payouts": Compared(
        "select payee_id, plan_id, period_code, currency_code, payout_amount from marts.fct_payouts",
        4,
        lambda result: {key: (amount,) for key, amount in result.payouts.items()},
    ),
}


class Calculated(NamedTuple):
    warehouse: Path
    oracle: Result


@pytest.fixture(scope="module", params=["sample", "rough"])
def calculated(request: pytest.FixtureRequest, build_once: Any, warehouse_builder: Any) -> Calculated:
    if request.param == "sample":
        warehouse = request.getfixturevalue("sample_warehouse")
        company = company_from_files(SAMPLE, ROOT / "seeds")
        return Calculated(warehouse, calculate(company, request.getfixturevalue("sample_as_of")))

    def build(home: Path) -> Path:
        rough_extracts(SAMPLE, home / "extracts")
        rough_seeds(ROOT / "seeds", home / "seeds")
        built: Path = warehouse_builder(home, AS_OF, home / "extracts", home / "seeds")
        return built

    warehouse = build_once("rough_warehouse", build)
    company = company_from_files(warehouse.parent / "extracts", warehouse.parent / "seeds")
    return Calculated(warehouse, calculate(company, AS_OF))


def read(warehouse: Path, sql: str, keys: int) -> tuple[list[str], dict[tuple[Any, ...], tuple[Any, ...]]]:
    """Return the column names, and the rows by key with exact numbers."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description or []]
        rows = cursor.fetchall()
    exact = [tuple(Fraction(cell) if isinstance(cell, Decimal) else cell for cell in row) for row in rows]
    by_key = {row[:keys]: row[keys:] for row in exact}
    assert len(by_key) == len(rows), f"{len(rows) - len(by_key)} rows have the key {names[:keys]} of another"
    return names, by_key


def written(cell: object) -> str:
    return str(Decimal(cell.numerator) / cell.denominator) if isinstance(cell, Fraction) else str(cell)


def side_by_side(names: list[str], warehouse: Rows, oracle: Rows) -> str:
    """Return the first differing rows, each column that differs on a line of its own; empty = none."""
    sought = sorted({*warehouse, *oracle}, key=lambda key: tuple(str(cell) for cell in key))
    differing = [key for key in sought if warehouse.get(key) != oracle.get(key)]
    if not differing:
        return ""
    said = [
        f"{len(differing)} of {len(sought)} rows differ (warehouse {len(warehouse)}, oracle {len(oracle)} rows)"
    ]
    for key in differing[:SHOWN]:
        said.append(", ".join(f"{name}={cell}" for name, cell in zip(names, key, strict=False)))
        left, right = warehouse.get(key), oracle.get(key)
        for at, name in enumerate(names[len(key) :]):
            ours = "no row" if left is None else written(left[at])
            theirs = "no row" if right is None else written(right[at])
            if ours != theirs:
                said.append(f"    {name:<26} warehouse {ours:<26} oracle {theirs}")
    return "\n".join(said)


@pytest.mark.parametrize("table", COMPARED)
def test_warehouse_and_oracle_agree(table: str, calculated: Calculated) -> None:
    compared = COMPARED[table]
    names, found = read(calculated.warehouse, compared.sql, compared.keys)
    assert found, "the warehouse has no rows to compare"
    differences = side_by_side(names, found, compared.rows(calculated.oracle))
    if differences:
        pytest.fail(differences, pytrace=False)


@pytest.mark.parametrize("calculated", ["rough"], indirect=True)
def test_rough_company_meets_every_reason(calculated: Calculated) -> None:
    """Agreement about a reason that never occurs would say nothing."""
    met = {row.reason for row in calculated.oracle.dispositions.values()}
    met |= {row.reason for row in calculated.oracle.collections.values()}
    assert {row["reason_code"] for row in read_csv(ROOT / "seeds" / "reference", "reason_codes")} <= met


def test_difference_is_shown_side_by_side() -> None:
    names = ["payee_id", "amount"]
    said = side_by_side(
        names, {("275",): (Fraction(1),)}, {("275",): (Fraction(1, 2),), ("276",): (Fraction(0),)}
    )
    assert "2 of 2 rows differ" in said
    assert "warehouse 1                          oracle 0.5" in said
    assert "warehouse no row                     oracle 0" in said
    assert side_by_side(names, {("275",): (Fraction(1),)}, {("275",): (Fraction(1),)}) == ""
