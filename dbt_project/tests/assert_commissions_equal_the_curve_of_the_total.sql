-- Invariant 3: the commissions of a window add up to the rounded curve at the window's total, computed here tier by tier
-- from the total alone. For marginal plans whose windows nothing else moves: no modifiers, rate tables, incentives or
-- progress that is shared between plans or versions; and no curve that counts from its first bound.
with

windows as (
  select * from {{ ref('int_attainment__windows') }}
),

tier_curves as (
  select * from {{ ref('int_rewards__tier_curves') }}
  where
    tier_method_code = 'marginal'
    and not is_counted_from_first_bound
    and tier_amount is null
    and not is_scaled
),

currencies as (
  select * from {{ ref('currencies') }}
),

special_plans as (
  select plan_id
  from {{ ref('modifiers') }}
  union
  select plan_id
  from {{ ref('rates') }}
),

lone_progress as (
  select progress_key
  from windows
  group by progress_key
  having count(*) = 1
),

commissions as (
  select
    window_key,
    sum(commission_amount) as commission_amount
  from {{ ref('int_rewards__rounded') }}
  where reward_kind_code = 'credit'
  group by window_key
),

curve_of_total as (
  select
    windows.window_key,
    windows.currency_code,
    sum(
      tier_curves.rate * case
        when tier_curves.is_first and windows.attained_amount <= tier_curves.start_amount
          then windows.attained_amount - tier_curves.start_amount
        when windows.attained_amount <= tier_curves.start_amount then 0
        when tier_curves.is_last then windows.attained_amount - tier_curves.start_amount
        else least(windows.attained_amount, tier_curves.end_amount) - tier_curves.start_amount
      end
    ) as curve_amount
  from windows
  inner join lone_progress on windows.progress_key = lone_progress.progress_key
  inner join tier_curves on windows.window_key = tier_curves.window_key
  left join special_plans on windows.plan_id = special_plans.plan_id
  where special_plans.plan_id is null
  group by windows.window_key, windows.currency_code
)

select
  curve_of_total.window_key,
  curve_of_total.curve_amount,
  commissions.commission_amount
from curve_of_total
inner join currencies on curve_of_total.currency_code = currencies.currency_code
inner join commissions on curve_of_total.window_key = commissions.window_key
where
  commissions.commission_amount
  is distinct from {{ round_money('curve_of_total.curve_amount', 'currencies.minor_unit') }}
