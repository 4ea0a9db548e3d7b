"""The rate table: which of its rows holds for a credit?"""

from fractions import Fraction

from tests.calculation.oracle.company import Company, RateRow, only_in_force
from tests.calculation.oracle.results import Credit


def cells(row: RateRow) -> tuple[str | None, str | None, str | None]:
    return row.dimension_1_value, row.dimension_2_value, row.dimension_3_value


def rate_rows(company: Company, credit: Credit) -> list[RateRow]:
    """Return the rows that fit a credit's dimensions on its date, whatever their tier."""

    def fits(row: RateRow) -> bool:
        pairs = zip(cells(row), credit.worth.dimensions, strict=True)
        return all(cell is None or cell == value for cell, value in pairs)

    return [row for row in only_in_force(company.rates[credit.plan.plan_id], credit.credit_date) if fits(row)]


def table_rate(company: Company, credit: Credit, tier_number: int) -> Fraction | None:
    """Return the rate of the row with the most filled cells; then the first filled cell decides."""
    fitting = [row for row in rate_rows(company, credit) if row.tier_number in (None, tier_number)]
    if not fitting:
        return None

    def filled(row: RateRow) -> tuple[int, list[bool]]:
        is_filled = [cell is not None for cell in (*cells(row), row.tier_number)]
        return sum(is_filled), is_filled

    return max(fitting, key=filled).rate
