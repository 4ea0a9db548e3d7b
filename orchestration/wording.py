"""Numbers and tables as every command prints them."""

from collections.abc import Sequence
from decimal import Decimal


def counted(number: int, noun: str) -> str:
    """A number with its noun, "1 check" or "1,234 checks"."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def money(amount: Decimal | None) -> str:
    """An amount with thousands separators and at least two decimals: 12,500.00, 0.125."""
    if amount is None:
        return ""
    text = f"{amount:,f}"
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.rstrip('0').ljust(2, '0')}"


def plain(number: Decimal) -> str:
    """A rate without trailing zeros: 0.012."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def table(header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int) -> list[str]:
    """Rows as aligned text; the first ``left`` columns to the left, figures to the right."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = []
    for row in [header, *rows]:
        cells = [
            f"{cell:<{width}}" if column < left else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines
