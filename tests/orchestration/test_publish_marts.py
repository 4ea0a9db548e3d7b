"""Publishing: readers keep the rows they opened, the next process sees the new ones, a crash changes nothing."""

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse.publish import Publication, PublishError, publish, refresh_marts

ROOT = Path(__file__).resolve().parents[2]

READER = """
import duckdb, sys
marts = duckdb.connect(sys.argv[1], read_only=True)
def told(): print(marts.execute("select sum(payout_amount) from marts.fct_payouts").fetchone()[0], flush=True)
told()
sys.stdin.readline()
told()
"""
KILLED = """
import os, signal, sys
from pathlib import Path
import orchestration.warehouse.publish as p
p.os.replace = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
p.publish(warehouse=Path(sys.argv[1]), published=Path(sys.argv[2]))
"""


def build(folder: Path, payouts: dict[str, str], *, line_amounts: dict[str, str] | None = None) -> Path:
    """A warehouse with one payout a payee (amounts in USD), each from one line of the same amount."""
    warehouse = folder / "warehouse.duckdb"
    warehouse.unlink(missing_ok=True)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            "create schema marts; create schema staging; create table staging.hidden (a integer)"
        )
        connection.execute(
            """
            create table marts.fct_payouts (payout_key varchar, payee_id varchar, plan_id varchar,
              period_code varchar, currency_code varchar, payout_amount decimal(18, 4));
            create table marts.fct_ledger_lines (line_key varchar, payee_id varchar, plan_id varchar,
              posted_period_code varchar, currency_code varchar, line_amount decimal(18, 4));
            create view marts.rpt_payees as select payee_id from marts.fct_payouts;
            """
        )
        for payee, amount in payouts.items():
            key = [payee, "reseller", "2013-06", "USD"]
            line_amount = (line_amounts or payouts)[payee]
            connection.execute(
                "insert into marts.fct_payouts values (?, ?, ?, ?, ?, ?)", [payee, *key, amount]
            )
            connection.execute(
                "insert into marts.fct_ledger_lines values (?, ?, ?, ?, ?, ?)", [payee, *key, line_amount]
            )
    return warehouse


def publish_payouts(folder: Path, payouts: dict[str, str]) -> Publication:
    return publish(warehouse=build(folder, payouts), published=folder / "published" / "marts.duckdb")


def published_total(path: Path) -> str:
    query = "import duckdb, sys; print(duckdb.connect(sys.argv[1], read_only=True)"
    query += ".execute('select sum(payout_amount) from marts.fct_payouts').fetchone()[0])"
    answer = subprocess.run(
        [sys.executable, "-c", query, str(path)], capture_output=True, text=True, check=True
    )
    return answer.stdout.strip()


def test_the_copy_has_the_marts_and_nothing_else(tmp_path: Path) -> None:
    publication = publish_payouts(tmp_path, {"ana": "10.50", "bo": "20"})
    assert publication.row_counts == {"fct_ledger_lines": 2, "fct_payouts": 2, "rpt_payees": 2}
    with duckdb.connect(str(publication.path), read_only=True) as marts:
        found = marts.execute(
            "select table_schema, table_name, table_type from information_schema.tables order by all"
        ).fetchall()
    assert found == [
        ("main", "fct_ledger_lines", "BASE TABLE"),
        ("main", "fct_payouts", "BASE TABLE"),
        ("main", "rpt_payees", "BASE TABLE"),
        ("publication", "landed", "BASE TABLE"),
        ("publication", "nodes", "BASE TABLE"),
        ("publication", "payout_changes", "BASE TABLE"),
        ("publication", "run", "BASE TABLE"),
    ]


def test_the_copy_cannot_be_written(tmp_path: Path) -> None:
    publication = publish_payouts(tmp_path, {"ana": "10.50"})
    assert publication.path.stat().st_mode & 0o777 == 0o444


def test_payouts_that_differ_from_the_last_copy_are_counted(tmp_path: Path) -> None:
    first = publish_payouts(tmp_path, {"ana": "10.50", "bo": "20", "cy": "30"})
    second = publish_payouts(tmp_path, {"ana": "10.50", "bo": "21", "di": "40"})
    assert (first.had_previous, first.count("added")) == (False, 3)
    assert second.had_previous
    assert [(c.change_code, c.payee_id, c.previous_amount, c.new_amount) for c in second.changes] == [
        ("added", "di", None, Decimal(40)),
        ("changed", "bo", Decimal(20), Decimal(21)),
        ("removed", "cy", Decimal(30), None),
    ]
    third = publish_payouts(tmp_path, {"ana": "10.50", "bo": "21", "di": "40"})
    assert third.changes == ()


def test_a_reader_keeps_its_rows_and_the_next_process_sees_the_new_ones(tmp_path: Path) -> None:
    path = publish_payouts(tmp_path, {"ana": "10"}).path
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as reader:
        assert reader.stdin and reader.stdout
        assert reader.stdout.readline().strip() == "10.0000"
        publish_payouts(tmp_path, {"ana": "99"})
        assert published_total(path) == "99.0000"
        reader.stdin.write("\n")
        reader.stdin.flush()
        assert reader.stdout.readline().strip() == "10.0000"
    assert published_total(path) == "99.0000"


def test_a_publish_that_is_killed_leaves_the_old_copy(tmp_path: Path) -> None:
    path = publish_payouts(tmp_path, {"ana": "10"}).path
    warehouse = build(tmp_path, {"ana": "99"})
    killed = subprocess.run([sys.executable, "-c", KILLED, str(warehouse), str(path)], cwd=ROOT, check=False)
    assert killed.returncode == -9
    assert len(list(path.parent.iterdir())) == 2, "the killed publish left its unfinished copy"
    assert published_total(path) == "10.0000"
    publish_payouts(tmp_path, {"ana": "99"})
    assert published_total(path) == "99.0000"
    assert list(path.parent.iterdir()) == [path], "the leftover is cleaned up"


def test_payouts_that_are_not_the_sum_of_their_lines_are_refused(tmp_path: Path) -> None:
    path = publish_payouts(tmp_path, {"ana": "10"}).path
    warehouse = build(tmp_path, {"ana": "10"}, line_amounts={"ana": "9.99"})
    with pytest.raises(
        PublishError, match=r"payee ana, plan reseller, 2013-06: payout 10\.0000 USD, lines 9\.9900"
    ):
        publish(warehouse=warehouse, published=path)
    assert published_total(path) == "10.0000"


def test_two_errors_that_cancel_out_are_refused(tmp_path: Path) -> None:
    warehouse = build(tmp_path, {"ana": "10", "bo": "10"}, line_amounts={"ana": "9", "bo": "11"})
    with pytest.raises(PublishError, match="2 payouts differ"):
        publish(warehouse=warehouse, published=tmp_path / "marts.duckdb")


def test_a_full_disk_is_refused_before_the_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = publish_payouts(tmp_path, {"ana": "10"}).path
    warehouse = build(tmp_path, {"ana": "99"})
    monkeypatch.setattr(
        "orchestration.warehouse.publish.shutil.disk_usage", lambda _: type("Usage", (), {"free": 1})()
    )
    with pytest.raises(PublishError, match="Free some space"):
        publish(warehouse=warehouse, published=path)
    assert published_total(path) == "10.0000"


def test_a_warehouse_without_marts_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PublishError, match="does not exist; run the build first"):
        publish(warehouse=tmp_path / "warehouse.duckdb", published=tmp_path / "marts.duckdb")
    duckdb.connect(str(tmp_path / "warehouse.duckdb")).close()
    with pytest.raises(PublishError, match="the marts are not built"):
        publish(warehouse=tmp_path / "warehouse.duckdb", published=tmp_path / "marts.duckdb")


def test_refreshed_marts_follow_the_warehouse_through_views_that_are_not_refreshed(tmp_path: Path) -> None:
    publication = publish_payouts(tmp_path, {"275": "1.00"})
    warehouse = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            """
            create schema raw_books;
            create table raw_books.actions as select 'draft' as state;
            create view marts.dim_states as select state from raw_books.actions;
            create view marts.fct_states as select payee_id, state from marts.fct_payouts, marts.dim_states;
            """
        )
    publish(warehouse=warehouse, published=publication.path)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("update raw_books.actions set state = 'released'")
        # Amounts change with the next run only.
        connection.execute("update marts.fct_payouts set payout_amount = 2")
    refresh_marts(warehouse=warehouse, published=publication.path, names=["fct_states"])
    with duckdb.connect(str(publication.path), read_only=True) as marts:
        assert marts.execute("from fct_states").fetchall() == [("275", "released")]
        assert marts.execute("from dim_states").fetchall() == [("draft",)], "nobody asked for it"
        assert marts.execute("select payout_amount from fct_payouts").fetchall() == [(1,)]
