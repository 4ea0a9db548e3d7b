"""The documentation of all models, columns, tests, metrics and exposures as one HTML file, made by dbt."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from orchestration.calculation.manifest import dbt_executable
from orchestration.warehouse.dbt_failures import core_line
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.settings import DBT_PROJECT_DIR, TELEMETRY_OFF, RunSettings

PAGE = "index.html"


class DocsError(Exception):
    """dbt could not make the documentation; the message is what dbt said."""


def write_docs(settings: RunSettings, folder: Path) -> Path:
    """Make the site in a folder: index.html, which needs no other file and no network. Returns it.

    Types and sizes of tables are those of the warehouse. Raises DocsError, and RunInProgress while a run holds the lock.
    """
    if not settings.warehouse.exists():
        raise DocsError("there is no warehouse to describe yet. Start with: commissions run")
    folder.mkdir(parents=True, exist_ok=True)
    with RunLock(settings.lock), tempfile.TemporaryDirectory(dir=settings.home) as made:
        command = [dbt_executable(), "--no-use-colors", "docs", "generate", "--static", "--target-path", made]
        command += ["--log-path", made]
        done = subprocess.run(
            command,
            cwd=DBT_PROJECT_DIR,
            env={**os.environ, **TELEMETRY_OFF, "DBT_PROFILES_DIR": str(DBT_PROJECT_DIR)},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise DocsError(f"dbt could not make the documentation: {core_line(done.stdout)}")
        page = folder / PAGE
        temporary = page.with_name(f"{PAGE}.{os.getpid()}.tmp")
        shutil.copyfile(Path(made) / "static_index.html", temporary)
        os.replace(temporary, page)
    return page
