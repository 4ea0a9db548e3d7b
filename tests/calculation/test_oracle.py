"""The oracle itself: published examples, and each rule worked by hand at its edges."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest

from tests.calculation.oracle import Result, calculate
from tests.calculation.oracle.exact import cut, parts, round_half_away
from tests.calculation.oracle.expressions import Value, parse
from tests.support.companies.company_files import Row
from tests.support.companies.small_company import (
    OWNER,
    PLAN,
    START,
    TERMS,
    amounts,
    billed,
    calculated,
    company,
    deal,
    lines,
    split,
    tiers,
    variable,
)

STEP_RATES = tiers((0, "0.01"), (1000, "0.02"), (3000, "0.03"), (8000, "0.05"))
STEP_DEALS = [
    deal(number, amount, day)
    for number, (amount, day) in enumerate(
        [
            (200, "2024-01-01"),
            (300, "2024-01-02"),
            (1500, "2024-01-15"),
            (1200, "2024-02-01"),
            (2000, "2024-02-15"),
            (4500, "2024-03-01"),
        ]
    )
]

# --- Published examples ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calendar", "earned"),
    [("transaction", [2, 3, 20, 14, 30, 95]), ("quarter", [2, 3, 25, 26, 60, 169])],
)
def test_step_rates_alone_or_running(calendar: str, earned: list[float]) -> None:
    """Oracle Fusion Incentive Compensation, Examples of Calculating Earnings Using Step Rates."""
    assert amounts(calculated(STEP_DEALS, {"calendar_id": calendar}, tiers=STEP_RATES)) == earned


def test_step_rates_by_month() -> None:
    earned = amounts(calculated(STEP_DEALS, {"calendar_id": "month"}, tiers=STEP_RATES))
    assert [sum(earned[:3]), sum(earned[3:5]), earned[5]] == [30, 56, 95]


def test_interpolated_tier_amounts() -> None:
    """The same manual, Using Interpolated Rates."""
    steps = tiers(
        (0, "10"), (1000, "40"), (3000, "100"), (8000, "2000"), column="tier_amount_expression", last="20000"
    )
    assert amounts(calculated(STEP_DEALS, {"calendar_id": "transaction"}, tiers=steps)) == [
        2,
        3,
        20,
        14,
        30,
        80,
    ]


@pytest.mark.parametrize(
    ("method", "earned"), [("retroactive", [50, 300, 1800]), ("marginal", [50, 200, 1200])]
)
def test_whole_and_split_tiers(method: str, earned: list[float]) -> None:
    """The same manual, Options for Splitting Attainment Numbers Across Rate Tiers."""
    steps = tiers((0, "0.01"), (10000, "0.02"), (50000, "0.03"), (100000, "0.04"))
    deals = [deal(i, amount, f"2024-0{i}-05") for i, amount in enumerate((5000, 15000, 60000), 1)]
    assert (
        amounts(calculated(deals, {"calendar_id": "month", "tier_method_code": method}, tiers=steps))
        == earned
    )


@pytest.mark.parametrize(("bound", "second"), [("lower_inclusive", 25), ("upper_inclusive", 17.5)])
def test_exactly_on_the_bound(bound: str, second: float) -> None:
    """Oracle Doc 2582565.1, and Aptify's Commission Agreement Detail Tiers for the opposite."""
    plan: Row = {"tier_bound_code": bound, "tier_method_code": "standing"}
    deals = [deal(1, 1500000, "2024-01-05"), deal(2, 1000, "2024-01-06")]
    result = calculated(deals, plan, tiers=tiers((0, "0.0175"), (1500000, "0.025")))
    assert amounts(result) == [26250, second]


def test_quarter_with_quota_starts_anew() -> None:
    """SAP Commissions, Period Type Parameter Examples."""
    deals = [deal(i, amount, f"2024-0{i}-05") for i, amount in enumerate((2500, 3000, 1800, 3500), 1)]
    quotas = [
        variable("Quota", 6000, "payee", "1", valid_to="2024-04-01"),
        variable("Quota", 7000, "payee", "1", valid_from="2024-04-01"),
    ]
    plan: Row = {"tier_basis_code": "quota_ratio", "quota_expression": "@@Quota"}
    steps = tiers((0, "0.05"), (0.5, "0.1"), (1, "0.15"))
    result = calculated(deals, plan, tiers=steps, variables=quotas)
    assert amounts(result) == [125, 275, 245, 175]
    assert result.windows["plan|2024-01-01|1|2024-Q1"].ratio == cut(Fraction(73, 60))
    assert result.windows["plan|2024-01-01|1|2024-Q2"].ratio == Fraction(1, 2)


def test_incentive_prorated_by_days_goes_to_the_right_deals() -> None:
    """Oracle Doc 2619748.1: 4,000,000 a year, weight 50 %, from 15 January (76 of 90 days)."""
    plan: Row = {
        "valid_from": "2019-01-01",
        "quota_expression": "500000",
        "incentive_expression": "4000000 * 0.5 * 0.25",
        "incentive_proration_code": "days_on_plan",
    }
    result = calculated(
        [deal(1, 30000, "2019-01-20"), deal(2, 20000, "2019-01-21")],
        plan,
        plan_assignments=[{"payee_id": "1", "valid_from": "2019-01-15"}],
        tiers=[row | {"valid_from": "2019-01-01"} for row in tiers((0, "1"))],
        credit_rules=[OWNER | {"valid_from": "2019-01-01"}],
    )
    assert amounts(result) == [25333.33, 16888.89]


def test_accelerator_on_a_target_incentive() -> None:
    """RevOps Masters, accelerators: 100,000 + 45,000."""
    plan: Row = {
        "quota_expression": "500000",
        "tier_basis_code": "quota_ratio",
        "incentive_expression": "100000",
    }
    result = calculated([deal(1, 650000)], plan, tiers=tiers((0, "1"), (1, "1.5"), (1.3, "2")))
    assert amounts(result) == [145000]


def test_manager_paid_on_the_team() -> None:
    """QuotaPath help 4360166: 120 % of 198,000."""
    plan: Row = {"quota_expression": "198000", "tier_basis_code": "quota_ratio"}
    steps = tiers((0, "0"), (0.5, "0.025"), (1, "0.0375"), (1.5, "0.0425"), (2, "0.0475"))
    levels: list[Row] = [{"hierarchy_code": "manager", "level_number": "1", "level_factor": "1"}]
    deals = [deal(i, 118800, OwnerId=f"U{i}") for i in (1, 2)]
    result = calculated(deals, plan, tiers=steps, rollup_levels=levels)
    assert sum(amounts(result)) == 3960
    assert {credit.payee_id for credit in result.credits.values()} == {"3"}


def test_pay_when_paid() -> None:
    """Siebel Incentive Compensation: 10 % of 1,000,000, paid in halves. More than all of it earns no more."""
    invoice: Row = {"invoice_id": "I1", "opportunity_id": "D1", "subtotal_amount": "1000000"}
    paid = [("P1", "2024-03-01", "600000"), ("P2", "2024-04-01", "600000"), ("P3", "2024-05-01", "60000")]
    payments: list[Row] = [
        {
            "payment_id": key,
            "kind": "payment",
            "invoice_id": "I1",
            "paid_date": day,
            "currency_code": "USD",
            "amount": amount,
        }
        for key, day, amount in paid
    ]
    result = calculated(
        [deal(1, 1000000)],
        {"payout_event_code": "collection"},
        invoices=[invoice | {"total_amount": "1200000"}],
        payments=payments,
    )
    assert [line.amount for line in result.lines.values()] == [50000, 50000, 0]


# --- Numbers and expressions -------------------------------------------------------------------------------


def test_rounding_is_half_away_from_zero_and_cutting_is_towards_zero() -> None:
    assert round_half_away(Fraction("0.125"), 2) == Fraction("0.13")
    assert round_half_away(Fraction("-0.125"), 2) == Fraction("-0.13")
    assert round_half_away(Fraction("0.1249999"), 2) == Fraction("0.12")
    assert cut(Fraction("-0.19"), 1) == Fraction("-0.1")
    assert parts(Fraction(100), [Fraction(1)] * 3, 2) == [Fraction(c, 100) for c in (3333, 3334, 3333)]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"Amount" * 0.5 - 1', Fraction(49)),
        ('-"Amount" + @@Rate', Fraction(-98)),
        ("divide(2, 3)", Fraction("0.6666666666")),
        ("divide(2, 0)", None),
        ("coalesce(\"Gone\", 'none')", "none"),
        ("\"Type\" in ('New', 'It''s') and not false", True),
        ("\"Gone\" = 'x'", None),
        ("\"Gone\" = 'x' and 1 = 2", False),
        ("\"Gone\" = 'x' or 1 <= 2", True),
        ('"Gone" is null and "Type" is not null', True),
        ('"Gone" not in (1)', None),
        ('case when "Amount" > 100 then 1 when "Amount" >= 100 then 2 else 3 end', Fraction(2)),
        ('case when "Gone" then 1 end', None),
        ("2 + 3 * 4 = 14 and (2 + 3) * 4 <> 14", True),
    ],
)
def test_expressions(text: str, value: object) -> None:
    fields: dict[str, Value] = {"Amount": Fraction(100), "Type": "New", "Gone": None}
    assert parse(text).value(fields, {"Rate": Fraction(2)}) == value


@pytest.mark.parametrize("text", ["1 / 2", '"Amount" +', "sum(1)", "1 2", "case 1 end", "(1"])
def test_other_expressions_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse(text)


# --- Filtering and valuation -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({}, None),
        ({"IsDeleted": "true", "CloseDate": "2025-02-01"}, "deleted_in_source"),
        ({"CloseDate": "2025-02-01", "StageName": "Open"}, "after_as_of_date"),
        ({"StageName": "Open", "CloseDate": None}, "status_not_eligible"),
        ({"CloseDate": None}, "missing_booked_date"),
        ({"CloseDate": "2023-12-31"}, "outside_period"),
        ({"Type": None}, "filter_not_met"),
        ({"Type": "Old", "CloseDate": "2024-07-01"}, "missing_filter_variable"),
        ({"OwnerId": None, "Amount": None}, "missing_owner"),
        ({"OwnerId": "U9", "Amount": None}, "owner_not_in_hris"),
        ({"Amount": None, "CurrencyIsoCode": None}, "missing_amount"),
        ({"CurrencyIsoCode": None}, "missing_currency"),
        ({"CurrencyIsoCode": "XXQ"}, "unknown_currency"),
        ({"CurrencyIsoCode": "EUR", "CloseDate": "2024-02-11"}, "missing_fx_rate"),
    ],
)
def test_the_first_reason_that_holds_is_given(fields: Row, reason: str | None) -> None:
    rates: list[Row] = [
        {
            "FromCurrencyCode": "USD",
            "ToCurrencyCode": "EUR",
            "CurrencyRateDate": "2024-02-03",
            "AverageRate": "0.8",
        }
    ]
    plan: Row = {"filter_expression": "\"Type\" = 'New' and @@Open = 1"}
    open_until: list[Row] = [variable("Open", 1, valid_to="2024-07-01")]
    result = calculated([deal(1, 100) | fields], plan, fx=rates, variables=open_until)
    assert [row.reason for row in result.dispositions.values()] == [reason]


def test_catalogue_and_payable() -> None:
    plan: Row = {
        "value_expression": "@@CatalogueValue * 2",
        "value_currency_code": "plan",
        "catalogue_id": "points",
        "catalogue_key_expression": '"Type"',
        "payable_expression": '"Amount"',
        "tier_method_code": "crossing",
    }
    entries: list[Row] = [
        {"catalogue_id": "points", "catalogue_key": "New", "value": "7", "valid_to": "2024-03-01"}
    ]
    result = calculated([deal(1, 50), deal(2, 50, "2024-03-01")], plan, catalogue=entries)
    assert [(row.reason, row.value) for row in result.dispositions.values()] == [
        (None, 14),
        ("missing_catalogue_value", None),
    ]
    assert amounts(result) == [5]


# --- Crediting ---------------------------------------------------------------------------------------------


def test_the_first_rule_of_each_group_is_taken() -> None:
    rules: list[Row] = [
        OWNER | {"priority": "2"},
        OWNER
        | {
            "rule_id": "big",
            "recipient_code": "payee",
            "payee_expression": "'U2'",
            "condition_expression": '"Amount" >= 100',
            "share_expression": "0.5",
        },
        OWNER
        | {"rule_id": "over", "rule_group": "over", "recipient_code": "payee", "payee_expression": "'4'"},
    ]
    result = calculated([deal(1, 99), deal(2, 100)], credit_rules=rules)
    credited = [
        (c.transaction.transaction_id[-2:], c.payee_id, int(c.credited or 0)) for c in result.credits.values()
    ]
    assert credited == [("D1", "1", 99), ("D1", "4", 99), ("D2", "2", 50), ("D2", "4", 100)]


@pytest.mark.parametrize(
    ("total", "percents", "credited"),
    [
        ("whole", ["33.33", "33.33", "33.34"], ["33.33", "33.33", "33.34"]),
        ("whole", ["50", "49.99", None], None),
        ("whole", ["60", "30", "0"], None),
        ("at_most_whole", ["60", "30", "0"], ["60", "30", "0"]),
        ("at_most_whole", ["60", "50", "0"], None),
        ("any", ["60", "50", "0"], ["60", "50", "0"]),
    ],
)
def test_splits(total: str, percents: list[str | None], credited: list[str] | None) -> None:
    rule = OWNER | {"recipient_code": "splits", "split_total_code": total, "credit_type_code": "split"}
    rows = [split(1, f"U{i}", SplitPercentage=p) for i, p in enumerate(percents, 1)]
    result = calculated([deal(1, 100)], credit_rules=[rule], splits=rows)
    if credited is None:
        assert [row.reason for row in result.dispositions.values()] == ["split_sum_differs"]
    else:
        assert [row.credited for row in result.credits.values()] == [Fraction(c) for c in credited]


def test_splits_by_amount_of_one_person_are_one_and_nobody_takes_the_part_of_a_stranger() -> None:
    rule = OWNER | {"recipient_code": "splits", "credit_type_code": "split"}
    owners = [("U2", "-30"), ("U1", "-20"), ("U9", "-40"), ("U2", "-10")]
    result = calculated(
        [deal(1, -100)],
        credit_rules=[rule],
        splits=[split(1, owner, SplitAmount=part) for owner, part in owners],
    )
    assert [(row.payee_id, row.credited) for row in result.credits.values()] == [("1", -20), ("2", -40)]
    assert [(row.reason, row.credited) for row in result.refused] == [("split_owner_not_in_hris", -40)]


def test_territory_members_on_the_plan_share_without_a_remainder() -> None:
    rule = OWNER | {"recipient_code": "territory", "credit_type_code": "territory", "share_expression": "0.5"}
    history: list[Row] = [
        {"employeeId": payee, "territoryId": "T1", "startDate": START, "endDate": last}
        for payee, last in (("1", None), ("2", "2024-02-10"), ("3", "2024-02-09"), ("4", None))
    ]
    result = calculated(
        [deal(1, 100)],
        credit_rules=[rule],
        territories=history,
        plan_assignments=[{"payee_id": payee} for payee in ("1", "2", "3")],
    )
    assert [(row.payee_id, row.credited) for row in result.credits.values()] == [("1", 25), ("2", 25)]
    assert [(row.payee_id, row.reason) for row in result.refused] == [("4", "no_plan_assignment")]


def levels(hierarchy: str, *factors: tuple[int, str]) -> list[Row]:
    return [
        {"hierarchy_code": hierarchy, "level_number": str(level), "level_factor": factor}
        for level, factor in factors
    ]


def test_rollup_by_managers_is_capped_by_the_value_for_one_payee() -> None:
    rules = [
        OWNER,
        OWNER
        | {"rule_id": "over", "rule_group": "over", "recipient_code": "payee", "payee_expression": "'3'"},
    ]
    rolled = levels("manager", (0, "0.75"), (1, "0.5"), (2, "0.25"))
    credits = calculated(
        [deal(1, 100)], {"is_rollup_capped": "true"}, credit_rules=rules, rollup_levels=rolled
    ).credits.values()
    found = {(row.payee_id, row.level, row.recipient): row.credited for row in credits}
    # 3 gets 75 as overlay and 25 (not 50) as manager of 1; 4 gets 50 as manager of 3 and 25 above 1
    assert found == {
        ("1", 0, "1"): 75,
        ("3", 0, "3"): 75,
        ("3", 1, "1"): 25,
        ("4", 1, "3"): 50,
        ("4", 2, "1"): 25,
    }


def test_rollup_by_teams_starts_with_the_leader_of_the_own_team() -> None:
    teams: list[Row] = [
        {"team_id": "west", "parent_team_id": "all", "leader_payee_id": "1"},
        {"team_id": "all", "parent_team_id": None, "leader_payee_id": "4"},
    ]
    members: list[Row] = [{"team_id": "west", "payee_id": payee, "share_weight": "1"} for payee in ("1", "2")]
    result = calculated(
        [deal(1, 100), deal(2, 100, OwnerId="U2")],
        teams=teams,
        team_memberships=members,
        rollup_levels=levels("team", (1, "1"), (2, "0.1")),
    )
    found = [
        (c.transaction.transaction_id[-2:], c.payee_id, int(c.credited or 0)) for c in result.credits.values()
    ]
    assert found == [("D1", "4", 10), ("D2", "1", 100), ("D2", "4", 10)]  # 1 is not rolled up to 1


# --- Attainment --------------------------------------------------------------------------------------------


def test_quota_by_days_on_plan() -> None:
    """A quarter of 91 days: 31 days at 9100, off the plan in February, 31 days at 18200."""
    result = calculated(
        [],
        {"quota_expression": "@@Quota", "quota_proration_code": "days_on_plan"},
        variables=[
            variable("Quota", 9100, valid_to="2024-02-15"),
            variable("Quota", 18200, valid_from="2024-02-15"),
        ],
        plan_assignments=[
            {"payee_id": "1", "valid_to": "2024-02-01"},
            {"payee_id": "1", "valid_from": "2024-03-01"},
        ],
    )
    assert result.windows["plan|2024-01-01|1|2024-Q1"].quota == 9300


def test_progress_goes_on_over_versions_unless_it_is_reset() -> None:
    first = PLAN | {"valid_to": "2024-02-15"}
    for progress, before in ((None, 100), ("new", 0)):
        second = PLAN | {"valid_from": "2024-02-15", "progress_id": progress}
        result = calculated([deal(1, 100), deal(2, 10, "2024-02-15")], plans=[first, second])
        assert [credit.before for credit in result.credits.values()] == [0, before]
        keys = ["plan|2024-01-01|1|2024-Q1", "plan|2024-02-15|1|2024-Q1"]
        assert [result.windows[key].attained for key in keys] == [100, before + 10]


@pytest.mark.parametrize(
    ("aggregate", "attained"), [("sum", 30), ("count", 0), ("average", 10), ("weighted_average", 16)]
)
def test_aggregates(aggregate: str, attained: int) -> None:
    deals = [
        deal(i, amount, Freight__c=weight)
        for i, (amount, weight) in enumerate(((50, "2"), (-20, "1"), (0, "2")))
    ]
    result = calculated(deals, {"aggregate_code": aggregate, "weight_expression": '"Freight__c"'})
    assert result.windows["plan|2024-01-01|1|2024-Q1"].attained == attained
    if aggregate == "count":
        assert [(c.before, c.after) for c in result.credits.values()] == [(0, 1), (1, 0), (0, 0)]


def test_the_narrowest_variable_wins_and_two_teams_are_an_error() -> None:
    members: list[Row] = [{"team_id": team, "payee_id": "1", "share_weight": "1"} for team in ("a", "b")]
    scopes = [("payee", "1", "0.1"), ("team", "a", "0.2"), ("plan", "plan", "0.3"), ("global", None, "0.4")]
    rows = [variable("Rate", value, scope, scope_id) for scope, scope_id, value in scopes]
    for narrowest, earned in enumerate((10, 20, 30, 40)):
        result = calculated(
            [deal(1, 100)], tiers=tiers((0, "@@Rate")), team_memberships=members, variables=rows[narrowest:]
        )
        assert amounts(result) == [earned]
    with pytest.raises(ValueError, match="several teams"):
        calculated(
            [deal(1, 100)],
            tiers=tiers((0, "@@Rate")),
            team_memberships=members,
            variables=[variable("Rate", 1, "team", team) for team in ("a", "b")],
        )


# --- Rewards per credit ------------------------------------------------------------------------------------

ACROSS = [deal(1, 800, "2024-01-05"), deal(2, 400, "2024-01-06"), deal(3, -400, "2024-01-07")]


@pytest.mark.parametrize(
    ("method", "earned"),
    [
        ("marginal", [80, 60, -60]),  # 200 x 10 % + 200 x 20 %
        ("crossing", [80, 80, -80]),  # whole at the rate that is reached
        ("standing", [80, 40, -40]),  # whole at the rate from which it starts
        ("retroactive", [80, 160, -160]),  # 1200 x 20 % less 800 x 10 %
    ],
)
def test_methods_across_a_bound_and_back(method: str, earned: list[float]) -> None:
    steps = tiers((0, "0.1"), (1000, "0.2"))
    assert amounts(calculated(ACROSS, {"tier_method_code": method}, tiers=steps)) == earned


@pytest.mark.parametrize(
    ("method", "earned"), [("crossing", [8, 8, -8]), ("standing", [8, 4, -4]), ("retroactive", [8, 16, -16])]
)
def test_rates_are_paid_on_the_payable_amount(method: str, earned: list[float]) -> None:
    deals = [row | {"Tax_Amount__c": str(float(row["Amount"] or 0) / 10)} for row in ACROSS]
    plan: Row = {"tier_method_code": method, "payable_expression": '"Tax_Amount__c"'}
    assert amounts(calculated(deals, plan, tiers=tiers((0, "0.1"), (1000, "0.2")))) == earned


def test_the_rate_row_with_the_most_filled_cells_wins() -> None:
    plan: Row = {"rate_dimension_1_expression": '"Type"', "rate_dimension_2_expression": '"Product_Tier__c"'}
    table: list[Row] = [
        {"rate": "0.01"},
        {"dimension_2_value": "A", "rate": "0.02"},
        {"dimension_1_value": "New", "rate": "0.03"},
        {"dimension_1_value": "New", "tier_number": "2", "rate": "0.04"},
    ]
    deals = [
        deal(1, 500, "2024-01-01", Type="Old", Product_Tier__c="B"),
        deal(2, 100, "2024-01-02", Type="Old", Product_Tier__c="A"),
        deal(3, 100, "2024-01-03", Product_Tier__c="A"),
        deal(4, 600, "2024-01-04", Product_Tier__c="A"),  # 300 in tier 1, 300 in tier 2 at twice 4 %
    ]
    result = calculated(deals, plan, tiers=tiers((0, "1"), (1000, "2")), rates=table)
    assert amounts(result) == [5, 2, 3, 9 + 24]


def test_a_gap_is_listed_and_earns_nothing() -> None:
    plan: Row = {"tier_basis_code": "quota_ratio", "quota_expression": "@@Quota"}
    for rows, reason in (([], "missing_quota"), ([variable("Quota", 0)], "zero_quota")):
        result = calculated([deal(1, 100)], plan, variables=rows)
        assert [(row.amount, row.reason) for row in result.rewards.values()] == [(0, reason)]


# --- Bonuses -----------------------------------------------------------------------------------------------

BONUS: Row = {
    "bonus_number": "1",
    "bonus_kind_code": "step",
    "basis_code": "attained_amount",
    "basis_from": "100",
    "basis_to": None,
    "amount_expression": "1000",
    "amount_to_expression": None,
    "frequency_code": "window",
}


@pytest.mark.parametrize(
    ("cells", "attained", "paid"),
    [
        ({}, "99.99", 0),
        ({}, "100", 1000),
        ({"basis_to": "200"}, "200", 0),
        ({"bonus_kind_code": "linear", "basis_to": "200", "amount_to_expression": "3000"}, "150", 2000),
        ({"bonus_kind_code": "linear", "basis_to": "200"}, "150", 1000),
    ],
)
def test_steps_and_lines(cells: Row, attained: str, paid: float) -> None:
    result = calculated([deal(1, attained)], bonuses=[BONUS | cells], plan_assignments=[{"payee_id": "1"}])
    assert amounts(result, "bonus") == [paid, 0, 0, 0]  # four quarters


def test_monthly_bonus_pays_what_was_added() -> None:
    bonus = BONUS | {
        "frequency_code": "month",
        "bonus_kind_code": "linear",
        "basis_from": "0",
        "basis_to": "200",
    }
    bonus |= {"amount_expression": "0", "amount_to_expression": "2000"}
    deals = [deal(1, 50, "2024-01-31"), deal(2, 100, "2024-02-01"), deal(3, -50, "2024-03-31")]
    result = calculated(
        deals, bonuses=[bonus], plan_assignments=[{"payee_id": "1", "valid_to": "2024-04-01"}]
    )
    assert amounts(result, "bonus") == [500, 1000, -500]


@pytest.mark.parametrize(
    ("start", "amounts_of_deals", "earned"),
    [
        ("zero", (500, 100), [10, 2]),
        ("first_bound", (500, 100), [20, 2]),  # the first moves from -1,000: 1,000 x 1 % + 500 x 2 %
        ("zero", (-300, 400), [-3, 5]),
        ("first_bound", (-300, 400), [7, 5]),  # -1,000 to -300, then to 100: 300 x 1 % + 100 x 2 %
    ],
)
def test_a_curve_from_below_zero_counts_from_zero_or_from_its_first_bound(
    start: str, amounts_of_deals: tuple[int, ...], earned: list[float]
) -> None:
    deals = [deal(i, amount, f"2024-02-{i:02}") for i, amount in enumerate(amounts_of_deals, 1)]
    rows = tiers((-1000, "0.01"), (0, "0.02"))
    result = calculated(deals, {"tier_start_code": start, "calendar_id": "year"}, tiers=rows)
    assert amounts(result) == earned


def test_rank_prizes_of_who_is_level_are_shared() -> None:
    """Two are first with 100, one is third: prizes 900, 300 and 100."""
    deals = [deal(i, amount, OwnerId=f"U{i}") for i, amount in enumerate((100, 100, 60, 0), 1)]
    prizes = [("1", "2", "900"), ("2", "3", "300"), ("3", None, "100")]
    bonuses = [
        BONUS
        | {
            "bonus_kind_code": "rank",
            "bonus_number": low,
            "basis_from": low,
            "basis_to": high,
            "amount_expression": prize,
        }
        for low, high, prize in prizes
    ]
    result = calculated(deals, {"calendar_id": "year"}, bonuses=bonuses)
    found = {payee: 0.0 for payee in "1234"}
    for row in result.commissions.values():
        if row.reward.kind == "bonus" and row.payee_id:
            found[row.payee_id] += float(row.amount)
    assert found == {"1": 600, "2": 600, "3": 100, "4": 0}


@pytest.mark.parametrize(
    ("prizes", "expected"),
    [
        # Four prizes, one first, three second: (8,000 + 5,000 + 2,000) / 3.
        (("10000", "8000", "5000", "2000"), [10000, 5000, 5000, 5000]),
        # 1,000 over three: 333.33, 666.67, 1,000 to date.
        (("10000", "600", "300", "100"), [10000, 333.33, 333.34, 333.33]),
        # 100.01 + 50.01 + 50.01 = 200.03 over three: 66.68, 133.35, 200.03 to date.
        (("1", "100.01", "50.01", "50.01"), [1, 66.68, 66.67, 66.68]),
    ],
)
def test_the_sum_of_the_prizes_of_a_tie_is_rounded_once(
    prizes: tuple[str, ...], expected: list[float]
) -> None:
    deals = [deal(i, amount, OwnerId=f"U{i}") for i, amount in enumerate((100, 60, 60, 60), 1)]
    bonuses = [
        BONUS
        | {
            "bonus_kind_code": "rank",
            "bonus_number": str(place),
            "basis_from": str(place),
            "basis_to": str(place + 1),
            "amount_expression": prize,
        }
        for place, prize in enumerate(prizes, 1)
    ]
    result = calculated(deals, {"calendar_id": "year"}, bonuses=bonuses)
    found: dict[str, Fraction] = {}
    for row in result.commissions.values():
        if row.reward.kind == "bonus" and row.payee_id:
            found[row.payee_id] = found.get(row.payee_id, Fraction(0)) + row.amount
    assert [float(found[payee]) for payee in "1234"] == expected


def test_pool_is_shared_by_attainment_to_the_cent() -> None:
    deals = [deal(i, amount, OwnerId=f"U{i}") for i, amount in enumerate((200, 200, 200, 99), 1)]
    pool = BONUS | {"bonus_kind_code": "pool", "amount_expression": "100"}
    result = calculated(deals, {"calendar_id": "year"}, bonuses=[pool])
    assert amounts(result, "bonus") == [33.33, 33.34, 33.33, 0]


# --- Modifiers ---------------------------------------------------------------------------------------------


def modifier(kind: str, amount: str | None = None, scope: str | None = None, **cells: str) -> Row:
    return {
        "modifier_number": "1",
        "modifier_kind_code": kind,
        "scope_code": scope,
        "amount_expression": amount,
        "condition_plan_id": None,
    } | cells


@pytest.mark.parametrize(
    ("bound", "low", "high", "is_open"),
    [
        ("lower_inclusive", "0.5", "1", [False, True, True, False]),
        ("upper_inclusive", "0.5", "1", [False, False, True, True]),
        ("lower_inclusive", "0.3333333333", None, [True, True, True, True]),
        ("upper_inclusive", "0.4999999999", None, [False, True, True, True]),
    ],
)
def test_a_condition_on_a_bound_follows_the_bound_of_the_plan(
    bound: str, low: str, high: str | None, is_open: list[bool]
) -> None:
    """Quota 100; 49.99, 50, 99.99 and 100 attained by four payees, 10 % of each behind the gate."""
    gate = modifier("gate", condition_plan_id="plan", condition_from=low) | {"condition_to": high}
    deals = [deal(i, amount, OwnerId=f"U{i}") for i, amount in enumerate(("49.99", 50, "99.99", 100), 1)]
    plan: Row = {"quota_expression": "100", "tier_bound_code": bound, "calendar_id": "year"}
    result = calculated(deals, plan, modifiers=[gate])
    earned = {row.payee_id: row.amount for row in result.commissions.values()}
    assert [bool(earned[payee]) for payee in "1234"] == is_open


@pytest.mark.parametrize(
    ("row", "earned"),
    [
        (modifier("multiplier", "1.5"), [15, 30, -15, 30]),
        (modifier("gate", condition_plan_id="plan", condition_from="0.5"), [10, 20, -10, 20]),
        (modifier("gate", condition_plan_id="plan", condition_from="0.51"), [0, 0, 0, 0]),
        (modifier("multiplier", "2", condition_plan_id="plan", condition_from="0.51"), [10, 20, -10, 20]),
        (modifier("cap", "15", "deal"), [10, 15, -10, 15]),
        (modifier("cap", "5", "deal"), [5, 5, -5, 5]),
        (modifier("floor", "12", "deal"), [12, 20, -10, 20]),
        (modifier("cap", "25", "month"), [10, 15, -5, 20]),  # January to date 10, 30, 20: capped 10, 25, 20
        (modifier("cap", "25", "year"), [10, 15, -5, 5]),
    ],
)
def test_modifiers(row: Row, earned: list[float]) -> None:
    deals = [deal(1, 100, "2024-01-01"), deal(2, 200, "2024-01-02"), deal(3, -100, "2024-01-03")]
    deals.append(deal(4, 200, "2024-02-01"))
    plan: Row = {"quota_expression": "800"}  # 400 of 800 in the quarter
    assert amounts(calculated(deals, plan, modifiers=[row])) == earned


def test_monthly_floor_adds_what_is_missing() -> None:
    deals = [deal(1, 100, "2024-01-31"), deal(2, 400, "2024-02-01")]
    on_plan: list[Row] = [{"payee_id": "1", "valid_to": "2024-04-02"}]
    result = calculated(deals, modifiers=[modifier("floor", "30", "month")], plan_assignments=on_plan)
    floors = {
        row.reward.reward_id: float(row.amount)
        for row in result.commissions.values()
        if row.reward.kind == "floor"
    }
    assert floors == {
        "floor|plan|1|month|2024-01": 20,
        "floor|plan|1|month|2024-02": 0,
        "floor|plan|1|month|2024-03": 30,
        "floor|plan|1|month|2024-04": 30,
    }


# --- Rounding and beneficiaries ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("currency", "earned"), [("USD", [0.13, 0.12]), ("JPY", [0, 0]), ("KWD", [0.125, 0.125])]
)
def test_lines_of_a_window_add_up_to_its_rounded_total(currency: str, earned: list[float]) -> None:
    deals = [deal(i, "1.25", CurrencyIsoCode=currency) for i in (1, 2)]
    assert amounts(calculated(deals, {"currency_code": currency})) == earned


@pytest.mark.parametrize(
    ("beneficiary", "paid"),
    [("payee", {"1": 10.0}), ("manager", {"3": 10.0}), ("team", {"1": 3.33, "2": 6.67})],
)
def test_beneficiaries(beneficiary: str, paid: dict[str, float]) -> None:
    members: list[Row] = [
        {"team_id": "a", "payee_id": payee, "share_weight": weight}
        for payee, weight in (("1", "1"), ("2", "2"))
    ]
    result = calculated([deal(1, 100)], {"beneficiary_code": beneficiary}, team_memberships=members)
    assert {row.payee_id: float(row.amount) for row in result.lines.values()} == paid


def test_without_a_beneficiary_nothing_is_paid() -> None:
    result = calculated([deal(1, 100, OwnerId="U4")], {"beneficiary_code": "manager"})
    assert [row.reason for row in result.commissions.values()] == ["no_beneficiary"]
    assert not result.lines


# --- What counts as collected ------------------------------------------------------------------------------

COLLECTED: Row = {"payout_event_code": "collection"}


@pytest.mark.parametrize(
    ("cells", "earned"),
    [
        ({}, [50, 50, -10]),  # to date 500, 1100 (capped at 1000), 900
        ({"collected_part_code": "gross"}, [60, 40, 0]),  # 600, 1320 and 1080 (capped at 1000)
        ({"rebate_code": "collected"}, [50, 10, 40, 0]),  # 500, 600 with the memo, 1200 and 1000
        ({"overpayment_code": "earned"}, [50, 60, -20]),  # 500, 1100, 900
        # 600, 720, 1440, 1200
        (
            {"collected_part_code": "gross", "rebate_code": "collected", "overpayment_code": "earned"},
            [60, 12, 72, -24],
        ),
    ],
)
def test_what_counts_as_collected(cells: Row, earned: list[float]) -> None:
    """10 % of 1,000; the invoice carries 20 % tax. Paid 600, memo of 120, paid 720, refunded 240."""
    invoices, payments = billed(
        1,
        ("payment", "2024-03-01", 600),
        ("credit_memo", "2024-03-02", -120),
        ("payment", "2024-03-03", 720),
        ("refund", "2024-03-04", -240),
        total=1200,
    )
    result = calculated(
        [deal(1, 1000)], COLLECTED, payout_terms=[TERMS | cells], invoices=invoices, payments=payments
    )
    assert [amount for _, _, amount in lines(result)] == earned


def test_nothing_below_nothing_counts_as_collected_and_a_negative_deal_is_the_mirror() -> None:
    for direction in (1, -1):
        invoices, payments = billed(
            1,
            ("payment", "2024-03-01", 500 * direction),
            ("refund", "2024-03-02", -700 * direction),
            ("payment", "2024-03-03", 300 * direction),
            ("payment", "2024-03-04", 1400 * direction),
        )
        for code, last in (("capped", 90), ("earned", 140)):
            terms = [TERMS | {"overpayment_code": code}]
            deals = [deal(1, 1000 * direction)]
            result = calculated(deals, COLLECTED, payout_terms=terms, invoices=invoices, payments=payments)
            earned = [50, -50, 10, last]  # to date 500, -200 (0), 100, 1500
            assert [amount * direction for _, _, amount in lines(result)] == earned


def test_a_deal_follows_the_terms_of_its_booking_date() -> None:
    terms = [TERMS | {"collected_part_code": "gross", "valid_to": "2024-03-01"}]
    for day, earned in (("2024-02-29", 12), ("2024-03-01", 10)):
        invoices, payments = billed(1, ("payment", "2024-05-01", 120), total=1200)
        seeds = {"payout_terms": terms, "invoices": invoices, "payments": payments}
        assert lines(calculated([deal(1, 1000, day)], COLLECTED, **seeds)) == [("payment", "05-01", earned)]


@pytest.mark.parametrize(("code", "earned"), [("uncollected", 32), ("collected", 40)])
def test_credit_notes_reduce_unless_rebates_are_paid(code: str, earned: float) -> None:
    """ADempiere tracker 1628: invoices of 1,000, credit notes of 200, 4 % (48 was the reported defect)."""
    invoices, payments = billed(
        1, ("credit_memo", "2024-03-01", -200), ("payment", "2024-03-15", 800), subtotal=1000
    )
    result = calculated(
        [deal(1, 1000)],
        COLLECTED,
        tiers=tiers((0, "0.04")),
        payout_terms=[TERMS | {"rebate_code": code}],
        invoices=invoices,
        payments=payments,
    )
    assert sum(line.amount for line in result.lines.values()) == earned


def test_credit_notes_take_back_what_was_paid_on_booking() -> None:
    """The same case on booking: 40 paid, 8 taken back."""
    invoices, payments = billed(1, ("payment", "2024-03-01", 1000), ("credit_memo", "2024-03-15", -200))
    result = calculated([deal(1, 1000)], tiers=tiers((0, "0.04")), invoices=invoices, payments=payments)
    assert lines(result) == [("booking", "02-10", 40), ("clawback", "03-15", -8)]


# --- Pay when paid -----------------------------------------------------------------------------------------


def withheld_on(result: Result, day: str) -> Fraction:
    moved = [row.amount for row in result.movements if row.day <= date.fromisoformat(day)]
    return sum(moved, Fraction(0))


def test_paid_months_later() -> None:
    """Oracle Doc 604095.1: 1 a unit above 100; 220 sold in January, of which 150, 30 and 30 are paid, 10 never."""
    deals = [deal(number, units, f"2024-01-0{number}") for number, units in enumerate((150, 30, 30, 10), 1)]
    invoices: list[Row] = []
    payments: list[Row] = []
    for number, (units, day) in enumerate(((150, "2024-01-31"), (30, "2024-05-31"), (30, "2024-07-31")), 1):
        invoice, paid = billed(number, ("payment", day, units), subtotal=units)
        invoices, payments = invoices + invoice, payments + paid
    result = calculated(
        deals, COLLECTED, tiers=tiers((0, "0"), (100, "1")), invoices=invoices, payments=payments
    )
    assert sum(amounts(result)) == 120
    earned = {period: float(amount) for (_, _, period, _), amount in result.payouts.items()}
    assert earned == {"2024-01": 50, "2024-05": 30, "2024-07": 30}
    assert withheld_on(result, "2024-12-31") == 10


def test_the_rate_of_the_booking_is_applied_to_the_cash() -> None:
    """Sales Cookie: A and B earn 10 %, C crosses the quota and earns 12 %. A is invoiced at half and paid in June."""
    deals = [deal(number, 1000, f"2024-01-0{number}") for number in (1, 2, 3)]
    invoices, payments = billed(1, ("payment", "2024-06-15", 600), subtotal=500, total=600)
    result = calculated(
        deals,
        COLLECTED | {"tier_method_code": "crossing"},
        tiers=tiers((0, "0.1"), (2500, "0.12")),
        invoices=invoices,
        payments=payments,
    )
    assert amounts(result) == [100, 100, 120]
    assert lines(result) == [("payment", "06-15", 50)]


def test_withheld_until_paid_or_expired() -> None:
    """Sales Cookie: A and B, 100 each, closed in January; B is paid in February, A never."""
    invoices, payments = billed(2, ("payment", "2024-02-20", 1000))
    result = calculated(
        [deal(1, 1000, "2024-01-10"), deal(2, 1000, "2024-01-20")],
        COLLECTED,
        payout_terms=[TERMS | {"expire_after_days": "180"}],
        invoices=invoices,
        payments=payments,
    )
    days = ("2024-01-31", "2024-02-29", "2024-06-30", "2024-07-07", "2024-07-08")  # 180 days after 10 January
    assert [withheld_on(result, day) for day in days] == [200, 100, 100, 100, 0]


@pytest.mark.parametrize(
    ("second", "cancelled", "moved"),
    [
        # The first payment comes on the 30th day, in time; 30 days later there is none.
        (None, None, ["expired 04-10 -60"]),
        ("2024-04-10", None, ["earned 04-10 -10", "expired 05-10 -50"]),
        (
            "2024-04-11",
            None,
            ["expired 04-10 -60", "revived 04-11 60", "earned 04-11 -10", "expired 05-11 -50"],
        ),
        # Cancelled before the days are over; on the day of a payment, which is in time; before the booking.
        (None, "2024-03-20", ["expired 03-20 -60"]),
        ("2024-03-20", "2024-03-20", ["earned 03-20 -10", "expired 03-20 -50"]),
        (
            "2024-03-21",
            "2024-03-20",
            ["expired 03-20 -60", "revived 03-21 60", "earned 03-21 -10", "expired 04-20 -50"],
        ),
        (
            None,
            "2024-01-01",
            ["expired 02-10 -100", "revived 03-11 100", "earned 03-11 -40", "expired 04-10 -60"],
        ),
    ],
)
def test_what_is_withheld_expires_and_revives(
    second: str | None, cancelled: str | None, moved: list[str]
) -> None:
    """100 withheld from 10 February on, expiring after 30 days; 400 of 1,000 are paid on 11 March, 100 later."""
    rows = [("payment", "2024-03-11", 400)] + ([("payment", second, 100)] if second else [])
    invoices, payments = billed(1, *rows)
    terms: Row = {"expire_after_days": "30", "cancelled_date_expression": '"Cancelled_Date__c"'}
    result = calculated(
        [deal(1, 1000, Cancelled_Date__c=cancelled)],
        COLLECTED,
        payout_terms=[TERMS | terms],
        invoices=invoices,
        payments=payments,
    )
    found = [f"{row.code} {row.day:%m-%d} {float(row.amount):g}" for row in result.movements]
    begun = ["estimated 02-10 100", "earned 03-11 -40"]
    assert found == (begun[:1] if moved[0] == "expired 02-10 -100" else begun) + moved
    assert sum(amount for _, _, amount in lines(result)) == (50 if second else 40)  # whatever has expired


def test_a_counted_memo_keeps_what_is_withheld_alive() -> None:
    invoices, payments = billed(1, ("credit_memo", "2024-03-01", -100))
    for code, expired in (("uncollected", "03-11"), ("collected", "03-31")):
        result = calculated(
            [deal(1, 1000)],
            COLLECTED,
            payout_terms=[TERMS | {"expire_after_days": "30", "rebate_code": code}],
            invoices=invoices,
            payments=payments,
        )
        assert [f"{row.day:%m-%d}" for row in result.movements if row.code == "expired"] == [expired]


# --- One timeline, on collection ---------------------------------------------------------------------------

ON_CASH: Row = {"credit_event_code": "collection", "payout_event_code": "collection"}


def test_each_payment_is_credited_on_its_own_day() -> None:
    """A deal of February is paid in March, over-paid in April and partly refunded in May; 20 % above 400 a quarter."""
    invoices, payments = billed(
        1, ("payment", "2024-03-31", 600), ("payment", "2024-04-01", 600), ("refund", "2024-05-01", -400)
    )
    result = calculated(
        [deal(1, 1000)], ON_CASH, tiers=tiers((0, "0.1"), (400, "0.2")), invoices=invoices, payments=payments
    )
    # To date 600, 1200 (capped at 1000), 800: credits of 600 in the first quarter, 400 and -200 in the second.
    assert [credit.credited for credit in result.credits.values()] == [600, 400, -200]
    assert lines(result) == [("payment", "03-31", 80), ("payment", "04-01", 40), ("refund", "05-01", -20)]
    deal_id = "crm/Opportunity/D1"
    assert {key: row.reason for (key, _), row in result.dispositions.items()} == {
        deal_id: "credited_on_collection",
        f"{deal_id}@P11": None,
        f"{deal_id}@P12": None,
        f"{deal_id}@P13": None,
    }
    assert result.windows["plan|2024-01-01|1|2024-Q2"].attained == 200
    assert not result.movements and not result.clawbacks


def test_a_payment_belongs_to_who_is_on_the_plan_on_its_day_at_the_rate_of_the_booking() -> None:
    """10 February: 2 USD a EUR. Later rates do not matter; on 1 March person 1 goes and person 2 takes the deal."""
    rates: list[Row] = [
        {"FromCurrencyCode": "USD", "ToCurrencyCode": "EUR", "CurrencyRateDate": day, "AverageRate": rate}
        for day, rate in (("2024-02-10", "0.5"), ("2024-02-29", "0.8"), ("2024-03-01", "0.8"))
    ]
    aliases: list[Row] = [
        {"source_system": "crm", "alias": "U1", "payee_id": "2", "valid_from": "2024-03-01", "valid_to": None}
    ]
    invoices, payments = billed(1, ("payment", "2024-02-29", 300), ("payment", "2024-03-01", 200))
    result = calculated(
        [deal(1, 1000, CurrencyIsoCode="EUR")],
        ON_CASH,
        fx=rates,
        payee_aliases=aliases,
        invoices=invoices,
        payments=[row | {"currency_code": "EUR"} for row in payments],
        plan_assignments=[{"payee_id": "1", "valid_to": "2024-03-01"}, {"payee_id": "2"}],
    )
    found = [(credit.payee_id, credit.credited) for credit in result.credits.values()]
    assert found == [("1", 600), ("2", 400)]


@pytest.mark.parametrize(
    ("fields", "reasons"),
    [
        ({"Type": "Old"}, ["filter_not_met", "filter_not_met"]),
        ({"IsDeleted": "true"}, ["deleted_in_source", "deleted_in_source"]),
        ({"CloseDate": None}, ["missing_booked_date", "missing_booked_date"]),
        ({"CloseDate": "2025-01-01"}, ["after_as_of_date", "after_as_of_date"]),
        ({"CloseDate": "2023-12-31"}, ["outside_period", None]),  # booked before the plan, paid under it
        ({}, ["credited_on_collection", None]),
    ],
)
def test_what_keeps_a_deal_out_keeps_its_payments_out(fields: Row, reasons: list[str | None]) -> None:
    invoices, payments = billed(1, ("payment", "2024-03-01", 100))
    plan = ON_CASH | {"filter_expression": "\"Type\" = 'New'"}
    result = calculated([deal(1, 1000) | fields], plan, invoices=invoices, payments=payments)
    assert [row.reason for row in result.dispositions.values()] == reasons


def test_parts_of_a_value_add_up_to_it() -> None:
    """A third of 100 in three parts: to date 9.9999999999 (from ...99), 19.9999999999 (from ...98), 33.3333333333."""
    rows = [("payment", f"2024-03-0{number}", amount) for number, amount in enumerate(("30", "30", "40"), 1)]
    invoices, payments = billed(1, *rows, subtotal=100)
    plan = ON_CASH | {"value_expression": 'divide("Amount", 3)'}
    result = calculated([deal(1, 100)], plan, invoices=invoices, payments=payments)
    credited = [credit.credited for credit in result.credits.values()]
    assert credited == [Fraction(text) for text in ("9.9999999999", "10", "13.3333333334")]


# --- Taken back --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "taken"),
    [
        ([("payment", 1000), ("refund", -300)], [-30]),
        ([("payment", 1200), ("refund", -200)], []),  # only what was paid too much
        ([("payment", 1200), ("refund", -300)], [-10]),
        ([("refund", -100)], [-10]),
        (
            [("payment", 1000), ("refund", -300), ("refund", 100)],
            [-30, 10],
        ),  # a part of the refund is reversed
        ([("payment", 1000), ("refund", -300), ("payment", 300)], [-30, 30]),  # paid again
        ([("credit_memo", -200), ("payment", 800)], [-20]),
        ([("payment", 1000), ("credit_memo", -200), ("refund", -900)], [-20, -80]),  # never more than all
        ([("payment", 1000), ("credit_memo", -200), ("credit_memo", 200)], [-20, 20]),
        ([("payment", 400), ("payment", -400)], []),  # not paid is not lost before it is overdue
    ],
)
def test_refunds_and_memos_take_back_their_share(rows: list[tuple[str, float]], taken: list[float]) -> None:
    """10 % of 1,000 is paid on booking; a negative deal is the mirror."""
    for direction in (1, -1):
        invoices, payments = billed(
            1,
            *(
                (kind, f"2024-03-0{number}", direction * amount)
                for number, (kind, amount) in enumerate(rows, 1)
            ),
        )
        result = calculated([deal(1, 1000 * direction)], invoices=invoices, payments=payments)
        assert [amount * direction for _, _, amount in lines(result)] == [100, *taken]


def test_loss_is_always_net() -> None:
    """120 of 1,200 refunded are 100 of the deal, under gross terms too."""
    invoices, payments = billed(
        1, ("payment", "2024-03-01", 1200), ("refund", "2024-03-02", -120), total=1200
    )
    result = calculated(
        [deal(1, 1000)],
        payout_terms=[TERMS | {"collected_part_code": "gross"}],
        invoices=invoices,
        payments=payments,
    )
    assert lines(result)[1:] == [("clawback", "03-02", -10)]
    assert [(row.change.lost_before, row.change.lost_after) for row in result.clawbacks] == [(0, 100)]


@pytest.mark.parametrize(
    ("rows", "events"),
    [
        ([("payment", "2024-03-11", 1000)], []),  # 30 days after 10 February, at whose end it is due
        ([("payment", "2024-03-11", 400)], [("clawback", "03-11", -60)]),
        (
            [("payment", "2024-03-01", 400), ("payment", "2024-03-12", 500), ("payment", "2024-04-01", 100)],
            [("clawback", "03-11", -60), ("clawback_return", "03-12", 50), ("clawback_return", "04-01", 10)],
        ),
        (  # lost by the refund already; then what was refunded is unpaid
            [("payment", "2024-03-01", 1000), ("refund", "2024-03-02", -300)],
            [("clawback", "03-02", -30)],
        ),
        (  # overdue: a payment that is taken back is lost at once
            [("payment", "2024-03-01", 1000), ("payment", "2024-04-01", -1000)],
            [("clawback", "04-01", -100)],
        ),
    ],
)
def test_what_is_not_paid_in_time_is_lost_until_it_is_paid(
    rows: list[tuple[str, str, object]], events: list[tuple[str, str, float]]
) -> None:
    invoices, payments = billed(1, *rows)
    terms = [TERMS | {"unpaid_after_days": "30"}]
    result = calculated([deal(1, 1000)], payout_terms=terms, invoices=invoices, payments=payments)
    assert lines(result)[1:] == events


def test_a_cancelled_deal_is_lost_from_its_day_on_not_before_its_booking() -> None:
    invoices, payments = billed(
        1, ("payment", "2024-02-01", 1000), ("refund", "2024-03-01", -300), ("payment", "2024-05-01", 300)
    )
    terms = [TERMS | {"cancelled_date_expression": '"Cancelled_Date__c"'}]
    for day, events in (
        ("2024-03-01", [("clawback", "03-01", -30), ("clawback", "03-01", -70)]),  # billing rows first
        ("2024-01-01", [("clawback", "02-10", -100)]),  # the later rows change nothing
        (
            "2025-01-01",
            [("clawback", "03-01", -30), ("clawback_return", "05-01", 30)],
        ),  # after the as-of date
        (None, [("clawback", "03-01", -30), ("clawback_return", "05-01", 30)]),
    ):
        deals = [deal(1, 1000, Cancelled_Date__c=day)]
        result = calculated(deals, payout_terms=terms, invoices=invoices, payments=payments)
        assert lines(result)[1:] == events


def test_on_one_day_billing_rows_come_first_then_non_payment_then_cancellation() -> None:
    """On 11 March 400 come in; 600 are overdue; then all is cancelled. A row before the booking counts on it."""
    invoices, payments = billed(1, ("payment", "2024-03-11", 400), ("credit_memo", "2024-02-01", -100))
    terms = [TERMS | {"unpaid_after_days": "30", "cancelled_date_expression": '"Cancelled_Date__c"'}]
    deals = [deal(1, 1000, Cancelled_Date__c="2024-03-11")]
    result = calculated(deals, payout_terms=terms, invoices=invoices, payments=payments)
    found = [(row.change.cause, f"{row.change.day:%m-%d}", float(row.amount)) for row in result.clawbacks]
    assert found == [("credit_memo", "02-10", -10), ("unpaid", "03-11", -50), ("cancelled", "03-11", -40)]


@pytest.mark.parametrize(
    ("cells", "taken"),
    [
        ({"clawback_window_days": "90"}, [-30, -30, 0]),
        # 90 days are over on the 90th day, 10 May; 60/90 of 30 %, then 1/90 of 30 % (20 and 20.33 to date)
        ({"clawback_window_days": "90", "clawback_proration_code": "straight_line"}, [-20, -0.33, 0]),
        ({"clawback_proration_code": "straight_line"}, [-30, -30, -30]),  # there is no window
    ],
)
def test_weight_of_a_loss_in_the_window(cells: Row, taken: list[float]) -> None:
    """300 of 1,000 are refunded on the 30th, the 89th and the 90th day after 10 February."""
    invoices, payments = billed(
        1,
        ("payment", "2024-02-20", 1000),
        ("refund", "2024-03-11", -300),
        ("refund", "2024-05-09", -300),
        ("refund", "2024-05-10", -300),
    )
    result = calculated([deal(1, 1000)], payout_terms=[TERMS | cells], invoices=invoices, payments=payments)
    assert [float(row.amount) for row in result.clawbacks] == taken
    assert [amount for _, _, amount in lines(result)[1:]] == [amount for amount in taken if amount]


def test_a_fall_has_the_weight_of_the_last_rise_and_with_nothing_lost_nothing_stays_taken() -> None:
    """Weights 60/90 and 30/90 of 300 each are 20 and 10; the first reversal gives 10 back, the second all that is left."""
    invoices, payments = billed(
        1,
        ("payment", "2024-02-20", 1000),
        ("refund", "2024-03-11", -300),
        ("refund", "2024-04-10", -300),
        ("refund", "2024-06-01", 300),
        ("refund", "2024-06-02", 300),
    )
    terms = [TERMS | {"clawback_window_days": "90", "clawback_proration_code": "straight_line"}]
    result = calculated([deal(1, 1000)], payout_terms=terms, invoices=invoices, payments=payments)
    assert lines(result)[1:] == [
        ("clawback", "03-11", -20),
        ("clawback", "04-10", -10),
        ("clawback_return", "06-01", 10),
        ("clawback_return", "06-02", 20),
    ]
    assert [row.change.weight for row in result.clawbacks] == [(60, 90), (30, 90), (30, 90), (30, 90)]


@pytest.mark.parametrize(("base", "taken"), [("rate", -5), ("paid", -10)])
def test_clawback_of_a_minimum_per_line(base: str, taken: float) -> None:
    """Xactly, Commission Clawback: a credit of 100, 5 %, at least 10 a line: 10 is paid, 5 taken back (or 10)."""
    invoices, payments = billed(
        1, ("payment", "2024-03-01", 100), ("refund", "2024-04-01", -100), subtotal=100
    )
    result = calculated(
        [deal(1, 100)],
        tiers=tiers((0, "0.05")),
        modifiers=[modifier("floor", "10", "deal")],
        payout_terms=[TERMS | {"clawback_base_code": base}],
        invoices=invoices,
        payments=payments,
    )
    assert lines(result) == [("booking", "02-10", 10), ("clawback", "04-01", taken)]


def test_a_cap_leaves_the_commission_as_base() -> None:
    """20 by rate, capped at 15: all 15 are taken back, not more."""
    invoices, payments = billed(
        1, ("payment", "2024-03-01", 200), ("refund", "2024-04-01", -200), subtotal=200
    )
    result = calculated(
        [deal(1, 200)],
        modifiers=[modifier("cap", "15", "deal")],
        payout_terms=[TERMS | {"clawback_base_code": "rate"}],
        invoices=invoices,
        payments=payments,
    )
    assert lines(result) == [("booking", "02-10", 15), ("clawback", "04-01", -15)]


def test_each_beneficiary_gives_back_their_part() -> None:
    """10 by 1 to 2 are 3.33 and 6.67; half of each is 1.67 (from 1.665) and 3.34 (from 3.335)."""
    members: list[Row] = [
        {"team_id": "a", "payee_id": payee, "share_weight": weight}
        for payee, weight in (("1", "1"), ("2", "2"))
    ]
    invoices, payments = billed(
        1, ("payment", "2024-03-01", 100), ("refund", "2024-04-01", -50), subtotal=100
    )
    result = calculated(
        [deal(1, 100)],
        {"beneficiary_code": "team"},
        team_memberships=members,
        invoices=invoices,
        payments=payments,
    )
    found = [(row.commission.payee_id, float(row.amount)) for row in result.clawbacks]
    assert found == [("1", -1.67), ("2", -3.34)]


STEPPED = tiers((0, "0.1"), (1000, "0.2"))


def test_recalculate_is_as_if_the_lost_part_had_never_been() -> None:
    """800 and 400 earn 80 and 60 (200 of them above 1,000); with half of the first lost, 40 and 40."""
    deals = [deal(1, 800, "2024-01-05"), deal(2, 400, "2024-01-06")]
    invoices, payments = billed(
        1, ("payment", "2024-03-01", 800), ("refund", "2024-04-01", -400), subtotal=800
    )
    result = calculated(
        deals,
        tiers=STEPPED,
        payout_terms=[TERMS | {"clawback_policy_code": "recalculate"}],
        invoices=invoices,
        payments=payments,
    )
    assert [row.value for row in result.dispositions.values()] == [400, 400]
    assert amounts(result) == [40, 40]
    assert lines(result) == [("booking", "01-05", 40)]
    assert [(row.policy, row.amount) for row in result.clawbacks] == [("recalculate", 0)]


@pytest.mark.parametrize(
    ("refunded", "attained", "earned"),
    [
        # In the deal's own quarter: off the next one, from its first day. -800 to 400: 120; then 400 to 1100.
        ("2024-02-15", [800, 1100], [80, 120, 80]),
        # In the second quarter, between its deals: 1200 earn 140; then 400 to 1100.
        ("2024-05-01", [800, 1100], [80, 140, 80]),
        # After them: money and order stay, the total does not.
        ("2024-06-01", [800, 1100], [80, 140, 140]),
        ("2024-07-01", [800, 1900], [80, 140, 140]),
    ],
)
def test_next_period_attainment(refunded: str, attained: list[int], earned: list[float]) -> None:
    """800 in the first quarter, all refunded; 1,200 on 5 April and 700 on 5 May in the second; 20 % above 1,000."""
    deals = [deal(1, 800), deal(2, 1200, "2024-04-05"), deal(3, 700, "2024-05-05")]
    invoices, payments = billed(1, ("payment", "2024-02-11", 800), ("refund", refunded, -800), subtotal=800)
    result = calculated(
        deals,
        tiers=STEPPED,
        payout_terms=[TERMS | {"clawback_policy_code": "next_period_attainment"}],
        invoices=invoices,
        payments=payments,
    )
    quarters = [result.windows[f"plan|2024-01-01|1|2024-Q{number}"] for number in (1, 2)]
    assert [quarter.attained for quarter in quarters] == attained
    assert amounts(result) == earned
    assert [line.event for line in result.lines.values()] == ["booking"] * 3
    assert [row.amount for row in result.clawbacks] == [0]


def test_a_count_loses_the_share_of_one_and_calendars_without_a_later_window_lose_nothing() -> None:
    """A quarter of the deal is refunded: 0.75 of it is left in the count of the next month."""
    invoices, payments = billed(1, ("payment", "2024-02-11", 1000), ("refund", "2024-02-12", -250))
    terms = [TERMS | {"clawback_policy_code": "next_period_attainment"}]
    for calendar, aggregate, key, attained in (
        ("month", "count", "2024-03", Fraction(-1, 4)),
        ("month", "sum", "2024-03", -250),
        ("month", "average", "2024-03", None),
        ("life", "sum", "life", 1000),
    ):
        plan: Row = {"calendar_id": calendar, "aggregate_code": aggregate}
        result = calculated([deal(1, 1000)], plan, payout_terms=terms, invoices=invoices, payments=payments)
        assert result.windows[f"plan|2024-01-01|1|{key}"].attained == attained


def test_without_a_policy_losses_are_only_listed() -> None:
    invoices, payments = billed(1, ("payment", "2024-02-11", 1000), ("refund", "2024-02-12", -250))
    terms = [TERMS | {"clawback_policy_code": "none"}]
    result = calculated([deal(1, 1000)], payout_terms=terms, invoices=invoices, payments=payments)
    assert lines(result) == [("booking", "02-10", 100)]
    assert [(row.policy, row.change.cause, row.amount) for row in result.clawbacks] == [("none", "refund", 0)]


# --- Held --------------------------------------------------------------------------------------------------


def due(result: Result) -> list[str]:
    """Return code, due date and amount of the parts of all lines that are not nothing."""
    return [f"{row.code} {row.due_date} {float(row.amount):g}" for row in result.parts if row.amount]


def test_held_for_safety_days() -> None:
    """OCA commission check-deposit: due 1 January, 10 safety days. Run to 5 January: held; to 15 January: released."""
    tables = company([deal(1, 100, "2024-01-01")], payout_terms=[TERMS | {"hold_days": "10"}])
    for day, paid in ((5, {}), (10, {}), (11, {"2024-01": 10}), (15, {"2024-01": 10})):
        result = calculate(tables, date(2024, 1, day))
        assert {period: amount for (_, _, period, _), amount in result.payouts.items()} == paid
        assert due(result) == ["now 2024-01-11 10"]


@pytest.mark.parametrize(
    ("cells", "released"),
    [
        ({"holdback_release_code": "days", "holdback_days": "90"}, "2024-05-10"),
        ({"holdback_release_code": "quarter_end"}, "2024-03-31"),
        ({"holdback_release_code": "year_end"}, "2024-12-31"),
        ({"holdback_release_code": "days", "holdback_days": "5"}, "2024-02-20"),  # not before the other part
    ],
)
def test_holdback(cells: Row, released: str) -> None:
    """20 % of 33.33 (333.33 x 10 %) booked on 10 February: round(26.664) is due after 10 days, the rest later."""
    terms = [TERMS | {"hold_days": "10", "holdback_ratio": "0.2"} | cells]
    result = calculated([deal(1, "333.33")], payout_terms=terms)
    assert due(result) == ["now 2024-02-20 26.66", f"holdback {released} 6.67"]


def test_parts_held_back_are_rounded_to_date() -> None:
    """Half of 0.05 each time: to date 0.03, 0.05 and 0.08 are due (from 0.025, 0.05 and 0.075)."""
    rows = [("payment", f"2024-0{month}-01", "0.50") for month in (3, 4, 5)]
    invoices, payments = billed(1, *rows, subtotal="1.50")
    terms = [TERMS | {"holdback_ratio": "0.5", "holdback_release_code": "year_end"}]
    result = calculated(
        [deal(1, "1.50")], COLLECTED, payout_terms=terms, invoices=invoices, payments=payments
    )
    parts = [(row.code, float(row.amount)) for row in result.parts]
    assert parts == [("now", 0.03), ("holdback", 0.02)] + [("now", 0.02), ("holdback", 0.03)] + parts[:2]


def test_what_takes_back_is_due_on_its_day_but_not_before_what_it_takes_back() -> None:
    """100 booked on 10 February: 80 due on 11 March, 20 at the year's end. 300 of 1,000 are refunded in March, 100 in
    April; the second refund is reversed in May."""
    invoices, payments = billed(
        1,
        ("payment", "2024-02-11", 1000),
        ("refund", "2024-03-01", -300),
        ("refund", "2024-04-01", -100),
        ("refund", "2024-05-01", 100),
    )
    terms: Row = {"hold_days": "30", "holdback_ratio": "0.2", "holdback_release_code": "year_end"}
    result = calculated([deal(1, 1000)], payout_terms=[TERMS | terms], invoices=invoices, payments=payments)
    assert due(result) == [
        "now 2024-03-11 80",
        "holdback 2024-12-31 20",
        "now 2024-03-11 -24",
        "holdback 2024-12-31 -6",
        "now 2024-04-01 -8",
        "holdback 2024-12-31 -2",
        "now 2024-05-31 8",
        "holdback 2024-12-31 2",
    ]


def hold(begins: str, ends: str | None, **cells: str | None) -> Row:
    meant: Row = {"plan_id": None, "payee_id": None, "transaction_id": None}
    return {"hold_id": begins, "held_from": begins, "held_to": ends} | meant | cells


@pytest.mark.parametrize(
    ("holds", "released"),
    [
        ([hold("2024-02-10", "2024-03-01", payee_id="1")], "2024-03-01"),
        ([hold("2024-02-11", "2024-03-01", payee_id="1")], "2024-02-10"),  # due the day before
        ([hold("2024-01-01", "2024-02-10", payee_id="1")], "2024-02-10"),  # over on that day
        ([hold("2024-02-01", "2024-03-01", payee_id="2")], "2024-02-10"),  # somebody else
        ([hold("2024-02-01", None, transaction_id="crm/Opportunity/D1")], None),
        ([hold("2024-02-01", None, transaction_id="crm/Opportunity/D2")], "2024-02-10"),
        ([hold("2024-02-01", "2024-03-01", plan_id="plan", payee_id="1")], "2024-03-01"),
        ([hold("2024-02-01", "2024-03-01", plan_id="other", payee_id="1")], "2024-02-10"),
        # One after the other, and one within another.
        (
            [
                hold("2024-03-01", "2024-04-01", plan_id="plan"),
                hold("2024-02-01", "2024-03-01", payee_id="1"),
                hold("2024-03-05", "2024-03-10", payee_id="1"),
            ],
            "2024-04-01",
        ),
    ],
)
def test_holds(holds: list[Row], released: str | None) -> None:
    result = calculated([deal(1, 100)], holds=holds)
    assert due(result) == [f"now {released} 10"]
    assert result.payouts == ({("1", "plan", released[:7], "USD"): 10} if released else {})


def test_a_bonus_is_held_by_the_terms_of_its_own_day() -> None:
    terms = [TERMS | {"hold_days": "5", "valid_from": "2024-02-01"}, TERMS | {"valid_to": "2024-02-01"}]
    on_plan: list[Row] = [{"payee_id": "1", "valid_to": "2024-03-01"}]
    result = calculated(
        [deal(1, 100, "2024-01-01"), deal(2, 100, "2024-02-01")],
        {"calendar_id": "month"},
        tiers=[],
        bonuses=[BONUS],
        payout_terms=terms,
        plan_assignments=on_plan,
    )
    assert due(result) == ["now 2024-01-31 1000", "now 2024-03-05 1000"]


# --- Draws and guarantees ----------------------------------------------------------------------------------

DRAW: Row = {
    "draw_id": "ramp",
    "payee_id": "1",
    "draw_kind_code": "recoverable",
    "covers_code": "plan",
    "currency_code": "USD",
    "amount": "250",
    "recovery_ratio": "1",
}


def drawn(draws: list[Row], *earned: object, **seeds: list[Row]) -> list[tuple[str, float, float, float]]:
    """Return period, line, balance and payout of each month with a draw line; `earned` are the months from January."""
    deals = [
        deal(month, Decimal(str(amount)) * 10, f"2024-{month:02}-10")
        for month, amount in enumerate(earned, 1)
    ]
    result = calculated(deals, {"calendar_id": "month"}, draws=draws, **seeds)
    return [
        (
            line.period,
            float(line.amount),
            float(line.balance_after),
            float(result.payouts["1", "plan", line.period, "USD"]),
        )
        for line in result.draws
    ]


def test_a_recoverable_minimum() -> None:
    """Oracle Doc 1088212.1: at least 250 a month; a negative month raises the balance."""
    assert drawn([DRAW | {"valid_to": "2024-06-01"}], 100, 1200, -20, 110, 50) == [
        ("2024-01", 150, 150, 250),
        ("2024-02", -150, 0, 1050),
        ("2024-03", 270, 270, 250),
        ("2024-04", 140, 410, 250),
        ("2024-05", 200, 610, 250),
    ]


def test_recoveries_go_on_after_the_span_within_their_limits() -> None:
    """250 are advanced in January. Half of what a month earns goes into recovery, at most 60 a month."""
    limits: Row = {"valid_to": "2024-02-01", "recovery_ratio": "0.5", "recovery_amount_max": "60"}
    assert drawn([DRAW | limits], 0, 100.01, 200, -50, 0, 100, 1000, 500) == [
        ("2024-01", 250, 250, 250),
        ("2024-02", -50.01, 199.99, 50),  # half of 100.01 is 50.005
        ("2024-03", -60, 139.99, 140),
        ("2024-06", -50, 89.99, 50),  # nothing is advanced for April and May
        ("2024-07", -60, 29.99, 940),
        ("2024-08", -29.99, 0, 470.01),
    ]


def test_no_more_is_outstanding_than_the_limit() -> None:
    limits: Row = {"valid_to": "2024-04-01", "balance_max_amount": "400"}
    assert drawn([DRAW | limits], 0, 0, 0, 150) == [
        ("2024-01", 250, 250, 250),
        ("2024-02", 150, 400, 150),
        ("2024-04", -150, 250, 0),
    ]


def test_a_guarantee_is_not_recovered_and_rows_of_one_draw_share_the_balance() -> None:
    """A guarantee in January and February, a draw in March, which April recovers."""
    rows = [
        DRAW | {"draw_kind_code": "non_recoverable", "valid_to": "2024-03-01"},
        DRAW | {"valid_from": "2024-02-15", "valid_to": "2024-04-01"},  # March is the first whole month
    ]
    assert drawn(rows, 100, 300, 50, 500) == [
        ("2024-01", 150, 0, 250),
        ("2024-03", 200, 200, 250),
        ("2024-04", -200, 0, 300),
    ]


@pytest.mark.parametrize(("covers", "advanced"), [("plan", 240), ("payee", 230)])
def test_a_draw_covers_its_plan_or_all_of_the_payee_in_its_currency(covers: str, advanced: float) -> None:
    """10 under the plan, 10 under another one, and 10 EUR under a third one."""
    others = [
        PLAN | {"plan_id": "other", "calendar_id": "month"},
        PLAN | {"plan_id": "euro", "currency_code": "EUR", "value_currency_code": "plan"},
    ]
    seeds: dict[str, list[Row]] = {
        "plans": [PLAN, *others],
        "plan_assignments": [{"payee_id": "1", "plan_id": plan} for plan in ("plan", "other", "euro")],
        "credit_rules": [OWNER | {"plan_id": plan} for plan in ("plan", "other", "euro")],
        "tiers": [row | {"plan_id": plan} for plan in ("plan", "other", "euro") for row in tiers((0, "0.1"))],
    }
    draw = DRAW | {"covers_code": covers, "valid_to": "2024-02-01"}
    assert drawn([draw], 10, **seeds) == [("2024-01", advanced, advanced, 10 + advanced)]


def test_only_ended_months_are_drawn_on_and_what_is_held_is_not_earned() -> None:
    """On 30 March two months have ended; the 100 of February are due in March."""
    draws, terms = [DRAW], [TERMS | {"hold_days": "20"}]
    tables = company([deal(1, 1000, "2024-02-15")], draws=draws, payout_terms=terms)
    for day, months in ((30, ["2024-01", "2024-02"]), (31, ["2024-01", "2024-02", "2024-03"])):
        result = calculate(tables, date(2024, 3, day))
        assert [line.period for line in result.draws] == months
    assert [line.amount for line in result.draws] == [250, 250, 150]


# --- Employment --------------------------------------------------------------------------------------------


def employed(*spans: tuple[str, str | None], code: str = "employed") -> list[Row]:
    return [
        {"payee_id": "1", "employment_code": code, "valid_from": begins, "valid_to": ends}
        for begins, ends in spans
    ]


GAP = employed(("2020-01-01", "2024-03-01"), ("2024-05-01", None))
AROUND_THE_GAP = [
    deal(number, 1000, day)
    for number, day in enumerate(("2024-02-29", "2024-03-01", "2024-04-30", "2024-05-01"), 1)
]


def test_deals_are_credited_in_each_employment_and_refused_between_them() -> None:
    result = calculated(AROUND_THE_GAP, employment_spans=GAP)
    assert [row.credit_date for row in result.credits.values()] == [date(2024, 2, 29), date(2024, 5, 1)]
    assert {row.reason for row in result.refused} == {"payee_not_employed"}


def test_nobody_is_credited_on_leave() -> None:
    leave = employed(("2024-03-01", "2024-05-01"), code="leave")
    result = calculated(AROUND_THE_GAP, employment_spans=leave)
    assert [row.credit_date for row in result.credits.values()] == [date(2024, 2, 29), date(2024, 5, 1)]
    assert {row.reason for row in result.refused} == {"payee_on_leave"}


@pytest.mark.parametrize(
    ("versions", "days"),
    [
        ([("2020-01-01", "2024-03-01"), ("2024-05-01", None)], [29, 1]),
        ([("2020-01-01", "2024-03-01"), ("2024-05-01", "2024-03-01")], [29, 1]),  # still shown
        ([("2020-01-01", None), ("2024-05-01", None)], [1]),  # corrected
        ([("2024-05-01", None), ("2020-01-01", None)], [29, 1, 30, 1]),
        ([("2020-01-01", "2024-03-01"), ("2020-01-01", None)], [29, 1, 30, 1]),  # a notice taken back
    ],
)
def test_landed_versions_tell_employments(versions: list[tuple[str, str | None]], days: list[int]) -> None:
    tables = company(AROUND_THE_GAP)
    person, *others = tables["hris/employees"]
    landed = [person | {"hireDate": hired, "terminationDate": left} for hired, left in versions]
    result = calculate(tables | {"hris/employees": [*landed, *others]}, date(2024, 12, 31))
    assert [row.credit_date.day for row in result.credits.values()] == days


def test_a_quota_counts_the_days_of_employment() -> None:
    """April has 30 days: hired on the 16th, 15; on leave from the 21st to the 25th, 10; the deal of the 15th is refused."""
    spans = employed(("2024-04-16", None)) + employed(("2024-04-21", "2024-04-26"), code="leave")
    plan: Row = {"calendar_id": "month", "quota_expression": "3000", "quota_proration_code": "days_on_plan"}
    deals = [deal(1, 1000, "2024-04-15"), deal(2, 1000, "2024-04-16")]
    result = calculated(deals, plan, employment_spans=spans)
    (row,) = [row for row in result.windows.values() if row.credits]
    assert (row.quota, row.attained, row.parameters_date) == (1000, 1000, date(2024, 4, 16))
    assert not [
        row for row in result.windows.values() if row.payee_id == "1" and row.window.window_code < "2024-04"
    ]


def test_a_floor_and_a_draw_count_the_days_of_employment() -> None:
    """15 of April's 30 days, May, 10 of June's 30."""
    spans = employed(("2024-04-16", "2024-06-11"))
    floor: Row = {
        "modifier_number": "1",
        "modifier_kind_code": "floor",
        "scope_code": "month",
        "amount_expression": "300",
    }
    floors = calculated([], {"calendar_id": "month"}, modifiers=[floor], employment_spans=spans)
    paid = {row.reward_date.month: row.amount for row in floors.rewards.values() if row.payee_id == "1"}
    assert paid == {4: 150, 5: 300, 6: 100}
    draws = calculated([], {"calendar_id": "month"}, draws=[DRAW | {"payee_id": "1"}], employment_spans=spans)
    assert [(line.period, float(line.amount)) for line in draws.draws] == [
        ("2024-04", 125),
        ("2024-05", 250),
        ("2024-06", 83.33),
    ]


LEAVER = employed(("2020-01-01", "2024-06-01"))
AROUND_LEAVING = [
    ("payment", "2024-05-31", 400),
    ("payment", "2024-06-01", 300),
    ("payment", "2024-07-01", 300),
]


@pytest.mark.parametrize(
    ("terms", "on_booking", "on_collection"),
    [
        ({}, [40, 30, 30], [40]),
        ({"leaver_code": "pay"}, [40, 30, 30], [40, 30, 30]),
        ({"leaver_code": "forfeit"}, [40, 0, 0], [40]),
        ({"leaver_code": "days", "leaver_days": "30"}, [40, 30, 0], [40, 30]),
        ({"leaver_code": "days", "leaver_days": "31"}, [40, 30, 30], [40, 30, 30]),
    ],
)
def test_what_a_leaver_gets_of_later_payments(
    terms: Row, on_booking: list[float], on_collection: list[float]
) -> None:
    invoices, payments = billed(1, *AROUND_LEAVING)
    seeds = {
        "invoices": invoices,
        "payments": payments,
        "payout_terms": [TERMS | terms],
        "employment_spans": LEAVER,
    }
    for event, expected in (("booking", on_booking), ("collection", on_collection)):
        plan: Row = {"credit_event_code": event, "payout_event_code": "collection"}
        result = calculated([deal(1, 1000, "2024-05-10")], plan, **seeds)
        assert [float(line.amount) for line in result.lines.values()] == expected
        assert sum(float(row.amount) for row in result.movements) == 0


def test_a_refund_takes_what_was_forfeited_first() -> None:
    rows = [("payment", "2024-05-31", 400), ("payment", "2024-06-01", 600), ("refund", "2024-07-01", -500)]
    invoices, payments = billed(1, *rows, ("refund", "2024-08-01", -200))
    terms = [TERMS | {"leaver_code": "forfeit"}]
    seeds = {"invoices": invoices, "payments": payments, "payout_terms": terms, "employment_spans": LEAVER}
    result = calculated([deal(1, 1000, "2024-05-10")], {"payout_event_code": "collection"}, **seeds)
    assert [float(line.amount) for line in result.lines.values()] == [40, 0, 0, -10]


def test_who_left_before_a_contest_wins_no_place() -> None:
    """Payee 1 left on 1 April and is credited a payment in the second quarter; payee 2 is first."""
    prize: Row = {"bonus_number": "1", "bonus_kind_code": "rank", "basis_code": "attained_amount", "basis_from": "1",
                  "basis_to": "2", "amount_expression": "500", "frequency_code": "window"}  # fmt: skip
    deals = [deal(1, 1000, "2024-03-31"), deal(2, 100, "2024-05-01", OwnerId="U2")]
    invoices, payments = billed(1, ("payment", "2024-05-31", 1000))
    others = billed(2, ("payment", "2024-05-31", 100), subtotal=100)
    for left, winner in (("2024-04-01", "2"), ("2024-04-02", "1")):
        result = calculated(
            deals,
            {"credit_event_code": "collection", "payout_event_code": "collection"},
            invoices=invoices + others[0],
            payments=payments + others[1],
            payout_terms=[TERMS | {"leaver_code": "pay"}],
            bonuses=[prize],
            employment_spans=employed(("2020-01-01", left)),
        )
        won = [row.payee_id for row in result.rewards.values() if row.kind == "bonus" and row.amount]
        assert won == [winner]


# --- One version of a deal ---------------------------------------------------------------------------------


def edited(*edits: tuple[str, Row]) -> list[Row]:
    """Make the versions of deal 1, landed as won on 6 March with 1,000: day of landing and what is other than before."""
    state: Row = deal(1, 1000, "2024-03-05") | {"_dlt_valid_from": "2024-03-06"}
    made = [state]
    for landed, cells in edits:
        state = state | cells | {"_dlt_valid_from": landed}
        made.append(state)
    return made


CLOSE: Row = {"amount_basis_code": "as_of_close"}


@pytest.mark.parametrize(("settle_days", "earned"), [("0", 10), ("1", 20), ("2", 20), ("3", 30)])
def test_what_settles_a_close_is_edited_until_the_end_of_its_last_day(
    settle_days: str, earned: float
) -> None:
    """1 % of 1,000, of 2,000 from the 7th, of 3,000 from the 9th."""
    deals = edited(("2024-03-07", {"Amount": "2000"}), ("2024-03-09", {"Amount": "3000"}))
    plan = CLOSE | {"settle_days": settle_days}
    assert amounts(calculated(deals, plan, tiers=tiers((0, "0.01")))) == [earned]


def test_all_of_a_deal_is_of_one_version_but_its_status_and_the_current_fields() -> None:
    deals = edited(
        ("2024-03-20", {"Amount": "500", "OwnerId": "U2", "CloseDate": "2024-04-01", "Type": "Old"})
    )
    plan = CLOSE | {"filter_expression": "\"Type\" = 'New'"}

    def credited(**cells: str) -> list[tuple[str | None, float, str]]:
        result = calculated(deals, plan | cells)
        return [
            (row.payee_id, float(row.credited or 0), f"{row.credit_date}") for row in result.credits.values()
        ]

    assert credited() == [("1", 1000, "2024-03-05")]
    assert credited(current_fields="OwnerId, CloseDate") == [("2", 1000, "2024-04-01")]
    assert credited(current_fields="Type") == []
    assert credited(amount_basis_code="current") == []
    deals[-1]["StageName"] = "Closed Lost"
    assert credited() == []


@pytest.mark.parametrize(("basis", "kept"), [("as_of_close", [100, -100]), ("current", [50, -50])])
def test_a_refund_is_measured_against_the_version_that_the_plan_reads(basis: str, kept: list[float]) -> None:
    """Won at 1,000 and paid and refunded whole; 500 today."""
    invoices, payments = billed(1, ("payment", "2024-04-01", 1000), ("refund", "2024-05-01", -1000))
    result = calculated(
        edited(("2024-03-20", {"Amount": "500"})),
        {"amount_basis_code": basis, "payout_event_code": "booking"},
        tiers=tiers((0, "0.1")),
        invoices=invoices,
        payments=payments,
    )
    assert [amount for _, _, amount in lines(result)] == kept
