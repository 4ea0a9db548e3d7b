"""NetSuite: transactions with their lines, customers, employees, currencies, by SuiteQL."""

from ingestion.netsuite.connector import NetSuite

CONNECTOR = NetSuite

__all__ = ["CONNECTOR", "NetSuite"]
