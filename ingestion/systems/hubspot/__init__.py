"""HubSpot: deals with the history of their properties, owners, companies, line items, pipelines, associations."""

from ingestion.systems.hubspot.connector import HubSpot

CONNECTOR = HubSpot

__all__ = ["CONNECTOR", "HubSpot"]
