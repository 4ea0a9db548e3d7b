-- A database enforces not_null on the tables that dbt builds, but not on views: here are the rows of views in which a
-- column is empty that the contract requires. Every view with a contract is listed (tests/project/test_conventions.py).
{% set views = [
  'dim_payees',
  'dim_plans',
  'dim_transactions',
  'fct_adjustments',
  'fct_calculations',
  'fct_commission_lines',
  'fct_credits',
  'fct_exports',
  'fct_journal_lines',
  'fct_payroll_balances',
  'fct_payroll_items',
  'fct_payroll_lines',
  'int_crediting__credits',
  'int_crediting__dispositions',
  'int_crediting__recipients',
  'int_crediting__split_shares',
  'int_filtering__filter_results',
  'int_filtering__verdicts',
  'int_ledger__adjustments',
  'int_ledger__entitlements',
  'int_rewards__commissions',
  'int_rewards__credit_tiers',
  'int_rewards__marginal_tiers',
  'int_rewards__rewards',
  'int_rewards__tier_commissions',
  'int_rewards__unpaid',
  'int_rewards__whole_tiers',
  'int_valuation__native_values',
  'rpt_attainment',
  'rpt_commission_tiers',
  'rpt_journal_files',
  'rpt_journal_sources',
  'rpt_liability_roll_forward',
  'rpt_line_explanations',
  'rpt_payroll_cycles',
  'rpt_payroll_files',
  'rpt_payroll_reconciliation',
  'rpt_skipped_transactions',
  'rpt_transaction_dispositions',
  'rpt_uncredited_recipients',
  'rpt_unmatched_aliases',
  'rpt_unmatched_payments',
  'rpt_unpaid_rewards',
] %}
{% for view in views %}
  select
    '{{ view }}' as view_name,
    count(*) as row_count
  from {{ ref(view) }}
  where {{ commissions.required_column_is_empty(view) }}
  having count(*) > 0
  {{ 'union all' if not loop.last }}
{% endfor %}
