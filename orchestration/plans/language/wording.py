"""The words of the messages: SQL as it is typed, kinds of values, the nearest known name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from sqlglot import exp


def sql_of(node: exp.Expr) -> str:
    """The node as SQL for a message, with variables as they are typed."""
    try:
        text = node.sql(dialect="duckdb", normalize_functions="lower")
    except Exception:  # a function without its arguments cannot be written out
        return node.key
    return re.sub(r'"(@@[A-Za-z0-9_]+)"', r"\1", text)


def noun_of(kind: str) -> str:
    if kind.startswith("DECIMAL") or "INT" in kind or kind in ("BIGNUM", "DOUBLE", "FLOAT"):
        return "a number"
    if kind.startswith("TIMESTAMP"):
        return "an instant"
    return {"VARCHAR": "a text", "BOOLEAN": "a condition", "DATE": "a day"}.get(kind, kind.lower())


def how_to_write(kind: str) -> str:
    return {
        "a number": "Write a number with a decimal point, 12500.00",
        "a day": "Write a day as date '2024-01-31'",
        "a condition": "Write true or false without quotation marks",
        "an instant": "Write an instant as '2024-01-31 00:00:00'",
    }.get(noun_of(kind), "Compare values of one kind")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that differs in capitals only, else the nearest one."""
    names = sorted(known)
    same = [other for other in names if other.lower() == name.lower()]
    near = same or difflib.get_close_matches(name, names, n=1)
    if not near:
        lowered = {other.lower(): other for other in names}
        near = [lowered[other] for other in difflib.get_close_matches(name.lower(), lowered, n=1)]
    return near[0] if near else None


def listed(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in sorted(names))
