"""Exchange rates: its tables, its dlt source and its dlt pipeline."""

from pathlib import Path

import dlt
from dlt.sources import DltSource

from ingestion.landing.pipeline import make_pipeline, make_source
from ingestion.landing.settings import Settings
from ingestion.landing.tables import SourceSystem, Table, day, rate, text

NAME = "fx"

TABLES: tuple[Table, ...] = (
    Table(
        name="CurrencyRate",
        columns=(
            *text("CurrencyRateID"),
            *day("CurrencyRateDate"),
            *text("FromCurrencyCode", "ToCurrencyCode"),
            *rate("AverageRate", "EndOfDayRate"),
        ),
        primary_key=("CurrencyRateID",),
    ),
)


def source(extract_dir: Path | None = None, settings: Settings | None = None) -> DltSource:
    """Return a new dlt source named "fx" over the extracts in `extract_dir`/fx."""
    return make_source(NAME, TABLES, extract_dir, settings)


def pipeline(settings: Settings | None = None) -> dlt.Pipeline:
    """Return the dlt pipeline into the schema raw_fx."""
    return make_pipeline(NAME, settings)


SYSTEM = SourceSystem(NAME, "Exchange rates", TABLES, source, pipeline)
