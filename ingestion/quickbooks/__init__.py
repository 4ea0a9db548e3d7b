"""QuickBooks Online: invoices, payments, credit memos, refund receipts, sales receipts, customers."""

from ingestion.quickbooks.connector import QuickBooks

CONNECTOR = QuickBooks

__all__ = ["CONNECTOR", "QuickBooks"]
