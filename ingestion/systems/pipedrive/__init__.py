"""Pipedrive: deals, their products, users, products, stages, pipelines."""

from ingestion.systems.pipedrive.connector import Pipedrive

CONNECTOR = Pipedrive

__all__ = ["CONNECTOR", "Pipedrive"]
