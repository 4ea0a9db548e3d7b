"""What the targets of the write-back and their fields must agree on: nothing of the CRM's own is ever overwritten."""

from __future__ import annotations

import re
from collections.abc import Iterator

from orchestration.plans.checks.problems import Problem, did_you_mean
from orchestration.plans.checks.tables import Company, Row

RECORD_ID = {"salesforce": "Id", "hubspot": "id"}
# Columns that a record of a whole deal does not have.
OF_A_PAYEE = ("payee_id", "payee_name")
SALESFORCE_FIELD = re.compile(r"[A-Za-z][A-Za-z0-9_]*__c")
SALESFORCE_OBJECT = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
HUBSPOT_NAME = re.compile(r"[a-z][a-z0-9_]*")
HUBSPOT_OBJECT = re.compile(r"[a-z0-9][a-z0-9_-]*")
# Standard properties of HubSpot deals that a write-back could be pointed at by mistake.
HUBSPOT_OWN = {
    "amount", "amount_in_home_currency", "closedate", "createdate", "dealname", "dealstage", "dealtype",
    "deal_currency_code", "description", "hubspot_owner_id", "hubspot_team_id", "pipeline",
}  # fmt: skip


def target_rules(company: Company) -> Iterator[Problem]:
    """A target writes deals of the data pool, finds its records by a key that fits its grain, and has fields."""
    for target in company["crm_targets"]:
        name, system = target["target_id"], target["system_code"]
        if target["source_object"] not in company.sources:
            hint = did_you_mean(target["source_object"], company.sources)
            yield target.problem(
                "source_object",
                f"target '{name}' writes deals of '{target['source_object']}', which is not an object of the data pool",
                hint or f"Write one of {', '.join(sorted(company.sources))}",
            )
        by_id = target["key_field"] == RECORD_ID.get(system)
        if target["grain_code"] == "payee" and by_id:
            yield target.problem(
                "key_field",
                f"target '{name}' has one record per payee, which the CRM knows by no id of its own",
                "Write a custom object and its external id, Commission_Key__c for example, or grain_code deal",
            )
        if target["grain_code"] == "deal" and not by_id:
            yield target.problem(
                "key_field",
                f"target '{name}' has one record per deal, which is the deal itself",
                f"Write {RECORD_ID.get(system, 'Id')}, or grain_code payee",
            )
        objects = SALESFORCE_OBJECT if system == "salesforce" else HUBSPOT_OBJECT
        if not objects.fullmatch(target["crm_object"]):
            yield target.problem(
                "crm_object",
                f"'{target['crm_object']}' is not a name of an object of {system}",
                "Write it as the CRM's API does, Commission__c or deals for example",
            )
        if not by_id:
            yield from _name_faults(target, "key_field", system)
        if not any(field["target_id"] == name for field in company["crm_fields"]):
            yield target.problem(
                "target_id",
                f"target '{name}' has no field",
                "Add rows to seeds/crm/crm_fields.csv, or delete the target",
            )


def field_rules(company: Company) -> Iterator[Problem]:
    """A field is one of the company's own in the CRM, gets a column that the grain has, and is not the key."""
    targets = {target["target_id"]: target for target in company["crm_targets"]}
    for field in company["crm_fields"]:
        target = targets.get(field["target_id"])
        if target is None:
            continue  # reported as a missing relation
        if target["grain_code"] == "deal" and field["column_name"] in OF_A_PAYEE:
            yield field.problem(
                "column_name",
                f"target '{field['target_id']}' has one record per deal, which may have several payees",
                "Write payee_count, or choose a target with grain_code payee",
            )
        if field["crm_field"] == target["key_field"]:
            yield field.problem(
                "crm_field",
                f"{field['crm_field']} is the key of target '{field['target_id']}' and is written by itself",
                "Delete the row",
            )
            continue
        yield from _name_faults(field, "crm_field", target["system_code"])


def _name_faults(row: Row, column: str, system: str) -> Iterator[Problem]:
    name = row[column]
    if system == "salesforce" and not SALESFORCE_FIELD.fullmatch(name):
        yield row.problem(
            column,
            f"'{name}' is not a custom field: the write-back never writes fields that belong to Salesforce",
            "Write the API name of a field of your own, which ends in __c",
        )
    elif system == "hubspot" and not HUBSPOT_NAME.fullmatch(name):
        yield row.problem(
            column,
            f"'{name}' is not a name of a property of HubSpot",
            "Write its internal name, in small letters",
        )
    elif system == "hubspot" and (name in HUBSPOT_OWN or name.startswith("hs_")):
        yield row.problem(
            column,
            f"'{name}' belongs to HubSpot: the write-back never writes such properties",
            "Write the internal name of a property of your own",
        )
