"""The log of publications: what each good run published and whether that changed anything, one file per publication.

The published copy itself says which run made it. It is recorded after it is in place, and once more before the next one
replaces it, so that a run that is killed in between is recorded all the same.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb

from orchestration.books.actions import file_name
from orchestration.warehouse.files import TEMPORARY, BooksError, canonical, hash_of, put_new, read_object
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.marts_file import open_marts
from orchestration.warehouse.settings import RunSettings, shown

HASH = "publication_hash"


@dataclass(frozen=True)
class Publication:
    """One publication. ``published_at`` is UTC in ISO form; ``action_count`` how many actions the log had by then.

    ``payouts_changed`` has one entry per month and currency in which payout rows differ from the copy before: period_code,
    currency_code, row_count, and difference_amount, the text of a decimal.
    """

    publication_number: int
    run_id: str
    as_of_date: str
    published_at: str
    action_count: int
    line_count: int
    ledger_fingerprint: str
    is_changed: bool
    rows_added: int
    rows_changed: int
    rows_removed: int
    payouts_changed: list[dict[str, Any]] = field(default_factory=list)
    previous_hash: str = ""
    publication_hash: str = ""


def read_publications(folder: Path) -> list[Publication]:
    """All publications in their order, the chain checked.

    Raises BooksError that names the first file that is missing, was edited, or does not follow the one before.
    """
    names = {path.name for path in folder.glob("*") if not path.name.endswith(TEMPORARY)}
    publications: list[Publication] = []
    for number in range(1, len(names) + 1):
        path = folder / file_name(number)
        if path.name not in names:
            raise BooksError(
                f"{path} is missing: publications are numbered without gaps. Restore the folder from a backup"
            )
        content = read_object(path)
        wrong = set(content) ^ {field.name for field in fields(Publication)}
        if (
            wrong
            or content["publication_number"] != number
            or content[HASH] != hash_of(content, without=HASH)
        ):
            raise BooksError(f"{path} was changed after it was written; restore it from a backup")
        if content["previous_hash"] != (publications[-1].publication_hash if publications else ""):
            raise BooksError(
                f"{path} does not follow the publication before it: one of the two was replaced. "
                "Restore them from a backup"
            )
        publications.append(Publication(**content))
    return publications


def record_publication(settings: RunSettings) -> Publication | None:
    """Record the published copy unless it is recorded already; returns the new record.

    Also keeps others from deriving events meanwhile: from then on a publication has its place among the actions.
    Raises BooksError when the log is damaged, the disk is full, or the copy does not say which run made it.
    """
    with RunLock(settings.events_lock, wait=True):
        if not settings.published.exists():
            return None
        with open_marts(settings.published, settings.published_key()) as copy:
            facts = dict(copy.execute("select name, value from publication.run").fetchall())
            folder = settings.books / "publications"
            known = read_publications(folder)
            if "run_id" not in facts:
                raise BooksError(f"{shown(settings.published)} does not say which run made it; run again")
            if facts["run_id"] in {publication.run_id for publication in known}:
                return None
            content = _content(copy, settings, facts, known)
        content[HASH] = hash_of(content, without=HASH)
        put_new(folder / file_name(len(known) + 1), canonical(content))
        return Publication(**content)


def _content(
    copy: duckdb.DuckDBPyConnection, settings: RunSettings, facts: dict[str, str], known: list[Publication]
) -> dict[str, Any]:
    lines = copy.execute(
        "select plan_id, period_code, line_count, lines_fingerprint from fct_calculations order by all"
    ).fetchall()
    fingerprint = hashlib.sha256("\n".join("|".join(map(str, line)) for line in lines).encode()).hexdigest()
    rows = dict(
        copy.execute("select change_code, count(*) from publication.payout_changes group by all").fetchall()
    )
    changed = copy.execute(
        """
        select period_code, currency_code, count(*),
          cast(sum(coalesce(new_amount, 0) - coalesce(previous_amount, 0)) as varchar)
        from publication.payout_changes group by all order by all
        """
    ).fetchall()
    publication = Publication(
        publication_number=len(known) + 1,
        run_id=facts["run_id"],
        as_of_date=facts.get("as_of_date", ""),
        published_at=facts.get("published_at") or _last_changed(settings.published),
        action_count=len(list((settings.books / "actions").glob("*.json"))),
        line_count=sum(line[2] for line in lines),
        ledger_fingerprint=fingerprint,
        is_changed=not known or known[-1].ledger_fingerprint != fingerprint,
        rows_added=rows.get("added", 0),
        rows_changed=rows.get("changed", 0),
        rows_removed=rows.get("removed", 0),
        payouts_changed=[
            dict(zip(("period_code", "currency_code", "row_count", "difference_amount"), row, strict=True))
            for row in changed
        ],
        previous_hash=known[-1].publication_hash if known else "",
    )
    return asdict(publication)


def _last_changed(path: Path) -> str:
    # Only for a copy of an earlier version, which does not say when it was published.
    changed = datetime.fromtimestamp(path.stat().st_mtime, tz=UTC)
    return changed.replace(microsecond=0, tzinfo=None).isoformat()
