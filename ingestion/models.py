"""Whether the systems that the models read are the systems that are loaded."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from ingestion.api.config import Configured
from ingestion.landing.files import Problem
from ingestion.landing.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project" / "dbt_project.yml"
# Vars of dbt that name the system behind some staging models, with the system that the value "files" means.
SWITCHES = {"crm_system": "crm", "billing_system": "billing", "hris_system": "hris"}
# What plans name when they pay on deals, whichever CRM they come from.
DEALS = "crm/Opportunity"


@dataclass(frozen=True)
class DealTable:
    """The table of a CRM that holds its deals.

    Attributes:
        fields: its columns by the fields that staging makes of them, where the names differ.
    """

    name: str
    fields: Mapping[str, str]


# The CRMs that crm/Opportunity is read from where var crm_system names them: dbt_project/models/staging/<system>.
DEAL_TABLES = {
    "hubspot": DealTable(
        "deals",
        {
            "CloseDate": "closedate", "OwnerId": "hubspot_owner_id", "CurrencyIsoCode": "deal_currency_code",
            "StageName": "dealstage", "IsDeleted": "archived",
        },
    ),
    "dynamics": DealTable(
        "opportunities",
        {
            "Id": "opportunityid", "Amount": "actualvalue", "CloseDate": "actualclosedate", "StageName": "statecode",
            "OwnerId": "_owninguser_value", "AccountId": "_parentaccountid_value",
            "CurrencyIsoCode": "_transactioncurrencyid_value",
        },
    ),
    "pipedrive": DealTable(
        "deals",
        {
            "Amount": "value", "CloseDate": "local_won_date", "OwnerId": "owner_id", "AccountId": "org_id",
            "CurrencyIsoCode": "currency", "StageName": "status", "IsDeleted": "is_deleted",
        },
    ),
    "zoho": DealTable(
        "Deals",
        {"CloseDate": "Closing_Date", "OwnerId": "Owner", "AccountId": "Account_Name", "StageName": "Stage"},
    ),
}  # fmt: skip
# Fields that staging gives every deal; those that a system's table does not name have no column there.
DEAL_FIELDS = (
    "Id", "Amount", "CloseDate", "OwnerId", "AccountId", "Territory2Id", "CurrencyIsoCode", "StageName", "IsDeleted",
)  # fmt: skip


def deal_table(project: Path | None = None) -> tuple[str, DealTable] | None:
    """Return the connected CRM that the models read deals from, and its table; None where that is the system crm."""
    system = _vars(project or DBT_PROJECT).get("crm_system", "files")
    return (system, DEAL_TABLES[system]) if system in DEAL_TABLES else None


def _vars(project: Path) -> Mapping[str, Any]:
    return _vars_in(project.read_text(encoding="utf-8"))


@lru_cache(maxsize=8)
def _vars_in(text: str) -> Mapping[str, Any]:
    """Return the vars of a project file; each table of each load asks for them."""
    return MappingProxyType(dict(read_yaml(text).get("vars") or {}))


def time_zones(project: Path | None = None) -> set[str]:
    """Return the time zones that make days of instants: the vars of dbt that end in time_zone, and UTC."""
    chosen = _vars(project or DBT_PROJECT)
    return {"UTC", *(str(zone) for name, zone in chosen.items() if name.endswith("time_zone"))}


def read_yaml(text: str) -> Any:
    """Return a YAML document, read by the C library where there is one: ten times as fast, and the same otherwise."""
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def unread_tables(configured: Iterable[Configured]) -> list[Problem]:
    """Return a problem for each table that the models read from a connected system and that is not read there."""
    return [
        Problem(
            "sources.toml",
            f"the models read {system.config.name}.{table}, and [{system.config.name}] does not bring it; add it to `read`, "
            "or, if the company has none, to `without`",
            column=table,
        )
        for system in configured
        for table in system.absent
    ]


def unloaded_systems(systems: Collection[str], project: Path = DBT_PROJECT) -> list[Problem]:
    """Return a problem for each system that the models read and that no load keeps up to date.

    Args:
        systems: names of the systems that are loaded.
        project: dbt's project file with the vars.
    """
    chosen = _vars(project)
    problems = []
    for switch, files in SWITCHES.items():
        named = chosen.get(switch, "files")
        read = files if named == "files" else named
        if read not in systems:
            problems.append(
                Problem(
                    f"{project.parent.name}/{project.name}",
                    f"the models read '{read}' ({switch}: {named}), which is not loaded; name the system "
                    f"of sources.toml that replaces {files}, or switch that section on",
                    column=switch,
                )
            )
    return problems
