"""Dynamics 365 Sales on Dataverse: opportunities, their products, users, accounts, currencies."""

from ingestion.systems.dynamics.connector import Dynamics

CONNECTOR = Dynamics

__all__ = ["CONNECTOR", "Dynamics"]
