"""The HR system: people, jobs, departments, territories, pay"""

from ingestion.systems.hris.source import SYSTEM, TABLES, pipeline, source

__all__ = ["SYSTEM", "TABLES", "pipeline", "source"]
