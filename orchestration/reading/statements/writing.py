"""Writes a month's pages. Everything is read and rendered before the first byte is written; folders are replaced whole."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
from pathlib import Path

from orchestration.reading.statements.pages import page_name, render
from orchestration.reading.statements.reading import (
    Marts,
    StatementsError,
    as_of_date,
    check_period,
    managers_of,
    open_marts,
    pages_home,
    payees_of,
    statement_of,
    team_of,
)
from orchestration.warehouse.files import replace_durably, sync, write_durably
from orchestration.warehouse.settings import RunSettings, shown

OURS = re.compile(r"(index|payee-.+|manager-.+)\.html")
ASIDE = ".tmp"
BEFORE = ".before"
# Of Linux's renameat2: names are relative to the current folder; the two change places.
AT_FDCWD, RENAME_EXCHANGE = -100, 2


def write_statements(
    settings: RunSettings,
    period_code: str,
    *,
    payee_id: str | None = None,
    manager_id: str | None = None,
    to: Path | None = None,
) -> list[str]:
    """Write the pages of a month, or those of one payee, or of one manager and the team. Returns what was done.

    All pages of a month replace their folder whole; single ones are put into it, each in one step.

    Raises:
        StatementsError: nothing of the month is released, there is no such person, or the folder holds other files;
            nothing was written then.
    """
    folder = to if to is not None else pages_home(settings, period_code)
    with open_marts(settings) as marts:
        pages = _pages(marts, period_code, payee_id, manager_id)
    if folder.exists():
        _refuse_other_files(folder)
    try:
        if payee_id is None and manager_id is None:
            _replace_folder(folder, pages)
        else:
            for name, content in pages.items():
                replace_durably(folder / name, content)
    except OSError as error:
        raise StatementsError(f"{shown(folder)} could not be written: {error.strerror}") from None
    first = "index.html" if "index.html" in pages else next(iter(pages))
    counts = (_count(pages, "payee-", "statement"), _count(pages, "manager-", "team page"))
    made = " and ".join(count for count in counts if not count.startswith("0 "))
    return [f"{period_code}: {made} in {shown(folder)}", f"open {shown(folder / first)}"]


def _count(pages: dict[str, bytes], start: str, noun: str) -> str:
    number = sum(name.startswith(start) for name in pages)
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _pages(marts: Marts, period_code: str, payee_id: str | None, manager_id: str | None) -> dict[str, bytes]:
    plans = check_period(marts, period_code)
    as_of = as_of_date(marts)
    payees = payees_of(marts, period_code)
    managers = managers_of(marts, period_code)
    known = {row["payee_id"] for row in payees}
    leading = {row["manager_id"] for row in managers}
    wanted_payees, wanted_managers = sorted(known), sorted(leading)
    if payee_id is not None:
        _refuse_unknown(marts, payee_id, known, f"has nothing released in {period_code}")
        wanted_payees, wanted_managers = [payee_id], []
    if manager_id is not None:
        _refuse_unknown(marts, manager_id, leading, f"leads nobody with something released in {period_code}")
        wanted_managers = [manager_id]
    pages: dict[str, bytes] = {}
    if payee_id is None and manager_id is None:
        pages["index.html"] = render(
            "index", period_code=period_code, plans=plans, payees=payees, managers=managers, as_of=as_of
        )
    if manager_id is not None:
        members = team_of(marts, manager_id, period_code)
        team = {member["payee_id"] for plan in members["plans"] for member in plan["members"]}
        wanted_payees = sorted(known & (team if payee_id is None else {payee_id}))
    for one in wanted_managers:
        pages[page_name("manager", one)] = render(
            "manager", team=team_of(marts, one, period_code), plans=plans, known=known, as_of=as_of
        )
    for one in wanted_payees:
        pages[page_name("payee", one)] = render(
            "payee", statement=statement_of(marts, one, period_code), as_of=as_of
        )
    return pages


def _refuse_unknown(marts: Marts, person_id: str, known: set[str], otherwise: str) -> None:
    if person_id in known:
        return
    person = marts.one("select full_name from marts.dim_payees where payee_id = ?", [person_id])
    if person is None:
        raise StatementsError(f"there is no payee {person_id}; payees are listed in marts.dim_payees")
    raise StatementsError(f"{person['full_name']} ({person_id}) {otherwise}")


def _refuse_other_files(folder: Path) -> None:
    if not folder.is_dir():
        raise StatementsError(f"{shown(folder)} is a file; name a folder")
    others = sorted(path.name for path in folder.iterdir() if not OURS.fullmatch(path.name))
    if others:
        raise StatementsError(
            f"{shown(folder)} holds other files ({others[0]}), and the folder would be replaced; name an empty one"
        )


def _replace_folder(folder: Path, pages: dict[str, bytes]) -> None:
    """Make the folder aside and put it in the place of the one before, in one step where the system can exchange two."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    _fix(folder)
    aside = folder.with_name(f".{folder.name}.{os.getpid()}{ASIDE}")
    try:
        aside.mkdir()
        for name, content in pages.items():
            write_durably(aside / name, content)
        sync(aside)
        if folder.exists() and not _exchange(aside, folder):
            before = folder.with_name(f".{folder.name}{BEFORE}")
            os.rename(folder, before)
            os.rename(aside, folder)
            shutil.rmtree(before)
        elif aside.exists() and not folder.exists():
            os.rename(aside, folder)
        sync(folder.parent)
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _fix(folder: Path) -> None:
    """Clear what killed commands left; where one stopped between two renames, put the folder before back."""
    before = folder.with_name(f".{folder.name}{BEFORE}")
    if before.exists() and not folder.exists():
        os.rename(before, folder)
    shutil.rmtree(before, ignore_errors=True)
    for leftover in folder.parent.glob(f".{folder.name}.*{ASIDE}"):
        pid = leftover.name.removesuffix(ASIDE).rpartition(".")[2]
        if not Path("/proc", pid).exists():
            shutil.rmtree(leftover, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Exchange two folders in one step; False where the system or the file system cannot."""
    exchange = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if exchange is None:
        return False
    done = exchange(AT_FDCWD, os.fsencode(one), AT_FDCWD, os.fsencode(other), RENAME_EXCHANGE)
    return bool(done == 0)
