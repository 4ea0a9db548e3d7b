"""The dbt manifest: prepared when missing or older than the project, and read for Dagster."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from orchestration.settings import DBT_PROJECT_DIR, DBT_TARGET_DIR, TELEMETRY_OFF

# A folder of its own: a dbt that somebody starts by hand rewrites target/manifest.json in place.
PARSED_DIR = DBT_TARGET_DIR / "parsed"
MANIFEST = PARSED_DIR / "manifest.json"
PARTIAL_PARSE = PARSED_DIR / "partial_parse.msgpack"
PROJECT_SUFFIXES = {".sql", ".yml", ".yaml", ".csv", ".md", ".py"}


class ManifestError(Exception):
    """dbt could not parse the project."""


def dbt_executable() -> str:
    """The dbt of this Python, also where the virtual environment is not activated."""
    beside = Path(sys.executable).parent / "dbt"
    return str(beside) if beside.exists() else shutil.which("dbt") or "dbt"


def project_files() -> list[Path]:
    """All files that the manifest is made of: the dbt project and the seeds."""
    folders = [DBT_PROJECT_DIR, DBT_PROJECT_DIR.parent / "seeds"]
    built = {DBT_TARGET_DIR, DBT_PROJECT_DIR / "logs", DBT_PROJECT_DIR / "dbt_packages"}
    return [
        path
        for folder in folders
        for path in folder.rglob("*")
        if path.suffix in PROJECT_SUFFIXES and not built.intersection(path.parents)
    ]


def is_stale(manifest: Path = MANIFEST) -> bool:
    """Whether the manifest is missing or older than a project file, or a file was deleted since."""
    if not manifest.exists():
        return True
    files = project_files()
    # A folder's time tells of a deleted file. dbt itself writes target/ into the project folder, so not there.
    folders = {path.parent for path in files} - {DBT_PROJECT_DIR}
    changed_at = max((path.stat().st_mtime_ns for path in [*files, *folders]), default=0)
    return manifest.stat().st_mtime_ns < changed_at


def ensure_manifest() -> bool:
    """Run `dbt parse` when the manifest is stale. Returns whether it did.

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
        with tempfile.TemporaryDirectory(dir=PARSED_DIR) as folder:
            began = Path(folder) / "began"
            began.touch()
            parsed = _parse(Path(folder))
            # As old as the parse's beginning: what is edited during it makes the manifest stale.
            at = began.stat().st_mtime_ns
            os.utime(parsed, ns=(at, at))
            parsed.replace(MANIFEST)
    return True


def _parse(target: Path) -> Path:
    """Parse the project into a folder and return the manifest in it; what was parsed helps the next parse."""
    parsed = parse_aside(target)
    if (target / PARTIAL_PARSE.name).exists():
        (target / PARTIAL_PARSE.name).replace(PARTIAL_PARSE)
    return parsed


def parse_aside(target: Path) -> Path:
    """Parse the project into a folder and return the manifest in it; nothing else is written.

    Raises ManifestError with dbt's own message when the project does not parse.
    """
    if PARTIAL_PARSE.exists():
        shutil.copy(PARTIAL_PARSE, target)
    answer = subprocess.run(
        [dbt_executable(), "--no-use-colors", "--quiet", "parse", "--project-dir", str(DBT_PROJECT_DIR)],
        env={
            **os.environ,
            **TELEMETRY_OFF,
            "DBT_PROFILES_DIR": str(DBT_PROJECT_DIR),
            "DBT_TARGET_PATH": str(target),
            "DBT_LOG_PATH": str(target),
        },
        cwd=DBT_PROJECT_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if answer.returncode != 0:
        raise ManifestError(f"the dbt project does not parse:\n{(answer.stdout + answer.stderr).strip()}")
    return target / MANIFEST.name


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
