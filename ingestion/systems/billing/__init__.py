"""Billing: invoices, payments, refunds and credit memos"""

from ingestion.systems.billing.source import SYSTEM, TABLES, pipeline, source

__all__ = ["SYSTEM", "TABLES", "pipeline", "source"]
