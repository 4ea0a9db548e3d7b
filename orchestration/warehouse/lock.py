"""One run at a time: a lock on a file that the operating system releases when the run ends, however it ends."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

POLL_SECONDS = 0.5
# A process that checks whether the lock is held has it for less than this.
GLANCE_SECONDS = 0.2
GLANCE_POLL_SECONDS = 0.02

# Open lock files of this process, by path: the run that holds the lock may enter it again (the command line
# takes it before it starts Dagster, whose run takes it too).
_held: dict[Path, tuple[int, int]] = {}


class RunInProgress(Exception):
    """Another process holds the lock. ``holder`` is what it wrote about itself, for example `process 4711`."""

    def __init__(self, path: Path, holder: str) -> None:
        self.path, self.holder = path, holder
        super().__init__(
            f"another run is in progress ({holder}; lock {path}). Nothing was started. "
            "Wait for it to end, or start this one with --wait."
        )


def holder_of(path: Path) -> str | None:
    """Who holds the lock now, in its own words; None: nobody. Nothing is written, also where there is no file."""
    if path.resolve() in _held:
        return f"process {os.getpid()}"
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return os.pread(handle, 200, 0).decode(errors="replace") or "an unnamed process"
    finally:
        os.close(handle)


class RunLock:
    """Holds ``path`` locked inside a `with` block.

    Args:
        path: the lock file; it stays after the run, without meaning.
        wait: wait for the other run instead of raising RunInProgress.
        on_wait: called once with the holder's description when waiting begins.
    """

    def __init__(
        self, path: Path, *, wait: bool = False, on_wait: Callable[[str], None] | None = None
    ) -> None:
        self.path, self.wait, self.on_wait = path.resolve(), wait, on_wait

    def __enter__(self) -> Self:
        if self.path in _held:
            handle, entered = _held[self.path]
            _held[self.path] = (handle, entered + 1)
            return self
        self.path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            self._acquire(handle)
        except BaseException:
            os.close(handle)
            raise
        os.ftruncate(handle, 0)
        os.pwrite(handle, f"process {os.getpid()}".encode(), 0)
        _held[self.path] = (handle, 1)
        return self

    def _acquire(self, handle: int) -> None:
        told = False
        began = time.monotonic()
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if time.monotonic() - began < GLANCE_SECONDS:
                    time.sleep(GLANCE_POLL_SECONDS)
                    continue
                holder = os.pread(handle, 200, 0).decode(errors="replace") or "an unnamed process"
                if not self.wait:
                    raise RunInProgress(self.path, holder) from None
                if not told and self.on_wait:
                    self.on_wait(holder)
                told = True
                time.sleep(POLL_SECONDS)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        handle, entered = _held[self.path]
        if entered > 1:
            _held[self.path] = (handle, entered - 1)
            return
        del _held[self.path]
        os.close(handle)
