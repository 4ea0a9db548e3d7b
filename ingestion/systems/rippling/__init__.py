"""Rippling: employees with managers and terminations, departments, teams, levels."""

from ingestion.systems.rippling.connector import Rippling

CONNECTOR = Rippling

__all__ = ["CONNECTOR", "Rippling"]
