-- Runs ask it themselves, of the views that have changed and, for marts, of their finished copy
-- (orchestration/calculation/checks.py).
{{ config(meta={'asked_in_runs': false}) }}
-- A database enforces not_null on the tables that dbt builds, but not on views: here are the rows of views in which a
-- column is empty that the contract requires. Every view with a contract is listed (tests/project/test_conventions.py).
{% set views = [
  'custom_attainment',
  'custom_crediting',
  'custom_filtering',
  'custom_rewards',
  'custom_valuation',
  'dim_currencies',
  'dim_payees',
  'dim_periods',
  'dim_plans',
  'dim_reasons',
  'dim_territories',
  'dim_transactions',
  'dim_viewers',
  'fct_adjustments',
  'fct_calculations',
  'fct_commission_lines',
  'fct_credits',
  'fct_crm_lines',
  'fct_disputes',
  'fct_draw_balances',
  'fct_exports',
  'fct_journal_lines',
  'fct_payroll_balances',
  'fct_payroll_items',
  'fct_payroll_lines',
  'fct_statements',
  'fct_visibility',
  'fct_withheld_movements',
  'int_crediting__credits',
  'int_crediting__custom_recipients',
  'int_crediting__dispositions',
  'int_crediting__named_recipients',
  'int_crediting__recipients',
  'int_crediting__split_recipients',
  'int_crediting__split_shares',
  'int_crediting__territory_recipients',
  'int_filtering__filter_results',
  'int_filtering__verdicts',
  'int_ledger__adjustments',
  'int_ledger__booking_lines',
  'int_ledger__clawback_lines',
  'int_ledger__collection_lines',
  'int_ledger__entitlements',
  'int_ledger__held_changes',
  'int_ledger__parts',
  'int_parameters__payee_months',
  'int_pool__deals',
  'int_pool__splits',
  'int_pool__transaction_versions',
  'int_pool__transactions',
  'int_rewards__commissions',
  'int_rewards__credit_tiers',
  'int_rewards__marginal_tiers',
  'int_rewards__period_floors',
  'int_rewards__rewards',
  'int_rewards__tier_commissions',
  'int_rewards__unpaid',
  'int_rewards__whole_tiers',
  'int_valuation__event_shares',
  'int_valuation__landed_cancellations',
  'int_valuation__landed_losses',
  'int_valuation__loss_events',
  'int_valuation__native_values',
  'int_valuation__whole_values',
  'rpt_attainment',
  'rpt_attainment_tiers',
  'rpt_audit_log',
  'rpt_clawbacks',
  'rpt_company_parts',
  'rpt_commission_tiers',
  'rpt_crm_commissions',
  'rpt_crm_fields',
  'rpt_crm_records',
  'rpt_dispute_events',
  'rpt_held_lines',
  'rpt_journal_files',
  'rpt_journal_sources',
  'rpt_liability_roll_forward',
  'rpt_line_explanations',
  'rpt_month_reviews',
  'rpt_payee_coverage',
  'rpt_payout_concentration',
  'rpt_payout_jumps',
  'rpt_payroll_cycles',
  'rpt_payroll_files',
  'rpt_payroll_reconciliation',
  'rpt_plan_costs',
  'rpt_released_months',
  'rpt_skipped_transactions',
  'rpt_source_fields',
  'rpt_statement_attainment',
  'rpt_statement_credits',
  'rpt_statement_lines',
  'rpt_statement_waiting',
  'rpt_team_statements',
  'rpt_transaction_dispositions',
  'rpt_uncredited_recipients',
  'rpt_unmatched_aliases',
  'rpt_billing_differences',
  'rpt_unmatched_payments',
  'rpt_unpaid_rewards',
  'rpt_withheld_balances',
  'rpt_withheld_deals',
] %}
{# One query per view: all views in one query would be one plan, which takes the optimizer minutes. #}
{% set found = [] %}
{% for view in views %}
  {% set relation = ref(view) %}
  {% if execute and flags.WHICH in ('build', 'test') %}
    {% set answer = run_query(
      'select count(*) from ' ~ relation ~ ' where ' ~ commissions.required_column_is_empty(view)
    ) %}
    {% if answer.columns[0].values()[0] > 0 %}
      {% do found.append((view, answer.columns[0].values()[0])) %}
    {% endif %}
  {% endif %}
{% endfor %}
{% for view, row_count in found %}
  select
    '{{ view }}' as view_name,
    {{ row_count }} as row_count
  union all
{% endfor %}
select
  null as view_name,
  null as row_count
where false
