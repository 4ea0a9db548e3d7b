"""Runs all checks and reports what they found."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from importlib import import_module
from typing import Any

from orchestration.operating.doctor.finding import CHECKS, ERROR, OK, WARNING, Finding, Patient, Registered
from orchestration.wording import counted

# In the order in which they are reported: what everything else needs comes first.
MODULES = (
    *(
        f"orchestration.operating.doctor.{name}"
        for name in ("installation", "configuration", "variables", "sources", "machine", "warehouse", "books")
    ),
    "orchestration.operating.doctor.published",
    "orchestration.defs.doctor",
    "orchestration.operating.doctor.notifying",
)
MARKS = {OK: "ok     ", WARNING: "WARNING", ERROR: "ERROR  "}


def load_checks() -> Sequence[Registered]:
    """Import the modules that make checks; their checks in the order of MODULES."""
    for module in MODULES:
        import_module(module)
    return CHECKS


def examine(patient: Patient) -> list[Finding]:
    """Everything that was found. A check that fails itself is an error, and the others go on."""
    return [finding for registered in load_checks() for finding in made(registered, patient)]


def made(registered: Registered, patient: Patient) -> list[Finding]:
    """What one check finds; that it failed itself is a finding too."""
    found: list[Finding] = []
    try:
        found.extend(registered.function(patient))
    except Exception as problem:
        text = str(problem).strip().splitlines() or [""]
        found.append(
            Finding(
                ERROR,
                f"could not be looked at: {type(problem).__name__}: {text[0]}",
                str(patient.settings.home),
                "fix what the message names; where it names nothing, report it with the output of `--json`",
            )
        )
    return [replace(finding, topic=registered.topic, subject=registered.subject) for finding in found]


def is_well(findings: Iterable[Finding]) -> bool:
    """Whether there is no error."""
    return all(finding.level != ERROR for finding in findings)


def render(findings: Sequence[Finding], *, is_all: bool = True) -> str:
    """The findings as text, by topic; without ``is_all`` only those that are not in order."""
    lines: list[str] = []
    topic = ""
    for finding in findings:
        if finding.level == OK and not is_all:
            continue
        if finding.topic != topic:
            topic = finding.topic
            lines.append(topic.upper())
        # A path that the words already name is not printed twice.
        where = f" ({finding.where})" if finding.where and finding.where not in finding.what else ""
        lines.append(f"  {MARKS[finding.level]}  {finding.subject}: {finding.what}{where}")
        if finding.fix:
            lines.append(f"           -> {finding.fix}")
    return "\n".join([*lines, *([""] if lines else []), summary(findings)])


def summary(findings: Sequence[Finding]) -> str:
    """How many findings there are of each level."""
    counts = {level: sum(finding.level == level for finding in findings) for level in (ERROR, WARNING, OK)}
    if not counts[ERROR] and not counts[WARNING]:
        return f"All {counts[OK]} checks are in order."
    return f"{counted(counts[ERROR], 'error')}, {counted(counts[WARNING], 'warning')}, {counts[OK]} in order."


def as_json(findings: Sequence[Finding]) -> str:
    """The findings for a monitor: an object with `is_well` and the list."""
    content: Mapping[str, Any] = {
        "is_well": is_well(findings),
        "findings": [asdict(finding) for finding in findings],
    }
    return json.dumps(content, indent=2, ensure_ascii=False)
