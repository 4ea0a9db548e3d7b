"""The oracle itself: published examples, each rule at its edges, and what must hold for every company."""

import random
from dataclasses import replace
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from company_files import FILTERS, company_from_files
from oracle import (
    Assignment,
    Company,
    Employee,
    FxRate,
    Invoice,
    ManualAlias,
    Payment,
    PlanVersion,
    ReportsTo,
    Result,
    RollupLevel,
    SystemUser,
    TerritoryMembership,
    Tier,
    Transaction,
    Variable,
    Window,
    calculate,
    cut,
    round_half_away,
    window_of,
)

ROOT = Path(__file__).resolve().parents[2]
CENT = Fraction(1, 100)
START = date(2024, 1, 1)
AS_OF = date(2024, 12, 31)
PLAN = PlanVersion(
    plan_id="plan",
    valid_from=START,
    valid_to=date(2025, 1, 1),
    source_object="crm/Opportunity",
    currency="USD",
    is_selected=lambda fields: fields.get("Type") != "Unwanted",
    value=lambda transaction: transaction.amount,
    is_value_in_plan_unit=False,
    credit_method="owner",
    calendar_id="quarter",
    tier_basis="amount",
    quota_variable=None,
    payout_event="booking",
)
DEAL = Transaction(
    transaction_id="crm/Opportunity/D1",
    source_object="crm/Opportunity",
    booked_date=date(2024, 2, 10),
    amount=Fraction(100),
    currency="USD",
    owner_alias="U1",
    territory_id="T1",
    is_won=True,
    is_deleted=False,
)


def deal(number: int, amount: int | str, day: date = date(2024, 2, 10), **changed: Any) -> Transaction:
    made = replace(
        DEAL, transaction_id=f"crm/Opportunity/D{number}", booked_date=day, amount=Fraction(amount)
    )
    return replace(made, **changed)


def tiers(*bounds: tuple[str, str], variable: str | None = None) -> list[Tier]:
    """Make tiers of (from, rate)."""
    return [
        Tier("plan", START, None, number, Fraction(start), Fraction(rate), variable)
        for number, (start, rate) in enumerate(bounds, 1)
    ]


def company(transactions: list[Transaction], **changed: Any) -> Company:
    """Make a company of two payees, 1 (CRM user U1, matched by number) and 2 (U2, by e-mail), on one plan."""
    made = Company(
        transactions=transactions,
        plans=[PLAN],
        assignments=[Assignment("plan", payee, START) for payee in ("1", "2")],
        tiers=tiers(("0", "0.1")),
        employees=[Employee("1", "N1", "one@x.org"), Employee("2", "N2", "Two@x.org"), Employee("3", "N3")],
        users=[SystemUser("crm", "U1", "N1", "two@x.org"), SystemUser("crm", "U2", "gone", "two@X.org")],
        minor_units={"USD": 2, "EUR": 2, "JPY": 0, "KWD": 3},
    )
    return replace(made, **changed)


def commissions(result: Result) -> list[Fraction | None]:
    return [credit.commission for credit in result.credits.values()]


def reason_of(transaction: Transaction, **changed: Any) -> str | None:
    result = calculate(company([transaction], **changed), AS_OF)
    (disposition,) = result.dispositions.values()
    return disposition.reason


# --- Published examples ----------------------------------------------------------------------------------


def test_oracle_step_rates_run_over_the_quarter() -> None:
    """Oracle's guide: incremental step rates; each transaction starts where the one before ended."""
    amounts = (200, 300, 1500, 1200, 2000, 4500)
    transactions = [deal(i, amount, date(2024, 1, 1 + i)) for i, amount in enumerate(amounts)]
    steps = tiers(("0", "0.01"), ("1000", "0.02"), ("3000", "0.03"), ("8000", "0.05"))
    assert commissions(calculate(company(transactions, tiers=steps), AS_OF)) == [2, 3, 25, 26, 60, 169]


def test_oracle_split_rates_start_anew_for_each() -> None:
    """Oracle's guide: one amount split over the tiers; here each in a month of its own."""
    transactions = [deal(i, amount, date(2024, i, 5)) for i, amount in enumerate((5000, 15000, 60000), 1)]
    steps = tiers(("0", "0.01"), ("10000", "0.02"), ("50000", "0.03"), ("100000", "0.04"))
    monthly = [replace(PLAN, calendar_id="month")]
    assert commissions(calculate(company(transactions, tiers=steps, plans=monthly), AS_OF)) == [50, 200, 1200]


def test_sap_quarter_with_quota() -> None:
    """SAP's example: 5 % up to half of the quota, 10 % up to the quota, 15 % above."""
    transactions = [deal(i, amount, date(2024, i, 5)) for i, amount in enumerate((2500, 3000, 1800), 1)]
    made = company(
        transactions,
        plans=[replace(PLAN, tier_basis="quota_ratio", quota_variable="Quota")],
        tiers=tiers(("0", "0.05"), ("0.5", "0.1"), ("1", "0.15")),
        variables=[Variable("Quota", "payee", "1", Fraction(6000), START)],
    )
    result = calculate(made, AS_OF)
    assert commissions(result) == [125, 275, 245]
    window = result.windows["plan", "1", "2024-Q1"]
    assert window.credited == 7300
    assert window.attainment == cut(Fraction(73, 60))


def paid(*payments: tuple[date, int | str], amount: int = 40_000, total: int = 40_000) -> Company:
    """Make a deal that pays 10 % as its customer pays."""
    return company(
        [deal(1, amount)],
        plans=[replace(PLAN, payout_event="collection")],
        invoices=[Invoice("I1", "D1", "USD", Fraction(amount), Fraction(total))],
        payments=[
            Payment(f"P{i}", "payment", "I1", day, "USD", Fraction(money))
            for i, (day, money) in enumerate(payments, 1)
        ],
    )


def amounts_of(result: Result) -> list[Fraction]:
    return [line.amount for line in result.lines.values()]


def test_pay_when_paid_in_two_halves() -> None:
    result = calculate(paid((date(2024, 3, 1), 20_000), (date(2024, 6, 1), 20_000)), AS_OF)
    assert commissions(result) == [4000]
    assert amounts_of(result) == [2000, 2000]
    assert result.payouts == {("1", "plan", "2024-03", "USD"): 2000, ("1", "plan", "2024-06", "USD"): 2000}


# --- Numbers ---------------------------------------------------------------------------------------------


def test_rounding_is_half_away_from_zero_and_cutting_is_towards_zero() -> None:
    assert round_half_away(Fraction("0.125"), 2) == Fraction("0.13")
    assert round_half_away(Fraction("-0.125"), 2) == Fraction("-0.13")
    assert round_half_away(Fraction("0.1249999"), 2) == Fraction("0.12")
    assert round_half_away(Fraction("2.5"), 0) == 3
    assert cut(Fraction("-0.19"), 1) == Fraction("-0.1")
    assert cut(Fraction(2, 3), 2) == Fraction("0.66")


@pytest.mark.parametrize(("currency", "commission"), [("USD", "1.13"), ("JPY", "1"), ("KWD", "1.125")])
def test_commission_is_rounded_to_the_minor_unit(currency: str, commission: str) -> None:
    made = company([deal(1, "11.25", currency=currency)], plans=[replace(PLAN, currency=currency)])
    assert commissions(calculate(made, AS_OF)) == [Fraction(commission)]


# --- 1. Filtering ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, None),
        ({"source_object": "other/Thing", "is_deleted": True}, "no_plan_for_source"),
        ({"is_deleted": True, "booked_date": date(2025, 2, 1)}, "deleted_in_source"),
        ({"booked_date": date(2025, 2, 1), "is_won": False}, "after_as_of_date"),
        ({"booked_date": date(2023, 12, 31), "is_won": False}, "status_not_eligible"),
        ({"booked_date": None}, "missing_booked_date"),
        ({"booked_date": date(2023, 12, 31), "fields": {"Type": "Unwanted"}}, "outside_period"),
        ({"fields": {"Type": "Unwanted"}, "owner_alias": None}, "filter_not_met"),
        ({"owner_alias": None, "amount": None}, "missing_owner"),
        ({"owner_alias": "U9", "amount": None}, "owner_not_in_hris"),
        ({"amount": None, "currency": None}, "missing_amount"),
        ({"currency": None}, "missing_currency"),
        ({"currency": "XXQ"}, "unknown_currency"),
        ({"currency": "EUR"}, "missing_fx_rate"),
    ],
)
def test_the_first_reason_that_holds_is_given(changed: dict[str, Any], reason: str | None) -> None:
    assert reason_of(replace(DEAL, **changed)) == reason


def test_owner_is_found_by_manual_alias_then_number_then_email() -> None:
    march = ManualAlias("crm", "U1", "2", date(2024, 3, 1), date(2024, 4, 1))
    transactions = [
        deal(1, 100),
        deal(2, 100, owner_alias="U2"),
        deal(3, 100, date(2024, 3, 1)),
        deal(4, 100, date(2024, 4, 1)),
    ]
    result = calculate(company(transactions, manual_aliases=[march]), AS_OF)
    assert [credit.payee_id for credit in result.credits.values()] == ["1", "2", "2", "1"]


def test_a_plan_version_holds_from_its_first_day_until_its_end() -> None:
    first = replace(PLAN, valid_to=date(2024, 3, 1))
    second = replace(PLAN, valid_from=date(2024, 3, 1), payout_event="collection")
    transactions = [deal(1, 100, date(2024, 2, 29)), deal(2, 100, date(2024, 3, 1))]
    result = calculate(company(transactions, plans=[first, second]), AS_OF)
    assert [credit.plan for credit in result.credits.values()] == [first, second]


# --- 2. Valuation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rate_day", "value"),
    [(date(2024, 2, 10), "90.90909090909"), (date(2024, 2, 3), "90.90909090909"), (date(2024, 2, 2), None)],
)
def test_a_rate_may_be_at_most_seven_days_old(rate_day: date, value: str | None) -> None:
    rates = [FxRate("EUR", rate_day, Fraction("1.1")), FxRate("EUR", date(2024, 2, 11), Fraction(9))]
    result = calculate(company([replace(DEAL, currency="EUR")], fx_rates=rates), AS_OF)
    (disposition,) = result.dispositions.values()
    assert disposition.value == (None if value is None else cut(Fraction(value)))


def test_two_foreign_currencies_convert_over_the_base() -> None:
    rates = [
        FxRate("EUR", date(2024, 2, 10), Fraction("0.8")),
        FxRate("JPY", date(2024, 2, 9), Fraction(160)),
    ]
    made = company([replace(DEAL, currency="EUR")], fx_rates=rates, plans=[replace(PLAN, currency="JPY")])
    assert next(iter(calculate(made, AS_OF).credits.values())).amount == 20_000


def test_a_value_in_the_plans_own_unit_needs_no_currency() -> None:
    counting = replace(PLAN, is_value_in_plan_unit=True, value=lambda transaction: Fraction(1))
    made = company([replace(DEAL, currency=None, amount=None)], plans=[counting], tiers=tiers(("0", "50")))
    assert commissions(calculate(made, AS_OF)) == [50]


# --- 3. Crediting ----------------------------------------------------------------------------------------


def test_territory_members_on_the_plan_share_without_a_remainder() -> None:
    made = company(
        [deal(1, 100)],
        plans=[replace(PLAN, credit_method="territory")],
        assignments=[Assignment("plan", payee, START) for payee in ("10", "9", "8")],
        memberships=[
            TerritoryMembership("T1", "8", START),
            TerritoryMembership("T1", "9", START, date(2024, 2, 11)),
            TerritoryMembership("T1", "10", date(2024, 2, 10)),
            TerritoryMembership("T1", "11", START),  # not on the plan
            TerritoryMembership("T1", "12", START, date(2024, 2, 10)),  # left the day before
        ],
    )
    credits = calculate(made, AS_OF).credits.values()
    third = Fraction("33.3333333333")
    tiny = Fraction(1, 10**10)
    assert [(c.payee_id, c.amount) for c in credits] == [("10", third), ("8", third), ("9", third + tiny)]


def test_reasons_of_crediting() -> None:
    by_territory = {"plans": [replace(PLAN, credit_method="territory")]}
    member = {"memberships": [TerritoryMembership("T1", "3", START)]}
    assert reason_of(DEAL, assignments=[]) == "no_plan_assignment"
    assert reason_of(replace(DEAL, territory_id=None), **by_territory) == "missing_territory"
    assert reason_of(DEAL, **by_territory) == "no_territory_member"
    assert reason_of(DEAL, **by_territory, **member) == "no_plan_assignment"
    assert reason_of(DEAL, plans=[replace(PLAN, calendar_id="own")]) == "no_attainment_window"


def test_rollup_follows_the_line_of_the_day_and_the_plans_levels() -> None:
    made = company(
        [deal(1, 100, date(2024, 2, 9)), deal(2, 100, date(2024, 2, 10))],
        plans=[replace(PLAN, credit_method="rollup")],
        assignments=[Assignment("plan", payee, START) for payee in ("1", "3", "4")],
        reporting=[
            ReportsTo("1", "2", START),
            ReportsTo("1", "3", date(2024, 2, 10)),
            ReportsTo("2", "4", START),
            ReportsTo("3", "4", START),
            ReportsTo("4", None, START),
        ],
        rollup_levels=[
            RollupLevel("plan", 1, Fraction("0.5"), START),
            RollupLevel("plan", 2, Fraction("0.25"), START),
        ],
    )
    credits = calculate(made, AS_OF).credits.values()
    assert [(c.transaction.transaction_id[-2:], c.payee_id, c.level, int(c.amount)) for c in credits] == [
        ("D1", "4", 2, 25),  # 2 is not on the plan
        ("D2", "3", 1, 50),
        ("D2", "4", 2, 25),
    ]


def test_a_reporting_line_in_a_circle_is_an_error() -> None:
    made = company(
        [DEAL],
        plans=[replace(PLAN, credit_method="rollup")],
        reporting=[ReportsTo("1", "2", START), ReportsTo("2", "1", START)],
    )
    with pytest.raises(ValueError, match="has no end"):
        calculate(made, AS_OF)


# --- 4. Attainment and 5. rewards ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calendar", "day", "code", "first", "end"),
    [
        ("month", date(2024, 12, 31), "2024-12", date(2024, 12, 1), date(2025, 1, 1)),
        ("quarter", date(2024, 12, 31), "2024-Q4", date(2024, 10, 1), date(2025, 1, 1)),
        ("quarter", date(2024, 4, 1), "2024-Q2", date(2024, 4, 1), date(2024, 7, 1)),
        ("year", date(2024, 2, 29), "2024", date(2024, 1, 1), date(2025, 1, 1)),
        ("own", date(2024, 2, 29), "W", date(2024, 2, 29), date(2024, 3, 5)),
    ],
)
def test_windows(calendar: str, day: date, code: str, first: date, end: date) -> None:
    made = company([], windows=[Window("own", "W", date(2024, 2, 29), date(2024, 3, 5))])
    assert window_of(made, calendar, day) == Window(calendar, code, first, end)
    assert window_of(made, "own", date(2024, 3, 5)) is None


def test_parameters_are_read_on_the_first_day_on_the_plan_narrowest_scope_first() -> None:
    variables = [
        Variable("Rate", "global", None, Fraction("0.01"), START),
        Variable("Rate", "plan", "plan", Fraction("0.02"), START, date(2024, 2, 5)),
        Variable("Rate", "plan", "plan", Fraction("0.03"), date(2024, 2, 5)),
        Variable("Rate", "payee", "2", Fraction("0.04"), START),
    ]
    made = company(
        [deal(1, 100), deal(2, 100, owner_alias="U2"), deal(3, 100, date(2024, 4, 1))],
        assignments=[Assignment("plan", "1", date(2024, 2, 5)), Assignment("plan", "2", START)],
        tiers=tiers(("0", "2"), variable="Rate"),
        variables=variables,
    )
    result = calculate(made, AS_OF)
    assert commissions(result) == [6, 8, 6]
    assert result.windows["plan", "1", "2024-Q1"].parameters_date == date(2024, 2, 5)
    assert result.windows["plan", "1", "2024-Q2"].parameters_date == date(2024, 4, 1)


def test_a_negative_credit_walks_back_down_the_curve() -> None:
    transactions = [deal(1, 1500), deal(2, -1000, date(2024, 2, 11)), deal(3, -700, date(2024, 2, 12))]
    steps = tiers(("0", "0.01"), ("1000", "0.02"))
    result = calculate(company(transactions, tiers=steps), AS_OF)
    assert commissions(result) == [20, -15, -7]
    parts = [(part.tier_number, int(part.value), int(part.commission)) for part in result.tier_parts.values()]
    assert parts == [(1, 1000, 10), (2, 500, 10), (1, -500, -5), (2, -500, -10), (1, -700, -7)]


@pytest.mark.parametrize(("quota", "reason"), [(None, "missing_quota"), (0, "zero_quota")])
def test_without_a_quota_there_is_no_curve_and_a_reason(quota: int | None, reason: str) -> None:
    made = company(
        [DEAL],
        plans=[replace(PLAN, tier_basis="quota_ratio", quota_variable="Quota")],
        variables=[] if quota is None else [Variable("Quota", "plan", "plan", Fraction(quota), START)],
    )
    result = calculate(made, AS_OF)
    (window,) = result.windows.values()
    assert (window.attainment, window.reason) == (None, reason)
    assert commissions(result) == [None]


# --- 6. Ledger -------------------------------------------------------------------------------------------


def test_tax_is_taken_out_overpayment_earns_nothing_and_refunds_take_back() -> None:
    days = [date(2024, month, 1) for month in (3, 4, 5, 6)]
    made = paid(*zip(days, (60, 60, 30, -90), strict=True), amount=100, total=120)
    result = calculate(made, AS_OF)
    assert [row.collected for row in result.collections.values()] == [50, 50, 25, -75]
    assert amounts_of(result) == [5, 5, 0, -5]
    assert [row.amount for row in calculate(made, date(2024, 4, 30)).lines.values()] == [5, 5]


def test_thirds_of_a_payment_add_up_to_the_commission() -> None:
    made = paid(*((date(2024, month, 1), "33.35") for month in (3, 4, 5)), amount=100, total=100)
    made.transactions[0] = deal(1, "100.05")
    made.invoices[0] = replace(made.invoices[0], subtotal=Fraction("100.05"), total=Fraction("100.05"))
    result = calculate(made, AS_OF)
    assert commissions(result) == [Fraction("10.01")]
    assert amounts_of(result) == [Fraction("3.34"), Fraction("3.33"), Fraction("3.34")]


@pytest.mark.parametrize(
    ("payment", "invoice", "reason"),
    [
        ({}, {}, None),
        ({"paid_date": None}, {}, "missing_paid_date"),
        ({"paid_date": date(2025, 1, 1), "amount": None}, {}, "after_as_of_date"),
        ({"amount": None, "invoice_id": None}, {}, "missing_amount"),
        ({"invoice_id": None}, {}, "missing_invoice"),
        ({"invoice_id": "I9"}, {}, "unknown_invoice"),
        ({}, {"deal_id": None}, "missing_deal"),
        ({}, {"deal_id": "D9"}, "unknown_deal"),
        ({"currency": "EUR"}, {"total": Fraction(0)}, "currency_differs"),
        ({}, {"total": Fraction(0)}, "invoice_without_total"),
    ],
)
def test_unmatched_payments_have_a_reason(
    payment: dict[str, Any], invoice: dict[str, Any], reason: str | None
) -> None:
    made = paid((date(2024, 3, 1), 100))
    made.payments[0] = replace(made.payments[0], **payment)
    made.invoices[0] = replace(made.invoices[0], **invoice)
    result = calculate(made, AS_OF)
    assert result.collections["P1"].reason == reason
    assert len(result.lines) == (0 if reason else 1)


# --- What must hold for every company, on the sample -----------------------------------------------------


@pytest.fixture(scope="module")
def sample() -> Company:
    return company_from_files(ROOT / "ingestion" / "sample", ROOT / "seeds")


@pytest.fixture(scope="module")
def sample_result(sample: Company, sample_as_of: date) -> Result:
    return calculate(sample, sample_as_of)


def test_an_unknown_filter_is_refused() -> None:
    with pytest.raises(KeyError):
        FILTERS["\"Type\" = 'Wholesale'"]


def test_parts_add_up(sample_result: Result) -> None:
    of_credit: dict[str, Fraction] = {}
    for part in sample_result.tier_parts.values():
        of_credit[part.credit_id] = of_credit.get(part.credit_id, Fraction(0)) + part.commission
    earned: dict[str, Fraction] = {}
    for line in sample_result.lines.values():
        earned[line.credit_id] = earned.get(line.credit_id, Fraction(0)) + line.amount
    for credit in sample_result.credits.values():
        assert credit.commission is not None
        assert of_credit.get(credit.credit_id, 0) == credit.commission
        assert 0 <= earned.get(credit.credit_id, 0) <= credit.commission
    for disposition in sample_result.dispositions.values():
        if disposition.plan_id == "online_territory" and disposition.reason is None:
            assert disposition.credited == disposition.value


def test_shuffled_input_gives_the_same_result(
    sample: Company, sample_result: Result, sample_as_of: date
) -> None:
    mixed = replace(sample)
    shuffle = random.Random(20130630).shuffle
    for name, rows in vars(sample).items():
        if isinstance(rows, list):
            rows = list(rows)
            shuffle(rows)
            setattr(mixed, name, rows)
    assert calculate(mixed, sample_as_of) == sample_result


def test_doubled_money_doubles_commissions(
    sample: Company, sample_result: Result, sample_as_of: date
) -> None:
    """Amounts, quotas and bounds twice as high: windows twice as much, but for the one rounding."""
    by_quota = {plan.plan_id for plan in sample.plans if plan.tier_basis == "quota_ratio"}
    quotas = {plan.quota_variable for plan in sample.plans}
    doubled = replace(
        sample,
        transactions=[replace(t, amount=t.amount and 2 * t.amount) for t in sample.transactions],
        variables=[replace(v, value=2 * v.value if v.name in quotas else v.value) for v in sample.variables],
        tiers=[
            tier if tier.plan_id in by_quota else replace(tier, tier_from=2 * tier.tier_from)
            for tier in sample.tiers
        ],
        invoices=[
            replace(i, subtotal=i.subtotal and 2 * i.subtotal, total=i.total and 2 * i.total)
            for i in sample.invoices
        ],
        payments=[replace(p, amount=p.amount and 2 * p.amount) for p in sample.payments],
    )
    result = calculate(doubled, sample_as_of)
    assert result.credits.keys() == sample_result.credits.keys()
    assert result.lines.keys() == sample_result.lines.keys()
    once, twice = per_window(sample_result), per_window(result)
    assert max(abs(twice[key] - 2 * once[key]) for key in once) <= CENT


def per_window(result: Result) -> dict[tuple[str, str, str], Fraction]:
    totals: dict[tuple[str, str, str], Fraction] = {}
    for credit in result.credits.values():
        assert credit.commission is not None
        key = (credit.plan.plan_id, credit.payee_id, credit.window.code)
        totals[key] = totals.get(key, Fraction(0)) + credit.commission
    return totals


def test_an_earlier_day_sees_the_same_lines_up_to_it(sample: Company, sample_result: Result) -> None:
    earlier = date(2012, 6, 30)
    known = {key: line for key, line in sample_result.lines.items() if line.event_date <= earlier}
    assert calculate(sample, earlier).lines == known
