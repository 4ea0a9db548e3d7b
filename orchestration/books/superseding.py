"""Sets an action aside that cannot be landed, so that every command works again. Nothing is removed from the log."""

from __future__ import annotations

from datetime import UTC, datetime

import duckdb

from orchestration.books.acting import needed
from orchestration.books.actions import SUPERSEDE, SUPERSEDED, Action, append, read_actions
from orchestration.books.landed import NOT_LANDED, first_line, insert_action, table_definitions
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.settings import RunSettings


def supersede(
    settings: RunSettings, number: int, reason: str, actor: str, *, is_dry_run: bool = False
) -> list[str]:
    """Write the action that takes the place of action ``number``; returns what was done, line by line.

    Only an action that cannot be landed is set aside: it has changed nothing, because no run and no command went on after it.

    Raises:
        BooksError: there is no such action, it lands as it is, or a file of the log was changed.
        RunInProgress: a run holds the lock.
    """
    folder = settings.books / "actions"
    with RunLock(settings.lock):
        actions = read_actions(folder)
        found = next((action for action in actions if action.action_number == number), None)
        if found is None:
            raise BooksError(f"there is no action {number}; the log has {len(actions):,}")
        if found.action_code == SUPERSEDED:
            raise BooksError(f"action {number} is superseded already")
        why = why_not_landed(found)
        if why is None:
            raise BooksError(
                f"action {number} ({found.action_code} by {found.actor}) lands as it is, so that it may count already. An "
                "adjustment is taken back with reverse-adjustment, a dispute with dispute withdraw, a release with withdraw"
            )
        text = needed(reason, "--reason")
        if not is_dry_run:
            append(
                folder,
                actions,
                action_code=SUPERSEDE,
                acted_at=datetime.now(UTC),
                actor=actor,
                period_code=found.period_code,
                reason=text,
                reference_number=number,
            )
    done = "would be set aside" if is_dry_run else "is set aside"
    return [f"action {number} ({found.action_code} by {found.actor}) {done}: {why}. It changes nothing."]


def why_not_landed(action: Action) -> str | None:
    """What the typed table says about an action; None where it takes it."""
    with duckdb.connect(":memory:") as connection:
        connection.execute(table_definitions())
        try:
            insert_action(connection, action)
        except NOT_LANDED as error:
            return first_line(error)
    return None
