"""The lines that a run prints while it works."""

import os
import time

from orchestration.defs.progress import Progress


def test_a_run_continues_when_nobody_reads_its_lines() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    out = os.fdopen(writing, "w", encoding="utf-8")
    progress = Progress(out, {}, started=time.monotonic())
    progress.say("run", "the reader has gone")
    progress.say("run", "and the run has not")
    out.close()
