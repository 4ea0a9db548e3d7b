"""QuickBooks Online: invoices, payments, credit memos, refund receipts, sales receipts, customers."""

from ingestion.systems.quickbooks.connector import QuickBooks

CONNECTOR = QuickBooks

__all__ = ["CONNECTOR", "QuickBooks"]
