"""The log of actions, the books and the archive as files: chains, bytes, refusals; without a calculated warehouse."""

import json
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest

from orchestration.books import acting
from orchestration.books.actions import Action, append, drafted, file_name, read_actions
from orchestration.books.archive import archive_landings, check_archive, restore_landings
from orchestration.books.desk import Desk
from orchestration.books.landed import land_books, rehearse, table_definitions
from orchestration.books.period import HASH, HELD, LINES, next_period, read_books, write_book
from orchestration.books.superseding import supersede
from orchestration.books.verify import verify
from orchestration.warehouse.files import MANIFEST, BooksError, canonical, hash_of, read_object
from orchestration.warehouse.settings import RunSettings

AT = datetime(2014, 4, 3, 8, 30)


def three_actions(folder: Path) -> None:
    for plan in ("a", "b", "c"):
        append(
            folder,
            read_actions(folder),
            action_code="release_credits",
            acted_at=AT,
            actor="ana",
            period_code="2014-03",
            plan_id=plan,
        )


def warehouse_with_lines(amount: str = "10.50") -> duckdb.DuckDBPyConnection:
    """A ledger of one line in 2014-03 and one in 2014-04, a calculation and a seed."""
    connection = duckdb.connect(":memory:")
    connection.execute(table_definitions())
    connection.execute(
        "create schema marts; create schema intermediate; create schema seeds; create schema raw_crm"
    )
    connection.execute("create table intermediate.int_ledger__held_changes as from raw_books.held_lines")
    for period, amount_held in (("2014-03", "7"), ("2014-04", "-7")):
        connection.execute(
            "insert into intermediate.int_ledger__held_changes (period_code, line_key, held_amount) values (?, 'waits', ?)",
            [period, amount_held],
        )
    connection.execute(
        "create table marts.fct_ledger_lines as select *, false as is_posted from raw_books.lines"
    )
    for period, text in (("2014-03", amount), ("2014-04", "99")):
        connection.execute(
            "insert into marts.fct_ledger_lines (ledger_line_key, line_key, posted_period_code, plan_id, currency_code,"
            " line_amount, is_posted) values (?, 'x', ?, 'p', 'EUR', ?, false)",
            [f"{period}|x", period, text],
        )
    connection.execute(
        "create table marts.fct_calculations as select '2014-03' as period_code, 'p' as plan_id, 'p|2014-03' as "
        "calculation_id, 'approved' as state_code, 'f' as lines_fingerprint, 1::bigint as line_count"
    )
    connection.execute("create table seeds.plans as select 'p' as plan_id, 0.05::decimal(18, 4) as rate")
    connection.execute("create table raw_crm.deals (id varchar not null, amount decimal(18, 4))")
    connection.execute("insert into raw_crm.deals values ('d1', 100.25), ('d2', null)")
    return connection


def close(connection: duckdb.DuckDBPyConnection, books: Path, period: str, previous_hash: str = "") -> str:
    book = write_book(
        connection,
        books / "periods",
        period,
        previous_hash=previous_hash,
        as_of_date="2014-05-31",
        closed_at=AT,
        closed_by="laura",
    )
    return book.book_hash


def test_actions_are_numbered_and_each_holds_the_hash_of_the_one_before(tmp_path: Path) -> None:
    three_actions(tmp_path)
    first, second, third = read_actions(tmp_path)
    assert [action.action_number for action in (first, second, third)] == [1, 2, 3]
    assert (first.previous_hash, second.previous_hash) == ("", first.action_hash)
    assert third.previous_hash == second.action_hash
    assert third.acted_at == "2014-04-03T08:30:00"


def test_an_edited_action_is_named(tmp_path: Path) -> None:
    three_actions(tmp_path)
    path = tmp_path / file_name(2)
    path.write_text(path.read_text().replace('"ana"', '"bea"'))
    with pytest.raises(BooksError, match=r"000002\.json was changed after it was written; restore it"):
        read_actions(tmp_path)


def test_an_action_rewritten_with_its_hash_breaks_the_next(tmp_path: Path) -> None:
    three_actions(tmp_path)
    (tmp_path / file_name(2)).unlink()
    append(
        tmp_path, read_actions_of(tmp_path, 1), action_code="withdraw", acted_at=AT, actor="eve", reason="x"
    )
    with pytest.raises(BooksError, match=r"000003\.json does not follow the action before it"):
        read_actions(tmp_path)


def read_actions_of(folder: Path, number: int) -> list:  # type: ignore[type-arg]
    """The first actions of a log whose later ones are broken."""
    alone = folder / "alone"
    alone.mkdir()
    for known in range(1, number + 1):
        (alone / file_name(known)).write_bytes((folder / file_name(known)).read_bytes())
    actions = read_actions(alone)
    for path in alone.iterdir():
        path.unlink()
    alone.rmdir()
    return actions


def test_a_missing_action_is_named(tmp_path: Path) -> None:
    three_actions(tmp_path)
    (tmp_path / file_name(2)).unlink()
    with pytest.raises(BooksError, match=r"000002\.json is missing, but there is .*000003\.json"):
        read_actions(tmp_path)


def test_an_action_is_never_replaced(tmp_path: Path) -> None:
    three_actions(tmp_path)
    with pytest.raises(BooksError, match=r"000003\.json exists already and is never replaced"):
        append(tmp_path, read_actions(tmp_path)[:2], action_code="approve", acted_at=AT, actor="eve")
    assert read_actions(tmp_path)[2].actor == "ana"


def test_a_book_holds_the_lines_of_its_month_only(tmp_path: Path) -> None:
    connection = warehouse_with_lines()
    close(connection, tmp_path, "2014-03")
    (book,) = read_books(tmp_path / "periods")
    assert (book.line_count, book.totals) == (1, {"EUR": "10.5000"})
    rows = connection.execute(
        f"select seed_name, row_json from read_parquet('{book.folder}/configuration.parquet')"
    ).fetchall()
    assert [(name, json.loads(row)) for name, row in rows] == [("plans", {"plan_id": "p", "rate": 0.05})]


def test_the_same_lines_give_the_same_bytes(tmp_path: Path) -> None:
    hashes = [close(warehouse_with_lines(), tmp_path / folder, "2014-03") for folder in ("one", "two")] + [
        close(warehouse_with_lines("10.51"), tmp_path / "three", "2014-03")
    ]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_month_is_not_closed_before_each_connected_system_was_read_whole_after_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources, noted = tmp_path / "sources.toml", tmp_path / "whole_reads.json"
    sources.write_text(
        '[crm]\nconnector = "salesforce"\nbase_url = "https://example.com"\n'
        '[rest]\nconnector = "ecb"\nbase_url = "https://example.com"\n'
    )
    monkeypatch.setenv("COMMISSIONS_SOURCES", str(sources))
    connection = duckdb.connect(":memory:")
    connection.execute("create schema marts")
    connection.execute(
        "create table marts.fct_calculations as select '2014-03' as period_code, 'a' as plan_id, 'approved' as state_code, "
        "false as is_stale, 1 as line_count"
    )
    connection.execute(
        "create table marts.fct_ledger_lines as select '2014-03' as posted_period_code, 'x' as line_key"
    )
    connection.execute(
        "create table marts.fct_adjustments as select 1 as adjustment_number, 'rejected' as state_code, '2014-03' as period_code"
    )
    desk = Desk(RunSettings(tmp_path), connection, AT, True, date(2014, 4, 3))

    def told(**instants: str) -> str:
        noted.write_text(json.dumps(instants))
        try:
            return acting.close(desk, "2014-03", "laura")[0]
        except BooksError as error:
            return str(error)

    after, before = "2014-04-01T00:00:00+00:00", "2014-03-31T23:59:59+00:00"
    assert told(crm=after, rest=after) == "2014-03: 1 lines of 1 plans would be closed by laura"
    refused = told(crm=before)
    assert "crm (last read whole 2014-03-31 23:59 UTC), rest (never read whole)" in refused
    assert "`commissions run --full`" in refused and refused.endswith("Nothing was changed")
    monkeypatch.setattr("orchestration.books.acting.time_zones", lambda: {"UTC", "America/New_York"})
    assert "after its end (2014-04-01 04:00 UTC)" in told(crm=after, rest="2014-04-01T04:00:00+00:00")
    monkeypatch.setenv("COMMISSIONS_SOURCES", str(tmp_path / "none.toml"))
    (tmp_path / "none.toml").write_text("")
    assert told() == "2014-03: 1 lines of 1 plans would be closed by laura", (
        "files are read whole by every run"
    )


def test_a_closed_period_is_never_opened_or_closed_again(tmp_path: Path) -> None:
    connection = warehouse_with_lines()
    close(connection, tmp_path, "2014-03")
    with pytest.raises(BooksError, match=r"2014-03 is closed already .* never opened"):
        close(connection, tmp_path, "2014-03")


def test_a_changed_book_is_named(tmp_path: Path) -> None:
    connection = warehouse_with_lines()
    close(connection, tmp_path, "2014-03")
    lines = tmp_path / "periods" / "2014-03" / LINES
    content = bytearray(lines.read_bytes())
    content[len(content) // 2] ^= 1
    lines.write_bytes(content)
    with pytest.raises(BooksError, match=r"2014-03/lines\.parquet was changed after the closing"):
        land_books(connection, tmp_path)
    assert connection.execute("select count(*) from raw_books.closings").fetchone() == (0,)


def test_a_book_taken_away_breaks_the_chain(tmp_path: Path) -> None:
    connection = warehouse_with_lines()
    first = close(connection, tmp_path, "2014-03")
    second = close(connection, tmp_path, "2014-04", first)
    close(connection, tmp_path, "2014-05", second)
    (tmp_path / "periods" / "2014-04").rename(tmp_path / "2014-04")
    with pytest.raises(BooksError, match="2014-04 is missing: a later period is closed"):
        read_books(tmp_path / "periods")


def test_a_book_in_the_place_of_another_breaks_the_chain(tmp_path: Path) -> None:
    connection = warehouse_with_lines()
    first = close(connection, tmp_path, "2014-03")
    close(connection, tmp_path, "2014-04", first)
    close(warehouse_with_lines("1000"), tmp_path / "forged", "2014-03")
    (tmp_path / "periods" / "2014-03").rename(tmp_path / "old")
    (tmp_path / "forged" / "periods" / "2014-03").rename(tmp_path / "periods" / "2014-03")
    with pytest.raises(BooksError, match=r"2014-04/manifest\.json does not follow the book"):
        read_books(tmp_path / "periods")


def test_a_closing_without_its_book_is_refused(tmp_path: Path) -> None:
    append(
        tmp_path / "actions",
        [],
        action_code="close",
        acted_at=AT,
        actor="laura",
        period_code="2014-03",
        lines_fingerprint="h",
    )
    with pytest.raises(BooksError, match="the book of 2014-03 is missing, but action 1 closed it"):
        land_books(warehouse_with_lines(), tmp_path)


def test_books_land_whole_and_again_the_same(tmp_path: Path) -> None:
    connection = warehouse_with_lines()
    close(connection, tmp_path, "2014-03")
    three_actions(tmp_path / "actions")
    for _ in range(2):
        assert land_books(connection, tmp_path) == {
            "actions": 3,
            "calculations": 1,
            "closings": 1,
            "configuration_changes": 0,
            "edit_actions": 0,
            "exported_lines": 0,
            "exports": 0,
            "held_lines": 1,
            "lines": 1,
        }
    landed = connection.execute("select line_amount, posted_period_code from raw_books.lines").fetchall()
    assert [(str(amount), period) for amount, period in landed] == [("10.5000", "2014-03")]
    held = connection.execute(
        "select held_amount, line_key, period_code from raw_books.held_lines"
    ).fetchall()
    assert [(str(amount), *key) for amount, *key in held] == [("7.0000", "waits", "2014-03")]


def test_a_book_from_before_there_was_a_file_of_what_is_held_lands_without_one(tmp_path: Path) -> None:
    connection = warehouse_with_lines()
    close(connection, tmp_path, "2014-03")
    folder = tmp_path / "periods" / "2014-03"
    (folder / HELD).unlink()
    with pytest.raises(BooksError, match=r"2014-03/held\.parquet is missing"):
        land_books(connection, tmp_path)
    content = read_object(folder / MANIFEST)
    del content["files"][HELD]
    content[HASH] = hash_of(content, without=HASH)
    (folder / MANIFEST).write_bytes(canonical(content))
    counts = land_books(connection, tmp_path)
    assert (counts["lines"], counts["held_lines"]) == (1, 0)


def test_leftovers_of_a_killed_closing_are_no_book(tmp_path: Path) -> None:
    (tmp_path / "periods" / "2014-03.4711.tmp").mkdir(parents=True)
    assert read_books(tmp_path / "periods") == []
    close(warehouse_with_lines(), tmp_path, "2014-03")
    assert [path.name for path in (tmp_path / "periods").iterdir()] == ["2014-03"]


def test_the_archive_gives_the_landed_tables_back(tmp_path: Path) -> None:
    connection = warehouse_with_lines()
    archive = archive_landings(connection, tmp_path)
    assert (archive.tables, archive.rows) == (1, 2)
    restored = duckdb.connect(":memory:")
    restore_landings(restored, tmp_path)
    query = "select * from raw_crm.deals order by all"
    assert restored.execute(query).fetchall() == connection.execute(query).fetchall()
    described = "select column_name, data_type, is_nullable from information_schema.columns where table_name = 'deals'"
    assert restored.execute(described).fetchall() == connection.execute(described).fetchall()


def test_a_changed_archive_is_named_and_nothing_is_restored(tmp_path: Path) -> None:
    archive_landings(warehouse_with_lines(), tmp_path)
    (path,) = tmp_path.glob("*.parquet")
    path.write_bytes(path.read_bytes() + b"x")
    restored = duckdb.connect(":memory:")
    with pytest.raises(BooksError, match=r"\(raw_crm\.deals\) was changed"):
        restore_landings(restored, tmp_path)
    assert restored.execute("select count(*) from duckdb_tables()").fetchone() == (0,)


def test_the_archive_forgets_files_that_no_table_needs(tmp_path: Path) -> None:
    connection = warehouse_with_lines()
    archive_landings(connection, tmp_path)
    connection.execute("insert into raw_crm.deals values ('d3', 1)")
    archive_landings(connection, tmp_path)
    assert len(list(tmp_path.glob("*.parquet"))) == 1
    assert check_archive(tmp_path).rows == 3


def test_the_month_after_december_is_january() -> None:
    assert [next_period("2013-12"), next_period("2014-01")] == ["2014-01", "2014-02"]


def with_an_amount(amount: str) -> Action:
    return drafted([], action_code="adjust", acted_at=AT, actor="ana", payee_id="p", currency_code="EUR", amount=amount)  # fmt: skip


def test_a_rehearsed_action_that_does_not_fit_is_refused_and_leaves_nothing() -> None:
    connection = duckdb.connect(":memory:")
    connection.execute(table_definitions())
    connection.execute("create schema marts")
    connection.execute("create view marts.fct_sums as select (amount * 1000)::decimal(18, 4) as amount from raw_books.actions")  # fmt: skip
    rehearse(connection, with_an_amount("99999999999999.99"))
    with pytest.raises(BooksError, match=r"^this cannot be recorded: .*\. Nothing was changed$"):
        rehearse(connection, with_an_amount("999999999999999"))
    # It fits its own table, and not a mart that shows it.
    with pytest.raises(BooksError, match="cannot be recorded"):
        rehearse(connection, with_an_amount("99999999999999.99"), ["fct_sums"])
    assert connection.execute("select count(*) from raw_books.actions").fetchone() == (0,)


def test_an_action_that_cannot_be_landed_is_named_and_can_be_superseded(tmp_path: Path) -> None:
    settings = RunSettings(tmp_path)
    folder = settings.books / "actions"
    three_actions(folder)
    append(folder, read_actions(folder), action_code="dispute_filed", acted_at=AT, actor="cy",
           period_code="2014-03", claimed_amount="999999999999999")  # fmt: skip
    connection = duckdb.connect(":memory:")
    for proves in (
        lambda: land_books(connection, settings.books),
        lambda: verify(settings, is_rebuilt=False),
    ):
        with pytest.raises(BooksError, match=r"action 4 .*000004\.json.* cannot be landed") as refused:
            proves()
        assert "`commissions supersede 4 --reason TEXT --by NAME`" in str(refused.value)
    with pytest.raises(BooksError, match=r"action 2 \(release_credits by ana\) lands as it is"):
        supersede(settings, 2, "no reason", "laura")
    with pytest.raises(BooksError, match="there is no action 9; the log has 4"):
        supersede(settings, 9, "no reason", "laura")
    assert "would be set aside" in supersede(settings, 4, "digits", "laura", is_dry_run=True)[0]
    assert len(read_actions(folder)) == 4
    assert "action 4 (dispute_filed by cy) is set aside" in supersede(settings, 4, "digits", "laura")[0]
    assert land_books(connection, settings.books)["actions"] == 5
    landed = "select action_code, claimed_amount, reference_number, reason from raw_books.actions where action_number > 3 order by action_number"
    assert connection.execute(landed).fetchall() == [
        ("superseded", None, None, None),
        ("supersede", None, 4, "digits"),
    ]
    # The file is as it was, and what was told of it stays told.
    assert read_actions(folder, as_written=True)[3].claimed_amount == "999999999999999"
    with pytest.raises(BooksError, match="action 4 is superseded already"):
        supersede(settings, 4, "again", "laura")
    assert "actions: 5 in one chain" in verify(settings, is_rebuilt=False)
