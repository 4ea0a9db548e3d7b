"""The oracle itself: published examples, and each rule worked by hand at its edges."""

from fractions import Fraction

import pytest
from company_files import Row
from oracle.exact import cut, parts, round_half_away
from oracle.expressions import Value, parse
from small_company import OWNER, PLAN, START, amounts, calculated, deal, split, tiers, variable

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
