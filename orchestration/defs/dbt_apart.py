"""Imports dagster-dbt without dbt: everything of it is taken from here (`from orchestration.defs.dbt_apart import dagster_dbt`).

dbt runs as a process of its own. Importing it here as well takes three CPU seconds of every run, every code server and every
web server, and gives nothing but names that dagster-dbt has itself for those who run dbt elsewhere, and a selection of
nodes, which is that of all of them. Where something has imported either before, all is as usual, and as slow.
"""

from __future__ import annotations

import sys
from importlib.metadata import version

from dagster_shared.libraries import DagsterLibraryRegistry


def import_dagster_dbt() -> None:
    """Import dagster-dbt while dbt's version, by which it finds dbt, cannot be imported."""
    if "dagster_dbt" in sys.modules or "dbt.version" in sys.modules:
        return
    sys.modules["dbt.version"] = None  # type: ignore[assignment]
    try:
        import dagster_dbt  # noqa: F401
    finally:
        del sys.modules["dbt.version"]
    # Without dbt it assumes dbt Fusion, and says so in the UI.
    DagsterLibraryRegistry._libraries.pop("dbt-fusion", None)
    DagsterLibraryRegistry.register("dbt-core", version("dbt-core"), is_dagster_package=False)


import_dagster_dbt()

import dagster_dbt as dagster_dbt  # noqa: E402  (after the above)
