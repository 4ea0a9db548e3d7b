"""Where actions are taken: the warehouse and the books under one lock, agreeing with what readers see."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.books.actions import Action, append, drafted, put, read_actions
from orchestration.books.exports import Export, read_exports
from orchestration.books.landed import land_books, rehearse
from orchestration.books.period import Book, read_books
from orchestration.warehouse.files import TEMPORARY, BooksError
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.publish import refresh_marts
from orchestration.warehouse.settings import RunSettings, shown

RUN_FIRST = "Run `commissions run` first; nothing was changed"
# What actions change at once; amounts change with the next run.
STATE_MARTS = (
    "fct_adjustments",
    "fct_calculations",
    "fct_disputes",
    "fct_exports",
    "rpt_audit_log",
    "rpt_dispute_events",
)
# What follows from the states: amounts that count once they are approved, what is left to export, what payees are shown.
DERIVED_MARTS = (
    "dim_periods",
    "fct_crm_lines",
    "fct_journal_lines",
    "fct_payroll_balances",
    "fct_payroll_items",
    "fct_payroll_lines",
    "fct_statements",
    "rpt_crm_commissions",
    "rpt_crm_records",
    "rpt_journal_files",
    "rpt_liability_roll_forward",
    "rpt_line_explanations",
    "rpt_month_reviews",
    "rpt_payout_jumps",
    "rpt_payroll_cycles",
    "rpt_payroll_files",
    "rpt_payroll_reconciliation",
    "rpt_released_months",
    "rpt_statement_attainment",
    "rpt_statement_credits",
    "rpt_statement_lines",
    "rpt_statement_waiting",
    "rpt_team_statements",
)


@dataclass
class Desk:
    """One action's tools: the warehouse, the log so far, the books so far, and the moment (UTC).

    With ``is_dry_run`` nothing is written: `act` says what would be.
    """

    settings: RunSettings
    warehouse: duckdb.DuckDBPyConnection
    acted_at: datetime
    is_dry_run: bool
    as_of_date: date
    actions: list[Action] = field(default_factory=list)
    books: list[Book] = field(default_factory=list)
    exports: list[Export] = field(default_factory=list)
    has_acted: bool = False

    @property
    def periods_folder(self) -> Path:
        """Folder of the closed periods."""
        return self.settings.books / "periods"

    @property
    def exports_folder(self) -> Path:
        """Folder of the records of exported files."""
        return self.settings.books / "exports"

    def read(self) -> None:
        """Read log, books and exports again, their chains checked."""
        self.actions = read_actions(self.settings.books / "actions")
        self.books = read_books(self.periods_folder)
        self.exports = read_exports(self.exports_folder)

    def ask(self, query: str, parameters: list[Any] | None = None) -> list[dict[str, Any]]:
        """Rows of the warehouse by column name."""
        found = self.warehouse.execute(query, parameters or [])
        names = [column[0] for column in found.description or []]
        return [dict(zip(names, row, strict=True)) for row in found.fetchall()]

    def act(self, action_code: str, actor: str, **facts: Any) -> Action | None:
        """Write an action to the log once it is known to land; None in a dry run, where nothing is written.

        Raises BooksError when a value does not fit the typed tables, or a mart that shows it.
        """
        action = drafted(self.actions, action_code=action_code, acted_at=self.acted_at, actor=actor, **facts)
        has_amount = action.amount is not None or action.claimed_amount is not None
        rehearse(self.warehouse, action, STATE_MARTS if has_amount else ())
        if self.is_dry_run:
            return None
        put(self.settings.books / "actions", action)
        self.actions.append(action)
        self.has_acted = True
        return action

    def refuse_closed(self, period_code: str) -> None:
        """Raise BooksError when a period is closed."""
        if period_code in {book.period_code for book in self.books}:
            raise BooksError(
                f"{period_code} is closed, and a closed period is never opened. What changes is posted in the first "
                "open period; a manual correction is `commissions adjust`"
            )

    def roles_of(self, actor: str) -> set[str]:
        """The roles of a person on the day of the action (seeds/operations/approvers.csv)."""
        rows = self.ask(
            """
            select role_code from seeds.approvers
            where actor = ? and valid_from <= ? and (valid_to is null or ? < valid_to)
            """,
            [actor, self.acted_at.date(), self.acted_at.date()],
        )
        return {row["role_code"] for row in rows}


@contextmanager
def open_desk(
    settings: RunSettings,
    *,
    is_dry_run: bool = False,
    wait: bool = False,
    acted_at: datetime | None = None,
    on_wait: Callable[[str], None] | None = None,
) -> Iterator[Desk]:
    """Take the run's lock, check that people see what the warehouse holds, and land the books as they are.

    After the block the warehouse and the published copy know what was done.

    Raises:
        BooksError: nothing was published yet, the warehouse is not what people see, or a book or an action was changed.
        RunInProgress: a run holds the lock and ``wait`` is false.
    """
    with RunLock(settings.lock, wait=wait, on_wait=on_wait):
        if not settings.published.exists() or not settings.warehouse.exists():
            raise BooksError(f"there is nothing to act on yet. {RUN_FIRST}")
        if (reason := settings.why_unfinished()) is not None:
            raise BooksError(f"{reason}. {RUN_FIRST}")
        is_behind = False
        try:
            with duckdb.connect(str(settings.warehouse)) as warehouse:
                desk = Desk(
                    settings,
                    warehouse,
                    acted_at or datetime.now(UTC),
                    is_dry_run,
                    _published_as_of(settings),
                )
                check_agreement(warehouse, settings)
                # Before the books are landed: where an earlier version made the marts, these tables are others too.
                _states(warehouse, "marts.")
                desk.read()
                _tell_of_untold_closings(settings.books, desk.actions, desk.books)
                _tell_of_untold_exports(settings.books, desk.actions, desk.exports)
                land_books(warehouse, settings.books)
                # Also what a command that was killed had done, and had not shown.
                is_behind = _states(warehouse, "marts.") != _states_published(settings)
                try:
                    yield desk
                finally:
                    if desk.has_acted:
                        is_behind = True
                        land_books(warehouse, settings.books)
        finally:
            if is_behind:
                refresh_marts(
                    warehouse=settings.warehouse,
                    published=settings.published,
                    names=(*STATE_MARTS, *DERIVED_MARTS),
                    key=settings.published_key(),
                )


def _states(connection: duckdb.DuckDBPyConnection, schema: str) -> list[Any]:
    """What readers are shown of the states: one fingerprint per mart."""
    try:
        return [
            connection.execute(f"select count(*), bit_xor(hash(mart)) from {schema}{name} as mart").fetchone()
            for name in STATE_MARTS
        ]
    except duckdb.CatalogException:
        raise BooksError(f"the marts were made by an earlier version. {RUN_FIRST}") from None


def _states_published(settings: RunSettings) -> list[Any]:
    with settings.open_published() as copy:
        return _states(copy, "")


def check_agreement(warehouse: duckdb.DuckDBPyConnection, settings: RunSettings) -> None:
    """Raise BooksError when the warehouse holds other ledger lines than the published copy."""
    digest = "select count(*), bit_xor(hash(ledger_line_key, currency_code, line_amount)) from {}"
    with settings.open_published() as copy:
        seen = copy.execute(digest.format("fct_ledger_lines")).fetchone()
    try:
        held = warehouse.execute(digest.format("marts.fct_ledger_lines")).fetchone()
    except duckdb.CatalogException:
        held = None
    if seen != held:
        raise BooksError(f"the warehouse holds other lines than {shown(settings.published)}. {RUN_FIRST}")


def _published_as_of(settings: RunSettings) -> date:
    with settings.open_published() as copy:
        found = copy.execute("select value from publication.run where name = 'as_of_date'").fetchone()
    if found is None:
        raise BooksError(
            f"{shown(settings.published)} does not say to which day it was calculated. {RUN_FIRST}"
        )
    return date.fromisoformat(found[0])


def complete_log(settings: RunSettings) -> int:
    """Write the actions of closings and exports that were killed after their book or record was in place.

    Returns how many. Cheap when nothing is missing: the run's lock is taken and bytes are checked only when something is.
    Raises RunInProgress when a run holds the lock, BooksError when a book, a record or an action was changed.
    """
    actions = read_actions(settings.books / "actions")
    told = {action.period_code for action in actions if action.action_code == "close"}
    periods = {path.name for path in (settings.books / "periods").glob("*") if path.suffix != TEMPORARY}
    told_exports = [action for action in actions if action.action_code.startswith("export_")]
    exports = [path for path in (settings.books / "exports").glob("*") if path.suffix != TEMPORARY]
    if periods <= told and len(exports) <= len(told_exports):
        return 0
    with RunLock(settings.lock):
        actions = read_actions(settings.books / "actions")
        before = len(actions)
        _tell_of_untold_closings(settings.books, actions, read_books(settings.books / "periods"))
        _tell_of_untold_exports(settings.books, actions, read_exports(settings.books / "exports"))
        return len(actions) - before


def _tell_of_untold_closings(folder: Path, actions: list[Action], books: Sequence[Book]) -> None:
    """Write the action of a closing that was killed after its book was in place: the book decides."""
    told = {action.period_code for action in actions if action.action_code == "close"}
    for book in books:
        if book.period_code not in told:
            actions.append(
                append(
                    folder / "actions",
                    actions,
                    action_code="close",
                    acted_at=datetime.fromisoformat(book.closed_at),
                    actor=book.closed_by,
                    period_code=book.period_code,
                    lines_fingerprint=book.book_hash,
                )
            )


def _tell_of_untold_exports(folder: Path, actions: list[Action], exports: Sequence[Export]) -> None:
    """Write the action of an export that was killed after its record was in place: the record decides."""
    told = {action.reference_number for action in actions if action.action_code.startswith("export_")}
    for export in exports:
        if export.export_number not in told:
            actions.append(
                append(
                    folder / "actions",
                    actions,
                    action_code=f"export_{export.export_code}",
                    acted_at=datetime.fromisoformat(export.exported_at),
                    actor=export.exported_by,
                    period_code=export.export_period_code,
                    currency_code=export.currency_code,
                    amount=export.total_amount,
                    reason=export.export_name,
                    reference_number=export.export_number,
                    lines_fingerprint=export.export_hash,
                )
            )
