"""BambooHR: employees, job history with managers, employment status with terminations."""

from ingestion.bamboohr.connector import BambooHR

CONNECTOR = BambooHR

__all__ = ["CONNECTOR", "BambooHR"]
