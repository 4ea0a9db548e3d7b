"""Turn a situation into rows of seeds and raw tables, with all of its ids kept apart from those of other situations."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from orchestration.plans.situations.build import Row, Tables
from orchestration.plans.situations.case import Body, Case
from orchestration.plans.situations.checks import PARTS, PLAN_PARTS, names_of

BEGINNING = date(2000, 1, 1)
FX_DAYS = timedelta(days=7)
CASE_FIELD = "Situation__c"
DEAL_FIELDS = {
    "id": "Id", "owner": "OwnerId", "date": "CloseDate", "amount": "Amount", "currency": "CurrencyIsoCode",
    "territory": "Territory2Id", "stage": "StageName", "landed": "_dlt_valid_from",
}  # fmt: skip
PLAN_DEFAULTS: Body = {
    "source_object": "crm/Opportunity", "currency_code": "USD", "filter_expression": "true",
    "value_expression": '"Amount"', "value_currency_code": "transaction", "amount_basis_code": "current", "settle_days": 0,
    "calendar_id": "month", "aggregate_code": "sum", "quota_proration_code": "none",
    "tier_basis_code": "amount", "tier_bound_code": "lower_inclusive", "tier_start_code": "zero", "tier_method_code": "marginal",
    "incentive_proration_code": "none", "is_rollup_capped": False, "beneficiary_code": "payee",
    "gap_code": "list", "credit_event_code": "booking", "payout_event_code": "booking",
}  # fmt: skip
TERMS_DEFAULTS: Body = {
    "collected_part_code": "net", "rebate_code": "uncollected", "overpayment_code": "capped",
    "clawback_policy_code": "original_rate", "clawback_base_code": "paid", "clawback_proration_code": "none",
    "hold_days": 0,
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


def spans_of(spans: Any) -> Iterator[tuple[str, Body]]:
    """Yield each name with the mapping that says from when to when; {} for always."""
    for name in names_of(spans):
        span = spans[name] if isinstance(spans, Mapping) else None
        for row in span if isinstance(span, list) else [span or {}]:
            yield name, row


def dated(found: Any) -> Iterator[tuple[date | None, date | None, Any]]:
    """Yield (from, to, value) of a value, or of a mapping from day to value in which each stays until the next."""
    days = sorted(found) if isinstance(found, Mapping) and _is_dated(found) else []
    if not days:
        yield None, None, found
    for position, day in enumerate(days):
        yield day, days[position + 1] if position + 1 < len(days) else None, found[day]


def _is_dated(found: Body) -> bool:
    return bool(found) and all(isinstance(key, date) for key in found)


def _numbered(part: str, number: int) -> dict[str, Any]:
    if part == "bonuses":
        return {"bonus_number": number, "frequency_code": "window"}
    return {"modifier_number": number} if part == "modifiers" else {}


class Company:
    """The rows of one situation, collected by table."""

    def __init__(self, case: Case) -> None:
        self.case, self.body = case, case.body
        self.rows: dict[str, list[Row]] = defaultdict(list)
        self.people = [str(name) for name in case.body["people"]]
        groups = {str(name) for name in case.body.get("teams") or {}}
        for person in case.body["people"].values():
            groups |= {
                *names_of((person or {}).get("teams")),
                *names_of((person or {}).get("territories")),
            }
        self.named = {*self.people, *groups}
        days = [deal["date"] for deal in case.body["deals"] if deal.get("date")]
        self.first_day = min(days, default=case.as_of).replace(month=1, day=1)

    def own(self, name: Any) -> str | None:
        """Return an id as the warehouse has it, which holds many situations side by side."""
        found = text(name)
        return None if found is None else f"{self.case.code}.{found}"

    def user(self, name: Any) -> str | None:
        """Return the CRM's user id of a person; an unknown person stays as written."""
        found = text(name)
        return f"{self.case.code}.user.{found}" if found in self.people else found

    def cell(self, value: Any) -> str | None:
        """Return a text as the warehouse has it: a text that names a person or team of the case becomes an id."""
        found = text(value)
        return self.own(found) if found in self.named else found

    def sql(self, expression: Any) -> str | None:
        """Return an expression with its variables, and texts that name people or teams, as in the warehouse."""
        found = text(expression)
        if found is None:
            return None
        found = re.sub(r"@@(?!CatalogueValue\b)(\w+)", rf"@@\1_{self.case.code}", found)
        return re.sub(r"'([^']*)'", lambda m: f"'{self.own(m[1])}'" if m[1] in self.named else m[0], found)

    def cells(self, row: Body) -> dict[str, Any]:
        """Return a row of a seed: expressions and names as in the warehouse."""
        found = {}
        for key, value in row.items():
            if key.endswith("_expression"):
                found[key] = self.sql(value)
            elif key == "condition_plan_id":
                found[key] = self.own(value)
            else:
                found[key] = self.cell(value) if key.startswith("dimension_") else value
        return found

    def add(self, table: str, **cells: Any) -> None:
        self.rows[table].append({name: text(value) for name, value in cells.items()})

    def tables(self) -> Tables:
        """Return all rows of the situation."""
        for name, person in self.body["people"].items():
            self._person(str(name), person or {})
        self._teams()
        for name, versions in self.body["plans"].items():
            self._plan(str(name), versions if isinstance(versions, list) else [versions or {}])
        self._variables()
        self._catalogues_and_calendars()
        self._holds_and_draws()
        self._deals()
        self._payments()
        return self.rows

    def _person(self, name: str, person: Body) -> None:
        payee = self.own(name)
        self.add("hris/employees", id=payee, employeeNumber=payee, firstName=name,
                 hireDate=person.get("hired", BEGINNING), terminationDate=person.get("left"))  # fmt: skip
        for key, code in (("employed", "employed"), ("leaves", "leave")):
            for span in person.get(key) or []:
                self.add("employment_spans", payee_id=payee, employment_code=code,
                         valid_from=span["from"], valid_to=span.get("to"))  # fmt: skip
        self.add("crm/User", Id=self.user(name), EmployeeNumber=payee)
        for start, _, manager in dated(person.get("manager")):
            self.add("hris/job_info", employeeId=payee, date=start or BEGINNING, reportsTo=self.own(manager))
        for territory, span in spans_of(person.get("territories")):
            # The HRIS writes the last day, a situation the first day after.
            last_day = span["to"] - timedelta(days=1) if span.get("to") else None
            self.add("hris/territory_history", employeeId=payee, territoryId=self.own(territory),
                     startDate=span.get("from", BEGINNING), endDate=last_day)  # fmt: skip
        for team, span in spans_of(person.get("teams")):
            self.add("team_memberships", team_id=self.own(team), payee_id=payee,
                     valid_from=span.get("from", BEGINNING), valid_to=span.get("to"),
                     share_weight=span.get("weight", 1))  # fmt: skip

    def _teams(self) -> None:
        for name, rows in (self.body.get("teams") or {}).items():
            for row in rows if isinstance(rows, list) else [rows or {}]:
                self.add("teams", team_id=self.own(name), valid_from=row.get("from", BEGINNING),
                         valid_to=row.get("to"), parent_team_id=self.own(row.get("parent")),
                         leader_payee_id=self.own(row.get("leader")))  # fmt: skip
        for row in self.body.get("aliases") or []:
            self.add("payee_aliases", source_system="crm", alias=row["alias"], payee_id=self.own(row["payee"]),
                     valid_from=row.get("from", BEGINNING), valid_to=row.get("to"))  # fmt: skip

    def _plan(self, name: str, versions: Sequence[Body]) -> None:
        """Add the versions of a plan; each keeps the values of the version before that it does not restate."""
        whole: dict[str, Any] = {**PLAN_DEFAULTS, "valid_from": self.first_day}
        for position, version in enumerate(versions):
            later = versions[position + 1].get("valid_from") if position + 1 < len(versions) else None
            whole |= {"valid_to": later, **version}
            cells = self.cells({key: value for key, value in whole.items() if key not in PLAN_PARTS})
            cells["filter_expression"] = (
                f"\"{CASE_FIELD}\" = '{self.case.code}' and ({cells['filter_expression']})"
            )
            cells["progress_id"] = self.own(whole.get("progress_id"))
            cells["catalogue_id"] = self.own(whole.get("catalogue_id"))
            if whole["calendar_id"] in (self.body.get("calendars") or {}):
                cells["calendar_id"] = self.own(whole["calendar_id"])
            self.add("plans", plan_id=self.own(name), plan_name=name, **cells)
            self._parts({"plan_id": self.own(name), "valid_to": whole["valid_to"]}, whole)
        payees = [payee for version in versions for payee in spans_of(version.get("payees"))]
        for payee, span in payees or spans_of(self.people):
            self.add("plan_assignments", plan_id=self.own(name), payee_id=self.own(payee),
                     valid_from=span.get("from", BEGINNING), valid_to=span.get("to"))  # fmt: skip

    def _parts(self, plan: Body, version: Body) -> None:
        """Add tiers, levels and rows of a plan version; they hold as long as it does, unless they say otherwise."""

        def span(start: date | None, end: date | None) -> dict[str, Any]:
            return {**plan, "valid_from": start or version["valid_from"], "valid_to": end or plan["valid_to"]}

        for start, end, tiers in dated(version.get("tiers") or {}):
            self._tiers(span(start, end), tiers)
        for start, end, amounts in dated(version.get("tier_amounts") or {}):
            self._tier_amounts(span(start, end), amounts)
        for start, end, levels in dated(version.get("rollup") or {}):
            for level, factor in (levels or {}).items():
                self.add("rollup_levels", **span(start, end), level_number=level, level_factor=factor,
                         hierarchy_code=version.get("rollup_hierarchy", "manager"))  # fmt: skip
        for start, end, terms in dated(version.get("terms")):
            if terms is not None:
                self.add("payout_terms", **{**span(start, end), **TERMS_DEFAULTS, **self.cells(terms)})
        for part in ("rates", "bonuses", "modifiers"):
            for number, row in enumerate(version.get(part) or [], start=1):
                self.add(PARTS[part], **{**span(None, None), **_numbered(part, number), **self.cells(row)})
        for number, row in enumerate(version.get("credit_rules") or [{"recipient_code": "owner"}], start=1):
            defaults = {"rule_id": f"rule{number}", "rule_group": "main", "priority": number,
                        "credit_type_code": CREDIT_TYPES[row["recipient_code"]]}  # fmt: skip
            self.add("credit_rules", **{**span(None, None), **defaults, **self.cells(row)})

    def _tiers(self, span: Body, tiers: Body) -> None:
        starts = list(tiers)
        for number, start in enumerate(starts, start=1):
            self.add("tiers", **span, tier_number=number, tier_from=start,
                     tier_to=starts[number] if number < len(starts) else None,
                     rate_expression=self.sql(tiers[start]))  # fmt: skip

    def _tier_amounts(self, span: Body, amounts: Body) -> None:
        start: Any = 0
        for number, (end, amount) in enumerate(amounts.items(), start=1):
            self.add("tiers", **span, tier_number=number, tier_from=start, tier_to=end,
                     tier_amount_expression=self.sql(amount))  # fmt: skip
            start = end

    def _variables(self) -> None:
        for row in self.body.get("variables") or []:
            scope = next((scope for scope in ("payee", "team", "plan") if scope in row), "global")
            self.add("variables", variable_name=f"{row['name']}_{self.case.code}", scope_code=scope,
                     scope_id=self.own(row.get(scope)), value=row["value"], unit_code="number",
                     valid_from=row.get("from", BEGINNING), valid_to=row.get("to"))  # fmt: skip

    def _catalogues_and_calendars(self) -> None:
        for name, entries in (self.body.get("catalogues") or {}).items():
            for key, values in entries.items():
                for start, end, value in dated(values):
                    self.add("catalogue", catalogue_id=self.own(name), catalogue_key=self.cell(key), value=value,
                             valid_from=start or BEGINNING, valid_to=end, unit_code="number")  # fmt: skip
        for name, windows in (self.body.get("calendars") or {}).items():
            for code, window in windows.items():
                self.add("windows", calendar_id=self.own(name), window_code=code,
                         window_from=window["from"], window_to=window["to"])  # fmt: skip

    def _holds_and_draws(self) -> None:
        for number, row in enumerate(self.body.get("holds") or [], start=1):
            deal = f"crm/Opportunity/{self.own(row['deal'])}" if row.get("deal") else None
            self.add("holds", hold_id=self.own(f"hold{number}"), plan_id=self.own(row.get("plan")),
                     payee_id=self.own(row.get("payee")), transaction_id=deal, held_from=row["from"],
                     held_to=row.get("to"), reason=row.get("reason", "held"))  # fmt: skip
        for row in self.body.get("draws") or []:
            given = {
                key: value for key, value in row.items() if key not in ("draw", "plan", "payee", "from", "to")
            }
            self.add("draws", **{
                "draw_id": self.own(row.get("draw", "draw")), "plan_id": self.own(row["plan"]),
                "payee_id": self.own(row["payee"]), "valid_from": row["from"], "valid_to": row.get("to"),
                "draw_kind_code": "recoverable", "covers_code": "plan", "currency_code": "USD", "recovery_ratio": 1,
                **given,
            })  # fmt: skip

    def _deals(self) -> None:
        for number, deal in enumerate(self.body["deals"], start=1):
            state = {"id": f"d{number:02}", "currency": "USD", "stage": "Closed Won", "IsDeleted": False}
            for version in [deal, *(deal.get("edits") or [])]:
                state |= {key: value for key, value in version.items() if key != "edits"}
                cells = {DEAL_FIELDS.get(key, key): self.cell(value) for key, value in state.items()}
                if "owner" in state:
                    cells["OwnerId"] = self.user(state["owner"])
                if "territory" in state:
                    cells["Territory2Id"] = self.own(state["territory"])
                cells |= {"Id": self.own(state["id"]), CASE_FIELD: self.case.code}
                self.add("crm/Opportunity", **cells)
        for number, split in enumerate(self.body.get("splits") or [], start=1):
            self.add("crm/OpportunitySplit", Id=self.own(f"split{number:02}"),
                     OpportunityId=self.own(split["deal"]), SplitOwnerId=self.user(split.get("owner")),
                     SplitType=split.get("type", "Revenue"), SplitPercentage=split.get("percent"),
                     SplitAmount=split.get("amount"), IsDeleted=False, _dlt_valid_from=split.get("landed"))  # fmt: skip

    def _payments(self) -> None:
        deals = {row["Id"]: row for row in self.rows["crm/Opportunity"]}
        payments = self.body.get("payments") or []
        invoices = {str(self.own(row["deal"])): row for row in self.body.get("invoices") or []}
        for deal in sorted({str(self.own(payment["deal"])) for payment in payments}):
            amount, currency = deals[deal].get("Amount"), deals[deal].get("CurrencyIsoCode")
            invoice = invoices.get(deal, {"subtotal": amount, "total": amount})
            self.add("billing/invoices", invoice_id=f"inv-{deal}", opportunity_id=deal, currency_code=currency,
                     subtotal_amount=invoice["subtotal"], total_amount=invoice["total"])  # fmt: skip
        for number, payment in enumerate(payments, start=1):
            deal = str(self.own(payment["deal"]))
            self.add("billing/payments", payment_id=self.own(payment.get("id", f"pay{number:02}")),
                     invoice_id=f"inv-{deal}", opportunity_id=deal, kind=payment.get("kind", "payment"),
                     paid_date=payment["date"], amount=payment["amount"],
                     currency_code=payment.get("currency", deals[deal].get("CurrencyIsoCode")))  # fmt: skip


def tables_of(cases: Iterable[Case]) -> Tables:
    """Put the rows of situations under each other."""
    together: dict[str, list[Row]] = defaultdict(list)
    rates: dict[tuple[str, date], str] = {}
    for case in cases:
        for table, rows in Company(case).tables().items():
            together[table].extend(rows)
        rates |= fx_of(case)
    for (currency, day), rate in rates.items():
        together["fx/CurrencyRate"].append(
            {"CurrencyRateID": f"{currency}{day}", "CurrencyRateDate": text(day), "FromCurrencyCode": "USD",
             "ToCurrencyCode": currency, "AverageRate": rate, "EndOfDayRate": rate}
        )  # fmt: skip
    return together


def fx_of(case: Case) -> dict[tuple[str, date], str]:
    """Return the rates of exchange of a situation: units of a currency for one US dollar, by currency and day."""
    return {(str(row["currency"]), row["date"]): str(row["rate"]) for row in case.body.get("fx") or []}


def groups_of(cases: Sequence[Case]) -> list[list[Case]]:
    """Part situations into builds: one build has one day to look from and one table of rates of exchange.

    Situations may share a build as long as none of them meets a rate of another one.
    """
    groups: list[list[Case]] = []
    for case in cases:
        for group in groups:
            if all(_may_share(case, other) for other in group):
                group.append(case)
                break
        else:
            groups.append([case])
    return groups


def _may_share(one: Case, other: Case) -> bool:
    return one.as_of == other.as_of and not _meets_rates_of(one, other) and not _meets_rates_of(other, one)


def _meets_rates_of(case: Case, other: Case) -> bool:
    """True when a rate of the other situation, and not the same one of this, would be used for one of its deals."""
    own = fx_of(case)
    days = {deal["date"] for deal in case.body["deals"] if deal.get("date")}
    currencies = {str(deal.get("currency", "USD")) for deal in case.body["deals"]}
    for versions in case.body["plans"].values():
        for version in versions if isinstance(versions, list) else [versions or {}]:
            currencies.add(str(version.get("currency_code", "USD")))
    return any(
        currency in currencies and own.get((currency, day)) != rate
        for (currency, day), rate in fx_of(other).items()
        if any(day <= booked <= day + FX_DAYS for booked in days)
    )
