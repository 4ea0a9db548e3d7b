"""The dbt manifest: prepared when the project has changed, and read for Dagster.

The project is what dbt parses: models, tests, macros, property files, the names of the seeds. Rows of a seed are data: an
edited CSV file makes nothing stale. Files are compared by content, so that a checkout or a touched file costs nothing.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import sys
import tempfile
import threading
from collections.abc import Mapping
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from orchestration.calculation.dbt_process import BUNDLED_SEEDS, DbtError, DbtProcess, current, seeds_layout
from orchestration.warehouse.settings import DBT_PROJECT_DIR, DBT_TARGET_DIR

# A folder of its own: a dbt that is started by hand rewrites target/manifest.json in place.
PARSED_DIR = DBT_TARGET_DIR / "parsed"
MANIFEST = PARSED_DIR / "manifest.json"
SEMANTIC_MANIFEST = PARSED_DIR / "semantic_manifest.json"
DIGEST = PARSED_DIR / "project.sha256"
PARTIAL_PARSE = PARSED_DIR / "partial_parse.msgpack"
PROJECT_SUFFIXES = {".sql", ".yml", ".yaml", ".md", ".py"}
PARSING = "dbt-parses"
PACKAGES = ("dbt-core", "dbt-adapters", "dbt-duckdb", "duckdb")

ManifestError = DbtError


def dbt_executable() -> str:
    """The dbt of this Python, also where the virtual environment is not activated."""
    beside = Path(sys.executable).parent / "dbt"
    return str(beside) if beside.exists() else shutil.which("dbt") or "dbt"


def project_files(project: Path = DBT_PROJECT_DIR) -> list[Path]:
    """All files of the dbt project that a parse reads, without the seeds, in a fixed order."""
    built = {project / "target", project / "logs", project / "dbt_packages"}
    return sorted(
        path
        for path in project.rglob("*")
        if path.suffix in PROJECT_SUFFIXES and not built.intersection(path.parents)
    )


def project_digest(project: Path = DBT_PROJECT_DIR, seeds: Path = BUNDLED_SEEDS) -> str:
    """A hash of all that a parse depends on: the files of the project, what describes the seeds, the versions of dbt."""
    digest = hashlib.sha256()
    for path in project_files(project):
        digest.update(f"{path.relative_to(project)}\0".encode() + path.read_bytes() + b"\0")
    digest.update(json.dumps([seeds_layout(seeds), {name: version(name) for name in PACKAGES}]).encode())
    return digest.hexdigest()


def is_stale() -> bool:
    """Whether the manifest is missing, or the project is not the one it was made of."""
    if not all(path.exists() for path in (MANIFEST, SEMANTIC_MANIFEST, DIGEST)):
        return True
    return DIGEST.read_text(encoding="utf-8") != project_digest()


def ensure_manifest() -> bool:
    """Parse the project when the manifest is stale. Returns whether it did.

    Of several processes one parses, the others wait for it; nobody sees half a manifest.

    Raises ManifestError with dbt's own message when the project does not parse.
    """
    if not is_stale():
        return False
    PARSED_DIR.mkdir(parents=True, exist_ok=True)
    with (PARSED_DIR / "parse.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not is_stale():
            return False
        # Of the files as they were before: what is edited during the parse makes the manifest stale.
        digest = project_digest()
        with tempfile.TemporaryDirectory(dir=PARSED_DIR) as folder:
            parsed = parse_aside(Path(folder), digest)
            partial = Path(folder) / PARTIAL_PARSE.name
            if partial.exists():
                partial.replace(PARTIAL_PARSE)
            DIGEST.unlink(missing_ok=True)
            (Path(folder) / SEMANTIC_MANIFEST.name).replace(SEMANTIC_MANIFEST)
            parsed.replace(MANIFEST)
            written = Path(folder) / DIGEST.name
            written.write_text(digest, encoding="utf-8")
            written.replace(DIGEST)
    return True


def manifest_digest() -> str:
    """The digest of the project that the manifest is of."""
    return DIGEST.read_text(encoding="utf-8")


def parse_aside(target: Path, digest: str = "") -> Path:
    """Parse the project into a folder and return the manifest in it; nothing else is written.

    Raises ManifestError with dbt's own message when the project does not parse.
    """
    if PARTIAL_PARSE.exists():
        shutil.copy(PARTIAL_PARSE, target)
    current().parse(target, digest, write_json=True)
    return target / MANIFEST.name


def ready(
    dbt: DbtProcess, *, seeds: Path = BUNDLED_SEEDS, variables: Mapping[str, object] | None = None
) -> None:
    """Have ``dbt`` know the project as it is now, with these seeds and vars, so that it can build.

    Raises ManifestError with dbt's own message when the project does not parse.
    """
    digest = project_digest(dbt.project, seeds)
    if dbt.has_parsed(digest, variables):
        return
    with tempfile.TemporaryDirectory() as folder:
        if PARTIAL_PARSE.exists() and dbt.project == DBT_PROJECT_DIR:
            shutil.copy(PARTIAL_PARSE, folder)
        dbt.parse(Path(folder), digest, seeds=seeds, variables=variables)


def ready_soon(seeds: Path = BUNDLED_SEEDS) -> None:
    """Start dbt and have it parse the project meanwhile. An error is raised where the result is needed."""

    def parse() -> None:
        with contextlib.suppress(ManifestError, OSError):
            ensure_manifest()
            ready(current(), seeds=seeds)

    current().start()
    if not any(thread.name == PARSING for thread in threading.enumerate()):
        threading.Thread(target=parse, name=PARSING, daemon=True).start()


def read_manifest(path: Path = MANIFEST) -> dict[str, Any]:
    """The manifest, with every test attached to one asset.

    A singular test over several models belongs to none of them in dbt; here it becomes a check of the model
    that is built last, so that it is seen in Dagster.
    """
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    depths = _depths(manifest)
    for node in manifest["nodes"].values():
        models = [name for name in node.get("depends_on", {}).get("nodes", []) if name in manifest["nodes"]]
        if node["resource_type"] != "test" or node.get("attached_node") or len(models) < 2:
            continue
        meta = dict(node["config"].get("meta") or {})
        if "ref" not in meta.get("dagster", {}):
            last = max(models, key=lambda name: (depths(name), name))
            meta["dagster"] = {**meta.get("dagster", {}), "ref": {"name": manifest["nodes"][last]["name"]}}
            node["config"]["meta"] = meta
    return manifest


def _depths(manifest: Mapping[str, Any]) -> Any:
    @cache
    def depth(name: str) -> int:
        node = manifest["nodes"].get(name)
        parents = node.get("depends_on", {}).get("nodes", []) if node else []
        return 1 + max((depth(parent) for parent in parents), default=0)

    return depth
