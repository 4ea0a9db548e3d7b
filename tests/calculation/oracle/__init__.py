"""The rules of the calculation once more, in plain Python, for comparison with the warehouse.

Written from the rules in words, not from the SQL, and sharing no code with it: one row after the other, with
loops and exact fractions. Nothing is rounded unless a rule says so. Read `calculation.calculate_company` from top to
bottom: collecting, filtering and valuation, crediting, attainment, rewards, bonuses, modifiers, ledger, holds, draws.
What months post when they are closed one after the other is in `postings`.
"""

from oracle.calculation import calculate
from oracle.company import Tables
from oracle.results import Result

__all__ = ["Result", "Tables", "calculate"]
