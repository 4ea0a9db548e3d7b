"""Stripe: customers, invoices with lines, charges, refunds, credit notes, balance transactions, payments, disputes."""

from ingestion.systems.stripe.connector import Stripe

CONNECTOR = Stripe

__all__ = ["CONNECTOR", "Stripe"]
