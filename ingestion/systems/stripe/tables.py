"""Stripe: the tables, their keys and types, under the names of the API's fields.

Amounts are whole numbers in the smallest unit of `currency`, as Stripe sends them: 1000 is 10.00 USD, 1,000 JPY and
1.000 KWD. Instants are Stripe's seconds since 1970, landed as instants in UTC.
"""

from ingestion.landing.tables import Column, Table, flag, instant, text, whole

CUSTOMERS = Table(
    name="customers",
    columns=(
        *text("id", "object", "name", "email", "phone", "description", "currency", "address", "shipping"),
        *text("default_source", "tax_exempt", "test_clock", "metadata"),
        *whole("balance"),
        *flag("delinquent", "livemode"),
        *instant("created"),
    ),
    primary_key=("id",),
    stamp="created",
)

INVOICES = Table(
    name="invoices",
    columns=(
        *text("id", "object", "number", "status", "billing_reason", "collection_method"),
        *text("customer", "customer_email", "customer_name", "customer_address", "currency"),
        *whole("total", "subtotal", "total_excluding_tax", "subtotal_excluding_tax"),
        *whole("amount_due", "amount_paid", "amount_remaining", "amount_shipping"),
        *whole("pre_payment_credit_notes_amount", "post_payment_credit_notes_amount"),
        *whole("starting_balance", "ending_balance", "attempt_count"),
        *flag("attempted", "auto_advance", "livemode"),
        *instant("created", "due_date", "effective_at", "period_start", "period_end", "next_payment_attempt"),
        *text("status_transitions", "lines", "discounts", "total_discount_amounts", "from_invoice"),
        *text("latest_revision", "default_payment_method", "account_name", "account_country", "description"),
        *text("receipt_number", "metadata", "parent"),
    ),
    primary_key=("id",),
    stamp="created",
)

# `invoice_created` is the `created` of the invoice: a line has no instant of its own.
INVOICE_LINE_ITEMS = Table(
    name="invoice_line_items",
    columns=(
        *text("id", "object", "invoice", "description", "currency", "period", "metadata"),
        *whole("amount", "quantity"),
        *text("discount_amounts", "discounts"),
        *flag("discountable", "livemode"),
        *instant("invoice_created"),
    ),
    primary_key=("invoice", "id"),
    stamp="invoice_created",
)

CHARGES = Table(
    name="charges",
    columns=(
        *text("id", "object", "status", "customer", "payment_intent", "balance_transaction", "currency"),
        *whole("amount", "amount_captured", "amount_refunded", "application_fee_amount"),
        *flag("captured", "paid", "refunded", "disputed", "livemode"),
        *text("failure_code", "failure_message", "failure_balance_transaction", "payment_method", "outcome"),
        *text("description", "statement_descriptor", "receipt_email", "receipt_number", "billing_details"),
        *text("transfer_group", "on_behalf_of", "metadata"),
        *instant("created"),
    ),
    primary_key=("id",),
    stamp="created",
)

REFUNDS = Table(
    name="refunds",
    columns=(
        *text("id", "object", "status", "charge", "payment_intent", "balance_transaction", "reason"),
        *text("currency", "receipt_number", "source_transfer_reversal", "transfer_reversal", "metadata"),
        *whole("amount"),
        *instant("created"),
    ),
    primary_key=("id",),
    stamp="created",
)

CREDIT_NOTES = Table(
    name="credit_notes",
    columns=(
        *text(
            "id", "object", "number", "status", "type", "reason", "memo", "invoice", "customer", "currency"
        ),
        *whole("amount", "total", "subtotal", "total_excluding_tax", "subtotal_excluding_tax"),
        *whole("discount_amount", "out_of_band_amount", "amount_shipping"),
        *whole("pre_payment_amount", "post_payment_amount"),
        *text("customer_balance_transaction", "discount_amounts", "lines", "refunds", "metadata"),
        *flag("livemode"),
        *instant("created", "effective_at", "voided_at"),
    ),
    primary_key=("id",),
    stamp="created",
)

BALANCE_TRANSACTIONS = Table(
    name="balance_transactions",
    columns=(
        *text("id", "object", "type", "reporting_category", "status", "source", "description", "currency"),
        *whole("amount", "fee", "net"),
        Column("exchange_rate", "decimal", 15),
        *text("fee_details"),
        *instant("created", "available_on"),
    ),
    primary_key=("id",),
    stamp="created",
)

PAYMENT_INTENTS = Table(
    name="payment_intents",
    columns=(
        *text("id", "object", "status", "customer", "latest_charge", "payment_method", "currency"),
        *whole("amount", "amount_received", "amount_capturable", "application_fee_amount"),
        *text("description", "cancellation_reason", "capture_method", "confirmation_method"),
        *text("payment_method_types", "receipt_email", "transfer_group", "on_behalf_of", "metadata"),
        *flag("livemode"),
        *instant("created", "canceled_at"),
    ),
    primary_key=("id",),
    stamp="created",
)

# The link from an invoice to what paid it; Stripe has it since the API version 2025-03-31.
INVOICE_PAYMENTS = Table(
    name="invoice_payments",
    columns=(
        *text("id", "object", "invoice", "status", "currency", "payment", "status_transitions"),
        *whole("amount_paid", "amount_requested"),
        *flag("is_default", "livemode"),
        *instant("created"),
    ),
    primary_key=("id",),
    stamp="created",
)

DISPUTES = Table(
    name="disputes",
    columns=(
        *text("id", "object", "status", "reason", "charge", "payment_intent", "currency", "metadata"),
        *whole("amount"),
        *text("balance_transactions"),
        *flag("is_charge_refundable", "livemode"),
        *instant("created"),
    ),
    primary_key=("id",),
    stamp="created",
)

TABLES = (
    CUSTOMERS,
    INVOICES,
    INVOICE_LINE_ITEMS,
    CHARGES,
    REFUNDS,
    CREDIT_NOTES,
    BALANCE_TRANSACTIONS,
    PAYMENT_INTENTS,
    INVOICE_PAYMENTS,
    DISPUTES,
)
