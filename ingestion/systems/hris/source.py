"""The HR system (people, jobs, departments, territories, pay): tables, dlt source, dlt pipeline."""

from pathlib import Path

import dlt
from dlt.sources import DltSource

from ingestion.landing.pipeline import make_pipeline, make_source
from ingestion.landing.settings import Settings
from ingestion.landing.tables import SourceSystem, Table, amount, day, rate, text, whole

NAME = "hris"

TABLES: tuple[Table, ...] = (
    Table(
        name="employees",
        columns=(
            *text(
                "id",
                "employeeNumber",
                "firstName",
                "middleName",
                "lastName",
                "workEmail",
                "loginId",
                "jobTitle",
            ),
            *day("hireDate", "terminationDate"),
            *text("status"),
        ),
        primary_key=("id",),
    ),
    Table(
        name="job_info",
        columns=(*text("employeeId"), *day("date"), *text("jobTitle", "reportsTo")),
        primary_key=("employeeId", "date"),
    ),
    Table(
        name="department_history",
        columns=(
            *text("employeeId", "departmentId", "departmentName", "shiftId"),
            *day("startDate", "endDate"),
        ),
        primary_key=("employeeId", "departmentId", "shiftId", "startDate"),
    ),
    Table(
        name="territory_history",
        columns=(*text("employeeId", "territoryId"), *day("startDate", "endDate")),
        primary_key=("employeeId", "territoryId", "startDate"),
    ),
    Table(
        name="compensation",
        columns=(*text("employeeId"), *day("startDate"), *amount("payRate"), *whole("payFrequency")),
        primary_key=("employeeId", "startDate"),
    ),
    Table(
        name="sales_people",
        columns=(*text("employeeId", "territoryId"), *amount("salesQuota", "bonus"), *rate("commissionRate")),
        primary_key=("employeeId",),
    ),
)


def source(extract_dir: Path | None = None, settings: Settings | None = None) -> DltSource:
    """Return a new dlt source named "hris" over the extracts in `extract_dir`/hris."""
    return make_source(NAME, TABLES, extract_dir, settings)


def pipeline(settings: Settings | None = None) -> dlt.Pipeline:
    """Return the dlt pipeline into the schema raw_hris."""
    return make_pipeline(NAME, settings)


SYSTEM = SourceSystem(
    NAME, "The HR system: people, jobs, departments, territories, pay", TABLES, source, pipeline
)
