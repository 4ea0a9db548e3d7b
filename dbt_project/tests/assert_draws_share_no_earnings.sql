-- Two draws of one payee that settle on the same earnings of a month would advance, or recover, them twice: two in one
-- currency, of one plan or one of them with covers_code = payee. A guarantee settles in the months of its span, a
-- recoverable draw in every month from its first on, until the next row of its draw.
-- Fix: give both rows of draws.csv one draw_id, and end one where the other begins.
with

draws as (
  select
    *,
    lead(valid_from) over (
      partition by draw_id, payee_id
      order by valid_from
    ) as next_from
  from {{ ref('draws') }}
),

settling as (
  select
    draw_id,
    payee_id,
    plan_id,
    currency_code,
    covers_code,
    cast(date_trunc('month', {{ add_days(dbt.dateadd('month', 1, 'valid_from'), -1) }}) as date) as first_month,
    case
      when draw_kind_code = 'recoverable' then next_from
      when valid_to < next_from then valid_to
      else coalesce(next_from, valid_to)
    end as settles_to
  from draws
)

select
  one.payee_id,
  one.draw_id,
  other.draw_id as other_draw_id,
  greatest(one.first_month, other.first_month) as shared_month
from settling as one
inner join settling as other
  on
    one.payee_id = other.payee_id
    and one.currency_code = other.currency_code
    and one.draw_id < other.draw_id
where
  (
    one.plan_id = other.plan_id
    or one.covers_code = 'payee'
    or other.covers_code = 'payee'
  )
  and greatest(one.first_month, other.first_month) < coalesce(one.settles_to, cast('infinity' as date))
  and greatest(one.first_month, other.first_month) < coalesce(other.settles_to, cast('infinity' as date))
