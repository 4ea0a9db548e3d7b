"""Crediting: whose is it?"""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from tests.calculation.oracle.company import (
    LEVELS_MAX,
    Company,
    CreditRule,
    PlanVersion,
    Split,
    Transaction,
    only_in_force,
)
from tests.calculation.oracle.exact import cut, round_half_away
from tests.calculation.oracle.expressions import Variables, parse
from tests.calculation.oracle.rates import rate_rows
from tests.calculation.oracle.results import Credit, Worth
from tests.calculation.oracle.valuation import number_in


@dataclass
class Share:
    """One recipient's part of a transaction: from `before` to `after` of `whole`."""

    recipient: str | None
    payee_id: str | None
    before: Fraction = Fraction(0)
    after: Fraction = Fraction(1)
    whole: Fraction = Fraction(1)
    reason: str | None = None
    taken_first: Fraction = Fraction(1)  # of the amount, before it is shared

    def of(self, amount: Fraction) -> Fraction:
        amount = cut(amount * self.taken_first)
        return cut(amount * self.after / self.whole) - cut(amount * self.before / self.whole)


def candidates_of(
    company: Company, plan: PlanVersion, transaction: Transaction, worth: Worth
) -> tuple[str | None, list[Credit]]:
    """Return every candidate of a transaction, judged; those without a reason are its credits.

    With them comes the reason to give if there are no candidates at all.
    """
    candidates = []
    rules = rules_taken(company, plan, transaction)
    for rule in rules:
        candidates += candidates_of_rule(company, plan, transaction, worth, rule)
    for candidate in candidates:
        candidate.reason = candidate.reason or reason_not_credited(company, candidate)
        if candidate.reason is None:
            candidate.window = company.window_on(plan.calendar_id, candidate.credit_date)
    if plan.is_rollup_capped:
        cap(candidates)
    return "no_plan_assignment" if rules else "no_credit_rule_matched", candidates


def rules_taken(company: Company, plan: PlanVersion, transaction: Transaction) -> list[CreditRule]:
    """Return of each group the first rule, by priority, that fits the transaction."""
    day = booked(transaction)
    taken: dict[str, CreditRule] = {}
    rules = only_in_force(company.credit_rules[plan.plan_id], day)
    for rule in sorted(rules, key=lambda rule: (rule.priority, rule.rule_id)):
        if rule.rule_group not in taken and fits(company, plan, transaction, rule):
            taken[rule.rule_group] = rule
    return [taken[group] for group in sorted(taken)]


def fits(company: Company, plan: PlanVersion, transaction: Transaction, rule: CreditRule) -> bool:
    """Tell whether a rule can be taken. A condition that misses a variable counts as fitting: it is listed."""
    if rule.recipient_code == "splits" and not splits_of(transaction, rule):
        return False
    if rule.condition_expression is None:
        return True
    variables = company.deal_variables([rule.condition_expression], plan.plan_id, booked(transaction))
    if None in variables.values():
        return True
    return parse(rule.condition_expression).value(transaction.fields, variables) is True


def candidates_of_rule(
    company: Company, plan: PlanVersion, transaction: Transaction, worth: Worth, rule: CreditRule
) -> list[Credit]:
    def candidate(share: Share, payee_id: str | None, level: int, factor: Fraction | None) -> Credit:
        credited, payable = share.of(worth.value), share.of(worth.payable)
        if factor is not None:
            credited, payable = round_half_away(credited * factor, 10), round_half_away(payable * factor, 10)
        has_amount = share.recipient is not None and share.reason != "no_plan_assignment"
        return Credit(
            plan=plan,
            transaction=transaction,
            worth=worth,
            rule_group=rule.rule_group,
            recipient=share.recipient,
            payee_id=payee_id,
            credit_type=rule.credit_type_code if level == 0 else "rollup",
            level=level,
            credit_date=booked(transaction),
            credited=credited if has_amount else None,
            payable=payable if has_amount else None,
            reason=share.reason,
        )

    made = []
    for share in shares_of(company, plan, transaction, worth, rule):
        if share.reason or share.payee_id is None:
            made.append(candidate(share, share.payee_id, 0, None))
            continue
        for payee_id, level, factor in lines_up(company, plan, share.payee_id, booked(transaction)):
            made.append(candidate(share, payee_id, level, factor))
    return made


def shares_of(
    company: Company, plan: PlanVersion, transaction: Transaction, worth: Worth, rule: CreditRule
) -> list[Share]:
    """Return the recipients of a rule with their shares, or one share of nobody that says why there are none."""
    day = booked(transaction)
    texts = (rule.condition_expression, rule.share_expression, rule.payee_expression)
    variables = company.deal_variables(texts, plan.plan_id, day)
    if None in variables.values():
        return [Share(None, None, reason="missing_share_variable")]
    share = Fraction(1)
    if rule.share_expression:
        share = number_in(rule.share_expression, transaction.fields, variables) or Fraction(0)
    if rule.recipient_code == "splits":
        return split_shares(company, transaction, splits_of(transaction, rule), rule)
    if rule.recipient_code == "territory":
        return territory_shares(company, plan, transaction, share)
    if rule.recipient_code == "owner":
        alias = transaction.owner_alias
        payee_id = company.payee_behind(transaction.source_system, alias, day)
        reason = "owner_not_in_hris" if alias else "missing_owner"
    else:
        alias, payee_id = named_recipient(company, transaction, rule, variables)
        reason = "recipient_not_in_hris"
    if payee_id is None:
        return [Share(alias or "", None, after=share, reason=reason)]
    return [Share(payee_id, payee_id, after=share)]


def named_recipient(
    company: Company, transaction: Transaction, rule: CreditRule, variables: Variables
) -> tuple[str | None, str | None]:
    """Return what a rule names and the payee behind it: a team, a payee id, or a name that the source uses."""
    value = parse(rule.payee_expression or "null").value(transaction.fields, variables)
    alias = value if isinstance(value, str) else None
    if rule.recipient_code == "team":
        return alias, alias if alias in company.team_ids else None
    if company.is_payee(alias):
        return alias, alias
    return alias, company.payee_behind(transaction.source_system, alias, booked(transaction))


def splits_of(transaction: Transaction, rule: CreditRule) -> list[Split]:
    return [s for s in transaction.splits if rule.split_type is None or s.split_type == rule.split_type]


def split_shares(
    company: Company, transaction: Transaction, splits: list[Split], rule: CreditRule
) -> list[Share]:
    """Share by percent where all splits have one, else by amount; several splits of one recipient are one."""
    is_by_percent = all(split.percentage is not None for split in splits)
    whole = Fraction(100) if is_by_percent else transaction.amount
    aliases: dict[tuple[str | None, str], str] = {}
    sizes: dict[tuple[str | None, str], Fraction] = defaultdict(Fraction)
    for split in splits:
        alias = split.owner_alias or ""
        payee_id = company.payee_behind(transaction.source_system, alias, booked(transaction))
        key = (payee_id, "" if payee_id else alias)
        aliases[key] = min(aliases.get(key, alias), alias)
        sizes[key] += (split.percentage if is_by_percent else split.amount) or 0
    total = sum(sizes.values(), Fraction(0))
    if not whole or not is_sum_allowed(total / whole, rule.split_total_code or "whole"):
        return [Share(None, None, reason="split_sum_differs")]
    shares, to_date = [], Fraction(0)
    for key in sorted(aliases, key=lambda key: aliases[key]):
        before, to_date = to_date, to_date + sizes[key]
        payee_id, alias = key
        reason = None if payee_id else "split_owner_not_in_hris"
        shares.append(Share(payee_id or alias, payee_id, before, to_date, whole, reason))
    return shares


def is_sum_allowed(ratio: Fraction, split_total_code: str) -> bool:
    return {"whole": ratio == 1, "at_most_whole": 0 <= ratio <= 1, "any": True}[split_total_code]


def territory_shares(
    company: Company, plan: PlanVersion, transaction: Transaction, share: Fraction
) -> list[Share]:
    """Share equally among the members of the territory who are on the plan; list the others."""
    day, territory_id = booked(transaction), transaction.territory_id
    if not territory_id:
        return [Share(None, None, reason="missing_territory")]
    members = sorted({row.payee_id for row in only_in_force(company.members[territory_id], day)})
    if not members:
        return [Share(None, None, reason="no_territory_member")]
    on_plan = [member for member in members if company.is_assigned(plan.plan_id, member, day)]
    shares: list[Share] = []
    for member in members:
        if member not in on_plan:
            shares.append(Share(member, member, reason="no_plan_assignment"))
            continue
        place = Fraction(on_plan.index(member))
        shares.append(Share(member, member, place, place + 1, Fraction(len(on_plan)), taken_first=share))
    return shares


# --- Roll-up -----------------------------------------------------------------------------------------------


def lines_up(
    company: Company, plan: PlanVersion, payee_id: str, on: date
) -> list[tuple[str, int, Fraction | None]]:
    """Return (payee, level, factor) of all who are credited for a recipient; a plan without levels: only them."""
    if not company.rollup_levels[plan.plan_id]:
        return [(payee_id, 0, None)]
    found = set()
    for row in only_in_force(company.rollup_levels[plan.plan_id], on):
        for person in persons_at(company, row.hierarchy_code, payee_id, row.level_number, on):
            found.add((person, row.level_number, row.level_factor))
    return sorted(found, key=lambda each: (each[1], each[0]))


def persons_at(company: Company, hierarchy: str, payee_id: str, level: int, on: date) -> list[str]:
    """Return who stands `level` steps above a payee; never the payee."""
    if level == 0:
        return [payee_id]
    if hierarchy == "manager":
        above = manager_line(company, payee_id, on)[level - 1 : level]
    else:
        own = [payee_id] if payee_id in company.team_ids else company.teams_of(payee_id, on)
        above = [leader for team in own if (leader := leader_at(company, team, level, on))]
    return [person for person in above if person != payee_id]


def manager_line(company: Company, payee_id: str, on: date) -> list[str]:
    """Return the manager, the manager's manager ... on that day."""
    line: list[str] = []
    while (manager := company.manager_of(line[-1] if line else payee_id, on)) is not None:
        if len(line) > LEVELS_MAX:
            raise ValueError(f"reporting line of {payee_id} on {on} has no end: {line}")
        line.append(manager)
    return line


def leader_at(company: Company, team_id: str, level: int, on: date) -> str | None:
    """Return the leader of the n-th team up; the team itself is the first."""
    team = company.team_on(team_id, on)
    for _ in range(level - 1):
        team = company.team_on(team.parent_team_id, on) if team and team.parent_team_id else None
    return team.leader_payee_id if team else None


# --- Who is credited in the end ----------------------------------------------------------------------------


def reason_not_credited(company: Company, candidate: Credit) -> str | None:
    payee_id, day, plan = candidate.payee_id, candidate.credit_date, candidate.plan
    assert payee_id is not None
    part = candidate.transaction.part
    was_there = False
    if part is not None and part.deal.booked_date is not None:
        was_there = company.is_there(payee_id, part.deal.booked_date)
    if not company.is_employed(payee_id, day):
        has_left = company.has_left_since(payee_id, day) is not None
        terms = company.terms_on(plan.plan_id, candidate.transaction.deal.booked_date)
        if not (was_there and has_left and company.gets_payment(payee_id, terms, day, "forfeit")):
            return "payee_not_employed"
    elif company.is_on_leave(payee_id, day) and not was_there:
        return "payee_on_leave"
    if not company.is_assigned(plan.plan_id, payee_id, day):
        return "no_plan_assignment"
    if company.window_on(plan.calendar_id, day) is None:
        return "no_attainment_window"
    if company.rates[plan.plan_id] and not rate_rows(company, candidate):
        return "missing_rate"
    return None


def cap(candidates: list[Credit]) -> None:
    """Let all credits of one payee for a transaction together reach at most its value."""
    of_payee: dict[str, list[Credit]] = defaultdict(list)
    for candidate in candidates:
        if candidate.reason is None and candidate.payee_id is not None:
            of_payee[candidate.payee_id].append(candidate)
    for credits in of_payee.values():
        credited, payable = Fraction(0), Fraction(0)
        for credit in sorted(credits, key=lambda credit: (credit.level, credit.credit_id)):
            assert credit.credited is not None and credit.payable is not None
            before, payable_before = credited, payable
            credited, payable = credited + credit.credited, payable + credit.payable
            value, most = credit.worth.value, credit.worth.payable
            credit.credited = at_most(credited, value) - at_most(before, value)
            credit.payable = at_most(payable, most) - at_most(payable_before, most)


def at_most(running: Fraction, whole: Fraction) -> Fraction:
    """Return the running total, but no more than the whole; a negative whole mirrors."""
    return min(running, whole) if whole >= 0 else max(running, whole)


def booked(transaction: Transaction) -> date:
    assert transaction.booked_date is not None
    return transaction.booked_date
