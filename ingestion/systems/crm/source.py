"""The CRM (deals, products, accounts, users, territories): tables, dlt source, dlt pipeline."""

from pathlib import Path

import dlt
from dlt.sources import DltSource

from ingestion.landing.pipeline import make_pipeline, make_source
from ingestion.landing.settings import Settings
from ingestion.landing.tables import SourceSystem, Table, amount, day, flag, instant, text

NAME = "crm"

TABLES: tuple[Table, ...] = (
    Table(
        name="Opportunity",
        columns=(
            *text("Id", "Name", "AccountId", "OwnerId", "StageName"),
            *flag("IsClosed", "IsWon", "IsDeleted"),
            *amount("Amount"),
            *text("CurrencyIsoCode"),
            *day("CloseDate"),
            *text("Territory2Id", "Type", "Product_Tier__c"),
            *flag("Online_Order__c"),
            *text("Sales_Order_Number__c", "Purchase_Order__c"),
            *amount("Tax_Amount__c", "Freight__c", "Total_Due__c"),
            *day("Due_Date__c", "Ship_Date__c"),
            *instant("CreatedDate", "SystemModstamp"),
        ),
        primary_key=("Id",),
        stamp="SystemModstamp",
        deleted_flag="IsDeleted",
    ),
    Table(
        name="OpportunitySplit",
        columns=(
            *text("Id", "OpportunityId", "SplitOwnerId", "SplitType"),
            *amount("SplitPercentage", "SplitAmount"),
            *flag("IsDeleted"),
            *instant("SystemModstamp"),
        ),
        primary_key=("Id",),
        stamp="SystemModstamp",
        deleted_flag="IsDeleted",
    ),
    Table(
        name="OpportunityLineItem",
        columns=(
            *text("Id", "OpportunityId", "Product2Id"),
            *amount("Quantity", "UnitPrice", "TotalPrice"),
            *instant("SystemModstamp"),
        ),
        primary_key=("Id",),
        stamp="SystemModstamp",
    ),
    Table(
        name="Product2",
        columns=(*text("Id", "Name", "ProductCode", "Family", "Subcategory__c"), *amount("List_Price__c")),
        primary_key=("Id",),
    ),
    Table(
        name="ProductCost__c",
        columns=(*text("Product2Id"), *day("Start_Date__c", "End_Date__c"), *amount("Standard_Cost__c")),
        primary_key=("Product2Id", "Start_Date__c"),
    ),
    Table(name="Account", columns=text("Id", "Name", "Customer_Id__c"), primary_key=("Id",)),
    Table(
        name="User",
        columns=(
            *text("Id", "Username", "Email", "Name", "EmployeeNumber"),
            *flag("IsActive"),
            *instant("SystemModstamp"),
        ),
        primary_key=("Id",),
        stamp="SystemModstamp",
    ),
    Table(name="Territory2", columns=text("Id", "Name", "Country__c", "Group__c"), primary_key=("Id",)),
)


def source(extract_dir: Path | None = None, settings: Settings | None = None) -> DltSource:
    """Return a new dlt source named "crm" over the extracts in `extract_dir`/crm."""
    return make_source(NAME, TABLES, extract_dir, settings)


def pipeline(settings: Settings | None = None) -> dlt.Pipeline:
    """Return the dlt pipeline into the schema raw_crm."""
    return make_pipeline(NAME, settings)


SYSTEM = SourceSystem(
    NAME, "The CRM: opportunities, products, accounts, users, territories", TABLES, source, pipeline
)
