"""The files that configure a company beside its seeds."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from ingestion.landing.settings import Settings as IngestionSettings
from orchestration.operating.cadences import cadences_file
from orchestration.telling.notifications import notifications_file
from orchestration.warehouse.settings import DBT_PROJECT_DIR, PROJECT_ROOT


def settings_files(env: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """The files by the name under which the log has them: their path in the project, or their name outside of it."""
    found = [
        DBT_PROJECT_DIR / "dbt_project.yml",
        *sorted((DBT_PROJECT_DIR / "models" / "own").rglob("*.sql")),
        IngestionSettings.from_env(env).sources,
        cadences_file(env),
        notifications_file(env),
    ]
    return {_told(path): path for path in found if path is not None and path.exists()}


def _told(path: Path) -> str:
    return path.relative_to(PROJECT_ROOT).as_posix() if path.is_relative_to(PROJECT_ROOT) else path.name
