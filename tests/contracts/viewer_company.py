"""The contract company with managers, one of whom changes, and with roles: who may see what is worked out by hand.

Ana reports to Dee until 14 March and to Eve from the 15th, Ben to Dee, Dee and Eve to Fay, Cy to nobody. March is approved, April a
draft. The deals' plan has a quota of 10,000 a month.
"""

from pathlib import Path

from contract_company import PLAN, START, approve, company, install

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
    ("old", "admin", "all", "", START, "2014-04-30"),
)


def build(home: Path) -> Path:
    """Calculate and publish the company in a folder; returns its warehouse file."""
    tables = dict(company())
    euros = next(plan for plan in tables["plans"] if plan["plan_id"] == "euro_deals")
    tables["plans"] = [{**PLAN, "quota_expression": "10000"}, euros]
    tables["hris/job_info"] = [
        {"employeeId": who, "date": since, "reportsTo": manager} for who, since, manager in JOBS
    ]
    names = ("viewer_id", "role_code", "scope_code", "scope_id", "valid_from", "valid_to")
    tables["roles"] = [dict(zip(names, role, strict=True)) for role in ROLES]
    settings = install(home, tables)
    approve(settings, "2014-03")
    return settings.warehouse
