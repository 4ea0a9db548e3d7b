"""Positions in the drawing of attainment: a bar of tiers, the part attained, the quota. Figures stay decimals."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

Row = dict[str, Any]
# Width of the drawing's own units, margins left and right, and the room to the right of the last mark.
WIDTH = Decimal(360)
MARGIN = Decimal(12)
ROOM = Decimal("1.18")
# Half the width of a rate and some air.
LABEL = Decimal(20)


def draw(window: Row) -> Row | None:
    """The places of one window's drawing, or None where nothing is to be drawn (no quota and one tier, or no total).

    Places are in the drawing's own units, 0 to 360 from left to right.
    """
    attained, quota, tiers = window["attained_amount"], window["quota_amount"], window["tiers"]
    if attained is None or (not quota and len(tiers) < 2):
        return None
    marks = [tier["tier_from_amount"] for tier in tiers if tier["tier_from_amount"] > 0]
    last = max([attained, quota or Decimal(0), *marks])
    if last <= 0:
        return None
    end = last * ROOM

    def place(amount: Decimal) -> Decimal:
        inside = min(max(amount, Decimal(0)), end)
        return round(MARGIN + inside / end * (WIDTH - 2 * MARGIN), 2)

    zones = []
    for tier in tiers:
        left = place(tier["tier_from_amount"])
        right = place(end if tier["tier_to_amount"] is None else tier["tier_to_amount"])
        zones.append(
            {
                "number": tier["tier_number"],
                "left": left,
                "width": right - left,
                "label": _clear_of(place(attained), left, right),
                "rate": tier["rate"],
                "tier_amount": tier["tier_amount"],
                "is_reached": tier["tier_number"] == window["tier_number"],
                "is_multiple": tier["is_incentive_multiple"],
            }
        )
    return {
        "left": MARGIN,
        "width": WIDTH - 2 * MARGIN,
        "filled": place(attained) - MARGIN,
        "attained": place(attained),
        "quota": place(quota) if quota else None,
        "zones": zones,
        "marks": [{"at": place(mark), "amount": mark} for mark in marks],
    }


def _clear_of(attained: Decimal, left: Decimal, right: Decimal) -> Decimal:
    """Where a zone's rate is written: in its middle, or beside it where the attainment mark is in the way."""
    places = ((left + right) / 2, left + LABEL, right - LABEL)
    return next((place for place in places if abs(place - attained) >= LABEL), places[0])
