"""What credit rules, roll-ups, teams, variables and calendars must agree on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from orchestration.plans.checks.problems import Problem, did_you_mean, shown
from orchestration.plans.checks.tables import Company, Row
from orchestration.plans.language import CATALOGUE_VALUE, VARIABLE_NAME

# Names that become parts of keys (plan|transaction|...) and of SQL texts.
NAMES: dict[str, tuple[str, ...]] = {
    "plans": ("plan_id", "progress_id", "catalogue_id", "calendar_id"),
    "credit_rules": ("rule_id", "rule_group", "split_type"),
    "teams": ("team_id",),
    "team_memberships": ("team_id",),
    "windows": ("calendar_id", "window_code"),
    "catalogue": ("catalogue_id",),
}


def name_rules(company: Company) -> Iterator[Problem]:
    """Names carry no sign that would end them inside of a key or a text."""
    for table, columns in NAMES.items():
        for row in company.rows.get(table, []):
            for column in columns:
                sign = next((sign for sign in "|'\"" if sign in row[column]), None)
                if sign:
                    yield row.problem(
                        column,
                        f"'{row[column]}' contains {sign}",
                        "Write the name in letters, digits, spaces, - and _",
                    )


def rule_rules(company: Company) -> Iterator[Problem]:
    """The cells that a recipient needs, and one order of the rules of a group."""
    for rule in company["credit_rules"]:
        label = f"rule '{rule['rule_id']}' of plan '{rule['plan_id']}'"
        for column, message, fix in _rule_faults(rule):
            yield rule.problem(column, f"{label} {message}", fix)
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for rule in company["credit_rules"]:
        key = (rule["plan_id"], rule["rule_group"], rule["priority"].lstrip("+0"))
        groups.setdefault(key, []).append(rule)
    for rules in groups.values():
        for one, other in itertools.combinations(rules, 2):
            if one.meets(other):
                yield one.problem(
                    "priority",
                    f"rules '{one['rule_id']}' and '{other['rule_id']}' of plan '{one['plan_id']}', group "
                    f"'{one['rule_group']}', both have priority {one['priority']}",
                    "Write which of them is tried first: 1, 2, ...",
                    other,
                )


def _rule_faults(rule: Row) -> Iterator[tuple[str, str, str]]:
    recipient = rule["recipient_code"]
    names = recipient in ("payee", "team")
    if names and not rule["payee_expression"]:
        fix = f"Write the {recipient}: a field, \"Sales_Engineer__c\", or an id in single quotes, '275'"
        yield "payee_expression", f"credits a {recipient} and does not say which", fix
    if not names and rule["payee_expression"]:
        fix = "Leave it empty, or write recipient_code payee or team"
        yield "payee_expression", f"credits the {recipient} and names another person", fix
    if recipient == "splits" and rule["share_expression"]:
        yield (
            "share_expression",
            "credits splits, which are shares already, and has a share",
            "Leave it empty",
        )
    for column in ("split_type", "split_total_code"):
        if recipient != "splits" and rule[column]:
            fix = "Leave it empty, or write recipient_code splits"
            yield column, f"credits the {recipient} and speaks of splits", fix


def first_day_rules(company: Company) -> Iterator[Problem]:
    """Every plan version has a credit rule on its first day."""
    for plan in company["plans"]:
        rules = company.of_plan("credit_rules", plan["plan_id"])
        if any(rule.holds_on(plan["valid_from"]) for rule in rules):
            continue
        first = min(
            (rule["valid_from"] for rule in rules if rule["valid_from"] > plan["valid_from"]), default=""
        )
        yield plan.problem(
            "plan_id",
            f"plan '{plan['plan_id']}' has no credit rule on its first day {plan['valid_from']}"
            + (f" (the next one starts on {first})" if first else "")
            + "; nobody would be credited",
            "Add a rule to seeds/crediting/credit_rules.csv, for example recipient_code owner",
        )


def rollup_rules(company: Company) -> Iterator[Problem]:
    """Levels and factors are not negative; a plan rolls up one hierarchy."""
    first: dict[str, Row] = {}
    for row in company["rollup_levels"]:
        other = first.setdefault(row["plan_id"], row)
        if other["hierarchy_code"] != row["hierarchy_code"]:
            yield row.problem(
                "hierarchy_code",
                f"plan '{row['plan_id']}' rolls up both the {other['hierarchy_code']} and the "
                f"{row['hierarchy_code']} hierarchy; a payee in both would be credited twice",
                "Keep one hierarchy, or make a plan of its own for the other",
                other,
            )
        for column in ("level_number", "level_factor"):
            number = row.number_in(column)
            if number is not None and number < 0:
                yield row.problem(
                    column,
                    f"{column} {number} of plan '{row['plan_id']}' is negative",
                    "Write 0 for the recipient, 1 for the level above"
                    if column == "level_number"
                    else "Write the share of the credit, 1 for all of it",
                )


def team_rules(company: Company) -> Iterator[Problem]:
    """The teams above are known, and no team is above itself on any day."""
    teams = company["teams"]
    known = {row["team_id"] for row in teams}
    for row in teams:
        parent = row["parent_team_id"]
        if parent and parent not in known:
            yield row.problem(
                "parent_team_id",
                f"team '{row['team_id']}' belongs to '{parent}', which is not in {row.file}",
                f"{did_you_mean(parent, known)} Add the team or correct the name".strip(),
            )
    told: set[frozenset[int]] = set()
    for day in sorted({row["valid_from"] for row in teams}):
        in_force = {row["team_id"]: row for row in teams if row.holds_on(day)}
        for start in in_force:
            circle = _circle(in_force, start)
            numbers = frozenset(row.number for row in circle)
            if circle and numbers not in told:
                told.add(numbers)
                names = " > ".join([*(row["team_id"] for row in circle), circle[0]["team_id"]])
                yield circle[0].problem(
                    "parent_team_id",
                    f"teams are above themselves on {day}: {names}",
                    "Empty the parent_team_id of the highest of them",
                    *circle[1:],
                )


def _circle(in_force: dict[str, Row], start: str) -> list[Row]:
    """The rows from `start` upwards back to `start`; empty where the way ends elsewhere."""
    way: list[Row] = []
    team = start
    while team in in_force and in_force[team] not in way:
        way.append(in_force[team])
        team = in_force[team]["parent_team_id"]
    return way if way and team == start else []


def variable_rules(company: Company) -> Iterator[Problem]:
    """Names can be written in an expression; scopes name what exists."""
    first: dict[str, Row] = {}
    for row in company["variables"]:
        name = row["variable_name"]
        if name and not VARIABLE_NAME.fullmatch(name):
            bare = name.removeprefix("@@")
            yield row.problem(
                "variable_name",
                f"'{name}' cannot be written as a variable",
                f"Write {bare} without @@"
                if VARIABLE_NAME.fullmatch(bare)
                else "Write letters, digits and _",
            )
        if name == CATALOGUE_VALUE:
            yield row.problem(
                "variable_name", f"{name} is reserved for a catalogue's value", "Choose another name"
            )
        other = first.setdefault(name.lower(), row)
        if other["variable_name"] != name:
            first[name.lower()] = row
            yield other.problem(
                "variable_name",
                f"'{other['variable_name']}' and '{name}' differ in capitals only",
                "Write one name",
                row,
            )
        yield from _scope_problems(company, row)


def _scope_problems(company: Company, row: Row) -> Iterator[Problem]:
    scope, wanted = row["scope_code"], row["scope_id"]
    label = f"variable '{row['variable_name']}'"
    if scope == "global":
        if wanted:
            yield row.problem("scope_id", f"{label} holds for all and names '{wanted}'", "Leave it empty")
        return
    if not wanted:
        if scope:
            yield row.problem(
                "scope_id", f"{label} does not say of which {scope}", f"Write the id of the {scope}"
            )
        return
    known = None
    if scope == "plan":
        known, where = {plan["plan_id"] for plan in company["plans"]}, "seeds/plans/plans.csv"
    elif scope == "team" and company.territories is not None:
        rows = [*company["teams"], *company["team_memberships"]]
        known = {team["team_id"] for team in rows} | company.territories
        where = "seeds/crediting/teams.csv, team_memberships.csv and the territories of the HRIS"
    if known is not None and wanted not in known:
        yield row.problem(
            "scope_id",
            f"{label} belongs to the {scope} '{wanted}', which is not in {where} (known: {shown(sorted(known))})",
            f"{did_you_mean(wanted, known)} Correct the id or add the {scope}".strip(),
        )


def window_rules(company: Company) -> Iterator[Problem]:
    """The windows of a calendar follow each other without a day between them."""
    ordered = sorted(company["windows"], key=lambda row: (row["calendar_id"], row["window_from"]))
    for one, other in itertools.pairwise(ordered):
        if one["calendar_id"] == other["calendar_id"] and one["window_to"] < other["window_from"]:
            yield one.problem(
                "window_to",
                f"the calendar '{one['calendar_id']}' has no window from {one['window_to']} to {other['window_from']} "
                f"(between '{one['window_code']}' and '{other['window_code']}'); a deal of these days earns nothing",
                f"Start row {other.number} where row {one.number} ends, or add a window for the days between",
                other,
            )
