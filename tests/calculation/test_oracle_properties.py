"""What must hold for the oracle's own functions, whatever the numbers."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.calculation.oracle.crediting import Share
from tests.calculation.oracle.curves import Curve, Incentive, Tier
from tests.calculation.oracle.exact import cut, parts, round_half_away, sign
from tests.support.companies.company_files import Row
from tests.support.companies.small_company import TERMS, billed, calculated, deal, split, tiers

cents = st.integers(-10_000_000, 10_000_000).map(lambda cent: Fraction(cent, 100))
rates = st.integers(-2000, 20000).map(lambda rate: Fraction(rate, 10_000))
weights = st.lists(st.integers(0, 1000).map(Fraction), min_size=1, max_size=8).filter(any)


@st.composite
def curves(draw: st.DrawFn) -> Curve:
    """Make one to five contiguous tiers from 0 up, by rates or by amounts, with or without an incentive."""
    bounds = sorted(draw(st.sets(st.integers(1, 500_000), max_size=4)))
    starts = [Fraction(0), *(Fraction(bound, 10) for bound in bounds)]
    is_by_amount = draw(st.booleans())
    ends: list[Fraction | None] = [*starts[1:], starts[-1] + 1000 if is_by_amount else None]
    made = []
    for number, (start, end) in enumerate(zip(starts, ends, strict=True), 1):
        amount = draw(rates) * 100 if is_by_amount else None
        made.append(Tier(number, start, end, Fraction(0) if is_by_amount else draw(rates), amount))
    incentive = None if is_by_amount or draw(st.booleans()) else Incentive(Fraction(1000), Fraction(700))
    return Curve(tuple(made), draw(st.booleans()), incentive)


@given(cents, st.integers(0, 4))
def test_rounding_moves_by_at_most_half_a_unit_and_knows_no_direction(value: Fraction, decimals: int) -> None:
    third = value / 3
    rounded = round_half_away(third, decimals)
    assert abs(rounded - third) * 2 * 10**decimals <= 1
    assert round_half_away(-third, decimals) == -rounded
    assert round_half_away(rounded, decimals) == rounded


@given(cents)
def test_cutting_never_moves_away_from_zero(value: Fraction) -> None:
    third = value / 3
    assert abs(cut(third, 2)) <= abs(third) < abs(cut(third, 2)) + Fraction(1, 100)
    assert cut(third, 2) * sign(third) >= 0


@given(cents, weights, st.integers(0, 3))
def test_parts_add_up_to_the_whole(whole: Fraction, shares: list[Fraction], decimals: int) -> None:
    whole = round_half_away(whole, decimals)
    shared = parts(whole, shares, decimals)
    assert sum(shared) == whole
    for part, share in zip(shared, shares, strict=True):
        assert abs(part - whole * share / sum(shares)) * 10**decimals <= 1


@given(cents, weights)
def test_shares_of_a_credit_add_up_to_its_value(value: Fraction, sizes: list[Fraction]) -> None:
    whole, to_date, total = sum(sizes, Fraction(0)), Fraction(0), Fraction(0)
    for size in sizes:
        total += Share("1", "1", to_date, to_date + size, whole).of(value)
        to_date += size
    assert total == value


@given(curves(), cents, cents, cents)
def test_a_curve_pays_the_same_in_one_step_or_two(
    curve: Curve, a: Fraction, b: Fraction, c: Fraction
) -> None:
    assert curve.marginal(a, b) + curve.marginal(b, c) == curve.marginal(a, c)
    assert curve.marginal(a, b) == -curve.marginal(b, a)
    assert curve.marginal(a, a) == 0


@given(curves(), cents, cents)
def test_the_parts_of_a_move_are_the_move(curve: Curve, before: Fraction, after: Fraction) -> None:
    inside = [curve.part_in(tier, before, after) for tier in curve.tiers]
    if curve.tiers[-1].end is None:
        assert sum(inside) == after - before
    assert all(part * (after - before) >= 0 for part in inside)


@given(curves(), cents)
def test_every_total_is_in_one_tier(curve: Curve, total: Fraction) -> None:
    tier = curve.tier_at(total)
    if tier is not curve.tiers[0]:
        assert total > tier.start or (total == tier.start and not curve.is_upper_inclusive)
    if tier is not curve.tiers[-1]:
        assert tier.end is not None
        assert total < tier.end or (total == tier.end and curve.is_upper_inclusive)


METHODS = st.sampled_from(["marginal", "crossing", "standing", "retroactive"])


@settings(max_examples=30)
@given(METHODS, st.lists(st.integers(-50_000, 50_000), min_size=1, max_size=5))
def test_what_is_taken_back_is_what_was_given(method: str, moved: list[int]) -> None:
    """Deals that are reversed in the opposite order leave nothing, by every method."""
    values = [Fraction(cent, 100) for cent in (*moved, *(-cent for cent in reversed(moved)))]
    deals = [deal(i, float(value), f"2024-01-{i + 1:02}") for i, value in enumerate(values)]
    steps = tiers((0, "0.0333"), (100, "0.1"), (250, "0.0125"))
    result = calculated(deals, {"tier_method_code": method}, tiers=steps)
    assert sum(row.amount for row in result.rewards.values()) == 0
    assert sum(row.amount for row in result.commissions.values()) == 0


@settings(max_examples=30)
@given(METHODS, st.lists(st.integers(1, 9999), min_size=1, max_size=3))
def test_splits_credit_the_whole_deal(method: str, sizes: list[int]) -> None:
    rows = [
        split(1, f"U{number}", SplitAmount=str(Decimal(size) / 100))
        for number, size in enumerate((*sizes, 30_000 - sum(sizes)), 1)
    ]
    rule: Row = {"rule_id": "s", "rule_group": "main", "priority": "1", "recipient_code": "splits"}
    result = calculated(
        [deal(1, 300)],
        {"tier_method_code": method},
        credit_rules=[rule | {"credit_type_code": "split"}],
        splits=rows,
    )
    assert sum(credit.credited or 0 for credit in result.credits.values()) == 300
    assert sum(reward.amount for reward in result.rewards.values()) == 30


KINDS = st.sampled_from(["payment", "payment", "refund", "credit_memo"])
BILLS = st.lists(st.tuples(KINDS, st.integers(1, 200), st.integers(-1500, 1500)), max_size=8)
OFFSETS = st.none() | st.integers(1, 120)


@settings(max_examples=60)
@given(BILLS, OFFSETS, OFFSETS, st.sampled_from([1, -1]), st.sampled_from(["none", "straight_line"]))
def test_no_more_is_taken_back_than_was_paid_and_with_nothing_lost_nothing_is_taken(
    rows: list[tuple[str, int, int]], window: int | None, unpaid: int | None, direction: int, proration: str
) -> None:
    """Of 33.33, whatever is billed, refunded and reversed, by the mirrored deal alike."""
    first = date(2024, 1, 1)
    invoices, payments = billed(
        1, *((kind, str(first + timedelta(days=day)), direction * amount) for kind, day, amount in rows)
    )
    terms: Row = TERMS | {
        "clawback_window_days": str(window) if window else None,
        "clawback_proration_code": proration,
        "unpaid_after_days": str(unpaid) if unpaid else None,
    }
    seeds: dict[str, list[Row]] = {"payout_terms": [terms], "invoices": invoices, "payments": payments}
    result = calculated([deal(1, 1000 * direction)], None, tiers=tiers((0, "0.03333")), **seeds)
    left, lost = Fraction("33.33"), Fraction(0)
    for row in result.clawbacks:
        change = row.change
        assert change.lost_before == lost != change.lost_after
        assert 0 <= change.taken_after <= 1
        lost, left = change.lost_after, left + row.amount * direction
        assert 0 <= lost * direction <= 1000
        assert 0 <= left <= Fraction("33.33")
        if lost == 0:
            assert left == Fraction("33.33")


@settings(max_examples=60)
@given(BILLS, OFFSETS, st.sampled_from(["capped", "earned"]), st.integers(0, 10))
def test_parts_and_withheld_movements_add_up(
    rows: list[tuple[str, int, int]], expires: int | None, overpayment: str, tenths: int
) -> None:
    """What is withheld is estimated less earned, or nothing once it has expired; parts of lines are the lines."""
    first = date(2024, 1, 1)
    invoices, payments = billed(
        1, *((kind, str(first + timedelta(days=day)), amount) for kind, day, amount in rows)
    )
    terms: Row = TERMS | {
        "expire_after_days": str(expires) if expires else None,
        "overpayment_code": overpayment,
        "holdback_ratio": str(Decimal(tenths) / 10),
        "holdback_release_code": "quarter_end",
    }
    plan: Row = {"payout_event_code": "collection"}
    seeds: dict[str, list[Row]] = {"payout_terms": [terms], "invoices": invoices, "payments": payments}
    result = calculated([deal(1, 1000)], plan, tiers=tiers((0, "0.03333")), **seeds)
    earned = sum((line.amount for line in result.lines.values()), Fraction(0))
    assert sum((part.amount for part in result.parts), Fraction(0)) == earned
    assert earned >= 0 and (overpayment == "earned" or earned <= Fraction("33.33"))
    withheld = sum((movement.amount for movement in result.movements), Fraction(0))
    assert withheld == (0 if expires else Fraction("33.33") - earned)
