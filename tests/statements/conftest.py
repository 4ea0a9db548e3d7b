"""The company of the statements, calculated once a test session, and copies of it to change."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.warehouse.settings import RunSettings
from tests.support.companies.statement_company import MARCH, build


@pytest.fixture(scope="session")
def company_home(build_once: Callable[[str, Callable[[Path], Path]], Path]) -> Path:
    """The company with March released in part. Do not change it."""
    return build_once("statement_company", build)


@pytest.fixture(scope="session")
def settings(company_home: Path) -> RunSettings:
    """Its settings, for reading."""
    return RunSettings(home=company_home, as_of_date=MARCH.isoformat())


@pytest.fixture
def copied(company_home: Path, tmp_path: Path) -> RunSettings:
    """A copy that a test may change."""
    unwanted = shutil.ignore_patterns("target", "logs", "seeds", "statements")
    shutil.copytree(company_home, tmp_path / "home", ignore=unwanted)
    return RunSettings(home=tmp_path / "home", as_of_date=MARCH.isoformat())
