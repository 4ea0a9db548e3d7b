"""What roles.csv must agree on: who sees everybody, who sees a part, and what that part is."""

from __future__ import annotations

from collections.abc import Iterator

from orchestration.plans.checks.problems import Problem
from orchestration.plans.checks.tables import Company

WHOLE_ROLES = ("admin", "auditor")


def role_rules(company: Company) -> Iterator[Problem]:
    """Admins and auditors see all; the others a payee, plan, organisation or team that is named."""
    plans = {plan["plan_id"] for plan in company["plans"]}
    for role in company["roles"]:
        code, scope, scope_id = role["role_code"], role["scope_code"], role["scope_id"]
        if code in WHOLE_ROLES and scope != "all":
            yield role.problem(
                "scope_code",
                f"an {code} sees every mart whole, and the scope is '{scope}'",
                "Write scope_code all and no scope_id, or role_code limited_admin",
            )
        elif code not in WHOLE_ROLES and scope == "all":
            yield role.problem(
                "scope_code",
                f"a {code} sees a part, and the scope is all",
                "Write payee, plan, org or team and its id, or role_code admin or auditor",
            )
        elif (scope == "all") == bool(scope_id):
            message = f"the scope is {scope}, and " + (f"names '{scope_id}'" if scope_id else "names nothing")
            yield role.problem("scope_id", message, "Name what is seen; leave it empty where all is seen")
        elif scope == "plan" and scope_id not in plans:
            yield role.problem("scope_id", f"there is no plan '{scope_id}'", "Name a plan of plans.csv")
        if " " in role["viewer_id"]:
            yield role.problem(
                "viewer_id",
                f"'{role['viewer_id']}' has a space, and files are named after viewers",
                "Write the HRIS employee id, or a name without spaces",
            )
