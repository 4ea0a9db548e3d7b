"""The CRM: opportunities, products, accounts, users, territories"""

from ingestion.systems.crm.source import SYSTEM, TABLES, pipeline, source

__all__ = ["SYSTEM", "TABLES", "pipeline", "source"]
