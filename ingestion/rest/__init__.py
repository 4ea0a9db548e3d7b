"""Any REST API, described in sources.toml."""

from ingestion.rest.connector import Rest

CONNECTOR = Rest

__all__ = ["CONNECTOR", "Rest"]
