"""sources.toml in every entry point: asked by `check-sources`, a broken one named without a traceback."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ingestion.landing.settings import PROJECT_ROOT as ROOT
from tests.support.servers.fault_server import FaultServer, Request, change, status

KEY = "rk.of.the.company"
BROKEN = '[crm]\nconnector = "salesfroce"\nbase_url = "https://example.my.salesforce.com"\n'

DAILY = """
from dagster import DagsterInstance
from orchestration.definitions import defs
from orchestration.warehouse.settings import RunSettings

RunSettings.from_env().prepare()
with DagsterInstance.ephemeral() as instance:
    result = defs.resolve_job_def("daily").execute_in_process(instance=instance, raise_on_error=False)
[failed] = [event for event in result.all_events if event.is_step_failure]
print(failed.step_key, failed.step_failure_data.user_failure_data.description)
"""

LAND = """
import dagster as dg
from orchestration.defs import assets

assets.RETRY_SECONDS = 0
[land] = [asset for asset in assets.ASSETS if asset.op.name == "land_stripe"]
result = dg.materialize([land], resources={"run": assets.RunResource()}, raise_on_error=False)
print(result.success, [event.event_type_value for event in result.all_events].count("STEP_RESTARTED"))
"""


@pytest.fixture
def stripe() -> Iterator[FaultServer]:
    """A Stripe account without objects."""
    with FaultServer() as server:
        server.tokens.add(KEY)
        server.protect("/v1/")

        @server.route("GET", r"/v1/\w+")
        def empty(request: Request) -> object:
            return {"object": "list", "url": request.path, "data": [], "has_more": False}

        yield server


def run(command: list[str], sources: Path) -> "subprocess.CompletedProcess[str]":
    env = {name: value for name, value in os.environ.items() if not name.startswith("COMMISSIONS_")}
    env |= {
        "COMMISSIONS_HOME": str(sources.parent / "home"),
        "COMMISSIONS_SOURCES": str(sources),
        "SOURCES__STRIPE__TOKEN": KEY,
        "DAGSTER_DISABLE_TELEMETRY": "yes",
    }
    return subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def configured(folder: Path, server: FaultServer) -> Path:
    path = folder / "sources.toml"
    path.write_text(
        f'[stripe]\nconnector = "stripe"\nbase_url = "{server.url}"\nread = ["refunds"]\n'
        "[stripe.client]\nattempts = 1\n"
    )
    return path


@pytest.mark.parametrize(
    "command",
    [
        ["-m", "orchestration", "run"],
        ["-m", "orchestration", "check"],
        ["-m", "orchestration", "check-sources"],
        ["-m", "orchestration", "ui"],
        ["-m", "orchestration", "situations", "tests/calculation/situations"],
        ["-m", "ingestion"],
        ["-m", "ingestion", "--help"],
        ["-m", "ingestion.checks"],
    ],
    ids=" ".join,
)
def test_a_broken_sources_file_is_named_without_a_traceback(tmp_path: Path, command: list[str]) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(BROKEN)
    done = run(command, sources)
    assert done.returncode == 1, done
    assert "sources.toml [crm]: there is no connector 'salesfroce'; write the name" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("[crm\n", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        ("crm = 1\n", "write a section with a name"),
        ('[crm]\nconnector = "stripe"\nbase_url = "https://a.example"\nread = "refunds"\n', "list of names"),
        (
            '[crm]\nconnector = "stripe"\nbase_url = "https://a.example"\ntables = 1\n',
            "tables must have keys",
        ),
        (
            '[crm]\nconnector = "stripe"\nbase_url = "https://a.example"\n[crm.client]\nattempts = "5"\n',
            "client.attempts must be a number above 0",
        ),
        (
            '[crm]\nconnector = "stripe"\nbase_url = "https://a.example"\n[crm.tables.refunds]\noverlap = 2\n',
            "'2' is no duration",
        ),
    ],
    ids=["syntax", "encoding", "no section", "read", "tables", "client", "duration"],
)
def test_every_mistake_in_the_file_has_a_message(tmp_path: Path, content: str | bytes, message: str) -> None:
    from ingestion.api.config import ConfigError, read_sources

    path = tmp_path / "sources.toml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError, match=message):
        read_sources(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_sources(tmp_path)


def test_dagster_loads_its_graph_and_a_run_fails_in_its_first_step(tmp_path: Path) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(BROKEN)
    done = run(["-c", DAILY], sources)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "preflight sources.toml [crm]: there is no connector 'salesfroce'" in done.stdout
    assert not (tmp_path / "home" / "warehouse.duckdb").exists()


def test_check_sources_prints_what_to_fix(tmp_path: Path, stripe: FaultServer) -> None:
    sources = configured(tmp_path, stripe)
    done = run(["-m", "orchestration", "check-sources"], sources)
    assert (done.returncode, done.stderr) == (0, ""), done
    assert done.stdout.endswith("All in order.\n") and "refunds" in done.stdout
    stripe.fault("/v1/refunds", status(403, {"error": {"message": "no"}}))
    done = run(["-m", "orchestration", "check-sources"], sources)
    assert done.returncode == 1 and "give the restricted key the permission Read on refunds" in done.stdout
    sources.write_text("")
    done = run(["-m", "orchestration", "check-sources"], sources)
    assert done.returncode == 0 and done.stdout.startswith("No connected system is switched on")


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [(status(503), "True 1"), (change(lambda body: body | {"data": [{"id": None}]}), "False 0")],
    ids=["the system is down", "wrong data"],
)
def test_only_what_the_network_failed_is_tried_again(
    tmp_path: Path, stripe: FaultServer, fault: object, outcome: str
) -> None:
    stripe.fault("/v1/refunds", fault)  # type: ignore[arg-type]
    done = run(["-c", LAND], configured(tmp_path, stripe))
    assert done.stdout.splitlines()[-1:] == [outcome], done.stderr[-3000:]
    assert stripe.faults_left == 0


def test_plans_are_checked_where_a_connector_reads_the_hris(tmp_path: Path) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text('[hris]\nconnector = "rippling"\nbase_url = "https://api.rippling.com"\n')
    # The plans are in order; what is said is that the connector brings other tables than the models read.
    done = run(["-m", "orchestration", "check"], sources)
    said = [line for line in done.stderr.splitlines() if "the models read hris." in line]
    assert done.returncode == 1 and len(said) == 5 and "5 problems. Nothing was written." in done.stderr, done
    assert all("[hris] does not bring it; add it to `read`" in line for line in said), done
    done = run(["-m", "orchestration", "check-sources"], sources)
    assert done.returncode == 1 and "territory_history: the models read this table" in done.stdout, done
