"""The published file encrypted: who has the key reads on as before, who has not reads nothing, and nothing holds the key."""

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from orchestration.books import acting
from orchestration.books.desk import open_desk
from orchestration.reading.audiences import key_of, share
from orchestration.reading.explain import explain
from orchestration.reading.summary import summarise
from orchestration.reading.visibility import Declaration
from orchestration.warehouse.marts_file import (
    CRYPTO_VARIABLE,
    KEY_VARIABLE,
    MartsFileError,
    is_encrypted,
    open_marts,
    read_key,
)
from orchestration.warehouse.publish import PublishError, publish
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.contract_company import AS_OF
from tests.support.companies.viewer_company import build

KEY = "a key of no company, 32 letters!"
OTHER_KEY = "another key that opens no file.."


@pytest.fixture
def plain(build_once: Callable[[str, Callable[[Path], Path]], Path], tmp_path: Path) -> RunSettings:
    """A copy of the small company, published without a key."""
    built = build_once("viewer_company", build).parent
    for part in ("published", "books"):
        shutil.copytree(built / part, tmp_path / part)
    shutil.copyfile(built / "warehouse.duckdb", tmp_path / "warehouse.duckdb")
    return RunSettings(home=tmp_path, as_of_date=AS_OF.isoformat())


@pytest.fixture
def encrypted(plain: RunSettings, monkeypatch: pytest.MonkeyPatch) -> RunSettings:
    """The same, published anew with a key that an environment variable holds."""
    monkeypatch.setenv("PAY_KEY", KEY)
    monkeypatch.setenv(KEY_VARIABLE, "env:PAY_KEY")
    monkeypatch.setenv(CRYPTO_VARIABLE, "built_in")
    publish_again(plain)
    return plain


def publish_again(settings: RunSettings) -> None:
    run = {"as_of_date": AS_OF.isoformat(), "run_id": "one"}
    publish(warehouse=settings.warehouse, published=settings.published, run=run, key=settings.published_key())


def test_no_name_and_no_key_is_in_the_file_or_beside_it(plain: RunSettings, encrypted: RunSettings) -> None:
    words = [b"Ana Silva", b"crm/Opportunity", b"Ten per cent", b"fct_payouts", b"payout_amount"]
    content = encrypted.published.read_bytes()
    assert [word for word in words if word in content] == []
    assert is_encrypted(encrypted.published)
    # The same words are in the plain file: the search can find them.
    del os.environ[KEY_VARIABLE]
    plain.published.unlink()
    publish_again(plain)
    assert [word for word in words if word not in plain.published.read_bytes()] == []
    holders = [
        path for path in encrypted.home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()
    ]
    assert holders == []


def test_without_the_key_or_with_another_nothing_is_read(
    encrypted: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(duckdb.CatalogException, match="without a key"):
        duckdb.connect(str(encrypted.published), read_only=True)
    monkeypatch.setenv("PAY_KEY", OTHER_KEY)
    with pytest.raises(
        MartsFileError, match="does not open with the key that COMMISSIONS_PUBLISHED_KEY names"
    ) as error:
        summarise(encrypted)
    assert KEY not in str(error.value) and OTHER_KEY not in str(error.value)
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(
        MartsFileError, match=r"is encrypted. Name its key: COMMISSIONS_PUBLISHED_KEY=env:NAME or"
    ):
        explain(encrypted, "ana", "2014-03")


def test_commands_go_on_as_before(encrypted: RunSettings) -> None:
    assert "1,083.30" in explain(encrypted, "ana", "2014-03", "deals")
    assert "PAYOUT" in summarise(encrypted)
    state = (
        "select state_code from marts.fct_calculations where plan_id = 'deals' and period_code = '2014-04'"
    )
    with open_desk(encrypted) as desk:
        acting.release(desk, "credits", "2014-04", None, "laura")
    assert is_encrypted(encrypted.published)
    with encrypted.open_published() as marts:
        assert marts.execute(state).fetchall() == [("credits_released",)]


def test_the_run_counts_changes_against_a_plain_and_an_encrypted_copy(encrypted: RunSettings) -> None:
    with duckdb.connect(str(encrypted.warehouse)) as warehouse:
        warehouse.execute(
            "update marts.fct_payouts set payout_amount = payout_amount + 1 where payee_id = 'cy'"
        )
        warehouse.execute(
            "update marts.fct_ledger_lines set line_amount = line_amount + 1 where payee_id = 'cy'"
        )
    publication = publish(
        warehouse=encrypted.warehouse, published=encrypted.published, key=encrypted.published_key()
    )
    assert (publication.count("changed"), publication.count("added"), publication.had_previous) == (
        2,
        0,
        True,
    )


def test_a_copy_that_cannot_be_read_stays_as_it_is(
    encrypted: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = encrypted.published.read_bytes()
    monkeypatch.setenv("PAY_KEY", OTHER_KEY)
    with pytest.raises(PublishError, match="to continue with a new key, delete the file and run again"):
        publish_again(encrypted)
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(PublishError, match=r"is encrypted. Name its key"):
        publish_again(encrypted)
    assert encrypted.published.read_bytes() == before
    assert [path.name for path in encrypted.published.parent.iterdir()] == [encrypted.published.name]


def test_it_is_not_encrypted_weakly_without_being_told_so(
    encrypted: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CRYPTO_VARIABLE, "rot13")
    with pytest.raises(PublishError, match=r"is 'rot13'. It is one of httpfs, built_in"):
        publish_again(encrypted)
    monkeypatch.delenv(CRYPTO_VARIABLE)
    with duckdb.connect() as connection:
        try:
            connection.execute("load httpfs")
        except duckdb.Error:
            with pytest.raises(PublishError, match="encrypts safely with its extension httpfs only"):
                publish_again(encrypted)
        else:
            publish_again(encrypted)


def test_a_run_does_not_start_with_a_key_that_publishes_nothing(
    encrypted: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    encrypted.check_key()
    monkeypatch.setenv("PAY_KEY", OTHER_KEY)
    with pytest.raises(MartsFileError, match="does not open with the key"):
        encrypted.check_key()
    monkeypatch.delenv(KEY_VARIABLE)
    with pytest.raises(MartsFileError, match="is encrypted"):
        encrypted.check_key()
    encrypted.published.unlink()
    encrypted.check_key()


def test_each_viewers_file_has_a_key_of_its_own(encrypted: RunSettings, tmp_path: Path) -> None:
    declared = {"fct_payouts": Declaration.read("fct_payouts", ["payee_id", "period_code"], {
        "rows": "payees", "payee": "payee_id", "period": "period_code", "released": "rewards"})}  # fmt: skip
    (shared,) = share(encrypted, declared, viewer="cy", folder=tmp_path / "files")
    with pytest.raises(MartsFileError):
        open_marts(shared.path, KEY)
    assert key_of(encrypted, "cy") != key_of(encrypted, "dee")
    with pytest.raises(MartsFileError):
        open_marts(shared.path, key_of(encrypted, "dee"))
    with open_marts(shared.path, key_of(encrypted, "cy")) as mine:
        assert mine.execute("select payee_id, period_code from fct_payouts").fetchall() == [("cy", "2014-03")]


def key_file(folder: Path, text: str, mode: int) -> Path:
    path = folder / "key"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_key_is_read_from_where_it_is_named(tmp_path: Path) -> None:
    assert read_key({}) is None
    assert read_key({KEY_VARIABLE: "env:PAY_KEY", "PAY_KEY": KEY}) == KEY
    assert read_key({KEY_VARIABLE: f"file:{key_file(tmp_path, KEY + chr(10), 0o600)}"}) == KEY


@pytest.mark.parametrize(
    ("reference", "told"),
    [
        (KEY, "the key itself does not belong there"),
        ("env:", "says where the key is"),
        ("env:NOT_SET", "names the variable NOT_SET, which is not set"),
        ("env:SHORT", "has 15 characters; 16 are the least"),
        ("file:nowhere", "names nowhere, which cannot be read: No such file or directory"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused(reference: str, told: str) -> None:
    with pytest.raises(MartsFileError, match=told) as error:
        read_key({KEY_VARIABLE: reference, "SHORT": "x" * 15})
    assert KEY not in str(error.value)


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = key_file(tmp_path, KEY, 0o640)
    with pytest.raises(MartsFileError, match=f"others may read it. Fix: chmod 600 {path}"):
        read_key({KEY_VARIABLE: f"file:{path}"})
