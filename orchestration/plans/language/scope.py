"""What an expression may name and must give, and what a fault is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Wanted = Literal["condition", "number", "text", "date"]
CATALOGUE_VALUE = "CatalogueValue"
VARIABLE_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What variables and catalogue values are stored as.
VARIABLE_TYPE = "DECIMAL(28,10)"


@dataclass(frozen=True)
class Fault:
    """What is wrong with an expression, and what to write instead (may be empty)."""

    message: str
    fix: str = ""


@dataclass(frozen=True)
class Scope:
    """What an expression may name.

    Attributes:
        source_object: "system/object" whose fields are known; None where fields have no meaning (quotas, rates).
        fields: DuckDB type of each field by its name as the source writes it.
        variables: names of the variables that have a value anywhere.
        catalogue: True where @@CatalogueValue stands for a value.
    """

    source_object: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()
    catalogue: bool = False
