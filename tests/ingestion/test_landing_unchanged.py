"""A landing that would change nothing is not made; whatever could change something lands."""

import contextlib
import gzip
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import dlt
import duckdb
import pytest

from ingestion.landing import unchanged
from ingestion.landing.files import InputError
from ingestion.landing.tables import Column
from ingestion.load import (
    LandingError,
    TableCount,
    landing_is_current,
    load_all,
    load_system,
    raw_fingerprints,
    table_counts,
)
from ingestion.registry import SYSTEMS
from tests.ingestion.killing import start
from tests.support.companies.landed_company import Company

Change = Callable[[Company], None]


class StartedError(Exception):
    """dlt was started."""


@pytest.fixture
def started(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of the pipelines that were run; they run as ever."""
    names: list[str] = []
    run = dlt.Pipeline.run

    def counted(pipeline: dlt.Pipeline, *arguments: Any, **options: Any) -> Any:
        names.append(pipeline.pipeline_name)
        return run(pipeline, *arguments, **options)

    monkeypatch.setattr(dlt.Pipeline, "run", counted)
    return names


def write_warehouse(company: Company, sql: str) -> None:
    with duckdb.connect(str(company.settings.warehouse)) as connection:
        connection.execute(sql)


def test_an_unchanged_landing_starts_no_dlt_and_tells_the_same(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [row | {"channel": "web"} for row in company.read("billing", "payments")]
    company.write("billing", "payments", rows)
    assert not landing_is_current("billing", company.settings)
    company.load("billing")
    made = load_system("billing", company.settings, full=True)
    assert made.load_ids == ()
    assert made.notices == (
        "raw_billing.payments: column channel is not declared and lands as text; declare it to type it",
    )

    def fail(*_arguments: Any, **_options: Any) -> None:
        raise StartedError

    monkeypatch.setattr(dlt.Pipeline, "run", fail)
    assert landing_is_current("billing", company.settings)
    assert company.load("billing") == made
    with pytest.raises(StartedError):
        load_system("billing", company.settings, full=True)
    assert not landing_is_current("billing", company.settings), "a load that failed is no landing"


@pytest.mark.usefixtures("billing_landed")
def test_a_file_that_may_be_absent_stays_absent(company: Company, started: list[str]) -> None:
    company.path("billing", "payments").unlink()
    made = company.load("billing", allow_shrink=frozenset({"billing.payments"}))
    assert made.notices == (
        "billing/payments.csv: the file is absent, the rows of the last load stay in force",
    )
    assert len(started) == 1
    assert company.load("billing", allow_shrink=frozenset({"billing.payments"})) == made
    assert company.load("billing", allow_shrink=frozenset({"billing.payments", "crm.User"})) == made
    assert len(started) == 1
    with pytest.raises(InputError, match="has vanished"):
        company.load("billing")


def cut(company: Company) -> None:
    content = company.path("billing", "invoices").read_bytes()
    company.path("billing", "invoices").write_bytes(content[:-1])


def pack(company: Company) -> None:
    path = company.path("billing", "invoices")
    path.with_suffix(".csv.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()


def by_hand(sql: str) -> Change:
    return lambda company: write_warehouse(company, sql)


CHANGES: dict[str, Change] = {
    "one byte less": cut,
    "the same file, packed": pack,
    "an amount changed by hand": by_hand(
        "UPDATE raw_billing.payments SET amount = amount + 1 WHERE invoice_id = (SELECT min(invoice_id) FROM raw_billing.payments)"
    ),
    "two values swapped by hand": by_hand(
        "UPDATE raw_billing.invoices SET _source_row = CASE _source_row WHEN 2 THEN 3 ELSE 2 END WHERE _source_row IN (2, 3)"
    ),
    "a live row closed by hand": by_hand(
        "UPDATE raw_billing.invoices SET _dlt_valid_to = (SELECT max(_dlt_valid_from) FROM raw_billing.payments) "
        "WHERE _source_row = 2"
    ),
    "a row doubled by hand": by_hand(
        "INSERT INTO raw_billing.invoices SELECT * FROM raw_billing.invoices WHERE _source_row = 2"
    ),
    "a column added by hand": by_hand("ALTER TABLE raw_billing.invoices ADD COLUMN note VARCHAR"),
    "a type changed by hand": by_hand("ALTER TABLE raw_billing.invoices ALTER _source_row TYPE INTEGER"),
    "a table dropped": by_hand("DROP TABLE raw_billing.payments"),
    "the state of dlt deleted": by_hand("DELETE FROM raw_billing._dlt_pipeline_state"),
    "the memory dropped": by_hand("DROP SCHEMA ingestion CASCADE"),
    "the memory damaged": by_hand("UPDATE ingestion.landings SET landed = '{'"),
    "a memory of other shape": by_hand(
        "CREATE OR REPLACE TABLE ingestion.landings AS SELECT 'billing' AS source_system, 1 AS digest"
    ),
}


# Changes by hand that a landing finds to be none of its own.
COUNTED = ("a live row closed by hand", "a row doubled by hand", "a table dropped")


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.usefixtures("billing_landed")
def test_a_change_of_files_or_warehouse_is_landed(company: Company, started: list[str], change: str) -> None:
    assert company.load("billing").load_ids == ()
    assert len(started) == 0
    CHANGES[change](company)
    assert not landing_is_current("billing", company.settings)
    # What cannot be fixed is told as ever.
    with pytest.raises(LandingError) if change in COUNTED else contextlib.nullcontext():
        company.load("billing")
    assert len(started) == 1


@pytest.mark.usefixtures("billing_landed")
def test_a_new_form_of_the_declaration_the_code_or_the_limits_is_landed(
    company: Company, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    billing = SYSTEMS["billing"]
    invoices = billing.tables[0]
    wider = replace(
        billing,
        tables=(replace(invoices, columns=(*invoices.columns, Column("po", "text"))), *billing.tables[1:]),
    )
    assert landing_is_current(billing, company.settings)
    assert not landing_is_current(wider, company.settings)
    assert not landing_is_current("billing", replace(company.settings, shrink_rows_min=6))
    assert not landing_is_current(
        "billing", replace(company.settings, allow_shrink=frozenset({"billing.payments"}))
    )
    assert landing_is_current("billing", replace(company.settings, chunk_rows=7))
    monkeypatch.setattr(unchanged, "CODE", "another version")
    assert not landing_is_current("billing", company.settings)
    company.load("billing")
    assert len(started) == 1


def test_the_code_digest_sees_each_file(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    before = unchanged.code_digest(tmp_path, ("dlt",))
    assert unchanged.code_digest(tmp_path, ("dlt", "duckdb")) != before
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.py").write_text("")
    added = unchanged.code_digest(tmp_path, ("dlt",))
    (tmp_path / "a.py").write_text("x = 2\n")
    assert len({before, added, unchanged.code_digest(tmp_path, ("dlt",))}) == 3


@pytest.mark.usefixtures("billing_landed")
def test_changes_after_a_skip_land_right(company: Company, started: list[str]) -> None:
    company.load("billing")
    company.edit("billing", "invoices", lambda rows: rows[0].update(total_amount="1.25"))
    company.edit("billing", "invoices", lambda rows: rows[1:-1] + [rows[0]])
    result = company.load("billing")
    assert (result.tables["invoices"].new_versions, result.tables["invoices"].retired) == (1, 1)
    assert company.load("billing") == replace(
        result,
        load_ids=(),
        tables={name: replace(table, new_versions=0, retired=0) for name, table in result.tables.items()},
    )
    assert len(started) == 1
    assert table_counts("billing", company.settings)["invoices"] == TableCount(59, 2)
    assert company.query("SELECT count(*) FROM raw_billing.invoices WHERE total_amount = 1.25") == [(1,)]


def test_a_file_that_changes_while_it_is_landed_is_landed_again(
    company: Company, started: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = dlt.Pipeline.run

    def and_edit(pipeline: dlt.Pipeline, *arguments: Any, **options: Any) -> Any:
        if len(started) == 0:
            company.edit("billing", "invoices", lambda rows: rows[0].update(total_amount="1.25"))
        return run(pipeline, *arguments, **options)

    monkeypatch.setattr(dlt.Pipeline, "run", and_edit)
    company.load("billing")
    assert not landing_is_current("billing", company.settings)


def test_a_file_that_was_swapped_during_a_load_is_landed_again(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, run = company.path("billing", "invoices"), dlt.Pipeline.run
    before = path.read_bytes()

    def swapped(pipeline: dlt.Pipeline, *arguments: Any, **options: Any) -> Any:
        company.edit("billing", "invoices", lambda rows: rows[0].update(total_amount="1.25"))
        info = run(pipeline, *arguments, **options)
        path.write_bytes(before)
        return info

    monkeypatch.setattr(dlt.Pipeline, "run", swapped)
    company.load("billing")
    monkeypatch.undo()
    assert not landing_is_current("billing", company.settings)
    company.load("billing")
    assert company.query(
        "SELECT count(*) FROM raw_billing.invoices WHERE total_amount = 1.25 AND _dlt_valid_to IS NULL"
    ) == [(0,)]


@pytest.mark.parametrize("moment", ["merge 1", "merge 2", "commit"])
@pytest.mark.usefixtures("billing_landed")
def test_a_killed_landing_is_never_taken_for_one(company: Company, moment: str) -> None:
    untouched = company.read("billing", "invoices"), company.read("billing", "payments")
    company.edit("billing", "invoices", lambda rows: rows[0].update(total_amount="1.25"))
    company.edit("billing", "payments", lambda rows: rows[0].update(amount="1.25"))
    assert start("billing", company.settings, moment).wait() == -signal.SIGKILL
    assert not landing_is_current("billing", company.settings)
    # Not even the files of before are current: a part of the others is in the tables.
    for table, rows in zip(("invoices", "payments"), untouched, strict=True):
        company.write("billing", table, rows)
    assert not landing_is_current("billing", company.settings)
    assert company.load("billing").fixed > 0
    assert landing_is_current("billing", company.settings)
    assert company.query("SELECT count(*) FROM raw_billing.payments WHERE amount = 1.25") == [(0,)]


@pytest.mark.usefixtures("billing_landed")
def test_a_restored_warehouse_is_compared_with_what_it_holds(company: Company, started: list[str]) -> None:
    older = company.settings.warehouse.read_bytes()
    company.edit("billing", "invoices", lambda rows: rows[0].update(total_amount="1.25"))
    company.load("billing")
    company.settings.warehouse.write_bytes(older)
    assert company.load("billing").tables["invoices"].new_versions == 1
    company.settings.warehouse.unlink()
    company.load("billing")
    assert len(started) == 3


def test_fingerprints_follow_the_content_alone(tmp_path: Path) -> None:
    def of(*statements: str) -> dict[tuple[str, str], str]:
        with duckdb.connect() as connection:
            for statement in ("CREATE SCHEMA raw_x", *statements):
                connection.execute(statement)
            return raw_fingerprints(connection)

    table = (
        "CREATE TABLE raw_x.t AS SELECT range::INTEGER AS a, 'v' || range AS b, 7 * range AS c FROM range(10)"
    )
    plain = of(table)
    assert set(plain) == {("raw_x", "t")}
    assert plain == of(table + " ORDER BY a DESC")
    different = [
        table.replace("range(10)", "range(9)"),
        table.replace("INTEGER", "BIGINT"),
        table.replace("AS b", "AS d"),
        table.replace("'v' ||", "'w' ||"),
    ]
    swaps = [
        f"UPDATE raw_x.t SET {column} = (SELECT {column} FROM raw_x.t AS o WHERE o.a = 11 - t.a) WHERE a IN (5, 6)"
        for column in "abc"
    ]
    doubled = "INSERT INTO raw_x.t SELECT * FROM raw_x.t WHERE a < 2"
    found = [
        plain[("raw_x", "t")],
        *(of(other)[("raw_x", "t")] for other in different),
        *(of(table, swap)[("raw_x", "t")] for swap in swaps),
        of(table, doubled)[("raw_x", "t")],
        of(table, doubled, doubled)[("raw_x", "t")],
        of(table, "UPDATE raw_x.t SET b = NULL WHERE a = 1")[("raw_x", "t")],
        of(table, "UPDATE raw_x.t SET b = '' WHERE a = 1")[("raw_x", "t")],
    ]
    assert len(set(found)) == len(found)
    scratch = of(table, "CREATE SCHEMA raw_x_staging", "CREATE TABLE raw_x_staging.t (a INTEGER)")
    assert set(scratch) == {("raw_x", "t")}
    alone = of("CREATE SCHEMA raw_y_staging", "CREATE TABLE raw_y_staging.t (a INTEGER, content VARCHAR)")
    assert set(alone) == {("raw_y_staging", "t")}


def test_all_systems_can_be_landed_in_full(company: Company, started: list[str]) -> None:
    load_all(company.settings, ["billing", "hris"])
    load_all(company.settings, ["billing", "hris"])
    assert started == ["land_billing", "land_hris"]
    load_all(company.settings, ["billing", "hris"], full=True)
    assert started == ["land_billing", "land_hris"] * 2
