"""Zoho CRM: the tables, their keys and types. A lookup stays the object `{name, id}` that Zoho sends."""

from ingestion.landing.tables import Table, amount, day, flag, instant, text, whole

DEALS = Table(
    name="Deals",
    columns=(
        *text("id", "Deal_Name", "Owner", "Account_Name", "Contact_Name", "Campaign_Source"),
        *text("Stage", "Type", "Lead_Source", "Next_Step", "Description"),
        *amount("Amount", "Expected_Revenue"),
        *whole("Probability"),
        *day("Closing_Date"),
        *instant("Created_Time", "Modified_Time"),
        *text("Created_By", "Modified_By"),
    ),
    primary_key=("id",),
    stamp="Modified_Time",
)

ACCOUNTS = Table(
    name="Accounts",
    columns=(
        *text("id", "Account_Name", "Account_Number", "Owner", "Parent_Account", "Account_Type", "Industry"),
        *text("Billing_Country", "Billing_State", "Website", "Phone", "Ownership"),
        *amount("Annual_Revenue"),
        *whole("Employees"),
        *instant("Created_Time", "Modified_Time"),
        *text("Created_By", "Modified_By"),
    ),
    primary_key=("id",),
    stamp="Modified_Time",
)

PRODUCTS = Table(
    name="Products",
    columns=(
        *text("id", "Product_Name", "Product_Code", "Product_Category", "Owner", "Vendor_Name", "Usage_Unit"),
        *amount("Unit_Price", "Commission_Rate", "Qty_in_Stock", "Qty_in_Demand", "Qty_Ordered"),
        *amount("Reorder_Level"),
        *flag("Product_Active", "Taxable"),
        *day("Sales_Start_Date", "Sales_End_Date", "Support_Start_Date", "Support_Expiry_Date"),
        *instant("Created_Time", "Modified_Time"),
        *text("Created_By", "Modified_By", "Tax"),
    ),
    primary_key=("id",),
    stamp="Modified_Time",
)

USERS = Table(
    name="users",
    columns=(
        *text("id", "full_name", "first_name", "last_name", "email", "alias", "status", "zuid"),
        *text("role", "profile", "Reporting_To", "territories", "time_zone", "country", "created_by"),
        *text("Modified_By"),
        *flag("confirm"),
        *instant("created_time", "Modified_Time"),
    ),
    primary_key=("id",),
)

# Fields that Zoho leaves out of some users.
OPTIONAL = frozenset(
    {
        *("alias", "country", "first_name", "territories", "time_zone", "zuid", "confirm", "created_by"),
        *("Reporting_To", "Modified_By", "Modified_Time", "created_time"),
    }
)

TABLES = (DEALS, ACCOUNTS, PRODUCTS, USERS)
