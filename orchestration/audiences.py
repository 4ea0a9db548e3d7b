"""Files of marts for single viewers: only the rows that each may see, by fct_visibility and what each mart declares.

What a mart hands out is its `meta.visibility` (dbt_project/models/marts, docs/bi.md). A mart that declares nothing is in nobody's
file. Admins and auditors get every declared mart whole. Everybody else gets, of marts of payees, the rows of payees whom they
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
from typing import Any

import duckdb

from orchestration.marts_file import KEY_VARIABLE, attach
from orchestration.settings import RunSettings, shown

ROWS = ("administrators", "everybody", "payees", "referenced")
KEYS = {
    "rows",
    "payee",
    "others",
    "day",
    "days",
    "period",
    "released",
    "released_period",
    "hidden",
    "drafts",
    "by",
}
# How far a plan's month must have come before its payees and their managers see the figures.
RELEASED = {
    "credits": ("credits_released", "rewards_released", "approved", "paid"),
    "rewards": ("rewards_released", "approved", "paid"),
}
# Keys of rows are made of payees' ids, among others; a mark of them still joins the tables of one file.
MARKED_ENDINGS = ("_key",)
MARKED_COLUMNS = ("candidate_id", "credit_id", "reward_id")
LISTING = "audiences.json"


class AudienceError(Exception):
    """A viewer who sees nothing or is unknown, or a declaration that cannot be used. Nothing was written for them."""


@dataclass(frozen=True)
class Declaration:
    """What one mart hands out.

    Attributes:
        rows: administrators (to nobody else), everybody, payees (the rows of payees whom the viewer sees) or
            referenced (a dimension's rows that other rows of the file name).
        payee: column with the payee whose row it is.
        others: columns that name another payee, left empty where the viewer does not see that one.
        days: first and last day of the row as SQL, the last one exclusive; empty = only who always sees the payee.
        is_dateless: the row is of no day: whoever sees the payee on any day sees it.
        released: what must be released; empty = only who sees drafts, "none" = nothing.
        released_period: the month that must be released, as SQL.
        hidden, drafts: columns left empty for all viewers, for those who see no drafts.
        by: columns of which a dimension's value is looked for in the other tables.
    """

    rows: str
    payee: str = ""
    others: tuple[str, ...] = ()
    days: tuple[str, str] | None = None
    is_dateless: bool = False
    released: str = ""
    released_period: str = ""
    hidden: tuple[str, ...] = ()
    drafts: tuple[str, ...] = ()
    by: tuple[str, ...] = ()

    @classmethod
    def read(cls, mart: str, columns: Sequence[str], declared: Mapping[str, Any]) -> Declaration:
        """Make it from a mart's meta.visibility. Raises AudienceError with what is wrong and how to mend it."""

        def wrong(text: str) -> AudienceError:
            return AudienceError(f"{mart}: meta.visibility {text} (see docs/bi.md)")

        if unknown := sorted(set(declared) - KEYS):
            raise wrong(f"has the unknown keys {', '.join(unknown)}; known are {', '.join(sorted(KEYS))}")
        rows = declared.get("rows")
        if rows not in ROWS:
            raise wrong(f"has rows: {rows}; write one of {', '.join(ROWS)}")
        if (rows == "payees") != ("payee" in declared) or (rows == "referenced") != ("by" in declared):
            raise wrong(
                "names a payee exactly where it has rows: payees, and by where it has rows: referenced"
            )
        spans = [key for key in ("day", "days", "period") if key in declared]
        if len(spans) > 1:
            raise wrong(f"has {' and '.join(spans)}; a row has one span")
        if declared.get("released", "none") not in {*RELEASED, "none"}:
            raise wrong(f"has released: {declared['released']}; write credits, rewards or none")
        named = [declared.get("payee"), declared.get("period"), declared.get("released_period")]
        named += [declared.get("day") if declared.get("day") != "any" else None]
        named += [
            name for key in ("others", "days", "hidden", "drafts", "by") for name in declared.get(key, [])
        ]
        if missing := sorted({name for name in named if name} - set(columns)):
            raise wrong(f"names columns that the mart does not have: {', '.join(missing)}")
        days, month = _span(declared)
        return cls(
            rows=rows,
            payee=declared.get("payee", ""),
            others=tuple(declared.get("others", ())),
            days=days,
            is_dateless=declared.get("day") == "any",
            released=declared.get("released", ""),
            released_period=declared.get("released_period") or month,
            hidden=tuple(declared.get("hidden", ())),
            drafts=tuple(declared.get("drafts", ())),
            by=tuple(declared.get("by", ())),
        )


def _span(declared: Mapping[str, Any]) -> tuple[tuple[str, str] | None, str]:
    """The days of a row (first, first one after), and the month of the last of them, as SQL over `mart`."""
    if "period" in declared:
        first = f"cast(mart.{declared['period']} || '-01' as date)"
        return (first, f"cast({first} + interval 1 month as date)"), f"mart.{declared['period']}"
    if "days" in declared:
        first, last = (f"mart.{column}" for column in declared["days"])
        return (first, last), f"strftime({last} - 1, '%Y-%m')"
    if declared.get("day", "any") != "any":
        day = f"mart.{declared['day']}"
        return (day, f"{day} + 1"), f"strftime({day}, '%Y-%m')"
    return None, ""


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


def declarations(manifest: Mapping[str, Any]) -> dict[str, Declaration]:
    """What each mart hands out, by name; marts that declare nothing are not in it."""
    found = {}
    for node in manifest["nodes"].values():
        if node["resource_type"] == "model" and node["fqn"][1] == "marts":
            declared = (node["config"].get("meta") or {}).get("visibility")
            if declared:
                found[node["name"]] = Declaration.read(node["name"], list(node["columns"]), declared)
    return found


def share(
    settings: RunSettings,
    declared: Mapping[str, Declaration],
    *,
    viewer: str | None = None,
    folder: Path | None = None,
) -> list[Audience]:
    """Write the file of one viewer (id or e-mail), or of everybody who has figures to see, into a folder.

    Raises AudienceError for a viewer who is unknown or sees nobody, MartsFileError when the published file does not open.
    """
    target = folder or settings.audiences
    key = settings.published_key()
    with duckdb.connect(":memory:") as connection:
        attach(connection, settings.published, "marts", key)
        connection.execute("set TimeZone = 'UTC'")
        listed = _viewers(connection, viewer)
        target.mkdir(parents=True, exist_ok=True)
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
    """The key of a viewer's file, to be handed to the viewer. Raises AudienceError when there is none."""
    key = settings.published_key()
    if key is None:
        raise AudienceError(f"{KEY_VARIABLE} names no key, so the files are not encrypted")
    with settings.open_published() as connection:
        return viewer_key(key, _viewers(connection, viewer)[0][0])


def _file_name(viewer_id: str) -> str:
    """A viewer's id as a file name; what is no letter, digit, dot or dash is written as its number, so that ids stay apart."""
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
    # Made anew for each file: nobody can try which payee a mark stands for.
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


def rows_of_payees(name: str, columns: Sequence[tuple[str, str]], declaration: Declaration) -> str:
    """The query for a mart of payees, over the tables `visible` and `marts.fct_calculations`."""
    names = {column for column, _ in columns}
    plan = (
        "and (seen.plan_id is null or seen.plan_id = mart.plan_id)"
        if "plan_id" in names
        else "and seen.plan_id is null"
    )
    if declaration.is_dateless:
        days, plan = "true", ""
    elif declaration.days:
        first, end = declaration.days
        days = (
            f"(seen.visible_from is null or seen.visible_from <= {first})"
            f" and (seen.visible_to is null or {end} <= seen.visible_to)"
        )
    else:
        days = "seen.visible_from is null and seen.visible_to is null"

    def sees(payee: str, *, drafts_only: bool = False) -> str:
        released = "" if drafts_only else f" or {_is_released(declaration)}"
        return (
            f"exists (select 1 from visible as seen where seen.payee_id = {payee} {plan}"
            f" and {days} and (seen.has_drafts{released}))"
        )

    whose = f"mart.{declaration.payee}"
    kept = []
    for column, data_type in columns:
        shown_as = f"mart.{column}"
        if column in declaration.hidden:
            shown_as = "null"
        elif column in declaration.others:
            shown_as = f"case when mart.{column} = {whose} or {sees(shown_as)} then mart.{column} end"
        elif column in declaration.drafts:
            shown_as = f"case when {sees(whose, drafts_only=True)} then mart.{column} end"
        elif _is_marked(column):
            shown_as = f"sha256($salt || mart.{column})"
        kept.append(f"cast({shown_as} as {data_type}) as {column}")
    return f"select {', '.join(kept)} from marts.{name} as mart where {sees(whose)}"


def _is_released(declaration: Declaration) -> str:
    if declaration.released == "none":
        return "true"
    if not declaration.released:
        return "false"
    states = ", ".join(f"'{state}'" for state in RELEASED[declaration.released])
    return (
        "exists (select 1 from marts.fct_calculations as released where released.plan_id = mart.plan_id"
        f" and released.period_code = {declaration.released_period} and released.state_code in ({states}))"
    )


def _is_marked(column: str) -> bool:
    return column.endswith(MARKED_ENDINGS) or column in MARKED_COLUMNS


def _rows_named(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    columns: Sequence[tuple[str, str]],
    declaration: Declaration,
) -> str:
    """The query for a dimension: rows of which a key is in a column of the same name of a table already written."""
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
    """Keep the list of files that were written; after a run for everybody, delete those of viewers who have lost their view."""
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
    from orchestration.summary import table

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
