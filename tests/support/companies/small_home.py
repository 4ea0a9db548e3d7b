"""A home made by hand in a second: two closed months, an export, actions, landings, published marts. Nothing is calculated."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from orchestration.books.actions import append, read_actions
from orchestration.books.archive import archive_landings
from orchestration.books.exports import Draft, read_exports, write_export
from orchestration.books.landed import table_definitions
from orchestration.books.period import read_books, write_book
from orchestration.warehouse.publish import publish
from orchestration.warehouse.settings import RunSettings

AT = datetime(2014, 5, 3, 8, 30)
AS_OF = "2014-05-31"
LINES = {"2014-03": "10.50", "2014-04": "99.00", "2014-05": "7.25"}


def make_home(home: Path) -> RunSettings:
    """Months 2014-03 and 2014-04 are closed, 2014-05 is open; one journal was exported."""
    settings = RunSettings(home, AS_OF)
    settings.prepare({})
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        fill(warehouse)
        for period in ("2014-03", "2014-04"):
            close_month(settings, warehouse, period)
        export_month(settings, warehouse, "2014-03")
    publish(
        warehouse=settings.warehouse, published=settings.published, run={"run_id": "r1", "as_of_date": AS_OF}
    )
    with duckdb.connect(str(settings.warehouse)) as warehouse:
        archive_landings(warehouse, settings.landings)
    home.chmod(0o750)
    return settings


def fill(warehouse: duckdb.DuckDBPyConnection) -> None:
    """A ledger of one line per month, its payouts and calculations, a seed, and a landed table of two rows."""
    warehouse.execute(table_definitions())
    warehouse.execute(
        "create schema marts; create schema intermediate; create schema seeds; create schema raw_crm"
    )
    warehouse.execute("create table intermediate.int_ledger__held_changes as from raw_books.held_lines")
    warehouse.execute(
        "create table marts.fct_ledger_lines as select *, false as is_posted from raw_books.lines"
    )
    for period, amount in LINES.items():
        warehouse.execute(
            "insert into marts.fct_ledger_lines (ledger_line_key, line_key, posted_period_code, payee_id, plan_id,"
            " currency_code, line_amount, is_posted) values (?, 'x', ?, '275', 'p', 'EUR', ?, false)",
            [f"{period}|x", period, amount],
        )
    warehouse.execute(
        "create table marts.fct_payouts as select concat_ws('|', payee_id, plan_id, posted_period_code) as payout_key,"
        " payee_id, plan_id, posted_period_code as period_code, currency_code, line_amount::decimal(18, 4) as payout_amount"
        " from marts.fct_ledger_lines"
    )
    warehouse.execute(
        "create table marts.fct_calculations as select posted_period_code as period_code, plan_id, plan_id || '|' ||"
        " posted_period_code as calculation_id, case when posted_period_code < '2014-05' then 'paid' else 'draft' end as"
        " state_code, 'f' as lines_fingerprint, 1::bigint as line_count from marts.fct_ledger_lines"
    )
    warehouse.execute("create table seeds.plans as select 'p' as plan_id, 0.05::decimal(18, 4) as rate")
    warehouse.execute("create table raw_crm.deals (id varchar not null, amount decimal(18, 4))")
    warehouse.execute("insert into raw_crm.deals values ('d1', 100.25), ('d2', null)")


def act(settings: RunSettings, code: str, **facts: object) -> None:
    """One more action in the log."""
    folder = settings.books / "actions"
    append(folder, read_actions(folder), action_code=code, acted_at=AT, actor="ana", **facts)


def close_month(settings: RunSettings, warehouse: duckdb.DuckDBPyConnection, period: str) -> None:
    """Freeze a month, and log it."""
    folder = settings.books / "periods"
    known = read_books(folder) if folder.exists() else []
    book = write_book(
        warehouse,
        folder,
        period,
        previous_hash=known[-1].book_hash if known else "",
        as_of_date=AS_OF,
        closed_at=AT,
        closed_by="laura",
    )
    act(settings, "close", period_code=period, lines_fingerprint=book.book_hash)


def export_month(settings: RunSettings, warehouse: duckdb.DuckDBPyConnection, period: str) -> None:
    """Hand a journal out, and log it."""
    folder = settings.books / "exports"
    draft = Draft(
        export_code="journal",
        export_name=f"journal {period}",
        pay_group_id=None,
        export_period_code=period,
        currency_code="EUR",
        sequence_number=1,
        file_name=f"journal_{period}_EUR.csv",
        lines=("account,amount", f"6100,{LINES[period]}"),
        total_amount=LINES[period],
        settled="select 'journal' as line_kind_code, '6100' as account_code, 'EUR' as currency_code, 10.50::decimal(18, 4) as line_amount",
        parameters=(),
    )
    export = write_export(warehouse, folder, read_exports(folder), draft, exported_at=AT, exported_by="laura")
    act(
        settings,
        "export_journal",
        period_code=period,
        reason=draft.export_name,
        reference_number=export.export_number,
        lines_fingerprint=export.export_hash,
    )


def state_of(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Mode, time of change and bytes of everything in a folder: equal states mean that nothing was written."""
    found = {}
    for path in sorted(folder.rglob("*")):
        facts = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path.relative_to(folder))] = (facts.st_mode, facts.st_mtime_ns, content)
    return found


def bytes_of(folder: Path) -> dict[str, bytes]:
    """The files of a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def is_root() -> bool:
    """Whether rights do not bind this user."""
    return os.geteuid() == 0


def utc(text: str) -> datetime:
    """A moment in UTC from its ISO text."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
