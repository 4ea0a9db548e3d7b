"""The steps of a check, one after the other."""

from __future__ import annotations

from orchestration.plans.language.scope import Fault, Scope, Wanted
from orchestration.plans.language.signs import read_signs, variable_faults
from orchestration.plans.language.tree import Tree, parse
from orchestration.plans.language.types import Types


class ExpressionChecker:
    """Checks expressions; keeps one empty in-memory DuckDB for types. Close it, or use it in `with`."""

    def __init__(self) -> None:
        self._types = Types()
        self._known: dict[tuple[str, Wanted, int], tuple[Fault, ...]] = {}
        self._scopes: list[Scope] = []

    def __enter__(self) -> ExpressionChecker:
        return self

    def __exit__(self, *_: object) -> None:
        self._types.close()

    def check(self, text: str, wanted: Wanted, scope: Scope) -> tuple[Fault, ...]:
        """Every fault of one expression that must give a condition, a number or a text."""
        if scope not in self._scopes:
            self._scopes.append(scope)
        key = (text, wanted, self._scopes.index(scope))
        if key not in self._known:
            try:
                self._known[key] = tuple(dict.fromkeys(self._faults(text, wanted, scope)))
            except RecursionError:
                self._known[key] = (Fault("it is nested too deeply", "Write it shorter"),)
        return self._known[key]

    def _faults(self, text: str, wanted: Wanted, scope: Scope) -> list[Fault]:
        faults = [*read_signs(text), *variable_faults(text, scope)]
        if faults:
            return faults
        tree = parse(text)
        if isinstance(tree, Fault):
            return [tree]
        return list(Tree(scope).faults(tree)) or self._types.faults(text, tree, wanted, scope)
