"""Pipedrive: the tables, their keys and types. Custom fields stay in `custom_fields`, under their hash keys."""

from ingestion.landing.tables import Table, amount, day, flag, instant, text, whole

DEALS = Table(
    name="deals",
    columns=(
        *whole("id"),
        *text("title"),
        *whole("creator_user_id", "owner_id", "person_id", "org_id", "pipeline_id", "stage_id"),
        *amount("value"),
        *text("currency"),
        *instant("add_time", "update_time", "stage_change_time"),
        *text("status"),
        *flag("is_deleted", "is_archived"),
        *amount("probability"),
        *text("lost_reason"),
        *whole("visible_to"),
        *instant("close_time", "won_time", "lost_time", "archive_time"),
        *day("local_won_date", "local_lost_date", "local_close_date", "expected_close_date"),
        *amount("acv", "arr", "mrr"),
        *text("label_ids", "origin", "origin_id"),
        *whole("channel"),
        *text("channel_id", "custom_fields"),
    ),
    primary_key=("id",),
    stamp="update_time",
    deleted_flag="is_deleted",
)

DEAL_PRODUCTS = Table(
    name="deal_products",
    columns=(
        *whole("id", "deal_id", "product_id", "product_variation_id", "order_nr"),
        *text("name", "comments", "currency"),
        *amount("quantity", "item_price", "sum", "discount", "tax"),
        *text("discount_type", "tax_method", "billing_frequency"),
        *whole("billing_frequency_cycles"),
        *day("billing_start_date"),
        *flag("is_enabled"),
        *instant("add_time", "update_time"),
    ),
    primary_key=("id",),
    stamp="update_time",
)

USERS = Table(
    name="users",
    columns=(
        *whole("id"),
        *text("name", "email", "timezone_name", "timezone_offset", "default_currency", "phone", "locale"),
        *flag("active_flag", "is_deleted"),
        *whole("is_admin", "role_id"),
        *instant("created", "modified"),
        *text("access"),
    ),
    primary_key=("id",),
    deleted_flag="is_deleted",
)

PRODUCTS = Table(
    name="products",
    columns=(
        *whole("id"),
        *text("name", "code", "description", "unit", "billing_frequency"),
        *amount("tax"),
        *whole("category", "owner_id", "visible_to", "billing_frequency_cycles"),
        *flag("is_linkable", "is_deleted"),
        *instant("add_time", "update_time"),
        *text("prices", "custom_fields"),
    ),
    primary_key=("id",),
    deleted_flag="is_deleted",
)

STAGES = Table(
    name="stages",
    columns=(
        *whole("id"),
        *text("name"),
        *whole("order_nr", "pipeline_id", "deal_probability", "days_to_rotten"),
        *flag("is_deal_rot_enabled", "is_deleted"),
        *instant("add_time", "update_time"),
    ),
    primary_key=("id",),
    deleted_flag="is_deleted",
)

PIPELINES = Table(
    name="pipelines",
    columns=(
        *whole("id"),
        *text("name"),
        *whole("order_nr"),
        *flag("is_deal_probability_enabled", "is_deleted"),
        *instant("add_time", "update_time"),
    ),
    primary_key=("id",),
    deleted_flag="is_deleted",
)

# Fields that Pipedrive leaves out of some records, by plan and settings of the company.
OPTIONAL = frozenset(
    {
        *(
            "acv",
            "arr",
            "mrr",
            "origin",
            "origin_id",
            "channel",
            "channel_id",
            "archive_time",
            "custom_fields",
        ),
        *("product_variation_id", "order_nr", "tax_method", "billing_frequency", "billing_frequency_cycles"),
        *("billing_start_date", "comments", "code", "description", "unit", "category", "phone", "locale"),
        *("label_ids", "timezone_name", "timezone_offset"),
    }
)

TABLES = (DEALS, DEAL_PRODUCTS, USERS, PRODUCTS, STAGES, PIPELINES)
