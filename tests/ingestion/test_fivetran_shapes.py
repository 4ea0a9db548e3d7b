"""The fields that are declared here beside the columns in which another loader lands the same objects.

Fivetran writes names in its own way (`OwnerId` is `owner_id`, `CustomerRef` is `customer_id`); a field that was misread from a
vendor's documentation would have no column there.
"""

import re

import pytest

from ingestion.api.config import connector_class
from tests.support.companies.connected_company import payload

SHAPES: dict[str, dict[str, list[str]]] = payload("fivetran/columns.json")
# Fields that the models read, by system and table.
READ = {
    (
        "salesforce",
        "Opportunity",
    ): "Id AccountId OwnerId StageName Amount CloseDate IsDeleted IsWon IsClosed Type",
    ("salesforce", "User"): "Id Email Username Name EmployeeNumber IsActive ManagerId",
    ("salesforce", "Account"): "Id Name",
    ("salesforce", "Product2"): "Id Name ProductCode Family",
    ("salesforce", "OpportunityLineItem"): "Id OpportunityId Product2Id Quantity UnitPrice TotalPrice",
    ("salesforce", "UserRole"): "Id Name ParentRoleId",
    ("hubspot", "deals"): "id amount closedate hubspot_owner_id pipeline dealstage archived",
    ("hubspot", "owners"): "id email firstName lastName",
    ("hubspot", "deal_property_history"): "id property timestamp value",
    ("stripe", "invoices"): "id currency total customer due_date metadata status",
    ("stripe", "charges"): "id amount currency captured created payment_intent status",
    ("stripe", "refunds"): "id amount currency charge created status",
    ("stripe", "credit_notes"): "id currency created invoice status",
    ("stripe", "disputes"): "id amount currency charge created status",
    ("stripe", "balance_transactions"): "id amount currency fee net status exchange_rate available_on",
    (
        "quickbooks",
        "Invoice",
    ): "Id TotalAmt Balance CurrencyRef CustomerRef DocNumber TxnDate DueDate PrivateNote",
    ("quickbooks", "Payment"): "Id TotalAmt UnappliedAmt CurrencyRef TxnDate",
    ("quickbooks", "CreditMemo"): "Id TotalAmt RemainingCredit CurrencyRef TxnDate",
    ("quickbooks", "RefundReceipt"): "Id TotalAmt CurrencyRef CustomerRef DocNumber TxnDate PrivateNote",
    ("quickbooks", "SalesReceipt"): "Id TotalAmt CurrencyRef CustomerRef DocNumber TxnDate PrivateNote",
    ("netsuite", "transaction"): "id type trandate duedate entity currency posting",
    (
        "netsuite",
        "transactionline",
    ): "id transaction taxline itemtype foreignamount mainline iscogs createdfrom",
    ("netsuite", "currency"): "id symbol",
    ("netsuite", "employee"): "id firstname lastname email supervisor isinactive",
    ("netsuite", "customer"): "id email companyname currency",
}
# What Fivetran calls otherwise, beyond its way with names.
OTHERWISE = {
    ("hubspot", "deals"): {"id": "deal_id", "hubspot_owner_id": "owner_id", "pipeline": "deal_pipeline_id",
                           "dealstage": "deal_pipeline_stage_id", "archived": "is_deleted"},
    ("hubspot", "owners"): {"id": "owner_id"},
    ("hubspot", "deal_property_history"): {"id": "deal_id", "property": "name"},
}  # fmt: skip
WORDS = {"txn": "transaction", "amt": "amount", "ref": "id", "2": "_2"}


def spelled(column: str) -> set[str]:
    """The names that Fivetran may give a field."""
    parts = re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+", column)
    snake = "_".join(WORDS.get(part.lower(), part.lower()) for part in parts).replace("__", "_")
    return {column, snake, f"{column}_id", f"property_{column}"}


@pytest.mark.parametrize(("system", "table"), READ, ids=lambda value: str(value))
def test_fields_are_columns_of_another_loader_too(system: str, table: str) -> None:
    declared = {one.name: one for one in connector_class(system).tables}[table]
    columns = {column.name for column in declared.columns}
    theirs = set(SHAPES[system][table])
    otherwise = OTHERWISE.get((system, table), {})
    read = READ[system, table].split()
    assert set(read) <= columns
    assert [
        name for name in read if not theirs & ({otherwise[name]} if name in otherwise else spelled(name))
    ] == []


def test_every_shape_is_compared() -> None:
    assert {(system, table) for system, tables in SHAPES.items() for table in tables} == set(READ)
