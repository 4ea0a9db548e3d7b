"""Publishes the marts: readers get a read-only copy, replaced whole, and only after a green run.

The warehouse has one writer and an open reader would block it, so nobody reads it. This module copies the
schema `marts` into a new file beside the published one, checks the copy, and renames it over the old one.
A process that has the old copy open continues to read it; the next process to open the path sees the new one.
A crash at any point before the rename leaves the old copy as it was.

In the copy the marts lie in the default schema: DuckDB calls the database of marts.duckdb `marts`, so that
`marts.fct_payouts` is the same SQL in both files (a schema of that name would make it ambiguous).

The copy also holds the schema `publication`: what the run was (`run`), what it landed (`landed`), which payout rows
differ from the copy published before (`payout_changes`) and the fingerprints of what was published and checked (`nodes`): a
mart whose fingerprint is the same is taken over from the copy before.
"""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import duckdb

from orchestration.warehouse.marts_file import MartsFileError, attach, is_encrypted, open_marts
from orchestration.warehouse.readable import COPY, ReadableWarehouse

MARTS = "marts"
TMP_SUFFIX = ".tmp"
# The copy is about as large as the warehouse; room for a second one keeps the disk from filling up.
FREE_SPACE_FACTOR = 2
# A copy with a larger share of free blocks is not taken over but written from scratch.
AIR_SHARE_MAX = 0.5

SETTLEMENT_KEY = ("payee_id", "plan_id", "period_code", "currency_code")


class PublishError(Exception):
    """The marts were not published; the copy that readers see is unchanged."""


@dataclass(frozen=True)
class PayoutChange:
    """One payout row that differs from the copy published before. Amounts in ``currency_code``."""

    change_code: str  # added, changed or removed
    payout_key: str
    payee_id: str
    plan_id: str
    period_code: str
    currency_code: str
    previous_amount: Decimal | None
    new_amount: Decimal | None


@dataclass(frozen=True)
class Publication:
    """What was published: rows by mart, and the payout rows that differ from the previous copy."""

    path: Path
    row_counts: Mapping[str, int]
    changes: tuple[PayoutChange, ...]
    had_previous: bool

    def count(self, change_code: str) -> int:
        """Number of payout rows with this change."""
        return sum(change.change_code == change_code for change in self.changes)


@dataclass(frozen=True)
class Candidate:
    """A finished copy beside the published one, checked, not yet seen by readers. ``copied``: the marts calculated for it."""

    path: Path
    row_counts: Mapping[str, int]
    copied: tuple[str, ...]


Check = Callable[[ReadableWarehouse], None]


def publish(
    *,
    warehouse: Path,
    published: Path,
    run: Mapping[str, str] | None = None,
    landed: Iterable[Mapping[str, object]] = (),
    key: str | None = None,
) -> Publication:
    """Copy the marts of ``warehouse`` to ``published``. Every connection to the warehouse must be closed.

    Args:
        run: facts about the run, for `publication.run` (name, value).
        landed: one mapping per landed table, for `publication.landed`: system, table and its counts of rows.
        key: encrypts the copy; None leaves it plain.

    Raises:
        PublishError: the warehouse or its marts are missing, the disk is too full, payouts and ledger
            lines disagree, or the copy differs from its source. The old copy is then unchanged.
    """
    candidate = prepare(warehouse=warehouse, published=published, key=key)
    return put_candidate_in_place(candidate, published=published, run=run, landed=landed, key=key)


def prepare(
    *,
    warehouse: Path,
    published: Path,
    key: str | None = None,
    unchanged: Collection[str] = (),
    config: dict[str, str] | None = None,
    check: Check | None = None,
) -> Candidate:
    """Make the next copy beside ``published``. Every connection to the warehouse must be closed.

    Args:
        unchanged: marts that are in the published copy as the warehouse has them; they are taken over from it.
        config: DuckDB settings of the connection that calculates the marts.
        check: called with the finished marts; what it raises leaves nothing behind.

    Raises PublishError as `publish` does.
    """
    published.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(published)
    if not warehouse.exists():
        raise PublishError(f"{warehouse} does not exist; run the build first")
    check_free_space(warehouse, published.parent)
    # Takes the writer's lock for a moment and folds the write-ahead log into the file.
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("checkpoint")
        check_settlement(connection)
    temporary = published.with_name(f"{published.name}.{os.getpid()}{TMP_SUFFIX}")
    try:
        if unchanged and _may_be_taken_over(published, key):
            shutil.copyfile(published, temporary)
            temporary.chmod(0o644)
        with ReadableWarehouse(warehouse, temporary, key, config=config) as readable:
            candidate = _copy_marts(readable, temporary, unchanged)
            if check is not None:
                check(readable)
            readable.close_copy()
        check_copy(temporary, candidate.row_counts, key)
        return candidate
    except BaseException as error:
        _remove(temporary)
        if isinstance(error, MartsFileError):
            raise PublishError(str(error)) from None
        if isinstance(error, duckdb.Error):
            raise PublishError(f"the marts could not be copied: {str(error).splitlines()[0]}") from error
        raise


def put_candidate_in_place(
    candidate: Candidate,
    *,
    published: Path,
    run: Mapping[str, str] | None = None,
    landed: Iterable[Mapping[str, object]] = (),
    nodes: Mapping[str, str] | None = None,
    key: str | None = None,
) -> Publication:
    """Describe the candidate and rename it over the published copy. ``nodes``: fingerprints for `publication.nodes`.

    Raises PublishError as `publish` does.
    """
    try:
        previous = published if published.exists() else None
        changes = payout_changes(previous=previous, new=candidate.path, key=key)
        describe(candidate.path, run or {}, list(landed), changes, nodes or {}, key)
        publication = Publication(published, candidate.row_counts, tuple(changes), previous is not None)
        put_in_place(candidate.path, published)
    except MartsFileError as error:
        raise PublishError(str(error)) from None
    except duckdb.Error as error:
        raise PublishError(f"the marts could not be copied: {str(error).splitlines()[0]}") from error
    finally:
        _remove(candidate.path)
    return publication


def published_nodes(published: Path, key: str | None = None) -> dict[str, str]:
    """The fingerprints of what was published and checked, by unique id; empty where none are known."""
    if not published.exists():
        return {}
    try:
        with open_marts(published, key) as connection:
            return dict(connection.execute("select unique_id, fingerprint from publication.nodes").fetchall())
    except (duckdb.Error, MartsFileError):
        return {}


def _may_be_taken_over(published: Path, key: str | None) -> bool:
    """Whether the published file is worth copying: it opens, is encrypted as the next one is to be, and is not mostly air."""
    if not published.exists() or bool(key) != is_encrypted(published):
        return False
    with open_marts(published, key) as connection:
        sizes = connection.execute(
            "select total_blocks, free_blocks from pragma_database_size() where database_name = 'marts'"
        ).fetchone()
    return sizes is not None and sizes[1] <= AIR_SHARE_MAX * sizes[0]


def _copy_marts(readable: ReadableWarehouse, temporary: Path, unchanged: Collection[str]) -> Candidate:
    names = readable.marts
    if not names:
        raise PublishError(f"the warehouse has no tables in the schema {MARTS}; run the build first")
    connection = readable.connection
    connection.execute(f"drop schema if exists {COPY}.publication cascade")
    row_counts: dict[str, int] = {}
    there = set(readable.copied())
    for name in there - set(names):
        readable.drop_mart(name)
    copied = [name for name in names if name not in there or name not in unchanged]
    # Before anything reads them: what is to be replaced must not look finished.
    for name in there.intersection(copied):
        readable.drop_mart(name)
    rows = readable.copy_marts(copied)
    for name in names:
        row_counts[name] = rows[name] if name in rows else _count(connection, f'{COPY}."{name}"')
    _copy_comments(connection, copied)
    return Candidate(temporary, row_counts, tuple(copied))


def _remove(temporary: Path) -> None:
    temporary.unlink(missing_ok=True)
    Path(f"{temporary}.wal").unlink(missing_ok=True)


def remove_leftovers(published: Path) -> list[Path]:
    """Delete what a publish that was killed left beside ``published``; returns the deleted files."""
    leftovers = sorted(published.parent.glob(f"{published.name}.*{TMP_SUFFIX}*"))
    for path in leftovers:
        path.unlink(missing_ok=True)
    return leftovers


def check_free_space(warehouse: Path, folder: Path) -> None:
    """Raise PublishError when ``folder`` has no room for the copy. Sizes in bytes."""
    needed = FREE_SPACE_FACTOR * warehouse.stat().st_size
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise PublishError(
            f"{folder} has {free / 1e6:.0f} MB free and publishing may need {needed / 1e6:.0f} MB. "
            "Free some space and run again"
        )


def check_settlement(connection: duckdb.DuckDBPyConnection) -> None:
    """Raise PublishError when payouts are not the sums of their ledger lines, payee by payee."""
    keys = ", ".join(SETTLEMENT_KEY)
    join = " and ".join(f"payouts.{key} is not distinct from lines.{key}" for key in SETTLEMENT_KEY)
    shown = ", ".join(f"coalesce(payouts.{key}, lines.{key})" for key in SETTLEMENT_KEY)
    try:
        differences = connection.execute(
            f"""
            select {shown}, payouts.amount, lines.amount
            from (select {keys}, sum(payout_amount) as amount from {MARTS}.fct_payouts group by all) as payouts
            full join
              (
                select {keys.replace("period_code", "posted_period_code as period_code")}, sum(line_amount) as amount
                from {MARTS}.fct_ledger_lines group by all
              ) as lines
              on {join}
            where coalesce(payouts.amount, 0) <> coalesce(lines.amount, 0)
            order by all
            """
        ).fetchall()
    except duckdb.CatalogException as error:
        raise PublishError(f"the marts are not built: {str(error).splitlines()[0]}") from error
    if differences:
        payee, plan, period, currency, paid, lines = differences[0]
        raise PublishError(
            f"{len(differences)} payouts differ from the sum of their ledger lines, the first: payee {payee}, "
            f"plan {plan}, {period}: payout {paid or 0} {currency}, lines {lines or 0} {currency}. "
            "Compare marts.fct_payouts with marts.fct_ledger_lines"
        )


def refresh_marts(*, warehouse: Path, published: Path, names: Sequence[str], key: str | None = None) -> None:
    """Replace some marts of the published copy by what the warehouse says now; the others stay as they are.

    Raises PublishError when that fails; the copy before is then unchanged.
    """
    remove_leftovers(published)
    temporary = published.with_name(f"{published.name}.{os.getpid()}{TMP_SUFFIX}")
    try:
        shutil.copyfile(published, temporary)
        temporary.chmod(0o644)
        with ReadableWarehouse(warehouse, temporary, key) as readable:
            readable.recalculate()
            for name in [mart for mart in readable.marts if mart in names]:
                readable.copy_mart(name)
            connection = readable.connection
            _copy_comments(connection, names)
            # They no longer equal what the last run published: the next run calculates them again.
            connection.execute("create schema if not exists copy.publication")
            connection.execute(
                "create table if not exists copy.publication.nodes (unique_id varchar, fingerprint varchar)"
            )
            connection.execute(
                "delete from copy.publication.nodes where list_contains(?, split_part(unique_id, '.', 3))",
                [list(names)],
            )
            readable.close_copy()
        put_in_place(temporary, published)
    except (duckdb.Error, MartsFileError, OSError) as error:
        raise PublishError(f"the marts could not be refreshed: {str(error).splitlines()[0]}") from error
    finally:
        temporary.unlink(missing_ok=True)
        Path(f"{temporary}.wal").unlink(missing_ok=True)


def _copy_comments(connection: duckdb.DuckDBPyConnection, names: Sequence[str]) -> None:
    """Descriptions travel with the copied tables, where dbt persisted them."""
    tables = connection.execute(
        """
        select table_name, comment from duckdb_tables()
        where database_name = 'warehouse' and schema_name = ? and comment is not null
        union all
        select view_name, comment from duckdb_views()
        where database_name = 'warehouse' and schema_name = ? and comment is not null
        """,
        [MARTS, MARTS],
    ).fetchall()
    for name, comment in [found for found in tables if found[0] in names]:
        connection.execute(f'comment on table copy."{name}" is {_literal(comment)}')
    columns = connection.execute(
        """
        select table_name, column_name, comment from duckdb_columns()
        where database_name = 'warehouse' and schema_name = ? and comment is not null
        """,
        [MARTS],
    ).fetchall()
    for name, column, comment in [found for found in columns if found[0] in names]:
        connection.execute(f'comment on column copy."{name}"."{column}" is {_literal(comment)}')


def check_copy(copy: Path, row_counts: Mapping[str, int], key: str | None = None) -> None:
    """Open the finished file again and raise PublishError when a mart has other rows than its source."""
    with open_marts(copy, key) as connection:
        for name, expected in row_counts.items():
            found = _count(connection, f'"{name}"')
            if found != expected:
                raise PublishError(f"the copy of {MARTS}.{name} has {found} rows, the warehouse {expected}")


def payout_changes(*, previous: Path | None, new: Path, key: str | None = None) -> list[PayoutChange]:
    """Payout rows that were added, changed or removed since ``previous`` (None: nothing was published yet)."""
    with duckdb.connect(":memory:") as connection:
        attach(connection, new, "new", key)
        if previous is None:
            # An empty table of the same columns: every row is an addition.
            connection.execute("create view previous as select * from new.fct_payouts where false")
        else:
            attach(connection, previous, "old", key)
            connection.execute("create view previous as select * from old.fct_payouts")
        rows = connection.execute(
            """
            select
              case
                when previous.payout_key is null then 'added'
                when new.payout_key is null then 'removed'
                else 'changed'
              end,
              coalesce(new.payout_key, previous.payout_key),
              coalesce(new.payee_id, previous.payee_id),
              coalesce(new.plan_id, previous.plan_id),
              coalesce(new.period_code, previous.period_code),
              coalesce(new.currency_code, previous.currency_code),
              previous.payout_amount,
              new.payout_amount
            from new.fct_payouts as new
            full join previous on new.payout_key = previous.payout_key
            where previous.payout_key is null
               or new.payout_key is null
               or new.payout_amount <> previous.payout_amount
               or new.currency_code <> previous.currency_code
            order by all
            """
        ).fetchall()
    return [PayoutChange(*row) for row in rows]


def describe(
    copy: Path,
    run: Mapping[str, str],
    landed: Sequence[Mapping[str, object]],
    changes: Sequence[PayoutChange],
    nodes: Mapping[str, str],
    key: str | None = None,
) -> None:
    """Write the schema `publication` into the copy."""
    with open_marts(copy, key, read_only=False) as connection:
        connection.execute("create schema publication")
        connection.execute("create table publication.run (name varchar, value varchar)")
        connection.execute(
            """
            create table publication.landed (
              source_system varchar, table_name varchar,
              file_count bigint, new_count bigint, retired_count bigint, live_count bigint
            )
            """
        )
        connection.execute(
            """
            create table publication.payout_changes (
              change_code varchar, payout_key varchar, payee_id varchar, plan_id varchar, period_code varchar,
              currency_code varchar, previous_amount decimal(18, 4), new_amount decimal(18, 4)
            )
            """
        )
        connection.execute("create table publication.nodes (unique_id varchar, fingerprint varchar)")
        if nodes:
            connection.execute(
                "insert into publication.nodes select unnest(?::varchar[]), unnest(?::varchar[])",
                [list(nodes), list(nodes.values())],
            )
        for name, value in run.items():
            connection.execute("insert into publication.run values (?, ?)", [name, value])
        for table in landed:
            connection.execute(
                "insert into publication.landed values (?, ?, ?, ?, ?, ?)",
                [table[key] for key in ("source_system", "table_name", "file", "new", "retired", "live")],
            )
        if changes:
            # One list per column: one statement per row takes a minute for 80,000 rows.
            connection.execute(
                """
                insert into publication.payout_changes
                select unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::varchar[]),
                  unnest(?::varchar[]), unnest(?::varchar[]), unnest(?::decimal(18, 4)[]), unnest(?::decimal(18, 4)[])
                """,
                [list(column) for column in zip(*map(dataclasses.astuple, changes), strict=True)],
            )
        connection.execute("checkpoint marts")


def put_in_place(temporary: Path, published: Path) -> None:
    """Make the copy durable and read-only, and rename it over the published file in one step."""
    if Path(f"{temporary}.wal").exists():
        raise PublishError("the copy has an unfinished write-ahead log; run again")
    with temporary.open("rb") as file:
        os.fsync(file.fileno())
    temporary.chmod(0o444)
    os.replace(temporary, published)
    folder = os.open(published.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _marts(connection: duckdb.DuckDBPyConnection, database: str) -> list[str]:
    found = connection.execute(
        "select table_name from information_schema.tables where table_catalog = ? and table_schema = ? order by all",
        [database, MARTS],
    ).fetchall()
    return [name for (name,) in found]


def _count(connection: duckdb.DuckDBPyConnection, relation: str) -> int:
    found = connection.execute(f"select count(*) from {relation}").fetchone()
    return int(found[0]) if found else 0


def _literal(value: Path | str) -> str:
    return "'" + str(value).replace("'", "''") + "'"
