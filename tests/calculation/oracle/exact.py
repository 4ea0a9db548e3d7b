"""Exact numbers: cutting, rounding, bounds."""

from fractions import Fraction


def cut(value: Fraction, decimals: int = 10) -> Fraction:
    """Drop what lies behind the last decimal: 0.19 -> 0.1, -0.19 -> -0.1."""
    scale = 10**decimals
    kept = abs(value.numerator) * scale // value.denominator
    return Fraction(kept if value >= 0 else -kept, scale)


def round_half_away(value: Fraction, decimals: int) -> Fraction:
    """Round a half away from zero: 0.125 -> 0.13, -0.125 -> -0.13."""
    scale = 10**decimals
    kept = (2 * abs(value.numerator) * scale + value.denominator) // (2 * value.denominator)
    return Fraction(kept if value >= 0 else -kept, scale)


def clamp(value: Fraction, low: Fraction | None, high: Fraction | None) -> Fraction:
    """Bring a value between two bounds; None is no bound."""
    if low is not None and value < low:
        return low
    if high is not None and value > high:
        return high
    return value


def sign(value: Fraction) -> Fraction:
    """Return -1, 0 or 1."""
    return Fraction((value > 0) - (value < 0))


def parts(whole: Fraction, weights: list[Fraction], decimals: int) -> list[Fraction]:
    """Share a whole by weights, in order: each part is the rounded whole to date less the one before."""
    total = sum(weights, Fraction(0))
    to_date, before, shared = Fraction(0), Fraction(0), []
    for weight in weights:
        to_date += weight
        after = round_half_away(whole * to_date / total, decimals)
        shared.append(after - before)
        before = after
    return shared
