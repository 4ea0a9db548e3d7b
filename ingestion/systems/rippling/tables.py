"""Rippling: the tables, their keys and types, under the names of the API's fields."""

from ingestion.landing.tables import Table, day, text

# Only these fields of an employee are landed: others hold what commissions must not know.
EMPLOYEES = Table(
    name="employees",
    columns=(
        *text("id", "name", "firstName", "lastName", "workEmail", "employmentType", "title"),
        *text("department", "departmentId", "manager", "roleState", "flsaStatus"),
        *day("startDate", "w2StartDate", "endDate"),
    ),
    primary_key=("id",),
)


def _tree(name: str) -> Table:
    return Table(name=name, columns=text("id", "name", "parent"), primary_key=("id",))


DEPARTMENTS, TEAMS, LEVELS = _tree("departments"), _tree("teams"), _tree("levels")

# Fields that Rippling leaves out of some records.
OPTIONAL = frozenset({"departmentId", "w2StartDate", "parent"})

TABLES = (EMPLOYEES, DEPARTMENTS, TEAMS, LEVELS)
