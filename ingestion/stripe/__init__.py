"""Stripe: customers, invoices with lines, charges, refunds, credit notes, balance transactions, payments, disputes."""

from ingestion.stripe.connector import Stripe

CONNECTOR = Stripe

__all__ = ["CONNECTOR", "Stripe"]
