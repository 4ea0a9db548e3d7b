"""Broken seeds: each mistake is named by file, row, column and fix, before anything is written."""

from pathlib import Path

import pytest

from orchestration.plans.checks import check_contracts, check_plans, check_seeds, render

ROOT = Path(__file__).resolve().parents[2]

CONTRACT = """\
seeds:
  - name: plans
    config:
      column_types: {plan_id: varchar, filter_expression: varchar, is_open: boolean}
    columns:
      - name: plan_id
        data_tests: [not_null, unique]
      - name: filter_expression
      - name: is_open
  - name: tiers
    data_tests:
      - unique_combination:
          arguments: {columns: [plan_id, valid_from, tier_number]}
      - contiguous_tiers:
          arguments: {partition_by: [plan_id, valid_from], tier_from: tier_from, tier_to: tier_to}
      - no_overlap:
          arguments: {partition_by: [plan_id, tier_number], valid_from: valid_from, valid_to: valid_to}
    columns:
      - {name: plan_id, data_type: varchar, data_tests: [not_null, {relationships: {arguments: {to: ref('plans'), field: plan_id}}}]}
      - {name: valid_from, data_type: date, data_tests: [not_null]}
      - {name: valid_to, data_type: date}
      - {name: tier_number, data_type: integer, data_tests: [not_null]}
      - {name: tier_from, data_type: "decimal(18, 2)"}
      - {name: tier_to, data_type: "decimal(18, 2)"}
      - {name: rate, data_type: "decimal(9, 6)", description: "Commission per unit, 0.05 = 5 %. Example 0.1.", data_tests: [not_null]}
      - {name: basis_code, data_type: varchar, data_tests: [{accepted_values: {arguments: {values: [amount, quota_ratio]}}}]}
"""
PLANS = '''\
plan_id,filter_expression,is_open
reseller,"""Type"" = 'Reseller'",true
online,,false
'''
TIERS = """\
plan_id,valid_from,valid_to,tier_number,tier_from,tier_to,rate,basis_code
reseller,2013-01-01,,1,0,1000,0.05,amount
reseller,2013-01-01,,2,1000,,0.10,amount
online,2013-01-01,2014-01-01,1,0,,0.002,
online,2014-01-01,,1,0,,0.003,
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "seeds" / "plans"
    folder.mkdir(parents=True)
    (folder / "_plans.yml").write_text(CONTRACT)
    (folder / "plans.csv").write_text(PLANS)
    (folder / "tiers.csv").write_text(TIERS)
    return tmp_path


def problems_after(project: Path, old: str, new: str, *, seed: str = "tiers") -> list[str]:
    path = project / "seeds" / "plans" / f"{seed}.csv"
    text = path.read_text()
    assert old in text, f"the fixture has no {old!r}"
    path.write_text(text.replace(old, new, 1))
    return [str(problem) for problem in check_contracts(project)]


def test_a_right_project_has_no_problems(project: Path) -> None:
    assert check_contracts(project) == []


def test_the_bundled_seeds_have_no_problems() -> None:
    assert render(check_seeds(ROOT, ROOT / "ingestion" / "sample")) == ""


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        pytest.param(
            "2,1000,,0.10",
            "2,1000,,",
            "seeds/plans/tiers.csv row 3, column rate: empty; every tier needs a rate (Commission per unit, 0.05 = 5 %). "
            "Write the rate as a decimal, 0.05 for 5 %",
            id="empty_rate",
        ),
        pytest.param(
            "0.05",
            "5%",
            "seeds/plans/tiers.csv row 2, column rate: '5%' is not a decimal number. "
            "Write the rate as a decimal, 0.05 for 5 %",
            id="percent_sign",
        ),
        pytest.param(
            "0.05",
            "0.0512345",
            "seeds/plans/tiers.csv row 2, column rate: '0.0512345' has more than 6 decimals and would be rounded. "
            "Write the rate as a decimal, 0.05 for 5 %",
            id="more_decimals_than_the_column",
        ),
        pytest.param(
            "online,2013-01-01",
            "online,2013-02-30",
            "seeds/plans/tiers.csv row 4, column valid_from: '2013-02-30' is not a date (no such day). "
            "Write the day as YYYY-MM-DD, 2013-01-31",
            id="no_such_day",
        ),
        pytest.param(
            "online,2013-01-01",
            "online,01/01/2013",
            "seeds/plans/tiers.csv row 4, column valid_from: '01/01/2013' is not a date. "
            "Write the day as YYYY-MM-DD, 2013-01-31",
            id="date_of_a_spreadsheet",
        ),
        pytest.param(
            "online,2013",
            "onlin,2013",
            "seeds/plans/tiers.csv row 4, column plan_id: 'onlin' is not in seeds/plans/plans.csv (known: online, "
            "reseller). Did you mean online? Add the plan or correct the name",
            id="unknown_plan",
        ),
        pytest.param(
            "0.05,amount",
            "0.05,amnt",
            "seeds/plans/tiers.csv row 2, column basis_code: 'amnt' is not allowed. Did you mean amount? "
            "Write one of: amount, quota_ratio",
            id="value_not_in_the_list",
        ),
        pytest.param(
            "online,2013-01-01",
            "online ,2013-01-01",
            "seeds/plans/tiers.csv row 4, column plan_id: 'online ' has spaces around it. Delete the spaces",
            id="trailing_space",
        ),
        pytest.param(
            "0,1000,0.05",
            "0,1500,0.05",
            "seeds/plans/tiers.csv rows 2 and 3: tiers of plan_id 'reseller', valid_from '2013-01-01' overlap "
            "([0, 1500) and [1000, open)). End row 2 where row 3 starts: tier_to 1000",
            id="tiers_overlap",
        ),
        pytest.param(
            "0,1000,0.05",
            "0,900,0.05",
            "seeds/plans/tiers.csv rows 2 and 3: tiers of plan_id 'reseller', valid_from '2013-01-01' leave a gap "
            "between 900 and 1000 ([0, 900) and [1000, open)). End row 2 where row 3 starts: tier_to 1000",
            id="tiers_with_a_gap",
        ),
        pytest.param(
            "1,0,1000,0.05",
            "1,100,1000,0.05",
            "seeds/plans/tiers.csv row 2, column tier_from: the first tier of plan_id 'reseller', valid_from "
            "'2013-01-01' starts at 100; nothing below it has a rate. Write tier_from 0, or add a tier from 0 to 100",
            id="first_tier_not_at_zero",
        ),
        pytest.param(
            "2,1000,,0.10",
            "2,1000,5000,0.10",
            "seeds/plans/tiers.csv row 3, column tier_to: the last tier of plan_id 'reseller', valid_from "
            "'2013-01-01' ends at 5000; nothing above it has a rate. Leave tier_to empty in the last tier",
            id="last_tier_not_open",
        ),
        pytest.param(
            "2014-01-01,1,0",
            "2014-02-01,1,0",
            "seeds/plans/tiers.csv rows 4 and 5: two rows of plan_id 'online', tier_number '1' hold at once "
            "(2013-01-01 to 2014-02-01 and 2014-01-01 to open). End row 4 where row 5 starts: valid_to 2014-01-01",
            id="ranges_overlap",
        ),
        pytest.param(
            "2014-01-01,1,0",
            "2012-01-01,1,0",
            "seeds/plans/tiers.csv row 4, column valid_to: ends on 2012-01-01, not after its start 2013-01-01. "
            "valid_to is the first day on which the row no longer holds; leave it empty while it holds",
            id="range_ends_before_it_starts",
        ),
        pytest.param(
            "online,2014-01-01",
            "online,2013-01-01",
            "seeds/plans/tiers.csv rows 4 and 5: the same key twice: plan_id 'online', valid_from '2013-01-01', "
            "tier_number '1'. Keep one of the rows, or change plan_id or valid_from or tier_number in one of them",
            id="same_key_twice",
        ),
        pytest.param(
            "0.002,\n",
            "0.002\n",
            "seeds/plans/tiers.csv row 4: 7 fields where the header has 8. Add or remove commas; "
            'a value that contains a comma goes in double quotes: "a, b"',
            id="field_missing",
        ),
        pytest.param(
            "online,2014",
            "\nonline,2014",
            "seeds/plans/tiers.csv row 5: blank line. Delete the line",
            id="blank_line",
        ),
        pytest.param(
            "rate,basis_code",
            "rte,basis_code",
            "seeds/plans/tiers.csv row 1, column rte: unknown column. Did you mean rate?",
            id="misspelt_column",
        ),
    ],
)
def test_a_mistake_is_named_with_its_fix(project: Path, old: str, new: str, expected: str) -> None:
    assert expected in problems_after(project, old, new)


def test_a_missing_column_is_named_with_its_meaning(project: Path) -> None:
    expected = (
        "seeds/plans/tiers.csv row 1, column rate: missing column (Commission per unit, 0.05 = 5 %). "
        "Add `rate` to the header"
    )
    assert expected in problems_after(project, "rate,basis_code", "rte,basis_code")


def test_a_quoted_value_over_two_lines_keeps_the_row_numbers_right(project: Path) -> None:
    text = 'online,"1 =\n1",false\nonline,,maybe'
    found = problems_after(project, "online,,false", text, seed="plans")
    assert (
        "seeds/plans/plans.csv row 5, column is_open: 'maybe' is not true or false. Write true or false"
        in found
    )
    assert any("rows 3 and 5, column plan_id: the same key twice: plan_id 'online'" in line for line in found)


def test_all_problems_are_told_together_by_file(project: Path) -> None:
    problems_after(project, "false", "no", seed="plans")
    problems_after(project, "0.05", "five")
    problems_after(project, "0.002", "")
    text = render(check_contracts(project))
    assert [line for line in text.splitlines() if not line.startswith("  ")] == [
        "seeds/plans/plans.csv",
        "seeds/plans/tiers.csv",
    ]
    assert [text.count(f"row {row}, column rate") for row in (2, 4)] == [1, 1]


def test_a_seed_without_a_contract_is_a_problem(project: Path) -> None:
    (project / "seeds" / "plans" / "spiffs.csv").write_text("a\n1\n")
    (problem,) = check_contracts(project)
    assert str(problem) == (
        "seeds/plans/spiffs.csv: no property file describes this seed. "
        "Add `spiffs` with its columns and data types to a _*.yml file in the same folder"
    )


def test_a_contract_without_a_seed_is_a_problem(project: Path) -> None:
    extra = project / "seeds" / "plans" / "_spiffs.yml"
    extra.write_text("seeds: [{name: spiffs, columns: [{name: a}]}]")
    (problem,) = check_contracts(project)
    assert str(problem) == (
        "seeds/plans/_spiffs.yml: describes the seed `spiffs`, but there is no spiffs.csv under seeds/. "
        "Add the file or delete the entry"
    )


def test_absent_plan_tables_are_one_problem_each(project: Path) -> None:
    (project / "seeds" / "plans" / "tiers.csv").unlink()
    found = [str(problem) for problem in check_seeds(project)]
    assert (
        "seeds/plans/tiers.csv: the file is missing. Add it; a table that is not used has its header only: "
        "plan_id,valid_from,valid_to,tier_number,tier_from,tier_to,rate_expression,tier_amount_expression,source_document"
    ) in found
    missing = [text.split(":")[0] for text in found if "the file is missing" in text]
    assert "seeds/calendar/windows.csv" in missing and len(missing) == len(set(missing)) == 27
    assert len(found) == 27


def test_a_folder_without_seeds_is_told_and_does_not_crash(tmp_path: Path) -> None:
    assert {problem.message for problem in check_plans(tmp_path)} == {"the file is missing"}


def test_bytes_that_are_not_utf8_are_named_by_row(project: Path) -> None:
    path = project / "seeds" / "plans" / "plans.csv"
    path.write_bytes(path.read_bytes() + "münchen,,true\n".encode("latin-1"))
    assert "seeds/plans/plans.csv row 4: the bytes are not UTF-8" in render(check_contracts(project))


def test_a_budget_is_of_whole_months(project: Path) -> None:
    (project / "seeds" / "plans" / "_budgets.yml").write_text(
        "version: 2\nseeds:\n  - name: budgets\n    config: {column_types: {valid_from: date, valid_to: date}}\n"
        "    data_tests: [{whole_months: {arguments: {valid_from: valid_from, valid_to: valid_to}}}]\n"
        "    columns: [{name: valid_from}, {name: valid_to}]\n"
    )
    budgets = project / "seeds" / "plans" / "budgets.csv"
    budgets.write_text("valid_from,valid_to\n2014-01-01,2014-02-01\n")
    assert check_contracts(project) == []
    budgets.write_text("valid_from,valid_to\n2014-01-01,2014-01-31\n")
    (problem,) = check_contracts(project)
    assert (problem.rows, problem.column) == ((2,), "valid_to")
    assert str(problem).endswith("Write 2014-01-01, or the first day of the next month")


NAMES_CONTRACT = """\
seeds:
  - name: pay_groups
    config:
      column_types: {pay_group_id: varchar, payee_id: varchar, file_name: varchar, kind_code: varchar}
    columns:
      - {name: pay_group_id, data_tests: [not_null]}
      - {name: payee_id}
      - {name: file_name}
      - {name: kind_code, data_tests: [{accepted_values: {arguments: {values: [a, b]}}}]}
"""
PLAIN = "Write letters from A to Z, digits, spaces, '_', '-' and '.', at most 64, a letter or a digit first"
IN_KEYS = "cannot be a name: it becomes part of keys, files or paths"
FILE_FIX = "Write a plain name with its ending, {export_name}.csv for example; what may be filled in: {export_name}, {company_code}"
RECORD_FIX = "Write another name, {export_name}.csv for example"


@pytest.mark.parametrize(
    ("cell", "column", "said"),
    [
        ("x/../../..", "pay_group_id", f"'x/../../..' {IN_KEYS}. {PLAIN}"),
        ("a|b", "pay_group_id", f"'a|b' {IN_KEYS}. {PLAIN}"),
        (".hidden", "pay_group_id", f"'.hidden' {IN_KEYS}. {PLAIN}"),
        ("a..b", "pay_group_id", f"'a..b' {IN_KEYS}. {PLAIN}"),
        ("a'; drop table x; --", "pay_group_id", f"'a'; drop table x; --' {IN_KEYS}. {PLAIN}"),
        ("a\u200bb", "pay_group_id", f"'a\\u200bb' {IN_KEYS}. {PLAIN}"),
        ("a" * 65, "pay_group_id", f"'{'a' * 65}' {IN_KEYS}. {PLAIN}"),
        ("27|5", "payee_id", "'27|5' holds '|', which separates the parts of keys. Write it without '|'"),
        ("27\u200b5", "payee_id", "'27\\u200b5' holds what nobody sees: U+200B. Type the name again"),
        ("../up.csv", "file_name", f"'../up.csv' is not the name of a file. {FILE_FIX}"),
        ("{other}.csv", "file_name", f"'{{other}}.csv' is not the name of a file. {FILE_FIX}"),
        ("plain", "file_name", f"'plain' is not the name of a file. {FILE_FIX}"),
        ("manifest.json", "file_name", f"'manifest.json' is a file of the record of exports itself. {RECORD_FIX}"),
        ("Settled.parquet", "file_name", f"'Settled.parquet' is a file of the record of exports itself. {RECORD_FIX}"),
    ],
)  # fmt: skip
def test_a_name_that_leaves_its_place_is_refused(tmp_path: Path, cell: str, column: str, said: str) -> None:
    row = {"pay_group_id": "sales.1", "payee_id": "o'hara+x@example.com", "file_name": "{export_name}.csv", "kind_code": "a"}  # fmt: skip
    folder = tmp_path / "seeds" / "payroll"
    folder.mkdir(parents=True)
    (folder / "_payroll.yml").write_text(NAMES_CONTRACT)

    def problems(cells: dict[str, str]) -> list[str]:
        lines = [",".join(cells), ",".join(f'"{text}"' for text in cells.values())]
        (folder / "pay_groups.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
        return [str(problem) for problem in check_contracts(tmp_path)]

    assert problems(row) == []
    place = f"seeds/payroll/pay_groups.csv row 2, column {column}"
    assert problems({**row, column: cell}) == [f"{place}: {said}"]


def test_a_row_that_cannot_be_read_stands_before_what_follows_from_it(project: Path) -> None:
    tiers = project / "seeds" / "plans" / "tiers.csv"
    tiers.write_text(TIERS.replace("reseller,2013-01-01,,2,1000,,0.10", "reseller,2013-01-01,,2,1000,,0,10"))
    found = [str(problem) for problem in check_contracts(project)]
    assert len(found) > 1
    assert found[0].startswith("seeds/plans/tiers.csv row 3: 9 fields where the header has 8")
