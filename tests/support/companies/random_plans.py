"""Plans made at random: every method, calendar, aggregate, rule, bonus and modifier, in combinations that are allowed."""

from __future__ import annotations

from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.support.companies.random_company import Maker

RATES = ("0.1", "0.05", "0.0125", "0.0333333333", "0.02", "0", "0.105", "0.005")
BOUNDS = ("500", "1000", "2500", "5000", "333.33")
RATIOS = ("0.25", "0.5", "1", "1.5", "0.3333333333")
COUNTS = ("1", "2", "3", "5")
START = "2024-01-01"
PLAN_CURRENCIES = ("USD", "USD", "USD", "EUR", "JPY", "KWD")
CURRENT_FIELDS = (
    None,
    None,
    None,
    "OwnerId",
    "OwnerId,OpportunitySplit",
    "CloseDate, CurrencyIsoCode, Amount",
)
CALENDARS = ("transaction", "month", "month", "quarter", "quarter", "quarter", "year", "life", "own")


class PlanMaker:
    """Makes one plan: its versions, who is on it, whom it credits and what it pays."""

    def __init__(self, maker: Maker, plan_id: str, carried: PlanMaker | None = None) -> None:
        """`carried` is the plan whose progress this one carries over."""
        self.maker = maker
        self.carried = carried
        self.plan_id = plan_id
        self.cells: dict[str, str | None] = {}
        # What came later is chosen by itself, so that the companies of a seed stay as they were.
        self.further = Random(f"{plan_id} {hash(maker.random.getstate()[1])}")
        self.leaving = Random(f"{plan_id} leaving {hash(maker.random.getstate()[1])}")
        self.of_versions = Random(f"versions of {plan_id} {hash(maker.random.getstate()[1])}")

    def make(self) -> None:
        one, chance = self.maker.one, self.maker.chance
        self.method = one("marginal", "marginal", "marginal", "crossing", "standing", "retroactive")
        self.calendar = one(*CALENDARS)
        self.aggregate = one("sum", "sum", "sum", "sum", "count", "average", "weighted_average")
        if self.maker.is_plain:
            self.aggregate = "sum"
        if self.carried:
            self.calendar, self.aggregate = self.carried.calendar, self.carried.aggregate
        kinds = ["rate", "rate", "rate", "incentive", "none"]
        kinds += ["amount"] * (self.method == "marginal") + ["table"] * (self.method != "retroactive")
        self.kind = one(*kinds)
        self.has_quota = self.kind == "incentive" or chance(60)
        self.is_by_quota = self.has_quota and chance(60)
        self.make_value()
        self.make_quota()
        self.make_versions()
        self.make_calendar()
        self.make_assignments()
        self.make_rules()
        self.make_levels()
        self.make_tiers()
        self.make_bonuses()
        self.make_contest()
        self.make_modifiers()
        self.make_terms()

    def add(
        self, table: str, valid_from: str = START, valid_to: str | None = None, **cells: str | None
    ) -> None:
        self.maker.add(table, plan_id=self.plan_id, valid_from=valid_from, valid_to=valid_to, **cells)

    # What it is worth

    def make_value(self) -> None:
        maker, one, chance = self.maker, self.maker.one, self.maker.chance
        name = maker.name
        share = f"@@{maker.named('Share')}"
        is_unit = chance(20)
        value = one(
            '"Amount"',
            '"Amount"',
            '"Amount"',
            '"Amount" - "Tax_Amount__c"',
            'case when "Type" = \'New\' then "Amount" * 1.5 else "Amount" end',
            f'"Amount" * {share}',
            'divide("Amount", 3)',
        )
        catalogue: str | None = None
        if is_unit:
            value = one(
                "1", "1", '"Freight__c" * 100', "@@CatalogueValue", '@@CatalogueValue * "Freight__c" - 1'
            )
            catalogue = f"{name}cat" if "Catalogue" in value else None
        payables = [
            '"Amount" - "Tax_Amount__c"',
            '"Tax_Amount__c"',
            'coalesce("Amount", 0) * 0.5',
            f'"Amount" * {share}',
        ]
        has_payable = self.method != "marginal" and chance(40)
        filters = [
            "true",
            "\"Type\" <> 'Upsell'",
            '"Amount" >= 100 or "Amount" is null',
            'not "Online_Order__c"',
        ]
        filters += [f"\"Product_Tier__c\" in ('A', 'B') and {share} > 0.1", "\"Type\" in ('New', 'Renewal')"]
        self.cells |= {
            "plan_name": self.plan_id,
            "source_object": "crm/Opportunity",
            "currency_code": self.carried.cells["currency_code"] if self.carried else one(*PLAN_CURRENCIES),
            "filter_expression": f"\"AccountId\" = '{name}' and ({one('true', *filters)})",
            "value_expression": value,
            "value_currency_code": "plan" if is_unit else "transaction",
            "payable_expression": one(*payables) if has_payable else None,
            "amount_basis_code": one("current", "current", "as_of_close"),
            "settle_days": "0",
            "current_fields": None,
            "catalogue_id": catalogue,
            "catalogue_key_expression": '"Product_Tier__c"' if catalogue else None,
        }

        if self.cells["amount_basis_code"] == "as_of_close":
            self.cells["settle_days"] = self.of_versions.choice(("0", "0", "1", "2"))
            self.cells["current_fields"] = self.of_versions.choice(CURRENT_FIELDS)

    def make_quota(self) -> None:
        maker, one, chance = self.maker, self.maker.one, self.maker.chance
        quota: str | None = None
        if self.has_quota:
            name = f"@@{maker.named('Quota')}"
            quota = one(name, name, name, f"{name} * 0.5", f"divide({name}, 3)", "2500")
            if self.aggregate == "count":
                quota = one("2", "3", "5")
        is_prorated = quota is not None and self.calendar not in ("life", "transaction") and chance(50)
        incentive = one(f"@@{maker.named('Incentive')}", f"@@{maker.named('Incentive')} * 0.25", "1000")
        self.cells |= {
            "aggregate_code": self.aggregate,
            "weight_expression": '"Freight__c"' if self.aggregate == "weighted_average" else None,
            "quota_expression": quota,
            "quota_proration_code": "days_on_plan" if is_prorated else "none",
            "tier_basis_code": "quota_ratio" if self.is_by_quota else "amount",
            "tier_bound_code": one("lower_inclusive", "lower_inclusive", "upper_inclusive"),
            "tier_start_code": self.further.choice(("zero", "first_bound"))
            if self.method == "marginal"
            else "zero",
            "incentive_expression": incentive if self.kind == "incentive" else None,
            "incentive_proration_code": "days_on_plan" if is_prorated and chance(50) else "none",
        }

    def make_versions(self) -> None:
        maker, one, chance = self.maker, self.maker.one, self.maker.chance
        beneficiaries = ["payee"] * 8 + ([] if maker.is_plain else ["manager", "team"])
        self.cells |= {
            "calendar_id": f"{maker.name}own" if self.calendar == "own" else self.calendar,
            "progress_id": self.carried.plan_id if self.carried else self.plan_id if chance(10) else None,
            "tier_method_code": self.method,
            "is_rollup_capped": "true" if not maker.is_plain and chance(25) else "false",
            "beneficiary_code": one(*beneficiaries),
            "gap_code": one("error", "list"),
        }
        credited, paid = one(
            "booking booking", "booking booking", "booking collection", "collection collection"
        ).split()
        self.cells |= {"credit_event_code": credited, "payout_event_code": paid}
        if self.kind == "table":
            self.cells |= {
                "rate_dimension_1_expression": '"Type"',
                "rate_dimension_2_expression": one(
                    '"Product_Tier__c"', "coalesce(\"Product_Tier__c\", 'none')"
                ),
                "rate_dimension_3_expression": "case when \"Amount\" > 500 then 'big' else 'small' end",
            }
        first = START if chance(80) else "2024-02-01"
        last = "2024-07-01" if chance(10) else None
        if not chance(25):
            self.add_version(first, last)
            return
        changes = one("2024-02-15", "2024-03-01", "2024-04-01", "2024-05-15")
        self.add_version(first, changes)
        if chance(50):
            self.cells["progress_id"] = one(f"{self.plan_id}v2", self.plan_id)
        if chance(50) and self.method in ("crossing", "standing") and self.kind != "amount":
            self.cells["tier_method_code"] = one("crossing", "standing")
        if chance(30) and credited == "booking":
            self.cells["payout_event_code"] = one("booking", "collection")
        if chance(30):
            self.cells["value_expression"] = (
                '"Amount"' if self.cells["value_currency_code"] != "plan" else "1"
            )
            self.cells |= {"catalogue_id": None, "catalogue_key_expression": None}
        self.add_version(changes, last)

    def add_version(self, valid_from: str, valid_to: str | None) -> None:
        from tests.support.companies.random_company import PLAN_COLUMNS

        cells = {column: self.cells.get(column) for column in PLAN_COLUMNS}
        cells |= {"plan_id": self.plan_id, "valid_from": valid_from, "valid_to": valid_to}
        self.maker.add("plans", **cells | {"source_document": "tests"})

    def make_calendar(self) -> None:
        """Make windows of 15 days to some months, with a gap now and then."""
        calendar = f"{self.maker.name}own"
        made = any(row["calendar_id"] == calendar for row in self.maker.tables.get("windows", []))
        if self.calendar != "own" or made:
            return
        days = [
            "2023-12-15",
            "2024-01-31",
            "2024-02-29",
            "2024-04-01",
            "2024-06-15",
            "2024-07-15",
            "2024-12-31",
        ]
        for window_from, window_to in pairwise(days):
            if self.maker.chance(90):
                cells = {"window_from": window_from, "window_to": window_to, "window_code": f"W{window_from}"}
                self.maker.add("windows", calendar_id=calendar, **cells)

    # Who

    def make_assignments(self) -> None:
        maker, chance = self.maker, self.maker.chance
        for payee in [*maker.people, *maker.teams]:
            if not chance(80):
                continue
            starts = START if chance(70) else maker.boundary()
            if chance(75):
                self.add("plan_assignments", starts, payee_id=payee)
                continue
            days = sorted({starts, maker.boundary(), maker.boundary()})
            if len(days) == 1:
                self.add("plan_assignments", starts, payee_id=payee)
            else:
                self.add("plan_assignments", days[0], days[1], payee_id=payee)
            if len(days) == 3:  # back after a leave
                self.add("plan_assignments", days[2], payee_id=payee)

    def rule(self, recipient: str, group: str = "main", priority: int = 1, **cells: str | None) -> None:
        kinds = {
            "owner": "direct",
            "splits": "split",
            "territory": "territory",
            "team": "team",
            "payee": "overlay",
        }
        rules = len(self.maker.tables.get("credit_rules", []))
        said: dict[str, str | None] = dict.fromkeys(
            ("payee_expression", "split_type", "split_total_code", "condition_expression", "share_expression")
        )
        said |= {"rule_id": f"r{rules}", "rule_group": group, "priority": str(priority)}
        said |= {"recipient_code": recipient, "credit_type_code": kinds[recipient]}
        self.add("credit_rules", "2023-01-01", **said | cells)

    def make_rules(self) -> None:
        maker, one, chance = self.maker, self.maker.one, self.maker.chance
        if chance(30) and not maker.is_plain:
            total = one("whole", "at_most_whole", "any")
            kinds: list[str | None] = [None, "Revenue", "Overlay"]
            self.rule("splits", split_type=maker.random.choice(kinds), split_total_code=total)
        if chance(25) and not maker.is_plain:
            condition = one("\"Type\" = 'New'", '"Online_Order__c"', "\"Product_Tier__c\" = 'A'")
            self.rule("territory", priority=2, condition_expression=condition, share_expression=self.share())
        if chance(15):
            condition = f'"Amount" > 1000 and @@{maker.named("Share")} < 0.5'
            self.rule(
                "payee", priority=3, condition_expression=condition, payee_expression='"Purchase_Order__c"'
            )
        if chance(92):
            self.rule("owner", priority=4, share_expression=self.share())
        if maker.teams and chance(40):
            team = f"'{one(*maker.teams)}'"
            self.rule("team", "team", payee_expression=team, share_expression=self.share())
        if chance(25):
            payee = one(f"'{one(*maker.people)}'", '"Purchase_Order__c"', f"'{maker.name}p9'")
            self.rule("payee", "overlay", payee_expression=payee, share_expression=self.share())
        if not any(row["plan_id"] == self.plan_id for row in maker.tables.get("credit_rules", [])):
            self.rule("owner")

    def share(self) -> str | None:
        one = self.maker.one
        shared = (
            f"@@{self.maker.named('Share')}",
            "0.3333",
            "case when \"Type\" = 'New' then 1 else 0.5 end",
        )
        return one(*shared) if self.maker.chance(30) else None

    def make_levels(self) -> None:
        maker, one, chance = self.maker, self.maker.one, self.maker.chance
        has_splits = any(
            row["plan_id"] == self.plan_id and row["recipient_code"] != "owner"
            for row in maker.tables["credit_rules"]
        )
        if not chance(30) or (maker.is_plain and has_splits):
            return
        levels = (
            [("manager", 1), ("manager", 2)] if chance(60) or not maker.teams else [("team", 1), ("team", 2)]
        )
        if chance(80):
            levels.append((levels[0][0], 0))
        for hierarchy, level in levels:
            changes = maker.boundary() if chance(15) else None
            cells = {"hierarchy_code": hierarchy, "level_number": str(level)}
            self.add(
                "rollup_levels",
                "2023-01-01",
                changes,
                **cells,
                level_factor=one("1", "1", "0.5", "0.3333333333"),
            )
            if changes:
                self.add("rollup_levels", changes, None, **cells, level_factor=one("0.25", "0"))

    # What is paid

    def make_tiers(self) -> None:
        """Make one to four tiers; now and then other ones from a day on, or a day without any."""
        if self.kind == "none":
            return
        maker, chance = self.maker, self.maker.chance
        changes = maker.boundary() if chance(20) else None
        self.add_tiers("2023-01-01", changes)
        if changes and chance(85):
            self.add_tiers(changes, None)
        if self.kind == "table":
            self.make_rates()

    def add_tiers(self, valid_from: str, valid_to: str | None) -> None:
        maker, one = self.maker, self.maker.one
        choices = RATIOS if self.is_by_quota else COUNTS if self.aggregate == "count" else BOUNDS
        bounds = sorted(maker.random.sample(choices, maker.random.randint(0, 3)), key=float)
        starts = [one("0", "0", "0", "-100") if not self.is_by_quota else "0", *bounds]
        ends: list[str | None] = [*bounds, None]
        if self.kind == "amount":
            ends[-1] = "8000" if not self.is_by_quota and self.aggregate != "count" else "7"
        rate, bonus = f"@@{maker.named('Rate')}", f"@@{maker.named('Bonus')}"
        for number, (tier_from, tier_to) in enumerate(zip(starts, ends, strict=True), 1):
            said = {"rate": one(*RATES, rate, f"{rate} * 1.5"), "incentive": one("1", "1.5", "2", "0.5")}
            said["table"] = one("1", "1", "1.5", rate)
            if self.aggregate == "count" and self.kind == "rate" and self.method == "marginal":
                said["rate"] = one("50", "33.333", bonus)
            self.add(
                "tiers",
                valid_from,
                valid_to,
                tier_number=str(number),
                tier_from=tier_from,
                tier_to=tier_to,
                rate_expression=None if self.kind == "amount" else said[self.kind],
                tier_amount_expression=one("10", "40", "100", bonus) if self.kind == "amount" else None,
            )

    def make_rates(self) -> None:
        maker, chance = self.maker, self.maker.chance
        keys: list[tuple[str | None, ...]] = [(None, None, None, None)] if chance(85) else []
        for _ in range(maker.random.randint(1, 6)):
            cells: list[tuple[str, ...]] = [
                ("New", "Renewal"),
                ("A", "B", "none"),
                ("big", "small"),
                ("1", "2"),
            ]
            keys.append(tuple(maker.one(*values) if chance(45) else None for values in cells))
        for first, second, third, tier in dict.fromkeys(keys):
            changes = maker.boundary() if chance(10) else None
            names = {"dimension_1_value": first, "dimension_2_value": second, "dimension_3_value": third}
            self.add("rates", "2023-01-01", changes, tier_number=tier, **names, rate=maker.one(*RATES))
            if changes:
                self.add("rates", changes, None, tier_number=tier, **names, rate=maker.one(*RATES))

    def make_bonuses(self) -> None:
        maker, one, chance = self.maker, self.maker.one, self.maker.chance
        if self.calendar == "transaction" or (self.kind != "none" and not chance(50)):
            return
        for number in range(1, maker.random.randint(1, 3) + 1):
            kinds = ["step", "linear"]
            if self.calendar != "transaction" and not maker.is_plain:
                kinds += ["rank", "rank", "pool"]
            kind = one(*kinds)
            basis = one("attained_amount", "credit_count" if not maker.is_plain else "attained_amount")
            if self.has_quota and chance(60):
                basis = "attainment_ratio"
            bounds = {"attainment_ratio": ["0", *RATIOS], "credit_count": ["0", *COUNTS]}.get(
                basis, ["0", *BOUNDS]
            )
            if kind == "rank":
                bounds = ["1", "2", "3", "4"]
            low, high = sorted(maker.random.sample(bounds, 2), key=float)
            is_open = kind != "linear" and chance(40)
            amounts = ["100", "250.55", "1000", "33.333"]
            if kind in ("step", "linear"):
                amounts.append(f"@@{maker.named('Bonus')}")
            is_monthly = (
                kind in ("step", "linear") and self.calendar not in ("life", "transaction") and chance(40)
            )
            self.add(
                "bonuses",
                "2023-01-01",
                bonus_number=str(number),
                bonus_kind_code=kind,
                basis_code=basis,
                basis_from=low,
                basis_to=None if is_open else high,
                amount_expression=one(*amounts),
                amount_to_expression=one("50", "2000", "777.77") if kind == "linear" and chance(80) else None,
                frequency_code="month" if is_monthly else "window",
            )

    def make_contest(self) -> None:
        """Give a prize to each of the first places; sellers of so few deals are often level in their number."""
        if self.maker.is_plain or self.calendar == "transaction" or self.further.randrange(100) >= 30:
            return
        basis = self.further.choice(("credit_count", "credit_count", "attained_amount"))
        for place in range(1, self.further.randint(2, 4) + 1):
            self.add(
                "bonuses",
                "2023-01-01",
                bonus_number=str(place + 3),  # behind the other bonuses
                bonus_kind_code="rank",
                basis_code=basis,
                basis_from=str(place),
                basis_to=str(place + 1),
                amount_expression=self.further.choice(("100", "250.55", "1000", "33.333", "100.01")),
                amount_to_expression=None,
                frequency_code="window",
            )

    def make_modifiers(self) -> None:
        maker, one, chance = self.maker, self.maker.one, self.maker.chance
        if not chance(35):
            return
        measured = [
            row["plan_id"]
            for row in maker.tables["plans"]
            if row["quota_expression"] and row["calendar_id"] != "transaction"
        ]
        limits = [(kind, scope) for kind in ("floor", "cap", "cap") for scope in ("deal", "month", "year")]
        maker.random.shuffle(limits)
        limits = [
            limit
            for limit in dict.fromkeys(limits)  # a plan has one of each
            if limit[0] == "cap" or limit[1] == "deal" or self.calendar != "transaction"
        ]
        for number in range(1, maker.random.randint(1, 3) + 1):
            kind = (
                one("gate", "multiplier", "floor", "cap", "cap")
                if measured
                else one("multiplier", "floor", "cap")
            )
            cells: dict[str, str | None] = dict.fromkeys(
                ("scope_code", "amount_expression", "condition_plan_id", "condition_from", "condition_to")
            )
            if kind == "gate" or (kind == "multiplier" and measured and chance(60)):
                cells["condition_plan_id"] = maker.random.choice(measured)
                cells["condition_from"] = one("0.25", "0.5", "1")
                cells["condition_to"] = one("1.5", "2") if chance(30) else None
            if kind == "multiplier":
                cells["amount_expression"] = one("1.2", "0.5", "2", "0.333")
            if kind in ("floor", "cap"):
                kind, cells["scope_code"] = limits.pop()
                cells["amount_expression"] = (
                    one("10", "25.5", "100") if kind == "floor" else one("50", "100", "333.335")
                )
            self.add("modifiers", "2023-01-01", modifier_number=str(number), modifier_kind_code=kind, **cells)

    # When it is paid

    def make_terms(self) -> None:
        """Give most plans payout terms; now and then others from a day on, or a day from which there are none."""
        maker, chance = self.maker, self.maker.chance
        if not maker.has_terms or not chance(80):
            return
        changes = maker.boundary() if chance(25) else None
        self.add_terms("2023-01-01" if chance(80) else START, changes)
        if changes and chance(70):
            self.add_terms(changes, None)

    def add_terms(self, valid_from: str, valid_to: str | None) -> None:
        one, chance = self.maker.one, self.maker.chance
        policies = ["original_rate", "recalculate", "next_period_attainment"] * 2 + ["none"]
        release = one("days", "quarter_end", "year_end") if chance(25) else None
        leaver = self.leaving.choice((None, "pay", "forfeit", "days"))
        self.add(
            "payout_terms",
            valid_from,
            valid_to,
            collected_part_code=one("net", "net", "gross"),
            rebate_code=one("uncollected", "collected"),
            overpayment_code=one("capped", "capped", "earned"),
            expire_after_days=one("14", "30", "60") if chance(50) else None,
            clawback_policy_code=one(*policies),
            clawback_base_code=one("paid", "rate"),
            clawback_window_days=one("14", "30", "60", "90") if chance(50) else None,
            clawback_proration_code=one("none", "straight_line"),
            unpaid_after_days=one("14", "30", "60") if chance(45) else None,
            cancelled_date_expression='"Cancelled_Date__c"' if chance(60) else None,
            hold_days=one("0", "0", "0", "10", "30"),
            holdback_ratio=one("0.2", "0.5", "0.3333333333", "1") if release else None,
            holdback_release_code=release,
            holdback_days=one("0", "14", "90") if release == "days" else None,
            leaver_code=leaver,
            leaver_days=self.leaving.choice(("0", "14", "30", "60")) if leaver == "days" else None,
        )
