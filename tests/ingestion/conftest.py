"""Companies to load from files."""

import os
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


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Billing with 60 invoices and their payments, and the whole HR system."""
    made = Company(Settings(home=tmp_path / "home", extracts=tmp_path / "extracts"))
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
def sample(tmp_path_factory: pytest.TempPathFactory) -> tuple[Company, dict[str, LoadResult]]:
    """The whole bundled sample, loaded once: read only."""
    made = Company(Settings(home=tmp_path_factory.mktemp("sample"), extracts=SAMPLE_DIR))
    return made, {name: made.load(name) for name in SYSTEMS}
