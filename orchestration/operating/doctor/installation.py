"""Is the right thing installed: Python, the pinned packages, a dbt project that parses?"""

from __future__ import annotations

import platform
import re
import tempfile
import tomllib
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from orchestration.calculation.manifest import ManifestError, is_stale, parse_aside
from orchestration.operating.doctor.finding import Finding, Patient, check, error, ok

SHOWN = 5
MESSAGE_LENGTH_MAX = 600
INSTALL = "rm -f .venv/.ready && make setup"


@check("installation", "Python")
def python(patient: Patient) -> Iterator[Finding]:
    """The version is one that pyproject.toml allows."""
    project = tomllib.loads((patient.root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    allowed, here = SpecifierSet(project["requires-python"]), platform.python_version()
    if here in allowed:
        yield ok(here)
    else:
        yield error(f"{here} is not in {allowed}", fix="rm -rf .venv && make setup PYTHON=python3.11")


@check("installation", "packages")
def packages(patient: Patient) -> Iterator[Finding]:
    """Each pinned package is there in its pinned version."""
    lock = patient.root / "requirements.lock"
    missing, other, count = [], [], 0
    for requirement in pinned(lock):
        count += 1
        wanted = next(iter(requirement.specifier)).version
        try:
            here = version(requirement.name)
        except PackageNotFoundError:
            missing.append(requirement.name)
            continue
        if Version(here) != Version(wanted):
            other.append(f"{requirement.name} {here} instead of {wanted}")
    if missing:
        yield error(f"not installed: {_first(missing)}", lock, fix=INSTALL)
    if other:
        yield error(f"other versions than pinned: {_first(other)}", lock, fix=INSTALL)
    if not missing and not other:
        yield ok(f"{count} packages as pinned in {lock.name}")


def pinned(lock: Path) -> Iterator[Requirement]:
    """The packages of a lock file that this Python needs."""
    for line in lock.read_text(encoding="utf-8").splitlines():
        text = line.removesuffix("\\").strip()
        if not re.match(r"[A-Za-z0-9]", text):
            continue
        try:
            requirement = Requirement(text)
        except InvalidRequirement:
            continue
        if requirement.marker is None or requirement.marker.evaluate():
            yield requirement


@check("installation", "dbt project")
def dbt_project(patient: Patient) -> Iterator[Finding]:
    """The manifest is current, or the project parses."""
    if not is_stale():
        yield ok("the manifest is current")
        return
    # Aside: the doctor leaves the installation as it is.
    with tempfile.TemporaryDirectory() as folder:
        try:
            parse_aside(Path(folder))
        except ManifestError as problem:
            told = " ".join(str(problem).split())
            yield error(told[:MESSAGE_LENGTH_MAX], fix="fix the file that dbt names, then: commissions check")
            return
    yield ok("parses; the next command makes a new manifest")


def _first(texts: list[str]) -> str:
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
