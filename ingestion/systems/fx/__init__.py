"""Exchange rates"""

from ingestion.systems.fx.source import SYSTEM, TABLES, pipeline, source

__all__ = ["SYSTEM", "TABLES", "pipeline", "source"]
