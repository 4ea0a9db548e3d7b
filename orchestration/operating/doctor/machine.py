"""The machine: free space, clock, owners and rights of the folders."""

from __future__ import annotations

import os
import pwd
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from orchestration.operating.doctor.finding import Finding, Patient, check, error, ok, warning

# Measured: a run over a warehouse of 60 MB took up to 67 MB beside what was there before; publishing by itself refuses to
# begin below 2 times the warehouse.
SPACE_FACTOR = 3
# Before the first run nothing can be measured.
SPACE_BYTES_MIN = 500_000_000
# Clocks of file servers may be a little ahead.
CLOCK_SECONDS_MAX = 300
OTHERS = 0o007


@check("machine", "free space")
def free_space(patient: Patient) -> Iterator[Finding]:
    """Room for the next run: 3 times the warehouse, and never less than 500 MB."""
    home = _nearest(patient.settings.home)
    size = patient.settings.warehouse.stat().st_size if patient.settings.warehouse.exists() else 0
    needed, free = max(SPACE_FACTOR * size, SPACE_BYTES_MIN), shutil.disk_usage(home).free
    told = f"{free / 1e6:,.0f} MB free, a run may need {needed / 1e6:,.0f} MB"
    if free < needed:
        yield error(
            told, home, fix=f"free some space: du -sh {patient.settings.home}/*, old files of logs/ first"
        )
    else:
        yield ok(told)


@check("machine", "clock")
def clock(patient: Patient) -> Iterator[Finding]:
    """The clock is not behind what was written before."""
    settings = patient.settings
    known = [path for path in (settings.published, settings.warehouse) if path.exists()]
    known += [*settings.books.glob("*/*")]
    newest = max((path.stat().st_mtime for path in known), default=0.0)
    ahead = newest - patient.now.timestamp()
    zone = time.strftime("%Z")
    if ahead > CLOCK_SECONDS_MAX:
        yield error(
            f"it is {patient.now:%Y-%m-%d %H:%M} UTC here, and files are of {datetime.fromtimestamp(newest, UTC):%Y-%m-%d %H:%M} UTC",
            settings.home,
            fix="set the clock: timedatectl set-ntp true",
        )
    elif zone not in {"UTC", "GMT"} and patient.env.get("COMMISSIONS_AS_OF_DATE") == "today":
        yield ok(f"{patient.now:%Y-%m-%d %H:%M} UTC; `today` is the day in {zone}, schedules are in UTC")
    else:
        yield ok(f"{patient.now:%Y-%m-%d %H:%M} UTC")


@check("machine", "rights")
def rights(patient: Patient) -> Iterator[Finding]:
    """This user can write the home, and nobody else on the machine reads what people earn."""
    home = patient.settings.home
    me = pwd.getpwuid(os.geteuid()).pw_name
    if not home.exists():
        if os.access(_nearest(home), os.W_OK, effective_ids=True):
            yield ok("does not exist yet; the first command makes it", home)
        else:
            yield error(
                f"does not exist, and {me} cannot make it",
                home,
                fix=f"sudo install -d -o {me} -m 750 {home}",
            )
        return
    parts = [home, *(path for path in home.iterdir() if not path.is_symlink())]
    parts += [*patient.settings.books.glob("*")]
    barred = [path for path in parts if not os.access(path, os.R_OK | os.W_OK, effective_ids=True)]
    strangers = [path for path in parts if path.stat().st_uid != os.geteuid()]
    for path in barred:
        yield error(f"{me} cannot read and write it", path, fix=f"sudo chown -R {me} {home}")
    if strangers and not barred:
        owners = ", ".join(sorted({_owner(path) for path in strangers}))
        yield warning(
            f"{len(strangers)} entries belong to {owners}, and {me} looks",
            strangers[0],
            fix=f"type commands as the user of the service (sudo -u ...), or: sudo chown -R {me} {home}",
        )
    if home.stat().st_mode & OTHERS:
        yield warning(
            "every user of this machine can look in, and read what people earn",
            home,
            fix=f"chmod o-rwx {home}",
        )
    elif not barred and not strangers:
        yield ok(f"written by {me}, closed to others", home)


def _nearest(path: Path) -> Path:
    while not path.exists():
        path = path.parent
    return path


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:
        return f"user {path.stat().st_uid}"
