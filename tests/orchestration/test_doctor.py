"""The doctor over a home that is well, over one in which everything is broken, over machine and environment."""

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from orchestration.operating.doctor.examine import examine, load_checks
from orchestration.operating.doctor.finding import ERROR, OK, WARNING, Finding, Patient, Registered
from orchestration.operating.doctor.installation import pinned
from orchestration.warehouse.settings import RunSettings
from tests.orchestration.examined import found, one, patient_of
from tests.support.companies.installation import ROOT, Installation
from tests.support.companies.small_home import AS_OF, is_root, make_home, state_of

NOBODY = 65534


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    return make_home(tmp_path / "home")


def test_a_home_that_is_well_has_no_error_and_nothing_is_written(settings: RunSettings) -> None:
    before = state_of(settings.home)
    answer = Installation(settings.home).commissions(
        "doctor", "--json", COMMISSIONS_AS_OF_DATE=AS_OF, COMMISSIONS_HOME=str(settings.home)
    )
    assert state_of(settings.home) == before
    content = json.loads(answer.stdout)
    # Whoever runs these tests may have books of the sample in var/.
    told = [
        each
        for each in content["findings"]
        if each["level"] != OK and (each["subject"], each["level"]) != ("one home", WARNING)
    ]
    assert [(each["topic"], each["subject"], each["what"]) for each in told if each["level"] == ERROR] == []
    assert (answer.returncode, content["is_well"]) == (0, True)
    # No backup was made of closed months: that is all there is to say.
    assert [(finding["topic"], finding["subject"], finding["level"]) for finding in told] == [
        ("books", "backup", WARNING)
    ]


def test_everything_broken_at_once_is_told_without_a_traceback_or_a_write(settings: RunSettings) -> None:
    settings.warehouse.write_bytes(b"no database" * 100)
    settings.published.chmod(0o644)
    settings.published.write_bytes(b"none either" * 100)
    (settings.books / "actions" / "000001.json").write_bytes(b"\xff\xfe")
    (settings.books / "periods" / "2014-03" / "manifest.json").unlink()
    (settings.landings / "manifest.json").write_text("[]")
    (settings.dagster_home / "dagster.yaml").write_text("telemetry: [")
    (settings.dagster_home / "history").mkdir(exist_ok=True)
    (settings.dagster_home / "history" / "runs.db").write_bytes(b"no history")
    before = state_of(settings.home)
    answer = Installation(settings.home).commissions(
        "doctor", COMMISSIONS_AS_OF_DATE="soon", COMMISSIONS_SEEDS="../nowhere", COMMISSIONS_CHUNK_ROWS="many"
    )
    assert state_of(settings.home) == before
    assert (answer.returncode, answer.stderr) == (1, "")
    assert "could not be looked at" not in answer.stdout, answer.stdout
    for told in (
        "plans: holds no seed file",
        "values: COMMISSIONS_CHUNK_ROWS is 'many'",
        "as_of_date: COMMISSIONS_AS_OF_DATE is 'soon'",
        "not a valid DuckDB database",
        "000001.json cannot be read",
        "periods/2014-03/manifest.json cannot be read",
        "dagster.yaml: cannot be read",
        "the history of runs cannot be read",
    ):
        assert told in answer.stdout, told
    lines = answer.stdout.splitlines()
    assert all(
        lines[number + 1].strip().startswith("->")
        for number, line in enumerate(lines)
        if line[2:7] == "ERROR"
    )


def test_a_home_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    patient = patient_of(RunSettings(tmp_path / "none", AS_OF))
    topics = ("machine", "warehouse", "books", "published", "dagster")
    findings = [
        finding
        for check in load_checks()
        if check.topic in topics
        for finding in found(patient, check.topic, check.subject)
    ]
    assert {finding.level for finding in findings} == {OK}
    assert not (tmp_path / "none").exists()


def test_a_check_that_fails_itself_is_an_error_and_the_others_go_on(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_patient: Patient) -> Iterator[Finding]:
        raise ZeroDivisionError("by nothing")
        yield

    from orchestration.operating.doctor import examine as module
    from orchestration.operating.doctor.finding import ok

    checks = [Registered("a", "b", broken), Registered("a", "c", lambda _patient: iter([ok("fine")]))]
    monkeypatch.setattr(module, "load_checks", lambda: checks)
    first, second = examine(patient_of(settings))
    assert (first.level, first.what) == (ERROR, "could not be looked at: ZeroDivisionError: by nothing")
    assert (second.level, second.subject) == (OK, "c")


# Machine and environment.


def test_a_disk_without_room_for_a_run(settings: RunSettings) -> None:
    os.truncate(settings.warehouse, 10**13)  # a hole: it takes no room
    assert "a run may need 30,000,000 MB" in one(patient_of(settings), "machine", "free space", ERROR).what


def test_a_clock_that_was_set_back(settings: RunSettings) -> None:
    back = replace(patient_of(settings), now=datetime.now(UTC) - timedelta(days=1))
    one(back, "machine", "clock", ERROR)
    one(patient_of(settings), "machine", "clock", OK)


def test_rights_of_the_home(settings: RunSettings) -> None:
    one(patient_of(settings), "machine", "rights", OK)
    settings.home.chmod(0o755)
    assert "every user of this machine" in one(patient_of(settings), "machine", "rights", WARNING).what


@pytest.mark.skipif(not is_root(), reason="needs to become another user")
def test_a_home_of_another_user() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        settings = make_home(Path(folder) / "home")
        settings.home.chmod(0o755)
        os.seteuid(NOBODY)
        try:
            told = [each for each in found(patient_of(settings), "machine", "rights") if each.level == ERROR]
        finally:
            os.seteuid(0)
        assert told[0].what == "nobody cannot read and write it"
        assert told[0].fix == f"sudo chown -R nobody {settings.home}"
        # A file that root has left in a home of the service.
        os.chown(settings.logs, NOBODY, NOBODY)
        told = [each for each in found(patient_of(settings), "machine", "rights") if each.level == WARNING]
        assert told[0].what.startswith("1 entries belong to nobody, and root looks")


def test_a_misspelt_variable_is_told_with_the_nearest(settings: RunSettings) -> None:
    told = one(patient_of(settings, COMMISSIONS_AS_OFF_DATE="today"), "environment", "names", ERROR)
    assert (told.where, told.fix) == ("COMMISSIONS_AS_OFF_DATE", "Did you mean COMMISSIONS_AS_OF_DATE?")


@pytest.mark.parametrize(
    ("env", "level", "told"),
    [
        ({"COMMISSIONS_AS_OF_DATE": "2999-01-01"}, ERROR, "2999-01-01 is in the future"),
        (
            {"COMMISSIONS_AS_OF_DATE": "", "COMMISSIONS_EXTRACTS": "/"},
            WARNING,
            "not set: calculates to 2013-06-30",
        ),
        ({"COMMISSIONS_AS_OF_DATE": "2013-05-31", "COMMISSIONS_EXTRACTS": "/"}, WARNING, "days ago"),
        ({"COMMISSIONS_AS_OF_DATE": "today", "COMMISSIONS_EXTRACTS": "/"}, OK, "calculates to 20"),
    ],
)
def test_the_date_that_was_left_as_the_sample_has_it(
    settings: RunSettings, env: dict[str, str], level: str, told: str
) -> None:
    assert told in one(patient_of(settings, **env), "environment", "as_of_date", level).what


def test_two_homes(settings: RunSettings, tmp_path: Path) -> None:
    (tmp_path / "project" / "var" / "books" / "actions").mkdir(parents=True)
    (tmp_path / "project" / "var" / "books" / "actions" / "000001.json").touch()
    patient = replace(patient_of(settings), root=tmp_path / "project")
    assert "a command without COMMISSIONS_HOME" in one(patient, "environment", "one home", WARNING).what
    other = replace(patient_of(settings, DAGSTER_HOME=str(tmp_path)), root=tmp_path)
    assert one(other, "environment", "one home", ERROR).where == "DAGSTER_HOME"


def test_a_secret_that_is_not_set_is_named_and_one_that_is_set_is_not_printed(
    settings: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sources = tmp_path / "sources.toml"
    sources.write_text(
        '[stripe]\nconnector = "stripe"\nbase_url = "http://127.0.0.1:9"\nreplaces = "billing"\n'
        "client = { attempts = 1, backoff_seconds = 0.01 }\n"
    )
    patient = patient_of(settings, COMMISSIONS_SOURCES=str(sources))
    told = one(patient, "configuration", "sources.toml", ERROR)
    assert "stripe: " in told.what
    assert "SOURCES__STRIPE__" in told.fix
    secret = "rk." + "of.the.company"
    monkeypatch.setenv(told.fix.split()[4].rstrip(","), secret)
    one(patient, "configuration", "sources.toml", OK)
    asked = found(replace(patient, is_online=True), "sources", "connections")
    assert any(finding.level == ERROR for finding in asked), "nothing answers on this port"
    assert secret not in json.dumps([finding.__dict__ for finding in asked])
    sources.write_text('[crm]\nconnector = "salesfroce"\nbase_url = "https://example.my.salesforce.com"\n')
    assert "salesfroce" in one(patient, "configuration", "sources.toml", ERROR).what


def test_broken_seeds_are_named(settings: RunSettings, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "seeds", tmp_path / "seeds")
    path = tmp_path / "seeds" / "plans" / "plans.csv"
    path.write_bytes(b"\xff\xfe\x00" + path.read_bytes())
    findings = found(
        patient_of(settings, COMMISSIONS_SEEDS=str(tmp_path / "seeds")), "configuration", "plans"
    )
    assert any(each.level == ERROR and "plans.csv" in each.what for each in findings), findings


def test_the_lock_file_is_read_and_a_missing_package_is_told(settings: RunSettings, tmp_path: Path) -> None:
    assert {requirement.name for requirement in pinned(ROOT / "requirements.lock")} >= {
        "dagster",
        "duckdb",
        "dlt",
    }
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "requirements.lock").write_text(
        "duckdb==1.0.0 \\\n    --hash=sha256:00\nnot-there-at-all==1.0 \\\n    --hash=sha256:00\n"
        'on-windows-only==1.0 ; sys_platform == "win32" \\\n    --hash=sha256:00\n'
    )
    findings = found(replace(patient_of(settings), root=tmp_path), "installation", "packages")
    assert [finding.what for finding in findings] == [
        "not installed: not-there-at-all",
        "other versions than pinned: duckdb 2.0.0 instead of 1.0.0",
    ]
