"""European Central Bank: the euro reference rates of every working day since 1999."""

from ingestion.systems.ecb.connector import Ecb

CONNECTOR = Ecb

__all__ = ["CONNECTOR", "Ecb"]
