"""Targets and fields of the write-back: each mistake by file, row, column and fix; the CRM's own fields are refused."""

from pathlib import Path

import pytest

from orchestration.plans.checks import check_seeds
from tests.support.companies.plan_company import PlanCompany

TARGETS = "seeds/crm/crm_targets.csv"
FIELDS = "seeds/crm/crm_fields.csv"
RIGHT_TARGETS = [
    {
        "target_id": "payees", "system_code": "salesforce", "source_name": "crm", "source_object": "crm/Opportunity",
        "grain_code": "payee", "crm_object": "Commission__c", "key_field": "Key__c", "least_state_code": "paid",
    },
    {
        "target_id": "deals", "system_code": "hubspot", "source_name": "hub", "source_object": "crm/Opportunity",
        "grain_code": "deal", "crm_object": "deals", "key_field": "id", "least_state_code": "paid",
    },
]  # fmt: skip
RIGHT_FIELDS = [
    {"target_id": "payees", "column_name": "ledger_amount", "crm_field": "Amount__c"},
    {"target_id": "deals", "column_name": "ledger_amount", "crm_field": "commission_amount"},
]


@pytest.fixture
def company(tmp_path: Path) -> PlanCompany:
    made = PlanCompany(tmp_path)
    made.rows["crm_targets"] = [{**row, "source_document": "doc"} for row in RIGHT_TARGETS]
    made.rows["crm_fields"] = [{**row, "source_document": "doc"} for row in RIGHT_FIELDS]
    return made


def problems(company: PlanCompany) -> list[str]:
    company.write()
    return [str(problem) for problem in check_seeds(company.root, company.extracts)]


def test_right_targets_have_no_problems(company: PlanCompany) -> None:
    assert problems(company) == []


@pytest.mark.parametrize(
    ("table", "row", "cells", "expected"),
    [
        ("crm_fields", 2, {"crm_field": "Amount"},
         f"{FIELDS} row 2, column crm_field: 'Amount' is not a custom field: the write-back never writes fields that belong "
         "to Salesforce. Write the API name of a field of your own, which ends in __c"),
        ("crm_fields", 3, {"crm_field": "dealstage"},
         f"{FIELDS} row 3, column crm_field: 'dealstage' belongs to HubSpot: the write-back never writes such properties. "
         "Write the internal name of a property of your own"),
        ("crm_fields", 3, {"crm_field": "Commission Amount"},
         f"{FIELDS} row 3, column crm_field: 'Commission Amount' is not a name of a property of HubSpot. Write its internal "
         "name, in small letters"),
        ("crm_fields", 2, {"crm_field": "Key__c"},
         f"{FIELDS} row 2, column crm_field: Key__c is the key of target 'payees' and is written by itself. Delete the row"),
        ("crm_fields", 3, {"column_name": "payee_id"},
         f"{FIELDS} row 3, column column_name: target 'deals' has one record per deal, which may have several payees. Write "
         "payee_count, or choose a target with grain_code payee"),
        ("crm_targets", 2, {"key_field": "Id"},
         f"{TARGETS} row 2, column key_field: target 'payees' has one record per payee, which the CRM knows by no id of its own. "
         "Write a custom object and its external id, Commission_Key__c for example, or grain_code deal"),
        ("crm_targets", 3, {"key_field": "deal_key"},
         f"{TARGETS} row 3, column key_field: target 'deals' has one record per deal, which is the deal itself. Write id, or "
         "grain_code payee"),
        ("crm_targets", 2, {"source_object": "crm/opportunity"},
         f"{TARGETS} row 2, column source_object: target 'payees' writes deals of 'crm/opportunity', which is not an object of "
         "the data pool. Did you mean crm/Opportunity?"),
        ("crm_targets", 2, {"crm_object": "Commission c"},
         f"{TARGETS} row 2, column crm_object: 'Commission c' is not a name of an object of salesforce. Write it as the CRM's "
         "API does, Commission__c or deals for example"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_fix(
    company: PlanCompany, table: str, row: int, cells: dict[str, str], expected: str
) -> None:
    company.change(table, row, **cells)
    assert problems(company) == [expected]


def test_a_target_without_fields_is_named(company: PlanCompany) -> None:
    company.delete("crm_fields", 3)
    assert problems(company) == [
        f"{TARGETS} row 3, column target_id: target 'deals' has no field. Add rows to {FIELDS}, or delete the target"
    ]
