"""The rules of the calculation once more, in plain Python, for comparison with the warehouse.

Written from the rules in words, not from the SQL, and sharing no code with it: one row after the other, with
loops and exact fractions. Nothing is rounded unless a rule says so. Read `calculation.calculate` from top to
bottom: filtering and valuation, crediting, attainment, rewards, bonuses, modifiers, ledger.
"""

from oracle.calculation import calculate
from oracle.company import Tables
from oracle.results import Result

__all__ = ["Result", "Tables", "calculate"]
