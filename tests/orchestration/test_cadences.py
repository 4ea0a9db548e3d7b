"""cadences.toml: what it may say, and what is said of what it may not."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from orchestration.defs.schedules import PayCycle, due_cycles, pay_cycles
from orchestration.operating.cadences import CADENCES_FILE, Cadences, CadencesError, read_cadences

SYSTEMS = frozenset({"crm", "hris", "billing", "fx", "maven_crm"})


def read(folder: Path, text: str) -> Cadences:
    path = folder / "cadences.toml"
    path.write_text(text, encoding="utf-8")
    return read_cadences(path, SYSTEMS)


def test_the_projects_own_file_says_when_each_source_lands() -> None:
    cadences = read_cadences(CADENCES_FILE, SYSTEMS)
    assert [cadences.land_cron(name) for name in ("hris", "crm", "fx")] == [
        "0 4 * * *",
        "10 4 * * *",
        "0 4 * * *",
    ]
    assert cadences.freshness_of("crm").warn == timedelta(hours=26)
    assert (cadences.often, cadences.often_is_running) == ({"crm": "0 * * * *"}, False)
    assert cadences.shrink_ratio_max == Decimal("0.05")


def test_a_source_of_its_own_cadence_and_one_switched_off(tmp_path: Path) -> None:
    cadences = read(
        tmp_path,
        'timezone = "Europe/Berlin"\n[land]\ndefault = "0 2 * * *"\nfx = ""\n'
        "[freshness.billing]\nwarn_hours = 2\nfail_hours = 4\n",
    )
    assert (cadences.land_cron("fx"), cadences.land_cron("crm")) == ("", "0 2 * * *")
    assert cadences.freshness_of("billing").fail == timedelta(hours=4)
    assert cadences.freshness_of("crm").fail == timedelta(hours=50)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[land]\ncmr = "0 4 * * *"', "[land] of {path}: 'cmr' is not known; the nearest is crm"),
        (
            '[land]\ncrm = "at four"',
            """{path}: land.crm is 'at four'; write a cron expression, as "0 4 * * *",""",
        ),
        ('timezone = "Berlin"', "{path}: timezone is 'Berlin'; write a time zone, as Europe/Berlin"),
        ('first_month = "May 2011"', "{path}: first_month is 'May 2011'; write a month, as 2014-03"),
        ("sensor_seconds = 0", "{path}: sensor_seconds is 0; write a whole number of at least 1"),
        (
            "[freshness.crm]\nwarn_hours = 5\nfail_hours = 5",
            "{path}: freshness.crm.fail_hours is 5; write more than warn_hours (5)",
        ),
        (
            "[row_counts]\nshrink_ratio_max = 0.05",
            "{path}: row_counts.shrink_ratio_max is 0.05; write a share as text",
        ),
        ("[journal]\nis_running = 1", "{path}: journal.is_running is 1; write true or false"),
        (
            "[payroll]\ndays_before_pay_dates = 3",
            "[payroll] of {path}: 'days_before_pay_dates' is not known; the nearest is days_before_pay_date",
        ),
        ("[land", "{path} is not TOML"),
    ],
)
def test_a_mistake_is_named_with_its_fix(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(CadencesError) as error:
        read(tmp_path, text)
    assert told.format(path=tmp_path / "cadences.toml") in str(error.value)


def test_a_file_that_is_absent_is_named(tmp_path: Path) -> None:
    with pytest.raises(CadencesError, match="COMMISSIONS_CADENCES"):
        read_cadences(tmp_path / "none.toml", SYSTEMS)


def test_a_cycle_is_due_so_many_days_before_its_pay_date(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cycles are those of COMMISSIONS_SEEDS."""
    path = tmp_path / "payroll" / "pay_cycles.csv"
    path.parent.mkdir()
    monkeypatch.setenv("COMMISSIONS_SEEDS", str(tmp_path))
    path.write_text(
        "pay_group_id,pay_cycle_code,pay_date\nsales,2024-03,2024-04-15\nweekly,W14,2024-04-13\nsales,bad,soon\n",
        encoding="utf-8",
    )
    cycles = pay_cycles()
    assert [cycle.pay_cycle_code for cycle in cycles] == ["W14", "2024-03"]
    assert due_cycles(cycles, date(2024, 4, 12), 3) == [PayCycle("sales", "2024-03", date(2024, 4, 15))]
    assert due_cycles(cycles, date(2024, 4, 13), 3) == []
