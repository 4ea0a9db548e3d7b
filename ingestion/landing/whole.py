"""When each connected system was last read whole: what a change without a new stamp, or a deletion without a feed, waits for.

The instants are in `whole_reads.json` of the home folder. Where it is lost, nothing counts as read whole.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ingestion.landing.settings import Settings
from ingestion.landing.tables import SourceSystem

FILE = "whole_reads.json"


def note_whole_read(
    system: SourceSystem, states: Mapping[str, Mapping[str, Any]], begun_at: datetime, settings: Settings
) -> None:
    """Note the oldest of the last whole reads of a system's tables, after a load that was verified.

    A table that is read by its changes remembers its last whole read; every other one was read whole by this load. A list of
    changes that the source forgets has none, and is left out.

    Args:
        states: what each table remembers.
        begun_at: when this load began to read.
    """
    remembered = [states.get(table.name, {}).get("api") or {} for table in system.tables]
    instants = [
        datetime.fromisoformat(state["full_at"])
        for state in remembered
        if "full_at" in state and not state.get("is_never_whole")
    ]
    noted = {name: instant.isoformat() for name, instant in whole_reads(settings).items()}
    noted[system.name] = min([begun_at, *instants]).isoformat()
    path = settings.home / FILE
    temporary = path.with_suffix(".tmp")
    temporary.write_text(json.dumps(noted, indent=2, sort_keys=True), encoding="utf-8")
    temporary.replace(path)


def whole_reads(settings: Settings) -> dict[str, datetime]:
    """Return when each connected system was last read whole (UTC); one that is not there was not."""
    try:
        noted = json.loads((settings.home / FILE).read_text(encoding="utf-8"))
        return {str(name): datetime.fromisoformat(instant) for name, instant in noted.items()}
    except (FileNotFoundError, ValueError, AttributeError, TypeError):
        return {}
