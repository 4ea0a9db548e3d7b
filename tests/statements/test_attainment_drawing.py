"""Where things stand in the drawing of attainment, worked by hand: 336 units wide from 12, and 18 % of room at the right."""

from decimal import Decimal
from typing import Any

from orchestration.reading.statements import wording
from orchestration.reading.statements.drawing import draw

D = Decimal


def window(attained: str | None, quota: str | None, *starts: str, tier: int = 1) -> dict[str, Any]:
    ends = [*(D(start) for start in starts[1:]), None]
    return {
        "attained_amount": None if attained is None else D(attained),
        "quota_amount": None if quota is None else D(quota),
        "tier_number": tier,
        "tiers": [
            {
                "tier_number": number,
                "tier_from_amount": D(start),
                "tier_to_amount": end,
                "rate": D("0.05"),
                "tier_amount": None,
                "is_incentive_multiple": False,
            }
            for number, (start, end) in enumerate(zip(starts, ends, strict=True), start=1)
        ],
    }


def test_places_are_in_proportion_to_amounts() -> None:
    # 1,000 is the last mark, so the drawing ends at 1,180; 590 is half of that: 12 + 168.
    place = draw(window("590", "1000", "0", "1000"))
    assert place is not None
    assert (place["attained"], place["filled"]) == (D("180.00"), D("168.00"))
    # 1,000 of 1,180 of 336 units is 284.75, after the margin of 12.
    assert place["quota"] == place["marks"][0]["at"] == D("296.75")
    assert [zone["is_reached"] for zone in place["zones"]] == [True, False]
    assert place["zones"][0]["left"] == 12 and place["zones"][1]["left"] + place["zones"][1]["width"] == 348


def test_a_rate_is_not_written_where_the_mark_stands() -> None:
    # The first zone goes from 12 to 296.75, its middle is 154.375; a mark near it sends the rate to the left end.
    place = draw(window("500", "1000", "0", "1000"))
    assert place is not None
    assert place["zones"][0]["label"] == 32
    far = draw(window("0", "1000", "0", "1000"))
    assert far is not None and far["zones"][0]["label"] == D("154.375")


def test_beyond_the_last_tier_and_below_nothing_stay_inside() -> None:
    # 2,000 is beyond all: the drawing ends at 2,360, and 2,000 stands where 1,000 did.
    beyond = draw(window("2000", "1000", "0", "1000", tier=2))
    assert beyond is not None and beyond["attained"] == D("296.75")
    below = draw(window("-50", "1000", "0", "1000"))
    assert below is not None and (below["attained"], below["filled"]) == (12, 0)


def test_nothing_is_drawn_without_something_to_reach() -> None:
    assert draw(window("500", None, "0")) is None
    assert draw(window(None, "1000", "0", "1000")) is None
    assert draw(window("0", None, "0", "0")) is None


def test_attainment_is_cut_and_never_rounded_up_to_the_quota() -> None:
    assert wording.about(D("0.9999999999")) == "99.9\N{NO-BREAK SPACE}%"
    assert wording.about(D("1")) == "100.0\N{NO-BREAK SPACE}%"
    assert wording.about(None) == ""


def test_numbers_in_texts_are_written_as_people_do() -> None:
    assert (
        wording.tidy("Quota = 1324000.0000000000 (payee, 2012-08-30)")
        == "Quota = 1,324,000 (payee, 2012-08-30)"
    )
    assert wording.tidy("BaseRate = 0.0120000000; weight 1 of 2") == "BaseRate = 0.012; weight 1 of 2"
    assert wording.tidy("v1.20 of plan-3.50 took -5.50") == "v1.20 of plan-3.50 took \N{MINUS SIGN}5.5"
