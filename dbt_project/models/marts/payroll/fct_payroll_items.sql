-- Says of each amount of the ledger whether payroll counts it: all of it once the plan's month is approved or paid, until
-- then what earlier files have counted. What a file has counted stays in that file's pay group and cycle.
-- Grain: one row per payee, plan, month that posts, currency and kind of entry. Rule: docs/rules/payroll.md
with

amounts as (
  select * from {{ ref('fct_payroll_amounts') }}
),

exported as (
  select
    concat_ws('|', payee_id, plan_id, period_code, currency_code, entry_kind_code) as amount_key,
    payee_id,
    plan_id,
    period_code,
    currency_code,
    entry_kind_code,
    pay_group_id,
    pay_cycle_code,
    sum(line_amount) as exported_amount
  from {{ ref('stg_books__exported_lines') }}
  where line_kind_code = 'item'
  group by payee_id, plan_id, period_code, currency_code, entry_kind_code, pay_group_id, pay_cycle_code
),

calculations as (
  select * from {{ ref('fct_calculations') }}
),

closings as (
  select * from {{ ref('stg_books__closings') }}
),

earnings_codes as (
  select * from {{ ref('earnings_codes') }}
),

joined as (
  select
    coalesce(amounts.amount_key, exported.amount_key) as amount_key,
    coalesce(amounts.payee_id, exported.payee_id) as payee_id,
    coalesce(amounts.plan_id, exported.plan_id) as plan_id,
    coalesce(amounts.period_code, exported.period_code) as period_code,
    coalesce(amounts.currency_code, exported.currency_code) as currency_code,
    coalesce(amounts.entry_kind_code, exported.entry_kind_code) as entry_kind_code,
    coalesce(exported.pay_group_id, amounts.pay_group_id) as pay_group_id,
    coalesce(exported.pay_cycle_code, amounts.pay_cycle_code) as pay_cycle_code,
    coalesce(amounts.ledger_amount, 0) as ledger_amount,
    coalesce(exported.exported_amount, 0) as exported_amount
  from amounts
  full outer join exported on amounts.amount_key = exported.amount_key
),

judged as (
  select
    joined.*,
    case
      when closings.period_code is not null then 'paid'
      else coalesce(calculations.state_code, 'draft')
    end as state_code,
    closings.period_code is not null
    or coalesce(calculations.state_code = 'approved' and not calculations.is_stale, false) as is_settled
  from joined
  left join calculations
    on
      joined.plan_id = calculations.plan_id
      and joined.period_code = calculations.period_code
  left join closings on joined.period_code = closings.period_code
),

counted as (
  select
    *,
    case
      when pay_cycle_code is null then 0
      when is_settled then ledger_amount
      else exported_amount
    end as counted_amount
  from judged
),

coded as (
  select
    counted.*,
    coalesce(
      codes_of_kind_in_group.earnings_code,
      codes_of_group.earnings_code,
      codes_of_kind.earnings_code,
      codes_of_all.earnings_code
    ) as earnings_code
  from counted
  left join earnings_codes as codes_of_kind_in_group
    on
      counted.pay_group_id = codes_of_kind_in_group.pay_group_id
      and counted.entry_kind_code = codes_of_kind_in_group.entry_kind_code
  left join earnings_codes as codes_of_group
    on
      counted.pay_group_id = codes_of_group.pay_group_id
      and codes_of_group.entry_kind_code is null
  left join earnings_codes as codes_of_kind
    on
      codes_of_kind.pay_group_id is null
      and counted.entry_kind_code = codes_of_kind.entry_kind_code
  left join earnings_codes as codes_of_all
    on
      codes_of_all.pay_group_id is null
      and codes_of_all.entry_kind_code is null
),

final as (
  select
    amount_key::varchar as amount_key,
    payee_id::varchar as payee_id,
    plan_id::varchar as plan_id,
    period_code::varchar as period_code,
    currency_code::varchar as currency_code,
    entry_kind_code::varchar as entry_kind_code,
    pay_group_id::varchar as pay_group_id,
    pay_cycle_code::varchar as pay_cycle_code,
    earnings_code::varchar as earnings_code,
    state_code::varchar as state_code,
    (
      case
        when pay_group_id is null then 'no_pay_group'
        when pay_cycle_code is null then 'no_pay_cycle'
        when not is_settled and ledger_amount <> exported_amount then 'not_approved'
      end
    )::varchar as reason_code,
    ledger_amount::decimal(18, 4) as ledger_amount,
    counted_amount::decimal(18, 4) as counted_amount,
    (ledger_amount - counted_amount)::decimal(18, 4) as waiting_amount,
    exported_amount::decimal(18, 4) as exported_amount
  from coded
)

select * from final
