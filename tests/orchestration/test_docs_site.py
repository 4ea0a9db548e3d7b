"""The documentation as one page that needs no network."""

import json
import re
from pathlib import Path

import pytest
from installation import Installation


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The page of a company that has not run yet."""
    home = tmp_path_factory.mktemp("home")
    printed = Installation(home).done("docs", "--to", str(home / "site"))
    assert printed.strip().endswith("index.html: open it in a browser")
    assert [path.name for path in (home / "site").iterdir()] == ["index.html"]
    return Path(home / "site" / "index.html").read_text(encoding="utf-8")


def test_grains_keys_lineage_exposures_and_metrics_are_on_it(page: str) -> None:
    assert json.dumps("Grain: one row a payee, plan, month and currency. Adds up what is to be paid.") in page
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
