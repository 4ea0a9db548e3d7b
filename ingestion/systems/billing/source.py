"""Billing: invoices, payments, refunds and credit memos: its tables, its dlt source and its dlt pipeline."""

from pathlib import Path

import dlt
from dlt.sources import DltSource

from ingestion.landing.pipeline import make_pipeline, make_source
from ingestion.landing.settings import Settings
from ingestion.landing.tables import SourceSystem, Table, amount, day, instant, text

NAME = "billing"

TABLES: tuple[Table, ...] = (
    Table(
        name="invoices",
        columns=(
            *text("invoice_id", "opportunity_id", "customer_id"),
            *day("invoice_date", "due_date"),
            *text("currency_code"),
            *amount("subtotal_amount", "tax_amount", "freight_amount", "total_amount"),
            *text("status"),
            *instant("updated_at"),
        ),
        primary_key=("invoice_id",),
        stamp="updated_at",
    ),
    Table(
        name="payments",
        columns=(
            *text("payment_id", "invoice_id", "opportunity_id", "kind"),
            *day("paid_date"),
            *text("currency_code"),
            *amount("amount"),
            *instant("updated_at"),
        ),
        primary_key=("payment_id",),
        stamp="updated_at",
    ),
)


def source(extract_dir: Path | None = None, settings: Settings | None = None) -> DltSource:
    """Return a new dlt source named "billing" over the extracts in `extract_dir`/billing."""
    return make_source(NAME, TABLES, extract_dir, settings)


def pipeline(settings: Settings | None = None) -> dlt.Pipeline:
    """Return the dlt pipeline into the schema raw_billing."""
    return make_pipeline(NAME, settings)


SYSTEM = SourceSystem(NAME, "Billing: invoices, payments, refunds and credit memos", TABLES, source, pipeline)
