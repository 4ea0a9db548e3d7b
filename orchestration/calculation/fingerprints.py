"""What each node of dbt depends on, as hashes: a node is built again when its hash is no longer the one it was built with.

Every node has two. Its *definition* is its SQL, configuration and columns, all macros and vars, and the columns of what it
reads. Its *content* is the definition and the rows: those of a seed's file, of a landed table, of everything it reads. A table
is as good as its content. A view has no rows of its own: it is as good as its definition, unless its SQL is written from rows
(plans' expressions), or from the project's own graph.

Nothing here trusts a time stamp. A hash can only be wrong towards building too much.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Macros that read rows or the graph while dbt writes SQL; so the SQL depends on more than its text.
READS_ROWS = re.compile(r"run_query|load_result|get_columns_in_relation|statement\(")
READS_GRAPH = re.compile(r"\bgraph\.")
PROJECT = "commissions"
Manifest = Mapping[str, Any]
Landed = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Fingerprint:
    """The two hashes of a node. ``built`` is the one that decides whether it is built again."""

    definition: str
    content: str
    is_view: bool

    @property
    def built(self) -> str:
        """The definition of a view, the content of anything else."""
        return self.definition if self.is_view else self.content


def fingerprints(
    manifest: Manifest, *, seeds: Path, landed: Landed, variables: Mapping[str, object]
) -> dict[str, Fingerprint]:
    """The fingerprint of every seed, source, model and test, by unique id.

    Args:
        manifest: dbt's, as parsed.
        seeds: folder of the CSV files.
        landed: a hash of each landed table by schema and table, `columns-rows`: the part before the first dash is of its columns
            alone. A table that is missing has none.
        variables: vars that are given to dbt beside those of dbt_project.yml, the as_of_date among them.
    """
    nodes: dict[str, Mapping[str, Any]] = {**manifest["sources"], **manifest["nodes"]}
    shared = _hash([variables, _macros(manifest)])
    graph = _hash(sorted((name, node.get("raw_code"), _metas(node)) for name, node in nodes.items()))
    rows_macros = _macros_that(manifest, READS_ROWS)
    graph_macros = _macros_that(manifest, READS_GRAPH)
    found: dict[str, Fingerprint] = {}

    def columns_of(parent: str) -> str:
        """What a view over the parent was bound to: the contract, which dbt enforces; without one, whatever made its columns."""
        node = nodes[parent]
        if (node["config"].get("contract") or {}).get("enforced"):
            return _hash([node["schema"], node["alias"], _columns(node)])
        return visit(parent).definition

    def visit(name: str) -> Fingerprint:
        if name in found:
            return found[name]
        node = nodes[name]
        parents = [parent for parent in _parents(node) if parent in nodes]
        own = [shared, _definition(node)]
        if node["resource_type"] == "source":
            own.append(landed.get((node["schema"], node["identifier"]), "").partition("-")[0])
        if _reads(node, graph_macros, READS_GRAPH):
            own.append(graph)
        definition = _hash([own, [columns_of(parent) for parent in parents]])
        rows = ""
        if node["resource_type"] == "seed":
            rows = file_hash(seeds / node["path"])
        elif node["resource_type"] == "source":
            rows = landed.get((node["schema"], node["identifier"]), "")
        content = _hash([definition, rows, [visit(parent).content for parent in parents]])
        if _reads(node, rows_macros, READS_ROWS):
            definition = content
        is_view = node.get("config", {}).get("materialized") == "view"
        found[name] = Fingerprint(definition, content, is_view)
        return found[name]

    for name, node in nodes.items():
        # A test of a model that is switched off stays in the manifest, switched off.
        is_on = (node.get("config") or {}).get("enabled", True)
        if is_on and node["resource_type"] in ("seed", "source", "model", "test"):
            visit(name)
    return found


def _parents(node: Mapping[str, Any]) -> Sequence[str]:
    parents: list[str] = node.get("depends_on", {}).get("nodes", [])
    return sorted(parents)


def _definition(node: Mapping[str, Any]) -> list[object]:
    """What the project says of the node; without descriptions and the place of its file."""
    config = {
        key: value for key, value in (node.get("config") or {}).items() if key not in ("meta", "docs", "tags")
    }
    return [
        node.get("raw_code"),
        config,
        _columns(node),
        node.get("constraints"),
        node.get("test_metadata"),
        node.get("column_name"),
        node.get("schema"),
        node.get("alias") or node.get("identifier"),
    ]


def _columns(node: Mapping[str, Any]) -> list[object]:
    columns: Mapping[str, Mapping[str, Any]] = node.get("columns") or {}
    return [[name, column.get("data_type"), column.get("constraints")] for name, column in columns.items()]


def _metas(node: Mapping[str, Any]) -> list[object]:
    """What the columns are declared as: macros that read the graph choose by it."""
    columns: Mapping[str, Mapping[str, Any]] = node.get("columns") or {}
    return [[name, column.get("meta")] for name, column in columns.items() if column.get("meta")]


def _macros(manifest: Manifest) -> list[tuple[str, str]]:
    return sorted(
        (name, macro["macro_sql"])
        for name, macro in manifest["macros"].items()
        if macro["package_name"] == PROJECT
    )


def _macros_that(manifest: Manifest, pattern: re.Pattern[str]) -> frozenset[str]:
    """The project's macros whose text fits the pattern, and those that call them."""
    macros = {name: macro for name, macro in manifest["macros"].items() if macro["package_name"] == PROJECT}
    # A materialization runs statements for every model; what counts is the SQL that a model is written as.
    own = {name: macro for name, macro in macros.items() if not macro["name"].startswith("materialization_")}
    found = {name for name, macro in own.items() if pattern.search(macro["macro_sql"])}
    while True:
        callers = {
            name for name, macro in own.items() if found.intersection(macro["depends_on"]["macros"])
        } - found
        if not callers:
            return frozenset(found)
        found |= callers


def _reads(node: Mapping[str, Any], macros: frozenset[str], pattern: re.Pattern[str]) -> bool:
    called = node.get("depends_on", {}).get("macros", [])
    return bool(macros.intersection(called) or pattern.search(node.get("raw_code") or ""))


def file_hash(path: Path) -> str:
    """A hash of a file's bytes; empty where there is no file."""
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else ""


def _hash(value: object) -> str:
    text = json.dumps(value, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()
