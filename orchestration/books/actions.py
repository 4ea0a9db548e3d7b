"""The log of actions: who did what and when, one file per action, each holding the hash of the one before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from orchestration.warehouse.files import TEMPORARY, BooksError, canonical, hash_of, put_new, read_object

HASH = "action_hash"
NUMBER_WIDTH = 6
# Fields that older actions do not have: left out of a file where they are empty, so that no hash ever changes.
LATER_FIELDS = frozenset({"ledger_line_key", "transaction_id", "claimed_amount", "adjustment_number"})
# The action that takes the place of an older one which cannot be landed, and what the older one is called from then on.
SUPERSEDE, SUPERSEDED = "supersede", "superseded"


@dataclass(frozen=True)
class Action:
    """One action. ``acted_at`` is UTC in ISO form, amounts are texts of decimals in ``currency_code``."""

    action_number: int
    action_code: str
    acted_at: str
    actor: str
    role_code: str | None = None
    period_code: str | None = None
    plan_id: str | None = None
    payee_id: str | None = None
    currency_code: str | None = None
    amount: str | None = None
    reason: str | None = None
    reference_number: int | None = None
    lines_fingerprint: str | None = None
    previous_hash: str = ""
    action_hash: str = ""
    ledger_line_key: str | None = None
    transaction_id: str | None = None
    claimed_amount: str | None = None
    adjustment_number: int | None = None


def read_actions(folder: Path, *, as_written: bool = False) -> list[Action]:
    """All actions in their order, the chain checked.

    One that was superseded is called `superseded` and has no amounts, unless ``as_written``.

    Raises BooksError that names the first file that is missing, was edited, or does not follow the one before.
    """
    paths = {path.name: path for path in folder.glob("*") if not path.name.endswith(TEMPORARY)}
    actions: list[Action] = []
    for number in range(1, len(paths) + 1):
        path = folder / file_name(number)
        if path.name not in paths:
            strange = sorted(set(paths) - {file_name(known) for known in range(1, len(paths) + 1)})
            raise BooksError(
                f"{path} is missing, but there is {folder / strange[0]}: actions are numbered without gaps. "
                "Restore the folder from a backup"
            )
        actions.append(_checked(path, number, actions[-1].action_hash if actions else ""))
    if as_written:
        return actions
    superseded = {action.reference_number for action in actions if action.action_code == SUPERSEDE}
    return [
        replace(action, action_code=SUPERSEDED, amount=None, claimed_amount=None)
        if action.action_number in superseded
        else action
        for action in actions
    ]


def _checked(path: Path, number: int, previous_hash: str) -> Action:
    content = read_object(path)
    names = {field.name for field in fields(Action)}
    wrong_names = (names - LATER_FIELDS - set(content)) | (set(content) - names)
    if wrong_names:
        wrong = ", ".join(sorted(wrong_names))
        raise BooksError(f"{path} has missing or unknown fields ({wrong}); restore it from a backup")
    if content["action_number"] != number or content[HASH] != hash_of(content, without=HASH):
        raise BooksError(f"{path} was changed after it was written; restore it from a backup")
    if content["previous_hash"] != previous_hash:
        raise BooksError(
            f"{path} does not follow the action before it: one of the two was replaced. Restore them from a backup"
        )
    return Action(**content)


def drafted(
    known: Sequence[Action], *, action_code: str, acted_at: datetime, actor: str, **facts: Any
) -> Action:
    """The next action, with its hash, not written yet. ``known`` are the actions so far."""
    draft = Action(
        action_number=len(known) + 1,
        action_code=action_code,
        acted_at=acted_at.replace(microsecond=0, tzinfo=None).isoformat(),
        actor=actor,
        previous_hash=known[-1].action_hash if known else "",
        **facts,
    )
    return replace(draft, action_hash=hash_of(_content(draft), without=HASH))


def put(folder: Path, action: Action) -> None:
    """Write a drafted action to the log; hold the run's lock.

    Raises BooksError when another process wrote an action meanwhile, or when the disk is full.
    """
    put_new(folder / file_name(action.action_number), canonical(_content(action)))


def append(
    folder: Path, known: Sequence[Action], *, action_code: str, acted_at: datetime, actor: str, **facts: Any
) -> Action:
    """Write the next action and return it, without asking whether it can be landed; see `drafted` and `put`."""
    action = drafted(known, action_code=action_code, acted_at=acted_at, actor=actor, **facts)
    put(folder, action)
    return action


def _content(action: Action) -> dict[str, Any]:
    return {
        name: value for name, value in asdict(action).items() if value is not None or name not in LATER_FIELDS
    }


def file_name(number: int) -> str:
    """Name of an action's file, the same order as text and as number."""
    return f"{number:0{NUMBER_WIDTH}}.json"
