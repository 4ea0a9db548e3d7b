"""Side sources: CSV, Excel and Parquet files by pattern."""

from ingestion.systems.patterns.connector import Patterns

CONNECTOR = Patterns

__all__ = ["CONNECTOR", "Patterns"]
