"""The ledger month by month: corrections worked by hand, and what must hold after any long history."""

from collections import defaultdict
from datetime import date
from fractions import Fraction
from random import Random

from tests.calculation.batches import name_of
from tests.calculation.histories import MONTHS, last_day, posted_by, random_history
from tests.calculation.oracle import calculate
from tests.calculation.oracle.postings import Books, closed_month_by_month, owed_by
from tests.support.companies.company_files import Row, Tables
from tests.support.companies.small_company import TERMS, billed, company, deal, tiers, variable

COUNT = 12


def closed(*months: Tables) -> Books:
    """Close months from January 2024 on, each by the tables that are known at its end."""
    return closed_month_by_month((tables, last_day(number)) for number, tables in enumerate(months))


def written(books: Books) -> list[str]:
    """Return what was posted: the deal or its payment, the payee, origin -> month, and the amount."""
    return [
        f"{entry.key[0].split('|')[1].split('/')[-1]}{'' if entry.key[2] is None else ' ' + entry.key[2]}"
        f" {entry.key[1]}: {entry.origin_period[5:]} -> {entry.posted_period[5:]} {float(entry.amount):g}"
        for entry in books.entries
        if entry.amount
    ]


FIRST = deal(1, 1000, "2024-01-10")


def test_what_comes_late_or_changes_is_posted_in_the_first_open_month_with_its_origin() -> None:
    """10 %: 100 in January; a deal of January comes in February, the first is edited, the second goes and comes back."""
    late = deal(2, 500, "2024-01-20")
    edited = FIRST | {"Amount": "800"}
    gone = late | {"IsDeleted": "true"}
    books = closed(
        company([FIRST]),
        company([FIRST, late]),
        company([FIRST, late, edited]),
        company([FIRST, edited, late, gone]),
        company([FIRST, edited, late, gone, late]),
        company([FIRST, edited, late, gone, late]),
    )
    assert written(books) == [
        "D1 1: 01 -> 01 100",
        "D2 1: 01 -> 02 50",
        "D1 1: 01 -> 03 -20",
        "D2 1: 01 -> 04 -50",
        "D2 1: 01 -> 05 50",
    ]
    assert {period: float(amount) for (_, _, period, _), amount in books.payouts.items()} == {
        "2024-01": 100,
        "2024-02": 50,
        "2024-03": -20,
        "2024-04": -50,
        "2024-05": 50,
    }


def test_a_corrected_quota_and_a_moved_deal() -> None:
    """1,500 against 1,000: 100 + 100; against 2,000: 150. Then the deal is person 2's, whose quota is the same."""
    plan: Row = {"tier_basis_code": "quota_ratio", "quota_expression": "@@Quota"}
    steps = tiers((0, "0.1"), (1, "0.2"))
    first = deal(1, 1500, "2024-01-10")

    def known(deals: list[Row], quota: int) -> Tables:
        return company(deals, plan, tiers=steps, variables=[variable("Quota", quota)])

    books = closed(
        known([first], 1000), known([first], 2000), known([first, first | {"OwnerId": "U2"}], 2000)
    )
    assert written(books) == [
        "D1 1: 01 -> 01 200",
        "D1 1: 01 -> 02 -50",
        "D1 1: 01 -> 03 -150",
        "D1 2: 01 -> 03 150",
    ]


def test_a_late_payment_a_duplicate_and_a_withdrawn_one() -> None:
    """Half is paid in January, the rest on 31 January as well, which is known in February; in March it is withdrawn."""
    invoices, payments = billed(1, ("payment", "2024-01-20", 500), ("payment", "2024-01-31", 500))
    plan: Row = {"payout_event_code": "collection"}
    withdrawn = payments[1] | {"_dlt_valid_to": "2024-03-01"}
    known = [payments[:1], [payments[1], *payments], [*payments, payments[0], withdrawn]]
    books = closed(*(company([FIRST], plan, invoices=invoices, payments=rows) for rows in known))
    assert written(books) == ["D1 P11 1: 01 -> 01 50", "D1 P12 1: 01 -> 02 50", "D1 P12 1: 01 -> 03 -50"]


def test_a_clawback_is_posted_in_its_own_month_and_with_the_deal_it_goes() -> None:
    """300 are refunded in February; in March the deal is deleted: that is a correction of both lines."""
    invoices, payments = billed(1, ("payment", "2024-01-20", 1000), ("refund", "2024-02-20", -300))
    deleted = FIRST | {"IsDeleted": "true"}
    books = closed(
        company([FIRST], invoices=invoices, payments=payments[:1]),
        company([FIRST], invoices=invoices, payments=payments),
        company([FIRST, deleted], invoices=invoices, payments=payments),
    )
    assert written(books) == [
        "D1 1: 01 -> 01 100",
        "D1 P12 1: 02 -> 02 -30",
        "D1 P12 1: 02 -> 03 30",
        "D1 1: 01 -> 03 -100",
    ]


def test_what_was_paid_is_not_held_again_and_what_was_not_waits() -> None:
    """From February on everything of person 1 is held, from March on until 5 April. The paid deal is edited in March."""
    second = deal(2, 500, "2024-02-20")
    hold: Row = {"hold_id": "h", "plan_id": None, "payee_id": "1", "transaction_id": None}
    hold |= {"held_from": "2024-01-01", "held_to": None}
    ended = hold | {"held_to": "2024-04-05"}
    edited = FIRST | {"Amount": "800"}
    books = closed(
        company([FIRST]),
        company([FIRST, second], holds=[hold]),
        company([FIRST, edited, second], holds=[ended]),
        company([FIRST, edited, second], holds=[ended]),
    )
    assert written(books) == ["D1 1: 01 -> 01 100", "D1 1: 01 -> 03 -20", "D2 1: 02 -> 04 50"]


def test_both_parts_of_a_line_are_posted_in_the_months_in_which_they_are_due() -> None:
    terms: Row = TERMS | {"hold_days": "30", "holdback_ratio": "0.2", "holdback_release_code": "quarter_end"}
    known = company([FIRST], payout_terms=[terms])
    books = closed(known, known, known, known)
    assert written(books) == ["D1 1: 01 -> 02 80", "D1 1: 01 -> 03 20"]
    assert [entry.key[3] for entry in books.entries] == ["now", "holdback"]


def test_draws_go_on_from_the_balance_of_the_closed_months() -> None:
    """At least 250 a month. January earns 100; 300 of January come in February, when half of the rest is recovered."""
    draw: Row = {
        "draw_id": "ramp",
        "payee_id": "1",
        "draw_kind_code": "recoverable",
        "covers_code": "plan",
        "currency_code": "USD",
        "amount": "250",
        "recovery_ratio": "0.5",
    }
    late = deal(2, 3000, "2024-01-20")
    books = closed(
        company([FIRST], draws=[draw]),
        company([FIRST, late], draws=[draw]),
        company([FIRST, late], draws=[draw | {"amount": "50"}]),
    )
    found = [(line.period, float(line.amount), float(line.balance_after)) for line in books.draws]
    assert found == [("2024-01", 150, 150), ("2024-02", -25, 125), ("2024-03", 50, 175)]
    assert [float(amount) for amount in books.payouts.values()] == [250, 275, 50]


def test_any_history_posts_what_is_owed_in_the_end() -> None:
    met: set[object] = set()
    for number in range(COUNT):
        history = random_history(name_of(number), Random(f"history/{number}"))
        assert [known.as_of for known in history] == [last_day(month) for month in range(MONTHS)]
        books = posted_by(history)
        posted: dict[tuple[object, ...], Fraction] = defaultdict(Fraction)
        for entry in books.entries:
            assert entry.origin_period <= entry.posted_period
            posted[entry.key] += entry.amount
            met.add((entry.origin_period < entry.posted_period, entry.amount > 0))
        final = calculate(history[-1].tables, history[-1].as_of)
        owed = owed_by(final, books.posted)
        assert {key: amount for key, amount in posted.items() if amount} == {
            key: line.amount for key, line in owed.items() if line.amount
        }
        paid = sum((entry.amount for entry in books.entries), Fraction(0))
        drawn = sum((line.amount for line in books.draws), Fraction(0))
        assert sum(books.payouts.values()) == paid + drawn
        met |= {line.event for line in books.draws}
    assert met >= {(True, True), (True, False), (False, True), (False, False), "draw", "draw_recovery"}


def test_a_history_is_the_same_again_and_knows_more_each_month() -> None:
    first, second = (random_history("k000", Random(1)) for _ in range(2))
    assert first == second
    counts = [len(known.tables["billing/payments"]) for known in first]
    assert counts == sorted(counts) and counts[0] < counts[-1]
    assert date(2025, 12, 31) == first[-1].as_of
