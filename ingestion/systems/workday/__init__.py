"""Workday: reports that are enabled as a web service (RaaS), each a table of its own."""

from ingestion.systems.workday.connector import Workday

CONNECTOR = Workday

__all__ = ["CONNECTOR", "Workday"]
