"""Salesforce: opportunities with splits, products and history, users, accounts, territories."""

from ingestion.systems.salesforce.connector import Salesforce

CONNECTOR = Salesforce

__all__ = ["CONNECTOR", "Salesforce"]
