"""A REST service of daily exchange rates."""

from ingestion.rates.connector import Rates

CONNECTOR = Rates

__all__ = ["CONNECTOR", "Rates"]
