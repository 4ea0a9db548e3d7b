"""HubSpot: the tables, their keys and types. A property is a column under the property's own name."""

from ingestion.landing.tables import Table, amount, computed, day, flag, instant, text, whole

# What HubSpot sends beside the properties of every CRM object.
_RECORD = (*text("id"), *instant("createdAt", "updatedAt"), *flag("archived"), *instant("archivedAt"))

DEALS = Table(
    name="deals",
    columns=(
        *_RECORD,
        *text("url", "hs_object_id", "dealname", "pipeline", "dealstage", "dealtype", "hubspot_owner_id"),
        *text("hubspot_team_id", "deal_currency_code", "description", "hs_merged_object_ids"),
        *amount("amount"),
        *computed("amount_in_home_currency", "hs_acv", "hs_arr", "hs_mrr", "hs_tcv"),
        *computed("hs_deal_stage_probability", "hs_exchange_rate"),
        *instant("createdate", "closedate", "hs_lastmodifieddate", "hubspot_owner_assigneddate"),
        *flag("hs_is_closed", "hs_is_closed_won"),
    ),
    primary_key=("id",),
    stamp="updatedAt",
    deleted_flag="archived",
)

DEAL_PROPERTY_HISTORY = Table(
    name="deal_property_history",
    columns=(
        *text("id", "property"),
        *instant("timestamp"),
        *text("value", "sourceType", "sourceId", "sourceLabel"),
        *whole("updatedByUserId"),
    ),
    primary_key=("id", "property", "timestamp"),
    stamp="timestamp",
)

OWNERS = Table(
    name="owners",
    columns=(
        *text("id", "email", "type", "firstName", "lastName"),
        *whole("userId", "userIdIncludingInactive"),
        *instant("createdAt", "updatedAt"),
        *flag("archived"),
        *text("teams"),
    ),
    primary_key=("id",),
    stamp="updatedAt",
    deleted_flag="archived",
)

COMPANIES = Table(
    name="companies",
    columns=(
        *_RECORD,
        *text("url", "hs_object_id", "name", "domain", "industry", "city", "state", "country"),
        *text("hubspot_owner_id", "lifecyclestage", "hs_parent_company_id", "hs_merged_object_ids"),
        *instant("createdate", "hs_lastmodifieddate"),
    ),
    primary_key=("id",),
    stamp="updatedAt",
    deleted_flag="archived",
)

LINE_ITEMS = Table(
    name="line_items",
    columns=(
        *_RECORD,
        *text("url", "hs_object_id", "name", "hs_product_id", "hs_sku", "hs_line_item_currency_code"),
        *amount("amount", "price", "quantity", "discount", "hs_cost_of_goods_sold"),
        *computed("hs_discount_percentage", "hs_acv", "hs_arr", "hs_mrr", "hs_tcv"),
        *text("recurringbillingfrequency", "hs_recurring_billing_period"),
        *day("hs_recurring_billing_start_date"),
        *instant("createdate", "hs_lastmodifieddate"),
    ),
    primary_key=("id",),
    stamp="updatedAt",
    deleted_flag="archived",
)

PIPELINES = Table(
    name="pipelines",
    columns=(
        *text("id", "label"),
        *whole("displayOrder"),
        *flag("archived"),
        *instant("createdAt", "updatedAt"),
        *text("stages"),
    ),
    primary_key=("id",),
    deleted_flag="archived",
)

DEAL_ASSOCIATIONS = Table(
    name="deal_associations",
    columns=text("fromObjectId", "toObjectType", "toObjectId", "type"),
    primary_key=("fromObjectId", "toObjectType", "toObjectId", "type"),
)

TABLES = (DEALS, DEAL_PROPERTY_HISTORY, OWNERS, COMPANIES, LINE_ITEMS, PIPELINES, DEAL_ASSOCIATIONS)
