"""What a landing brought that takes commission back: counted by SQL (`int_valuation__landed_losses`), at once."""

from __future__ import annotations

from pathlib import Path

import duckdb

# Metadata of a landing: refunds, credit memos and cancellations that no calculation has read.
LOSSES = "losses_landed"


def losses_landed(warehouse: Path) -> int | None:
    """How many there are now; None before the first calculation, which reads everything anyway."""
    with duckdb.connect(str(warehouse)) as connection:
        try:
            found = connection.execute(
                "select count(*) from intermediate.int_valuation__landed_losses"
            ).fetchone()
        except (duckdb.CatalogException, duckdb.BinderException):
            return None
    return int(found[0]) if found else 0
