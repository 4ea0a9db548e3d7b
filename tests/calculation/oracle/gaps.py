"""Missing numbers: where would a plan with gap_code error stop the run?"""

from datetime import date

from tests.calculation.oracle.calculation import calculate
from tests.calculation.oracle.company import Company, Tables, only_in_force
from tests.calculation.oracle.curves import curve_of
from tests.calculation.oracle.results import WindowRow

GAPS = {"missing_quota", "zero_quota", "missing_tiers", "missing_variable", "missing_rate"}


def plans_with_gaps(tables: Tables, as_of: date) -> set[str]:
    """Return the plans that miss a number for anybody who is on them, rewarded or not."""
    company, result = Company(tables), calculate(tables, as_of)
    found = {reward.plan.plan_id for reward in result.rewards.values() if reward.reason in GAPS}
    for row in result.windows.values():
        if row.reason in GAPS or has_gap(company, row):
            found.add(row.plan.plan_id)
    return found


def has_gap(company: Company, row: WindowRow) -> bool:
    plan = row.plan
    if company.tiers[plan.plan_id] and curve_of(company, row)[0]:
        return True
    bonuses = only_in_force(company.bonuses[plan.plan_id], row.parameters_date)
    modifiers = only_in_force(company.modifiers[plan.plan_id], row.parameters_date)
    texts = [text for bonus in bonuses for text in (bonus.amount_expression, bonus.amount_to_expression)]
    texts += [modifier.amount_expression for modifier in modifiers]
    return any(
        company.number(text, plan.plan_id, row.payee_id, row.parameters_date) is None
        for text in texts
        if text
    )
