-- Reviews each month: what it posts, how much of it corrects earlier months, and by how much later months have
-- corrected it since.
-- Grain: one row per month and currency with a ledger line. Rule: docs/rules/ledger.md
with

lines as (
  select * from {{ ref('fct_ledger_lines') }}
),

closings as (
  select distinct period_code from {{ ref('stg_books__closings') }}
),

sided as (
  select
    posted_period_code as period_code,
    currency_code,
    payee_id,
    line_amount as posted_amount,
    case when origin_period_code < posted_period_code then line_amount else 0 end as corrections_amount,
    case when origin_period_code < posted_period_code then 0 else line_amount end as own_amount,
    0 as corrected_later_amount,
    1 as line_count
  from lines
  union all
  select
    origin_period_code as period_code,
    currency_code,
    null as payee_id,
    0 as posted_amount,
    0 as corrections_amount,
    0 as own_amount,
    line_amount as corrected_later_amount,
    0 as line_count
  from lines
  where origin_period_code < posted_period_code
),

final as (
  select
    (sided.period_code || '|' || sided.currency_code)::varchar as month_review_key,
    sided.period_code::varchar as period_code,
    {{ first_of_month('sided.period_code') }}::date as period_from,
    sided.currency_code::varchar as currency_code,
    bool_or(closings.period_code is not null)::boolean as is_closed,
    sum(sided.line_count)::bigint as line_count,
    count(distinct sided.payee_id)::bigint as payee_count,
    sum(sided.posted_amount)::decimal(18, 4) as posted_amount,
    sum(sided.corrections_amount)::decimal(18, 4) as corrections_amount,
    sum(sided.own_amount)::decimal(18, 4) as own_amount,
    sum(sided.corrected_later_amount)::decimal(18, 4) as corrected_later_amount,
    (sum(sided.own_amount) + sum(sided.corrected_later_amount))::decimal(18, 4) as worth_today_amount
  from sided
  left join closings on sided.period_code = closings.period_code
  group by sided.period_code, sided.currency_code
)

select * from final
