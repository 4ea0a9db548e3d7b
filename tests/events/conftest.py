"""A company with books, and a receiver that listens."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.companies.recorded_company import Company
from tests.support.servers.receiving import SECRET, FaultServer, Receiving, listening


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """Books without a record yet."""
    return Company(tmp_path / "home")


@pytest.fixture
def erp(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiving]:
    """A receiver that listens, and its secret in the environment."""
    monkeypatch.setenv("RECEIVERS__ERP__SECRET", SECRET)
    with FaultServer() as server:
        yield listening(server)
