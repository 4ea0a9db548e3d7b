"""Names and groups of all assets. Nothing else in the project builds an asset key.

Keys: [preflight], [<system>, <table>] for raw tables (dbt's own key of a source), [<schema>, <model>] for what
dbt builds, [calculation], [published_marts], [archived_landings], [reviewed_month]. Groups follow the order of calculation.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any

import dagster as dg
from dagster_dlt import DagsterDltTranslator
from dagster_dlt.translator import DltResourceTranslatorData

from orchestration.defs.dbt_apart import dagster_dbt

PREFLIGHT_KEY = dg.AssetKey("preflight")
CALCULATION_KEY = dg.AssetKey("calculation")
PUBLISHED_KEY = dg.AssetKey("published_marts")
ARCHIVE_KEY = dg.AssetKey("archived_landings")
MONTH_KEY = dg.AssetKey("reviewed_month")
# A run with this tag assumes nothing: it builds and checks everything.
FULL_TAG = "commissions/full"
BOOKS = "books"
PREFLIGHT_GROUP = "preflight"
PUBLISHED_GROUP = "published"
ARCHIVE_GROUP = "archive"
SEEDS_GROUP = "seeds"
MARTS = "marts"


def raw_key(system: str, table: str) -> dg.AssetKey:
    """Key of a landed table."""
    return dg.AssetKey([system, table])


def raw_group(system: str) -> str:
    """Group of a source system's landed tables."""
    return f"raw_{system}"


def dbt_key(props: Mapping[str, Any]) -> dg.AssetKey:
    """Key of a dbt node: its schema and its name; a source's is that of its landed table."""
    if props["resource_type"] == "source":
        return raw_key(props["source_name"], props["name"])
    return dg.AssetKey([props["schema"], props["name"]])


def dbt_layer(props: Mapping[str, Any]) -> str:
    """Layer of a dbt node; within the intermediate layer its stage (`03_crediting`: crediting)."""
    if props["resource_type"] == "source":
        return raw_group(props["source_name"])
    if props["resource_type"] == "seed":
        return SEEDS_GROUP
    folders = _folders(props)
    stage = folders[1] if folders[0] == "intermediate" and folders[1] else folders[0]
    return re.sub(r"^\d+_", "", stage) or MARTS


def dbt_group(props: Mapping[str, Any]) -> str:
    """Group of a dbt node in the graph: its layer; of a mart its readers too (`marts_payroll`), as there are so many."""
    layer = dbt_layer(props)
    readers = _folders(props)[1] if layer == MARTS else ""
    return f"{layer}_{readers}" if readers else layer


def _folders(props: Mapping[str, Any]) -> list[str]:
    return [*PurePosixPath(props["original_file_path"]).parts[1:-1], "", ""]


class RawTranslator(DagsterDltTranslator):
    """Names the landed tables as dbt names its sources, so that both are one asset."""

    def get_asset_spec(self, data: DltResourceTranslatorData) -> dg.AssetSpec:
        """The landed table of one dlt resource; it waits for the preflight."""
        system, table = str(data.resource.source_name), str(data.resource.name)
        return (
            super()
            .get_asset_spec(data)
            .replace_attributes(
                key=raw_key(system, table),
                deps=[PREFLIGHT_KEY],
                group_name=raw_group(system),
                description=f"{table} of {system} as the source has it: every version that was ever landed.",
                kinds={"dlt", "duckdb"},
            )
        )


class ModelTranslator(dagster_dbt.DagsterDbtTranslator):
    """Names seeds and models; a seed waits for the preflight."""

    def __init__(self) -> None:
        super().__init__(dagster_dbt.DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))

    def get_asset_key(self, dbt_resource_props: Mapping[str, Any]) -> dg.AssetKey:
        """See `dbt_key`."""
        return dbt_key(dbt_resource_props)

    def get_group_name(self, dbt_resource_props: Mapping[str, Any]) -> str | None:
        """See `dbt_group`."""
        return dbt_group(dbt_resource_props)

    def get_asset_spec(
        self, manifest: Mapping[str, Any], unique_id: str, project: dagster_dbt.DbtProject | None
    ) -> dg.AssetSpec:
        """The default spec; seeds get the preflight as their upstream."""
        spec = super().get_asset_spec(manifest, unique_id, project)
        return spec.replace_attributes(deps=[PREFLIGHT_KEY]) if unique_id.startswith("seed.") else spec
