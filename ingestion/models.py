"""Whether the systems that the models read are the systems that are loaded."""

from collections.abc import Collection
from pathlib import Path

import yaml

from ingestion.files import Problem
from ingestion.settings import PROJECT_ROOT

DBT_PROJECT = PROJECT_ROOT / "dbt_project" / "dbt_project.yml"
# Vars of dbt that name the system behind some staging models, with the system that the value "files" stands for.
SWITCHES = {"billing_system": "billing", "hris_system": "hris"}


def unloaded_systems(systems: Collection[str], project: Path = DBT_PROJECT) -> list[Problem]:
    """Return a problem for each system that the models read and that no load keeps up to date.

    Args:
        systems: names of the systems that are loaded.
        project: dbt's project file with the vars.
    """
    chosen = yaml.safe_load(project.read_text(encoding="utf-8"))["vars"]
    problems = []
    for switch, files in SWITCHES.items():
        read = files if chosen[switch] == "files" else chosen[switch]
        if read not in systems:
            problems.append(
                Problem(
                    f"{project.parent.name}/{project.name}",
                    f"the models read '{read}' ({switch}: {chosen[switch]}), which is not loaded; name the system "
                    f"of sources.toml that replaces {files}, or switch that section on",
                    column=switch,
                )
            )
    return problems
