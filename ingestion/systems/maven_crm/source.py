"""A second CRM whose records refer to each other by name: its tables, its dlt source and its dlt pipeline."""

from pathlib import Path

import dlt
from dlt.sources import DltSource

from ingestion.landing.pipeline import make_pipeline, make_source
from ingestion.landing.settings import Settings
from ingestion.landing.tables import SourceSystem, Table, amount, day, text, whole

NAME = "maven_crm"

TABLES: tuple[Table, ...] = (
    Table(
        name="sales_pipeline",
        columns=(
            *text("opportunity_id", "sales_agent", "product", "account", "deal_stage"),
            *day("engage_date", "close_date"),
            *amount("close_value"),
        ),
        primary_key=("opportunity_id",),
    ),
    Table(
        name="accounts",
        columns=(
            *text("account", "sector"),
            *whole("year_established"),
            *amount("revenue"),
            *whole("employees"),
            *text("office_location", "subsidiary_of"),
        ),
        primary_key=("account",),
    ),
    Table(
        name="products",
        columns=(*text("product", "series"), *amount("sales_price")),
        primary_key=("product",),
    ),
    Table(
        name="sales_teams",
        columns=text("sales_agent", "manager", "regional_office"),
        primary_key=("sales_agent",),
    ),
)


def source(extract_dir: Path | None = None, settings: Settings | None = None) -> DltSource:
    """Return a new dlt source named "maven_crm" over the extracts in `extract_dir`/maven_crm."""
    return make_source(NAME, TABLES, extract_dir, settings)


def pipeline(settings: Settings | None = None) -> dlt.Pipeline:
    """Return the dlt pipeline into the schema raw_maven_crm."""
    return make_pipeline(NAME, settings)


SYSTEM = SourceSystem(
    NAME, "A second CRM whose records refer to each other by name", TABLES, source, pipeline
)
