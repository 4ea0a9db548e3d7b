"""The contract company with managers, one of whom changes, and with roles: who may see what is worked out by hand.

Ana reports to Dee until 14 March and to Eve from the 15th, Ben to Dee, Dee and Eve to Fay, Cy to nobody. March is approved, April a
draft. The deals' plan has a quota of 10,000 a month; deals in pounds pay the owner's manager.
"""

from pathlib import Path

from tests.support.companies.contract_company import DEALS, PLAN, START, approve, company, install

JOBS = (
    # who, from, reports to
    ("ana", START, "dee"),
    ("ana", "2014-03-15", "eve"),
    ("ben", START, "dee"),
    ("dee", START, "fay"),
    ("eve", START, "fay"),
)
ROLES = (
    # who, role, scope, its id, from, to
    ("laura", "admin", "all", "", START, ""),
    ("kim", "auditor", "all", "", START, ""),
    ("lou", "limited_admin", "payee", "cy", START, ""),
    ("meg", "limited_admin", "plan", "euro_deals", START, ""),
    ("ned", "limited_admin", "org", "dee", START, ""),
    ("pat", "limited_admin", "payee", "dee", START, ""),
    ("old", "admin", "all", "", START, "2014-04-30"),
)


IN_POUNDS = ("D11", "ben", "2014-03-10", "100", "GBP")


def build(home: Path) -> Path:
    """Calculate and publish the company in a folder; returns its warehouse file."""
    tables = dict(company((*DEALS, IN_POUNDS)))
    euros = next(plan for plan in tables["plans"] if plan["plan_id"] == "euro_deals")
    pounds = {
        **euros,
        "plan_id": "pound_deals",
        "currency_code": "GBP",
        "filter_expression": "\"CurrencyIsoCode\" = 'GBP'",
        "beneficiary_code": "manager",
    }
    tables["plans"] = [{**PLAN, "quota_expression": "10000"}, euros, pounds]
    for name in ("plan_assignments", "credit_rules", "tiers"):
        of_euros = [row for row in tables[name] if row["plan_id"] == "euro_deals"]
        tables[name] = [*tables[name], *({**row, "plan_id": "pound_deals"} for row in of_euros)]
    tables["hris/job_info"] = [
        {"employeeId": who, "date": since, "reportsTo": manager} for who, since, manager in JOBS
    ]
    names = ("viewer_id", "role_code", "scope_code", "scope_id", "valid_from", "valid_to")
    tables["roles"] = [dict(zip(names, role, strict=True)) for role in ROLES]
    settings = install(home, tables)
    approve(settings, "2014-03")
    return settings.warehouse
