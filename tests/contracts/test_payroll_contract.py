"""Payroll files whose figures were worked out by hand. Never refreshed to go green: a difference is a mistake or a decision.

March                                        USD        EUR
ana   9,999.67 + 333.33 = 10,333.00 at 10 %  1,033.30 and 50 for the month; 20.00 in euros
ben   -500 at 10 %                             -50.00   carried into April
cy    1,234.50 at 10 %                         123.45
dee   -30 at 10 %                               -3.00   deducted, as her group says
eve   10,000 at 10 %                         1,000.00 and 50
fay   777.77 at 10 % = 77.777                   77.78
April
ben   1,200 at 10 % = 120.00, less 50.00        70.00
cy    100 at 10 %                               10.00
"""

from pathlib import Path

import pytest

from orchestration.books import exporting
from orchestration.books.desk import open_desk
from orchestration.books.verify import verify
from orchestration.plans.situations.build import ROOT
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.contract_company import START, approve, company, install

GOLDEN = Path(__file__).parent / "payroll"
GROUPS = {
    # group: layout, company code, deduction code, what a negative net does
    "office": ("csv", "", "", "carry_forward"),
    "plant": ("adp", "AB1", "CMD", "deduct"),
    "shop": ("gusto", "", "", "withhold"),
    "field": ("paychex", "00123456", "Commission recovery", "deduct"),
}
MEMBERS = {"cy": "plant", "dee": "plant", "eve": "shop", "fay": "field"}


def layouts(name: str) -> list[dict[str, str]]:
    """The project's own rows of a seed: vendors' layouts are a part of the contract."""
    import csv

    with (ROOT / "seeds" / "payroll" / f"{name}.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    """The company with four pay groups, one a layout; March and April are approved."""
    groups = [
        {
            "pay_group_id": name,
            "valid_from": START,
            "layout_id": layout,
            "company_code": code,
            "deduction_code": deduction,
            "negative_net_code": negative,
        }
        for name, (layout, code, deduction, negative) in GROUPS.items()
    ]
    tables = company(
        pay_groups=groups,
        pay_group_members=[
            {"pay_group_id": "office", "valid_from": START},
            *(
                {"pay_group_id": group, "payee_id": payee, "valid_from": START}
                for payee, group in MEMBERS.items()
            ),
        ],
        pay_cycles=[
            {
                "pay_group_id": name,
                "pay_cycle_code": f"2014-{month:02}",
                "valid_from": f"2014-{month:02}-01",
                "valid_to": f"2014-{month + 1:02}-01",
                "pay_date": f"2014-{month + 1:02}-15",
            }
            for name in GROUPS
            for month in (3, 4)
        ],
        earnings_codes=[
            {"earnings_code": "COMM"},
            {"entry_kind_code": "bonus", "earnings_code": "BONUS"},
            {"pay_group_id": "field", "earnings_code": "Commission"},
        ],
        worker_ids=[
            {"pay_group_id": "plant", "payee_id": "cy", "worker_id": "004711"},
            {"pay_group_id": "plant", "payee_id": "dee", "worker_id": "004712"},
            {"pay_group_id": "shop", "payee_id": "eve", "worker_id": "5G9934"},
            {"pay_group_id": "field", "payee_id": "fay", "worker_id": "88"},
        ],
        payroll_layouts=layouts("payroll_layouts"),
        payroll_layout_columns=layouts("payroll_layout_columns"),
    )
    made = install(tmp_path_factory.mktemp("home"), tables)
    approve(made, "2014-03")
    approve(made, "2014-04")
    return made


def export(settings: RunSettings, cycle: str) -> list[str]:
    with open_desk(settings) as desk:
        return exporting.payroll(desk, cycle, None, "laura")


def handed_out(settings: RunSettings) -> dict[str, str]:
    return {
        str(path.relative_to(settings.exports)): path.read_text(encoding="utf-8")
        for path in sorted(settings.exports.rglob("*.csv"))
    }


def test_the_files_are_those_that_were_worked_out_by_hand(settings: RunSettings) -> None:
    export(settings, "2014-03")
    export(settings, "2014-04")
    expected = {
        str(path.relative_to(GOLDEN)): path.read_text(encoding="utf-8")
        for path in sorted(GOLDEN.rglob("*.csv"))
    }
    assert handed_out(settings) == expected


def test_a_second_export_hands_the_same_files_out(settings: RunSettings) -> None:
    before = handed_out(settings)
    for path in settings.exports.rglob("*.csv"):
        path.write_text("edited")
    told = export(settings, "2014-03") + export(settings, "2014-04")
    assert not [line for line in told if "exported by" in line]
    assert sum("nothing new since" in line for line in told) == 7
    assert handed_out(settings) == before
    assert any(line.startswith("exports: 7 in one chain") for line in verify(settings, is_rebuilt=False))


def test_control_totals_are_those_of_the_files(settings: RunSettings) -> None:
    with open_desk(settings, is_dry_run=True) as desk:
        totals = {export.export_name: (export.row_count, export.total_amount) for export in desk.exports}
    assert totals == {
        "payroll_field_2014-03_USD_1": (1, "77.7800"),
        "payroll_office_2014-03_EUR_1": (1, "20.0000"),
        "payroll_office_2014-03_USD_1": (2, "1083.3000"),
        "payroll_plant_2014-03_USD_1": (2, "120.4500"),
        "payroll_shop_2014-03_USD_1": (1, "1050.0000"),
        "payroll_office_2014-04_USD_1": (1, "70.0000"),
        "payroll_plant_2014-04_USD_1": (1, "10.0000"),
    }
