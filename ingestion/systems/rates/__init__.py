"""A REST service of daily exchange rates."""

from ingestion.systems.rates.connector import Rates

CONNECTOR = Rates

__all__ = ["CONNECTOR", "Rates"]
