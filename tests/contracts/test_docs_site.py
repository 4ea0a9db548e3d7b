"""The documentation as one page that needs no network."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from orchestration.reading.docs_site import DocsError, write_docs
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.viewer_company import build


@pytest.fixture(scope="module")
def page(
    build_once: Callable[[str, Callable[[Path], Path]], Path], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """The page of the small company."""
    settings = RunSettings(home=tmp_path_factory.mktemp("home"))
    shutil.copyfile(build_once("viewer_company", build), settings.warehouse)
    site = settings.home / "site"
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("COMMISSIONS_HOME", str(settings.home))
        patched.setenv("COMMISSIONS_WAREHOUSE", str(settings.warehouse))
        written = write_docs(settings, site)
    assert [path.name for path in site.iterdir()] == ["index.html"]
    return written.read_text(encoding="utf-8")


def test_without_a_warehouse_nothing_is_made(tmp_path: Path) -> None:
    with pytest.raises(DocsError, match="Start with: commissions run"):
        write_docs(RunSettings(home=tmp_path), tmp_path / "site")
    assert list(tmp_path.iterdir()) == []


def test_grains_keys_lineage_exposures_and_metrics_are_on_it(page: str) -> None:
    assert (
        json.dumps("Grain: one row per payee, plan, month and currency. Adds up what is to be paid.") in page
    )
    assert '"child_map"' in page and '"parent_map"' in page
    for name in (
        "exposure.commissions.payroll_files",
        "metric.commissions.attainment",
        "model.commissions.dim_dates",
    ):
        assert f'"{name}"' in page
    assert "Each model's description begins with its grain" in page


def test_it_loads_nothing(page: str) -> None:
    assert re.findall(r"<(?:script|link|img)[^>]+(?:src|href)=[\"']?https?://[^\"' >]+", page) == []
