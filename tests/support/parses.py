"""The project parsed with connected systems in the place of files: once per set of systems and test process."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.calculation.dbt_process import BuildResult, current
from orchestration.calculation.manifest import project_digest
from orchestration.warehouse.settings import DBT_PROJECT_DIR

Switches = Mapping[str, Any]
FILES: Switches = {}
_CRM = {"crm_time_zone": "Europe/Berlin", "crm_currency_code": "USD"}
# Every system that can stand in the place of files, in one set or another.
SETS: tuple[Switches, ...] = (
    FILES,
    {"crm_system": "hubspot", "billing_system": "stripe", "hris_system": "bamboohr", **_CRM},
    {
        **{"crm_system": "dynamics", "billing_system": "quickbooks", "hris_system": "workday", **_CRM},
        "hris_has_territories": False,
    },
    {
        **{"crm_system": "pipedrive", "billing_system": "netsuite", "hris_system": "rippling", **_CRM},
        "rippling_number_column": "employeeNumber",
    },
    {"crm_system": "zoho", "zoho_won_stages": ["Closed Won", "Signed"], **_CRM},
)


def set_with(system: str) -> Switches:
    """The set of systems that a connected system is in."""
    (found,) = [switches for switches in SETS if system in switches.values()]
    return found


def name_of(switches: Switches) -> str:
    """The systems of a set."""
    return "-".join(str(value) for name, value in switches.items() if name.endswith("_system")) or "files"


def manifest_with(switches: Switches) -> dict[str, Any]:
    """dbt's manifest.json with these systems."""
    text = (_parsed(json.dumps(dict(switches))) / "manifest.json").read_text(encoding="utf-8")
    manifest: dict[str, Any] = json.loads(text)
    return manifest


@cache
def _parsed(switches: str) -> Path:
    target = Path(tempfile.mkdtemp(prefix="parsed"))
    variables = json.loads(switches)
    current().parse(target, project_digest(DBT_PROJECT_DIR), variables=variables, write_json=True)
    return target


def run_dbt(home: Path, *arguments: str, switches: Switches = FILES) -> BuildResult:
    """Run a command of dbt over the warehouse in ``home``, with these systems and the bundled seeds."""
    _parsed(json.dumps(dict(switches)))
    return current().run(
        arguments, warehouse=home / "warehouse.duckdb", home=home, target=home / "target", variables=switches
    )
