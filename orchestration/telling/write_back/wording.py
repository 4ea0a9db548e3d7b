"""What a write back did, line by line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from orchestration.telling.write_back.send import Sent

SHOWN_MAX = 20


def told(results: Sequence[Sent]) -> list[str]:
    """What was done for each target, line by line."""
    lines = []
    for sent in results:
        target, comparison = sent.comparison.target, sent.comparison
        place = f"{target.target_id} ({target.crm_object} of {target.source_name})"
        counts = [
            f"{comparison.count(code)} {words}"
            for code, words in (("new", "new"), ("changed", "changed"), ("taken_back", "taken back"))
        ]
        counts.append(f"{comparison.unchanged} unchanged")
        counts.append(f"{len(comparison.kept_back)} kept back")
        would = "would be sent: " if sent.is_dry_run else ""
        if not sent.is_connected:
            place += f", not connected: ingestion/sources.toml has no [{target.source_name}] with {target.system_code}"
            would = "would be sent: " if sent.is_dry_run else "nothing sent of "
        lines.append(f"{place}: {would}{', '.join(counts)}")
        if sent.is_dry_run:
            lines += _shown(
                [
                    (f"{due.change_code.replace('_', ' ')} {due.key}", _fields(due.fields))
                    for due in comparison.due
                ]
            )
        elif comparison.due and sent.is_connected:
            lines.append(f"  {sum(sent.written.values())} taken, {len(sent.refused)} refused by the CRM")
        lines += _shown([(f"kept back {key}", reason) for key, reason in comparison.kept_back])
        lines += _shown([(f"refused {key}", reason) for key, reason in sent.refused])
        if sent.failure:
            lines.append(f"  FAILED {sent.failure}.")
    return lines


def _fields(fields: Any) -> str:
    from ingestion.api.writing import plain

    return ", ".join(f"{name} {'empty' if value is None else plain(value)}" for name, value in fields.items())


def _shown(rows: Sequence[tuple[str, str]]) -> list[str]:
    lines = [f"  {name}: {text}" for name, text in rows[:SHOWN_MAX]]
    if len(rows) > SHOWN_MAX:
        lines.append(f"  and {len(rows) - SHOWN_MAX:,} more")
    return lines
