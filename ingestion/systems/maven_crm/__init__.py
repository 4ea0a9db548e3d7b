"""A second CRM whose records refer to each other by name"""

from ingestion.systems.maven_crm.source import SYSTEM, TABLES, pipeline, source

__all__ = ["SYSTEM", "TABLES", "pipeline", "source"]
