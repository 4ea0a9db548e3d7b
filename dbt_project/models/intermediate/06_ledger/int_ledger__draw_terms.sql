-- Lists the open months in which each draw may advance or recover, with the terms of the month and what it posts for the
-- payee without draws. The minimum counts by the days of the month on which the payee is employed and not on leave. A month
-- outside the draw's span has no minimum, and only recovers.
-- Grain: one row per draw, payee and open month that has ended. Rule: docs/rules/payouts.md
with recursive

draws as (
  select
    draws.draw_id,
    draws.payee_id,
    draws.plan_id,
    draws.valid_from as span_from,
    draws.valid_to as span_to,
    draws.draw_kind_code,
    draws.covers_code,
    draws.currency_code,
    draws.amount,
    draws.balance_max_amount,
    draws.recovery_ratio,
    draws.recovery_amount_max,
    currencies.minor_unit
  from {{ ref('draws') }} as draws
  inner join {{ ref('currencies') }} as currencies on draws.currency_code = currencies.currency_code
),

employment_spans as (
  select * from {{ ref('int_parameters__employment_spans') }}
  where employment_code = 'employed'
),

open_lines as (
  select * from {{ ref('int_ledger__open_lines') }}
),

closings as (
  select max({{ first_of_month('period_code') }}) as last_closed_month
  from {{ ref('stg_books__closings') }}
),

beginnings as (
  select
    draws.draw_id,
    draws.payee_id,
    cast(date_trunc('month', min(draws.span_from)) as date) as span_month,
    cast({{ dbt.dateadd('month', 1, 'max(closings.last_closed_month)') }} as date) as open_month
  from draws
  cross join closings
  group by draws.draw_id, draws.payee_id
),

months as (
  select
    draw_id,
    payee_id,
    greatest(span_month, coalesce(open_month, span_month)) as month_start
  from beginnings
  union all
  select
    draw_id,
    payee_id,
    cast({{ dbt.dateadd('month', 1, 'month_start') }} as date) as month_start
  from months
  where {{ last_day_of(dbt.dateadd('month', 1, 'month_start'), 'month') }} <= {{ as_of_date() }}
),

termed as (
  select
    draws.*,
    months.month_start,
    draws.span_to is null or months.month_start < draws.span_to as is_in_span,
    row_number() over (
      partition by months.draw_id, months.payee_id, months.month_start
      order by draws.span_from desc
    ) as recency
  from months
  inner join draws
    on
      months.draw_id = draws.draw_id
      and months.payee_id = draws.payee_id
      and months.month_start >= draws.span_from
  where {{ last_day_of('months.month_start', 'month') }} <= {{ as_of_date() }}
),

latest as (
  select
    *,
    row_number() over (
      partition by draw_id, payee_id
      order by month_start
    ) as month_number,
    draw_id || '|' || payee_id || '|' || {{ month_code('month_start') }} as draw_month_key,
    {{ month_code('month_start') }} as period_code,
    cast({{ dbt.dateadd('month', 1, 'month_start') }} as date) as month_end,
    extract(day from {{ last_day_of('month_start', 'month') }}) as month_days
  from termed
  where recency = 1
),

days_there as (
  select
    latest.draw_month_key,
    latest.amount,
    latest.month_days,
    sum({{ dbt.datediff(
      'greatest(latest.month_start, employment_spans.valid_from)',
      earlier_end('latest.month_end', 'employment_spans.valid_to'), 'day'
    ) }}) as day_count
  from latest
  inner join employment_spans
    on
      latest.payee_id = employment_spans.payee_id
      and employment_spans.valid_from < latest.month_end
      and (employment_spans.valid_to is null or latest.month_start < employment_spans.valid_to)
  where latest.is_in_span
  group by latest.draw_month_key, latest.amount, latest.month_days
),

prorated as (
  select
    *,
    {{ ratio('amount * day_count', 'month_days', 4, 0) }} as prorated_amount
  from days_there
),

earned as (
  select
    latest.draw_month_key,
    sum(open_lines.line_amount) as earned_amount
  from latest
  inner join open_lines
    on
      latest.payee_id = open_lines.payee_id
      and latest.currency_code = open_lines.currency_code
      and latest.period_code = open_lines.posted_period_code
      and (latest.covers_code = 'payee' or latest.plan_id = open_lines.plan_id)
  group by latest.draw_month_key
),

final as (
  select
    latest.draw_month_key::varchar as draw_month_key,
    latest.draw_id::varchar as draw_id,
    latest.payee_id::varchar as payee_id,
    latest.plan_id::varchar as plan_id,
    latest.period_code::varchar as period_code,
    latest.month_number::integer as month_number,
    ({{ last_day_of('latest.month_start', 'month') }})::date as settled_date,
    latest.draw_kind_code::varchar as draw_kind_code,
    latest.is_in_span::boolean as is_in_span,
    latest.currency_code::varchar as currency_code,
    latest.minor_unit::integer as minor_unit,
    coalesce(
      case
        when prorated.day_count = prorated.month_days then prorated.amount
        else {{ round_money('prorated.prorated_amount', 'latest.minor_unit') }}
      end, 0
    )::decimal(18, 4) as draw_amount,
    latest.balance_max_amount::decimal(18, 4) as balance_max_amount,
    latest.recovery_ratio::decimal(12, 10) as recovery_ratio,
    latest.recovery_amount_max::decimal(18, 4) as recovery_amount_max,
    coalesce(earned.earned_amount, 0)::decimal(18, 4) as earned_amount
  from latest
  left join prorated on latest.draw_month_key = prorated.draw_month_key
  left join earned on latest.draw_month_key = earned.draw_month_key
)

select * from final
