"""Loaded by every Python process of the simulated month, before its own code: its clock is the file's.

The file holds the seconds by which the fake clock is ahead of the real one; the process follows when it is rewritten.
Only what tells the time of day is moved: sleeping, waiting and monotonic clocks stay real.
"""

import os
import sys
import threading
import time
import types
from contextlib import suppress

FILE = os.environ.get("FAKE_CLOCK")
LOOK_SECONDS = 0.1


def offset() -> float:
    with open(FILE or "") as file:
        return float(file.read())


def follow() -> None:
    import time_machine

    known = offset()
    clock = time_machine.travel(time.time() + known, tick=True).start()
    real_time = time_machine.escape_hatch.time.time
    with suppress(ImportError):
        import grpc._channel
        import grpc._server
        import grpc.aio._utils

        # Deadlines, and how long a server polls, are moments of the system's clock: the C core reads that.
        real = types.ModuleType("time")
        real.__dict__.update(time.__dict__)
        real.time = real_time
        for module in (grpc._channel, grpc._server, grpc.aio._utils):
            assert hasattr(module, "time")
            module.time = real

    def look() -> None:
        nonlocal known
        while True:
            threading.Event().wait(LOOK_SECONDS)
            with suppress(OSError, ValueError):
                found = offset()
                if found != known:
                    known = found
                    clock.move_to(real_time() + found, tick=True)

    threading.Thread(target=look, daemon=True).start()


if FILE:
    try:
        follow()
    except Exception as error:
        # An error here would else be told and forgotten, and the process would live in the real time.
        print(f"no fake clock: {error!r}", file=sys.stderr, flush=True)
        os._exit(70)
