"""BambooHR: the tables, their keys and types, under the names of the API's fields."""

from ingestion.landing.tables import Table, day, text

# `reportsToId` is today's manager by id; the history of managers, by name, is in jobInfo.
EMPLOYEES = Table(
    name="employees",
    columns=(
        *text("employeeId", "firstName", "middleName", "lastName", "preferredName", "workEmail", "status"),
        *text("jobTitleName", "jobTitleId", "departmentName", "departmentId", "divisionName", "divisionId"),
        *text("locationName", "locationId", "employmentStatusName", "employmentStatusId"),
        *text("reportsToName", "reportsToId"),
        *day("hireDate"),
    ),
    primary_key=("employeeId",),
)

# What the list of employees sends unasked; everything else must be asked for.
ALWAYS_SENT = frozenset({"employeeId", "firstName", "lastName", "preferredName", "jobTitleName", "status"})

JOB_INFO = Table(
    name="jobInfo",
    columns=(
        *text("id", "employeeId"),
        *day("date"),
        *text("jobTitle", "reportsTo", "department", "division", "location"),
    ),
    primary_key=("id",),
)

EMPLOYMENT_STATUS = Table(
    name="employmentStatus",
    columns=(*text("id", "employeeId"), *day("date"), *text("employmentStatus")),
    primary_key=("id",),
)

TABLES = (EMPLOYEES, JOB_INFO, EMPLOYMENT_STATUS)
