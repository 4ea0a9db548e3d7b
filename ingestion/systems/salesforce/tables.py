"""Salesforce: the standard objects and fields that commissions need. Custom fields come from the describe."""

from ingestion.landing.tables import Table, amount, computed, day, flag, instant, text, whole

OPPORTUNITY = Table(
    name="Opportunity",
    columns=(
        *text("Id", "Name", "AccountId", "OwnerId", "StageName", "Type", "RecordTypeId", "CampaignId"),
        *text("LeadSource", "ForecastCategoryName", "Pricebook2Id"),
        *amount("Amount", "TotalOpportunityQuantity", "Probability"),
        *computed("ExpectedRevenue"),
        *day("CloseDate"),
        *flag("IsClosed", "IsWon", "IsDeleted"),
        *instant("CreatedDate", "LastModifiedDate", "SystemModstamp"),
    ),
    primary_key=("Id",),
    stamp="SystemModstamp",
    deleted_flag="IsDeleted",
)

OPPORTUNITY_SPLIT = Table(
    name="OpportunitySplit",
    columns=(
        *text("Id", "OpportunityId", "SplitOwnerId", "SplitTypeId", "SplitType", "SplitNote"),
        *amount("SplitPercentage", "SplitAmount"),
        *flag("IsDeleted"),
        *instant("CreatedDate", "SystemModstamp"),
    ),
    primary_key=("Id",),
    stamp="SystemModstamp",
    deleted_flag="IsDeleted",
)

OPPORTUNITY_LINE_ITEM = Table(
    name="OpportunityLineItem",
    columns=(
        *text("Id", "OpportunityId", "Product2Id", "PricebookEntryId", "ProductCode", "Name", "Description"),
        *amount("Quantity", "UnitPrice", "ListPrice", "TotalPrice", "Discount"),
        *day("ServiceDate"),
        *flag("IsDeleted"),
        *instant("CreatedDate", "SystemModstamp"),
    ),
    primary_key=("Id",),
    stamp="SystemModstamp",
    deleted_flag="IsDeleted",
)

OPPORTUNITY_HISTORY = Table(
    name="OpportunityHistory",
    columns=(
        *text("Id", "OpportunityId", "CreatedById", "StageName", "ForecastCategory"),
        *amount("Amount", "Probability"),
        *computed("ExpectedRevenue"),
        *day("CloseDate"),
        *flag("IsDeleted"),
        *instant("CreatedDate", "SystemModstamp"),
    ),
    primary_key=("Id",),
    stamp="SystemModstamp",
    deleted_flag="IsDeleted",
)

OPPORTUNITY_FIELD_HISTORY = Table(
    name="OpportunityFieldHistory",
    columns=(
        *text("Id", "OpportunityId", "CreatedById", "Field", "DataType", "OldValue", "NewValue"),
        *flag("IsDeleted"),
        *instant("CreatedDate"),
    ),
    primary_key=("Id",),
    stamp="CreatedDate",
    deleted_flag="IsDeleted",
)

USER = Table(
    name="User",
    columns=(
        *text(
            "Id",
            "Username",
            "Email",
            "Name",
            "FirstName",
            "LastName",
            "EmployeeNumber",
            "FederationIdentifier",
        ),
        *text("ManagerId", "UserRoleId", "ProfileId", "Department", "Title", "TimeZoneSidKey"),
        *flag("IsActive"),
        *instant("CreatedDate", "SystemModstamp"),
    ),
    primary_key=("Id",),
    stamp="SystemModstamp",
)

USER_ROLE = Table(
    name="UserRole",
    columns=(*text("Id", "Name", "DeveloperName", "ParentRoleId"), *instant("SystemModstamp")),
    primary_key=("Id",),
    stamp="SystemModstamp",
)

ACCOUNT = Table(
    name="Account",
    columns=(
        *text("Id", "Name", "AccountNumber", "ParentId", "OwnerId", "Type", "Industry", "BillingCountry"),
        *text("MasterRecordId"),
        *whole("NumberOfEmployees"),
        *flag("IsDeleted"),
        *instant("CreatedDate", "SystemModstamp"),
    ),
    primary_key=("Id",),
    stamp="SystemModstamp",
    deleted_flag="IsDeleted",
)

PRODUCT2 = Table(
    name="Product2",
    columns=(
        *text("Id", "Name", "ProductCode", "Family", "StockKeepingUnit"),
        *flag("IsActive", "IsDeleted"),
        *instant("CreatedDate", "SystemModstamp"),
    ),
    primary_key=("Id",),
    stamp="SystemModstamp",
    deleted_flag="IsDeleted",
)

TERRITORY2 = Table(
    name="Territory2",
    columns=(
        *text("Id", "Name", "DeveloperName", "Territory2TypeId", "Territory2ModelId", "ParentTerritory2Id"),
        *instant("SystemModstamp"),
    ),
    primary_key=("Id",),
    stamp="SystemModstamp",
)

USER_TERRITORY2_ASSOCIATION = Table(
    name="UserTerritory2Association",
    columns=(
        *text("Id", "UserId", "Territory2Id", "RoleInTerritory2"),
        *flag("IsActive"),
        *instant("SystemModstamp"),
    ),
    primary_key=("Id",),
    stamp="SystemModstamp",
)

TABLES = (
    OPPORTUNITY,
    OPPORTUNITY_SPLIT,
    OPPORTUNITY_LINE_ITEM,
    OPPORTUNITY_HISTORY,
    OPPORTUNITY_FIELD_HISTORY,
    USER,
    USER_ROLE,
    ACCOUNT,
    PRODUCT2,
    TERRITORY2,
    USER_TERRITORY2_ASSOCIATION,
)
