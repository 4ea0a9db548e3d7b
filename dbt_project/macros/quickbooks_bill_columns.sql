{# What invoices and receipts of QuickBooks have in common. The deal is in the custom field of var quickbooks_deal_field, or in
   DocNumber, the number of the paper, where the var says that. #}
{% macro quickbooks_bill_columns() -%}
  {%- if var('quickbooks_deal_field') == 'DocNumber' -%}
    "DocNumber" as opportunity_id,
  {%- else -%}
    list_filter(
      from_json("CustomField", '["JSON"]'), lambda field: (field ->> 'Name') = '{{ var("quickbooks_deal_field") }}'
    )[1] ->> 'StringValue' as opportunity_id,
  {%- endif %}
    "CustomerRef"::json ->> 'value' as customer_id,
    "TxnDate" as invoice_date,
    "CurrencyRef"::json ->> 'value' as currency_code,
    "Line" as lines,
    coalesce(("TxnTaxDetail"::json ->> 'TotalTax')::decimal(28, 8), 0) as tax_amount,
    "TotalAmt" as total_amount,
    coalesce("PrivateNote", '') ilike 'voided%' as is_voided,
    is_deleted_in_source,
    _source_file,
    _source_row
{%- endmacro %}
