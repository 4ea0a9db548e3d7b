"""The fake clock: a file that every process of the simulated month follows (site/sitecustomize.py)."""

import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

SITE = Path(__file__).resolve().parent / "site"
# Longer than a process takes to notice that the file was rewritten.
NOTICED_SECONDS = 0.5


class Clock:
    """What time it is for the processes that were started with `environment`."""

    def __init__(self, file: Path, moment: str) -> None:
        self.file = file
        self.ahead = 0.0
        self.set(moment)

    def environment(self) -> dict[str, str]:
        """What a process needs to have this clock."""
        return {"PYTHONPATH": str(SITE), "FAKE_CLOCK": str(self.file)}

    def now(self) -> datetime:
        """The fake moment, UTC."""
        return datetime.fromtimestamp(time.time() + self.ahead, UTC)

    def set(self, moment: str) -> None:
        """Jump to a moment (ISO, UTC). Only while nothing runs: what is measured across a jump is wrong."""
        self._write(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp() - time.time())

    def advance(self, step: timedelta) -> None:
        """Jump ahead."""
        self._write(self.ahead + step.total_seconds())

    def _write(self, ahead: float) -> None:
        self.ahead = ahead
        temporary = self.file.with_suffix(".tmp")
        temporary.write_text(repr(ahead))
        os.replace(temporary, self.file)
        time.sleep(NOTICED_SECONDS)
