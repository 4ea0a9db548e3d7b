"""Companies to load from files."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.landing.settings import SAMPLE_DIR, Settings
from ingestion.load import LoadResult
from ingestion.registry import SYSTEMS
from tests.support.companies.landed_company import Company, sample_rows


@pytest.fixture(scope="session", autouse=True)
def _no_outer_settings() -> Iterator[None]:
    """Keep the settings of the machine out of the tests."""
    kept = {name: os.environ.pop(name) for name in list(os.environ) if name.startswith("COMMISSIONS_")}
    yield
    os.environ.update(kept)


def small_company(folder: Path) -> Company:
    """Write billing with 60 invoices and their payments, and the whole HR system."""
    made = Company(Settings(home=folder / "home", extracts=folder / "extracts"))
    invoices = sample_rows("billing", "invoices")[:60]
    ids = {row["invoice_id"] for row in invoices}
    made.write("billing", "invoices", invoices)
    made.write(
        "billing", "payments", [row for row in sample_rows("billing", "payments") if row["invoice_id"] in ids]
    )
    for table in SYSTEMS["hris"].tables:
        made.write("hris", table.name, sample_rows("hris", table.name))
    return made


@pytest.fixture(scope="session")
def written_once(tmp_path_factory: pytest.TempPathFactory) -> Company:
    """The small company, its billing landed: copied by the tests, never changed."""
    made = small_company(tmp_path_factory.mktemp("small"))
    made.load("billing")
    return made


@pytest.fixture
def company(written_once: Company, tmp_path: Path) -> Company:
    """Billing with 60 invoices and their payments, and the whole HR system; nothing is landed."""
    made = Company(Settings(home=tmp_path / "home", extracts=tmp_path / "extracts"))
    shutil.copytree(written_once.settings.extracts, made.settings.extracts)
    return made


@pytest.fixture
def billing_landed(written_once: Company, company: Company) -> None:
    """The billing system of the company, landed once before."""
    shutil.copytree(written_once.settings.home, company.settings.home)


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, dict[str, LoadResult]]:
    """The whole bundled sample, loaded once: read only."""
    made = Company(Settings(home=tmp_path_factory.mktemp("sample"), extracts=SAMPLE_DIR))
    return made, {name: made.load(name) for name in SYSTEMS}
