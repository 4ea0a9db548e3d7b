"""Loads in processes of their own, which are killed or kill themselves."""

import os
import subprocess
import sys

from ingestion.landing.settings import PROJECT_ROOT, Settings

ROUNDS = int(os.environ.get("KILL_ROUNDS", "2"))
SEED = int(os.environ.get("KILL_SEED", "20111130"))
EARLIEST = float(os.environ.get("KILL_EARLIEST", "0.4"))

# With a second argument the process kills itself at the worst moments: "merge N" right after the N-th table
# was merged, "commit" right before dlt records the load as finished.
CHILD = """
import os, signal, sys
from dlt.destinations import job_client_impl
from ingestion.load import load_system
from ingestion.landing.settings import Settings

moment, _, number = (sys.argv[2:] or [""])[0].partition(" ")
merge, left = job_client_impl.SqlLoadJob.run, [int(number or 0)]

def die(*_arguments, **_options):
    os.kill(os.getpid(), signal.SIGKILL)

def merge_and_die(self):
    merge(self)
    left[0] -= 1
    if left[0] == 0:
        die()

if moment == "merge":
    job_client_impl.SqlLoadJob.run = merge_and_die
elif moment == "commit":
    job_client_impl.SqlJobClientBase.complete_load = die
print("go", flush=True)
load_system(sys.argv[1], Settings.from_env())
"""


def start(system: str, settings: Settings, *moment: str) -> "subprocess.Popen[str]":
    """Start a load in a process of its own, which may kill itself; return once it is past its imports."""
    environment = os.environ | {
        "COMMISSIONS_HOME": str(settings.home),
        "COMMISSIONS_CHUNK_ROWS": str(settings.chunk_rows),
        "DATA_WRITER__FILE_MAX_ITEMS": str(settings.chunk_rows),
        "DATA_WRITER__BUFFER_MAX_ITEMS": str(settings.chunk_rows),
    }
    if settings.sources:
        environment["COMMISSIONS_SOURCES"] = str(settings.sources)
    else:
        environment["COMMISSIONS_EXTRACTS"] = str(settings.extracts)
    command = [sys.executable, "-c", CHILD, system, *moment]
    child = subprocess.Popen(command, cwd=PROJECT_ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert child.stdout and child.stdout.readline() == "go\n"
    return child
