"""Any REST API, described in sources.toml."""

from ingestion.systems.rest.connector import Rest

CONNECTOR = Rest

__all__ = ["CONNECTOR", "Rest"]
