"""Turn a situation into rows of seeds and raw tables, with all of its ids kept apart from those of other situations."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from orchestration.situations.build import Row, Tables
from orchestration.situations.case import Body, Case, SituationError

BEGINNING = "2000-01-01"
DEAL_FIELDS = {
    "id": "Id", "owner": "OwnerId", "date": "CloseDate", "amount": "Amount", "currency": "CurrencyIsoCode",
    "territory": "Territory2Id", "stage": "StageName",
}  # fmt: skip
PLAN_DEFAULTS = {
    "valid_from": BEGINNING, "source_object": "crm/Opportunity", "currency_code": "USD",
    "filter_expression": "true", "value_expression": '"Amount"', "value_currency_code": "transaction",
    "amount_basis_code": "current", "calendar_id": "month", "aggregate_code": "sum",
    "quota_proration_code": "none", "tier_basis_code": "amount", "tier_bound_code": "lower_inclusive",
    "tier_method_code": "marginal", "incentive_proration_code": "none", "is_rollup_capped": "false",
    "beneficiary_code": "payee", "gap_code": "list", "payout_event_code": "booking",
}  # fmt: skip
CREDIT_TYPES = {
    "owner": "direct",
    "splits": "split",
    "territory": "territory",
    "team": "team",
    "payee": "overlay",
}


def text(value: Any) -> str | None:
    """Return a YAML value as the text of a cell; None for nothing."""
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date) else str(value)


class Company:
    """The rows of one situation, collected by table."""

    def __init__(self, case: Case) -> None:
        self.case, self.body = case, case.body
        self.rows: dict[str, list[Row]] = defaultdict(list)
        self.people = list(case.body["people"])
        members = [
            str(row[0])
            for person in case.body["people"].values()
            for row in [*((person or {}).get("teams") or []), *((person or {}).get("territories") or [])]
        ]
        self.teams = sorted({*(case.body.get("teams") or {}), *members})
        self.named = {str(name) for name in [*self.people, *self.teams]}

    def own(self, name: Any) -> str | None:
        """Return an id as it stands in the warehouse, where many situations lie side by side."""
        found = text(name)
        return None if found is None else f"{self.case.code}.{found}"

    def sql(self, expression: Any) -> str | None:
        """Return an expression with its variables, and texts that name people or teams, as in the warehouse."""
        found = text(expression)
        if found is None:
            return None
        found = re.sub(r"@@(?!CatalogueValue\b)(\w+)", rf"@@\1_{self.case.code}", found)
        return re.sub(r"'([^']*)'", lambda m: f"'{self.own(m[1])}'" if m[1] in self.named else m[0], found)

    def add(self, table: str, **cells: Any) -> None:
        self.rows[table].append({name: text(value) for name, value in cells.items()})

    def tables(self) -> Tables:
        """Return all rows of the situation."""
        self._people()
        self._teams()
        for name, versions in self.body["plans"].items():
            self._plan(str(name), versions if isinstance(versions, list) else [versions or {}])
        self._variables()
        self._catalogues_and_calendars()
        self._deals()
        self._payments()
        return self.rows

    def _people(self) -> None:
        for name, person in self.body["people"].items():
            person, payee = person or {}, self.own(name)
            self.add("hris/employees", id=payee, employeeNumber=payee, firstName=name,
                     hireDate=person.get("hired", BEGINNING), terminationDate=person.get("left"))  # fmt: skip
            self.add("crm/User", Id=payee, EmployeeNumber=payee)
            managers = person.get("manager")
            for start, manager in managers if isinstance(managers, list) else [[BEGINNING, managers]]:
                self.add("hris/job_info", employeeId=payee, date=start, reportsTo=self.own(manager))
            for territory, start, *last in person.get("territories") or []:
                self.add("hris/territory_history", employeeId=payee, territoryId=self.own(territory),
                         startDate=start, endDate=last[0] if last else None)  # fmt: skip
            for team, *rest in person.get("teams") or []:
                start, end, weight = [*rest, *[None] * 3][:3]
                self.add("team_memberships", team_id=self.own(team), payee_id=payee,
                         valid_from=start or BEGINNING, valid_to=end, share_weight=weight or 1)  # fmt: skip

    def _teams(self) -> None:
        for name, team in (self.body.get("teams") or {}).items():
            team = team or {}
            self.add("teams", team_id=self.own(name), valid_from=team.get("from", BEGINNING),
                     valid_to=team.get("to"), parent_team_id=self.own(team.get("parent")),
                     leader_payee_id=self.own(team.get("leader")))  # fmt: skip

    def _plan(self, name: str, versions: Sequence[Body]) -> None:
        plan_id = self.own(name)
        for version in versions:
            row: dict[str, Any] = {**PLAN_DEFAULTS, **{key: version[key] for key in version}}
            span = {"plan_id": plan_id, "valid_from": row["valid_from"], "valid_to": row.get("valid_to")}
            cells = {
                key: self.sql(value) if key.endswith("_expression") else value
                for key, value in row.items()
                if key not in ("tiers", "tier_amounts", "rates", "bonuses", "modifiers", "credit_rules",
                               "rollup", "rollup_hierarchy", "payees")
            }  # fmt: skip
            for key in ("progress_id", "catalogue_id"):
                cells[key] = self.own(version.get(key))
            if row["calendar_id"] in (self.body.get("calendars") or {}):
                cells["calendar_id"] = self.own(row["calendar_id"])
            self.add("plans", **{**cells, **span, "plan_name": name})
            self._tiers(version, span)
            for part in ("rates", "bonuses", "modifiers"):
                for number, line in enumerate(version.get(part) or [], start=1):
                    self._line(part, number, line, span)
            self._crediting(version, span)
        self._assignments(plan_id, versions[0])

    def _tiers(self, version: Body, span: Body) -> None:
        starts = list(version.get("tiers") or {})
        for number, start in enumerate(starts, start=1):
            self.add("tiers", **span, tier_number=number, tier_from=start,
                     tier_to=starts[number] if number < len(starts) else None,
                     rate_expression=self.sql(version["tiers"][start]))  # fmt: skip
        start = 0
        for number, (end, amount) in enumerate((version.get("tier_amounts") or {}).items(), start=1):
            self.add("tiers", **span, tier_number=number, tier_from=start, tier_to=end,
                     tier_amount_expression=self.sql(amount))  # fmt: skip
            start = end

    def _line(self, part: str, number: int, line: Body, span: Body) -> None:
        cells = {
            key: self.sql(value) if key.endswith("_expression") else value for key, value in line.items()
        }
        if "condition_plan_id" in line:
            cells["condition_plan_id"] = self.own(line["condition_plan_id"])
        of_part: dict[str, dict[str, Any]] = {
            "rates": {},
            "bonuses": {"bonus_number": number, "frequency_code": "window"},
            "modifiers": {"modifier_number": number},
        }
        self.add(part, **{**span, **of_part[part], **cells})

    def _crediting(self, version: Body, span: Body) -> None:
        rules = version.get("credit_rules") or [{"recipient_code": "owner"}]
        for number, rule in enumerate(rules, start=1):
            cells = {
                key: self.sql(value) if key.endswith("_expression") else value for key, value in rule.items()
            }
            defaults = {"rule_id": f"rule{number}", "rule_group": "main", "priority": number,
                        "credit_type_code": CREDIT_TYPES.get(rule.get("recipient_code", ""))}  # fmt: skip
            self.add("credit_rules", **{**span, **defaults, **cells})
        for level, factor in (version.get("rollup") or {}).items():
            self.add("rollup_levels", **span, hierarchy_code=version.get("rollup_hierarchy", "manager"),
                     level_number=level, level_factor=factor)  # fmt: skip

    def _assignments(self, plan_id: str | None, version: Body) -> None:
        payees = version.get("payees", self.people)
        for payee in payees:
            spans = payees[payee] if isinstance(payees, dict) else [[BEGINNING, None]]
            if spans and not isinstance(spans[0], list):
                spans = [spans]
            for start, *end in spans or [[BEGINNING]]:
                self.add("plan_assignments", plan_id=plan_id, payee_id=self.own(payee), valid_from=start,
                         valid_to=end[0] if end else None)  # fmt: skip

    def _variables(self) -> None:
        for row in self.body.get("variables") or []:
            scope = next((scope for scope in ("payee", "team", "plan") if scope in row), "global")
            self.add("variables", variable_name=f"{row['name']}_{self.case.code}", scope_code=scope,
                     scope_id=self.own(row.get(scope)), value=row["value"], unit_code="number",
                     valid_from=row.get("from", BEGINNING), valid_to=row.get("to"))  # fmt: skip

    def _catalogues_and_calendars(self) -> None:
        for name, entries in (self.body.get("catalogues") or {}).items():
            for key, value in entries.items():
                self.add("catalogue", catalogue_id=self.own(name), catalogue_key=key, valid_from=BEGINNING,
                         value=value, unit_code="number")  # fmt: skip
        for name, windows in (self.body.get("calendars") or {}).items():
            for code, start, end in windows:
                self.add("windows", calendar_id=self.own(name), window_code=code, window_from=start,
                         window_to=end)  # fmt: skip

    def _deals(self) -> None:
        for number, deal in enumerate(self.body["deals"], start=1):
            cells = {DEAL_FIELDS.get(key, key): value for key, value in deal.items()}
            cells = {"CurrencyIsoCode": "USD", "StageName": "Closed Won", "IsDeleted": False, **cells}
            cells["Id"] = self.own(deal.get("id", f"d{number:02}"))
            for key, value in cells.items():
                if key != "Id" and text(value) in self.named:
                    cells[key] = self.own(value)
            self.add("crm/Opportunity", **cells)
        for number, split in enumerate(self.body.get("splits") or [], start=1):
            self.add("crm/OpportunitySplit", Id=self.own(f"split{number:02}"),
                     OpportunityId=self.own(split["deal"]), SplitOwnerId=self.own(split["owner"]),
                     SplitType=split.get("type", "Revenue"), SplitPercentage=split.get("percent"),
                     SplitAmount=split.get("amount"), IsDeleted=False)  # fmt: skip

    def _payments(self) -> None:
        deals = {row["Id"]: row for row in self.rows["crm/Opportunity"]}
        payments = self.body.get("payments") or []
        for deal in sorted({str(self.own(payment["deal"])) for payment in payments}):
            if deal not in deals:
                raise SituationError(
                    f"{self.case.file}, case '{self.case.title}': payments: no deal {deal[5:]}"
                )
            amount, currency = deals[deal].get("Amount"), deals[deal].get("CurrencyIsoCode")
            self.add("billing/invoices", invoice_id=f"inv-{deal}", opportunity_id=deal, currency_code=currency,
                     subtotal_amount=amount, total_amount=amount)  # fmt: skip
        for number, payment in enumerate(payments, start=1):
            deal = str(self.own(payment["deal"]))
            self.add("billing/payments", payment_id=self.own(payment.get("id", f"pay{number:02}")),
                     invoice_id=f"inv-{deal}", opportunity_id=deal, kind=payment.get("kind", "payment"),
                     paid_date=payment["date"], currency_code=deals[deal].get("CurrencyIsoCode"),
                     amount=payment["amount"])  # fmt: skip


def tables_of(cases: Sequence[Case]) -> Tables:
    """Put the rows of all situations under each other. Raises SituationError where two give other rates for a day."""
    together: dict[str, list[Row]] = defaultdict(list)
    rates: dict[tuple[str, str], str] = {}
    for case in cases:
        for table, rows in Company(case).tables().items():
            together[table].extend(rows)
        for currency, day, rate in _fx(case):
            if rates.setdefault((currency, day), rate) != rate:
                raise SituationError(
                    f"{case.file}, case '{case.title}': fx: another case gives {currency} on {day} as "
                    f"{rates[currency, day]}; rates are common to all cases, take another day"
                )
    for (currency, day), rate in rates.items():
        together["fx/CurrencyRate"].append(
            {"CurrencyRateID": f"{currency}{day}", "CurrencyRateDate": day, "FromCurrencyCode": "USD",
             "ToCurrencyCode": currency, "AverageRate": rate, "EndOfDayRate": rate}
        )  # fmt: skip
    return together


def _fx(case: Case) -> Iterator[tuple[str, str, str]]:
    for row in case.body.get("fx") or []:
        yield str(row["currency"]), str(text(row["date"])), str(row["rate"])
