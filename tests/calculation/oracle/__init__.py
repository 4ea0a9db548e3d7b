"""The rules of the calculation once more, in plain Python, for comparison with the warehouse.

Written from the rules in words, not from the SQL, and sharing no code with it: one row after the other, with
loops and exact fractions. Nothing is rounded unless a rule says so. Read `calculation.calculate_company` from top to
bottom: collecting, filtering and valuation, crediting, attainment, rewards, bonuses, modifiers, ledger, holds, draws.
What months post when they are closed one after the other is in `postings`.
"""

from tests.calculation.oracle.calculation import calculate
from tests.calculation.oracle.company import Tables
from tests.calculation.oracle.results import Result

__all__ = ["Result", "Tables", "calculate"]
