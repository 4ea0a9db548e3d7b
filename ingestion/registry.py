"""All source systems, in the order in which they are loaded."""

from ingestion import billing, crm, fx, hris, maven_crm
from ingestion.tables import SourceSystem

SYSTEMS: dict[str, SourceSystem] = {
    system.name: system for system in (crm.SYSTEM, hris.SYSTEM, billing.SYSTEM, fx.SYSTEM, maven_crm.SYSTEM)
}
