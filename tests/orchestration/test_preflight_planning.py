"""What the seeds of planning say of open deals: each mistake by file, row, column and fix."""

from pathlib import Path

import pytest

from orchestration.plans.checks import check_seeds
from tests.support.companies.plan_company import PlanCompany

OPEN = "seeds/planning/open_deals.csv"
WON = "seeds/planning/won_fields.csv"


@pytest.fixture
def company(tmp_path: Path) -> PlanCompany:
    made = PlanCompany(tmp_path)
    made.rows["open_deals"] = [
        {
            "source_object": "crm/Opportunity",
            "open_expression": "\"StageName\" = 'Proposal'",
            "close_date_expression": '"CloseDate"',
            "probability_expression": "0.5",
            "source_document": "doc",
        }
    ]
    made.rows["won_fields"] = [
        {
            "source_object": "crm/Opportunity",
            "field_name": name,
            "won_expression": won,
            "source_document": "doc",
        }
        for name, won in (("StageName", "'Closed Won'"), ("CloseDate", '"expected_close_date"'))
    ]
    return made


def problems(company: PlanCompany) -> list[str]:
    company.write()
    return [str(problem) for problem in check_seeds(company.root, company.extracts)]


def test_right_seeds_have_no_problems(company: PlanCompany) -> None:
    assert problems(company) == []


@pytest.mark.parametrize(
    ("table", "row", "cells", "expected"),
    [
        ("open_deals", 2, {"source_object": "crm/opportunity"},
         f"{OPEN} row 2, column source_object: 'crm/opportunity' is not an object of the data pool. Did you mean "
         "crm/Opportunity?"),
        ("open_deals", 2, {"open_expression": "\"Stagename\" = 'Proposal'"},
         f"{OPEN} row 2, column open_expression: open deals of crm/Opportunity, expression `\"Stagename\" = 'Proposal'`: "),
        ("open_deals", 2, {"probability_expression": "50 %"},
         f"{OPEN} row 2, column probability_expression: open deals of crm/Opportunity, expression `50 %`: "),
        ("open_deals", 2, {"close_date_expression": '"Amount"'},
         f"{OPEN} row 2, column close_date_expression: open deals of crm/Opportunity, expression `\"Amount\"`: "),
        ("won_fields", 2, {"field_name": "Stage"},
         f"{WON} row 2, column field_name: crm/Opportunity has no field Stage. "),
        ("won_fields", 3, {"won_expression": "'soon'"},
         f"{WON} row 3, column won_expression: open deals of crm/Opportunity, expression `'soon'`: "),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_place(
    company: PlanCompany, table: str, row: int, cells: dict[str, str], expected: str
) -> None:
    company.change(table, row, **cells)
    found = problems(company)
    assert any(problem.startswith(expected) for problem in found), found
