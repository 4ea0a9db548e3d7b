"""BambooHR: employees, job history with managers, employment status with terminations."""

from ingestion.systems.bamboohr.connector import BambooHR

CONNECTOR = BambooHR

__all__ = ["CONNECTOR", "BambooHR"]
