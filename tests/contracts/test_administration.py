"""What administrators see of a small company: fields that come and go, and every change of the configuration."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from orchestration.books.configuration import (
    author_of,
    changes_of,
    configuration_at,
    read_configuration,
    read_entries,
    record_configuration,
)
from orchestration.books.landed import land_books
from orchestration.books.settings_rows import read_settings
from orchestration.books.verify import verify
from orchestration.operating.settings_files import settings_files
from orchestration.plans.situations.build import FIRST_LANDED, ROOT
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.contract_company import company, install

AT = datetime(2014, 4, 1, 8, 30, tzinfo=UTC)
KILLED = """
import os, pathlib, signal, sys
from datetime import datetime
left = int(sys.argv[3])
def counted(original):
    def step(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)
    return step
from orchestration.books.configuration import record_configuration
for name in ("fsync", "link"):
    setattr(os, name, counted(getattr(os, name)))
record_configuration(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), recorded_at=datetime(2014, 4, 1))
"""
CONTRACT = """\
version: 2
seeds:
  - name: tiers
    data_tests:
      - no_overlap:
          arguments: {partition_by: [plan_id], valid_from: valid_from, valid_to: valid_to}
    columns: [{name: plan_id}, {name: valid_from}, {name: valid_to}, {name: rate}]
  - name: notes
    columns: [{name: note}]
"""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    """The company's deals, whose tier was filled until the second landing and whose colour nobody asks for."""
    tables = dict(company())
    deals = [dict(deal) for deal in tables["crm/Opportunity"]]
    first = [{**deal, "Tier__c": "A", "Colour__c": "red"} for deal in deals]
    second = [{**deal, "Tier__c": None, "Colour__c": None} for deal in deals[:2]]
    kept = [{**deal, "Tier__c": None, "Colour__c": "red"} for deal in deals[2:]]
    tables["crm/Opportunity"] = [*first, *second, *kept]
    tables["plans"] = [
        {**plan, "weight_expression": "case when \"Tier__c\" = 'A' then 1 else 1 end"}
        for plan in tables["plans"]
    ]
    tables["plan_budgets"] = [
        {"plan_id": "deals", "currency_code": "USD", "valid_from": "2014-03-01", "valid_to": "2014-05-01",
         "amount": "4000"}
    ]  # fmt: skip
    return install(tmp_path_factory.mktemp("home"), tables)


def ask(settings: RunSettings, query: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.published), read_only=True) as marts:
        return marts.execute(query).fetchall()


def test_a_field_that_a_plan_names_and_no_deal_has_any_more_is_vanished(settings: RunSettings) -> None:
    rows = ask(
        settings,
        """
        select field_name, status_code, filled_count, plan_ids, reason_code, fix is not null
        from rpt_source_fields
        where source_object = 'Opportunity' and field_name in ('Amount', 'OwnerId', 'Tier__c', 'Colour__c', 'Name')
        order by all
        """,
    )
    assert rows == [
        ("Amount", "in_use", 10, "deals, euro_deals", None, False),
        ("Colour__c", "unmapped", 8, None, "field_not_mapped", True),
        ("Name", "empty", 0, None, None, False),
        ("OwnerId", "mapped", 10, None, None, False),
        ("Tier__c", "vanished", 0, "deals, euro_deals", "field_of_plan_vanished", True),
    ]


def test_fields_are_counted_now_in_the_last_landing_and_before(settings: RunSettings) -> None:
    """Ten deals landed twice: the tier was filled the first time only, the colour of two went away."""
    with duckdb.connect(str(settings.warehouse), read_only=True) as warehouse:
        rows = warehouse.execute(
            "select field_name, live_filled_count, recent_filled_count, earlier_filled_count, "
            "first_filled_at::date, last_filled_at::date from intermediate.int_pool__source_fields "
            "where source_object = 'Opportunity' and field_name in ('Amount', 'Tier__c', 'Colour__c') order by 1"
        ).fetchall()
        counts = warehouse.execute(
            "select distinct live_count, recent_count, earlier_count from intermediate.int_pool__source_fields "
            "where source_object = 'Opportunity'"
        ).fetchall()
    first, second = FIRST_LANDED.date(), FIRST_LANDED.date() + timedelta(days=1)
    assert rows == [
        ("Amount", 10, 10, 10, first, second),
        ("Colour__c", 8, 8, 10, first, second),
        ("Tier__c", 0, 0, 10, first, first),
    ]
    assert counts == [(10, 10, 10)]


def test_a_plan_is_over_its_budget(settings: RunSettings) -> None:
    """March in dollars: 10 % of 10,333 - 500 + 1,234.50 - 30 + 10,000 + 777.77, and 50 for Ana and Eve: 2,281.53. April: 130."""
    rows = ask(
        settings,
        """
        select period_code, commission_amount, credited_amount, budget_amount, budget_left_amount, budget_status_code
        from rpt_plan_costs where plan_id = 'deals' order by 1
        """,
    )
    assert rows == [
        (
            "2014-03",
            Decimal("2281.53"),
            Decimal("21815.27"),
            Decimal(2000),
            Decimal("-281.53"),
            "over_budget",
        ),
        ("2014-04", Decimal(130), Decimal(1300), Decimal(2000), Decimal("1588.47"), "within_budget"),
    ]


def test_a_payee_on_a_plan_and_in_no_pay_group_is_listed(settings: RunSettings) -> None:
    rows = ask(
        settings,
        "select distinct payee_id, reason_code from rpt_payee_coverage where period_code = '2014-03' order by 1",
    )
    assert rows == [(name, "no_pay_group") for name in ("ana", "ben", "cy", "dee", "eve", "fay")]


def seeds(tmp_path: Path, *tiers: str, notes: str = "hello\n") -> Path:
    """A folder of two seeds: one whose rows have a key, one without a tested key."""
    folder = tmp_path / "seeds"
    folder.mkdir(exist_ok=True)
    (folder / "_seeds.yml").write_text(CONTRACT)
    (folder / "tiers.csv").write_text(
        "plan_id,valid_from,valid_to,rate\n" + "".join(f"{row}\n" for row in tiers)
    )
    (folder / "notes.csv").write_text(f"note\n{notes}")
    return folder


def told(folder: Path) -> list[tuple[object, ...]]:
    """The changes of the last entry, without who made them."""
    return [
        (c.file, c.change_code, c.row_key, c.column_name, c.before, c.after)
        for c in changes_of(read_entries(folder)[-1])
    ]


def test_each_change_of_a_seed_is_told_with_before_and_after(tmp_path: Path) -> None:
    log = tmp_path / "configuration"
    folder = seeds(tmp_path, "p,2014-01-01,,0.1", "q,2014-01-01,,0.2")
    assert record_configuration(log, folder, recorded_at=AT)
    assert told(log) == [
        ("seeds/notes.csv", "recorded", "", None, None, "1 row"),
        ("seeds/tiers.csv", "recorded", "", None, None, "2 rows"),
    ]
    assert record_configuration(log, folder, recorded_at=AT) is None, "nothing changed"
    # Another order, another new line, and an empty column more say nothing new.
    (folder / "tiers.csv").write_text(
        "rate,plan_id,valid_from,valid_to,more\r\n0.2,q,2014-01-01,,\r\n0.1,p,2014-01-01,,\r\n"
    )
    assert record_configuration(log, folder, recorded_at=AT) is None

    seeds(tmp_path, "p,2014-01-01,2014-06-01,0.10", "r,2014-01-01,,0.3", notes="hello\nhello\n")
    record_configuration(log, folder, recorded_at=AT)
    assert told(log) == [
        ("seeds/notes.csv", "added", "note hello", None, None, "note hello"),
        ("seeds/tiers.csv", "removed", "plan_id q, valid_from 2014-01-01", None,
         "plan_id q, rate 0.2, valid_from 2014-01-01", None),
        ("seeds/tiers.csv", "changed", "plan_id p, valid_from 2014-01-01", "rate", "0.1", "0.10"),
        ("seeds/tiers.csv", "changed", "plan_id p, valid_from 2014-01-01", "valid_to", None, "2014-06-01"),
        ("seeds/tiers.csv", "added", "plan_id r, valid_from 2014-01-01", None, None,
         "plan_id r, rate 0.3, valid_from 2014-01-01"),
    ]  # fmt: skip
    now = {file: sorted(map(json.dumps, rows)) for file, rows in read_configuration(folder).items()}
    kept = configuration_at(read_entries(log))
    assert {file: sorted(json.dumps(row) for row in rows) for file, rows in kept.items()} == {
        file: sorted(json.dumps(dict(sorted(json.loads(row).items()))) for row in rows)
        for file, rows in now.items()
    }
    (folder / "tiers.csv").unlink()
    record_configuration(log, folder, recorded_at=AT)
    assert [row[:2] for row in told(log)] == [("seeds/tiers.csv", "removed")] * 2


def test_each_change_of_a_setting_is_told_too(tmp_path: Path) -> None:
    log, folder = tmp_path / "configuration", seeds(tmp_path, "p,2014-01-01,,0.1")
    project, sources, own = tmp_path / "dbt_project.yml", tmp_path / "sources.toml", tmp_path / "custom_a.sql"
    files = {path.name: path for path in (project, sources, own)}

    def record() -> list[tuple[object, ...]]:
        record_configuration(log, folder, recorded_at=AT, settings=files)
        return [row for row in told(log) if not str(row[0]).startswith("seeds/")]

    project.write_text("name: a\nvars:\n  crm_system: files\n  jump_months: 3\n  crm_currency_code: ''\n")
    sources.write_text('[crm]\nread = ["Account"]\n[crm.client]\nattempts = 1\n')
    own.write_text("select 1")
    record_configuration(log, folder, recorded_at=AT)
    assert sorted(record()) == [
        ("custom_a.sql", "added", "name text", None, None, "name text, value select 1"),
        ("dbt_project.yml", "added", "name crm_currency_code", None, None, 'name crm_currency_code, value ""'),
        ("dbt_project.yml", "added", "name crm_system", None, None, "name crm_system, value files"),
        ("dbt_project.yml", "added", "name jump_months", None, None, "name jump_months, value 3"),
        ("sources.toml", "added", "name crm.client.attempts", None, None, "name crm.client.attempts, value 1"),
        ("sources.toml", "added", "name crm.read", None, None, 'name crm.read, value ["Account"]'),
    ]  # fmt: skip
    project.write_text("name: b\nvars: {crm_system: hubspot, jump_months: 3, crm_currency_code: ''}\n")
    sources.write_text('[crm]\nread = ["Account"]\n')
    own.write_text("select 2")
    assert record() == [
        ("custom_a.sql", "changed", "name text", "value", "select 1", "select 2"),
        ("dbt_project.yml", "changed", "name crm_system", "value", "files", "hubspot"),
        ("sources.toml", "removed", "name crm.client.attempts", None,
         "name crm.client.attempts, value 1", None),
    ]  # fmt: skip
    sources.write_text("[crm\n")
    assert any(
        row[:3] == ("sources.toml", "added", "name text") and "sha256 " in str(row[5]) for row in record()
    )
    assert "sources.toml" in configuration_at(read_entries(log))
    (tmp_path / "a folder").mkdir()
    with pytest.raises(BooksError, match=r"a folder cannot be read: Is a directory\. Let the user"):
        read_settings({"a folder": tmp_path / "a folder"})


def test_no_secret_and_no_address_is_in_the_log(tmp_path: Path) -> None:
    channels = tmp_path / "notifications.toml"
    lines = ["[alerts.channels.ops]", 'kind = "slack"', 'url = "https://a.example/T0/hush"', "repeat_hours = 3",
             "[alerts.channels.mail]", 'password = "hush"', 'kind = "3"']  # fmt: skip
    channels.write_text("\n".join(lines))
    (rows,) = read_settings({"notifications.toml": channels}).values()
    values = {row["name"].removeprefix("alerts.channels."): row["value"] for row in rows}
    assert "hush" not in str(values)
    assert (values["ops.kind"], values["ops.repeat_hours"], values["mail.kind"]) == ("slack", "3", '"3"')
    assert values["ops.url"].startswith("sha256 ") and values["ops.url"] != values["mail.password"]
    before = values["mail.password"]
    channels.write_text("\n".join(lines).replace('password = "hush"', 'password = "hush!"'))
    (rows,) = read_settings({"notifications.toml": channels}).values()
    assert before not in str(rows), "a change is seen"
    channels.write_text('password = "hush')
    assert "hush" not in str(read_settings({"notifications.toml": channels}))


def test_the_settings_of_this_project_are_in_the_log() -> None:
    files = settings_files({})
    assert {
        "dbt_project/dbt_project.yml",
        "dbt_project/models/own/own_new_account_premiums.sql",
        "orchestration/cadences.toml",
    } <= set(files)
    assert {"name": "crm_system", "value": "files"} in read_settings(files)["dbt_project/dbt_project.yml"]


def test_an_edited_or_missing_entry_is_named(tmp_path: Path) -> None:
    log = tmp_path / "configuration"
    for rate in ("0.1", "0.2", "0.3"):
        record_configuration(log, seeds(tmp_path, f"p,2014-01-01,,{rate}"), recorded_at=AT)
    settings = RunSettings(home=tmp_path / "home")
    settings.books.mkdir(parents=True)
    log.rename(settings.books / "configuration")
    log = settings.books / "configuration"
    assert "configuration: 3 entries in one chain" in "\n".join(verify(settings, is_rebuilt=False))
    second = log / "000002.json"
    kept = second.read_text()
    second.write_text(kept.replace('"0.2"', '"0.9"'))
    with pytest.raises(BooksError, match=r"000002\.json was changed after it was written"):
        verify(settings, is_rebuilt=False)
    with pytest.raises(BooksError, match=r"000002\.json was changed"):
        land_books(duckdb.connect(":memory:"), settings.books)
    second.unlink()
    with pytest.raises(BooksError, match=r"000002\.json is missing"):
        verify(settings, is_rebuilt=False)
    second.write_text(kept)
    verify(settings, is_rebuilt=False)


@pytest.mark.parametrize("step", range(1, 5))
def test_a_killed_entry_is_whole_or_not_there(tmp_path: Path, step: int) -> None:
    log, folder = tmp_path / "configuration", seeds(tmp_path, "p,2014-01-01,,0.1")
    subprocess.run(
        [sys.executable, "-c", KILLED, str(log), str(folder), str(step)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    before = len(read_entries(log))
    written = record_configuration(log, folder, recorded_at=AT)
    assert (written is None) == (before == 1)
    assert len(read_entries(log)) == 1


def test_the_author_is_gits_or_who_runs_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = seeds(tmp_path, "p,2014-01-01,,0.1")
    monkeypatch.setenv("COMMISSIONS_ACTOR", "ana")
    assert author_of(folder / "tiers.csv") == ("ana", None), "not in git"

    def git(*arguments: str) -> str:
        identity = ("-c", "user.name=Zoe", "-c", "user.email=zoe@example.com", "-c", "commit.gpgsign=false")
        command = ["git", "-C", str(folder), *identity, *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "Rates")
    assert author_of(folder / "tiers.csv") == ("Zoe", git("rev-parse", "HEAD"))
    seeds(tmp_path, "p,2014-01-01,,0.2")
    assert author_of(folder / "tiers.csv") == ("ana", None), "not committed yet"


def test_the_audit_log_has_the_changes_and_the_actions(settings: RunSettings, tmp_path: Path) -> None:
    from orchestration.books import acting
    from orchestration.books.desk import open_desk

    log = settings.books / "configuration"
    record_configuration(log, seeds(tmp_path, "p,2014-01-01,,0.1"), recorded_at=AT)
    record_configuration(log, seeds(tmp_path, "p,2014-01-01,,0.2"), recorded_at=AT)
    with open_desk(settings, acted_at=AT) as desk:
        acting.release(desk, "credits", "2014-03", "deals", "ana")
    rows = ask(
        settings,
        "select kind_code, action_code, subject, before_value, after_value from rpt_audit_log order by audit_key",
    )
    assert rows == [
        ("action", "release_credits", "deals 2014-03", "draft", "credits_released"),
        ("configuration", "configuration_recorded", "seeds/notes.csv", None, "1 row"),
        ("configuration", "configuration_recorded", "seeds/tiers.csv", None, "1 row"),
        ("configuration", "configuration_changed",
         "seeds/tiers.csv: plan_id p, valid_from 2014-01-01: rate", "0.1", "0.2"),
    ]  # fmt: skip
