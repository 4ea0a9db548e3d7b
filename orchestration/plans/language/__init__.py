"""The plan language: what an expression in a plan seed may say, checked before anything is calculated.

An expression is one scalar SQL expression (DuckDB) over the source object's own fields in double quotes,
``@@Variables``, numbers with a decimal point and texts in single quotes. Everything else is refused by name: what is
not on the list (`vocabulary`) could read a clock, look at other deals or leave exact decimals.

Data flow: text -> quotes and signs (`signs`) -> syntax tree (sqlglot) -> each node against the list
(`tree`) -> types, bound by DuckDB over an empty table with the source's columns (`types`). Each step runs
only when the one before found nothing. Nothing is evaluated and nothing is written.
"""

from orchestration.plans.language.checker import ExpressionChecker
from orchestration.plans.language.scope import CATALOGUE_VALUE, VARIABLE_NAME, Scope, Wanted
from orchestration.plans.language.signs import variables_of

__all__ = ["CATALOGUE_VALUE", "VARIABLE_NAME", "ExpressionChecker", "Scope", "Wanted", "variables_of"]
