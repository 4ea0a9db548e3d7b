"""Zoho CRM: deals, accounts, products, users."""

from ingestion.systems.zoho.connector import Zoho

CONNECTOR = Zoho

__all__ = ["CONNECTOR", "Zoho"]
