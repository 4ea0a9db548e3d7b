"""NetSuite: transactions with their lines, customers, employees, currencies, by SuiteQL."""

from ingestion.systems.netsuite.connector import NetSuite

CONNECTOR = NetSuite

__all__ = ["CONNECTOR", "NetSuite"]
