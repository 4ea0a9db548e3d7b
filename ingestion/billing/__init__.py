"""Billing: invoices, payments and refunds"""

from ingestion.billing.source import SYSTEM, TABLES, pipeline, source

__all__ = ["SYSTEM", "TABLES", "pipeline", "source"]
