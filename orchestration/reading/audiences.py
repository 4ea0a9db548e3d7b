"""Files of marts for single viewers: only the rows that each may see, by fct_visibility and what each mart declares.

What a mart lets people see is its `meta.visibility` (dbt_project/models/marts, docs/bi.md). A mart that declares nothing is in nobody's
file. Admins and auditors get every declared mart whole. All others get, from marts about payees, the rows of payees whom they
see on all days of the row, once those are released; of dimensions what those rows name; keys of rows become marks, because they
hold payees' ids. A file is made aside and renamed; files of viewers who have lost their view are deleted.
"""

from __future__ import annotations

import hmac
import json
import os
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from orchestration.reading.visibility import AudienceError, Declaration, rows_of_payees
from orchestration.warehouse.marts_file import KEY_VARIABLE, attach
from orchestration.warehouse.settings import RunSettings, shown

LISTING = "audiences.json"


@dataclass(frozen=True)
class Audience:
    """One viewer's file: where it is and the rows of each table, empty ones left out."""

    viewer_id: str
    viewer_name: str
    role_code: str
    path: Path
    row_counts: Mapping[str, int] = field(default_factory=dict)

    @property
    def rows(self) -> int:
        """Rows of marts of figures; dimensions do not count."""
        return sum(count for name, count in self.row_counts.items() if not name.startswith("dim_"))


def share(
    settings: RunSettings,
    declared: Mapping[str, Declaration],
    *,
    viewer: str | None = None,
    folder: Path | None = None,
) -> list[Audience]:
    """Write the file of one viewer (id or e-mail), or of all people who have figures to see, into a folder.

    Raises AudienceError for a viewer who is unknown or sees nobody, MartsFileError when the published file does not open.
    """
    target = folder or settings.audiences
    key = settings.published_key()
    with duckdb.connect(":memory:") as connection:
        attach(connection, settings.published, "marts", key)
        connection.execute("set TimeZone = 'UTC'")
        listed = _viewers(connection, viewer)
        if not target.exists():
            target.mkdir(parents=True)
            target.chmod(0o700)
        shared = [_write(connection, declared, row, target, key) for row in listed]
    _list_files(target, shared, is_whole=viewer is None)
    return shared


def _viewers(connection: duckdb.DuckDBPyConnection, viewer: str | None) -> list[tuple[str, str, str, bool]]:
    """Viewers as (id, name, role, is unrestricted). Without a name: who sees a payee that has credits or ledger lines."""
    columns = "viewer_id, viewer_name, role_code, is_unrestricted"
    if viewer is None:
        return connection.execute(
            f"""
            select {columns} from marts.dim_viewers
            where viewer_id in (
              select viewer_id from marts.fct_visibility
              where payee_id in (
                select payee_id from marts.fct_credits union select payee_id from marts.fct_ledger_lines
              )
            )
            order by viewer_id
            """
        ).fetchall()
    found = connection.execute(
        f"""
        select {columns} from marts.dim_viewers
        where (viewer_id = ? or email = lower(?)) and viewer_id in (select viewer_id from marts.fct_visibility)
        """,
        [viewer, viewer],
    ).fetchall()
    if not found:
        raise AudienceError(
            f"{viewer} may see nothing: no such employee in the HRIS, and no role of today in seeds/operations/roles.csv. "
            "Viewers are listed in marts.dim_viewers; nothing was written"
        )
    if len(found) > 1:
        ids = ", ".join(sorted(row[0] for row in found))
        raise AudienceError(
            f"{viewer} is the e-mail of several viewers: {ids}. Name one of them; nothing was written"
        )
    return found


def _write(
    connection: duckdb.DuckDBPyConnection,
    declared: Mapping[str, Declaration],
    row: tuple[str, str, str, bool],
    folder: Path,
    key: str | None,
) -> Audience:
    viewer_id, viewer_name, role_code, is_unrestricted = row
    path = folder / f"{_file_name(viewer_id)}.duckdb"
    temporary = path.with_name(f"{path.name}.{os.getpid()}.tmp")
    temporary.unlink(missing_ok=True)
    try:
        own_key = viewer_key(key, viewer_id) if key else None
        attach(connection, temporary, "audience", own_key, read_only=False, small_blocks=True)
        try:
            counts = _fill(connection, declared, viewer_id, is_unrestricted=is_unrestricted)
            connection.execute("checkpoint audience")
        finally:
            connection.execute("detach audience")
        temporary.chmod(0o400)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
        Path(f"{temporary}.wal").unlink(missing_ok=True)
    return Audience(viewer_id, viewer_name, role_code, path, counts)


def viewer_key(key: str, viewer_id: str) -> str:
    """The key of one viewer's file, which opens no other one: derived from the key of the published file."""
    return hmac.new(key.encode(), f"audience {viewer_id}".encode(), "sha256").hexdigest()


def key_of(settings: RunSettings, viewer: str) -> str:
    """The key of a viewer's file, to be given to the viewer. Raises AudienceError when there is none."""
    key = settings.published_key()
    if key is None:
        raise AudienceError(f"{KEY_VARIABLE} names no key, so the files are not encrypted")
    with settings.open_published() as connection:
        return viewer_key(key, _viewers(connection, viewer)[0][0])


def _file_name(viewer_id: str) -> str:
    """A viewer's id as a file name; any other character than a letter, digit, dot or dash is written as its number, so that ids stay apart."""
    return "".join(c if c.isascii() and (c.isalnum() or c in "-") else f"_{ord(c):x}_" for c in viewer_id)


def _fill(
    connection: duckdb.DuckDBPyConnection,
    declared: Mapping[str, Declaration],
    viewer_id: str,
    *,
    is_unrestricted: bool,
) -> dict[str, int]:
    """Write the viewer's tables; returns the rows of each that is not empty."""
    columns: dict[str, list[tuple[str, str]]] = {}
    for table, column, data_type in connection.execute(
        """
        select table_name, column_name, data_type from duckdb_columns()
        where database_name = 'marts' and schema_name = 'main' order by table_name, column_index
        """
    ).fetchall():
        columns.setdefault(table, []).append((column, data_type))
    connection.execute(
        "create or replace temp table visible as select * from marts.fct_visibility where viewer_id = ?",
        [viewer_id],
    )
    # New for each file, so that nobody can find out by trial which payee a mark belongs to.
    salt = secrets.token_hex(32)
    counts: dict[str, int] = {}
    # Dimensions last, and those that dimensions name after them: territories hang on transactions.
    order = sorted(
        declared, key=lambda name: (declared[name].rows == "referenced", name == "dim_territories", name)
    )
    for name in order:
        declaration = declared[name]
        if name not in columns or (declaration.rows == "administrators" and not is_unrestricted):
            continue
        if is_unrestricted or declaration.rows == "everybody":
            query = f"select * from marts.{name}"
        elif declaration.rows == "payees":
            query = rows_of_payees(name, columns[name], declaration)
        else:
            query = _rows_named(connection, name, columns[name], declaration)
        parameters = {"salt": salt} if "$salt" in query else {}
        created = connection.execute(f"create table audience.{name} as {query}", parameters).fetchone()
        if created and created[0]:
            counts[name] = int(created[0])
        _copy_comments(connection, name)
    return counts


def _rows_named(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[tuple[str, str]],
    declaration: Declaration,
) -> str:
    """The query for a dimension: rows whose key is in a column of the same name of a table already written."""
    conditions = []
    for column in declaration.by:
        holders = connection.execute(
            """
            select table_name from duckdb_columns()
            where database_name = 'audience' and column_name = ? and table_name <> ? order by all
            """,
            [column, name],
        ).fetchall()
        conditions += [f"{column} in (select {column} from audience.{holder})" for (holder,) in holders]
    kept = [
        f"null::{kind} as {column}" if column in declaration.hidden else column for column, kind in columns
    ]
    return f"select {', '.join(kept)} from marts.{name} where {' or '.join(conditions) or 'false'}"


def _copy_comments(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """The descriptions of the mart and of its columns travel along."""
    found = connection.execute(
        "select comment from duckdb_tables() where database_name = 'marts' and table_name = ? and comment is not null",
        [name],
    ).fetchone()
    if found:
        connection.execute(f"comment on table audience.{name} is {_quoted(found[0])}")


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _list_files(folder: Path, shared: Sequence[Audience], *, is_whole: bool) -> None:
    """Keep the list of files that were written; after a run for all viewers, delete those of viewers who have lost their view."""
    listing = folder / LISTING
    before = set(json.loads(listing.read_text(encoding="utf-8"))) if listing.exists() else set()
    names = {audience.path.name for audience in shared}
    if is_whole:
        for lost in before - names:
            (folder / Path(lost).name).unlink(missing_ok=True)
    kept = sorted(names if is_whole else names | before)
    temporary = listing.with_name(f"{listing.name}.{os.getpid()}.tmp")
    temporary.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
    os.replace(temporary, listing)


def render(shared: Sequence[Audience], folder: Path) -> str:
    """What was written, as text."""
    from orchestration.wording import table

    rows = [
        [
            audience.viewer_id,
            audience.viewer_name,
            audience.role_code,
            f"{audience.rows:,}",
            audience.path.name,
        ]
        for audience in shared
    ]
    lines = table(["viewer", "name", "role", "rows", "file"], rows, left=3)
    told = [f"{len(shared)} files in {shown(folder)}", *lines]
    if any(not audience.rows for audience in shared):
        told.append(
            "A file without rows: nothing of what the viewer may see is released yet (commissions release)."
        )
    return "\n".join(told)
