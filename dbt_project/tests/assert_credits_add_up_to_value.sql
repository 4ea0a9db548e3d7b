-- Invariant 2: what the recipients of a rule group are given, credited or refused, is the value times the shares, exactly;
-- what a level above is given is its share of that; and a cap only takes what goes beyond the value.
with

recipients as (
  select * from {{ ref('int_crediting__recipients') }}
),

candidates as (
  select * from {{ ref('int_crediting__candidates') }}
),

credits as (
  select * from {{ ref('int_crediting__credits') }}
),

transaction_values as (
  select * from {{ ref('int_valuation__values') }}
),

rolling_plans as (
  select distinct plan_id
  from {{ ref('rollup_levels') }}
),

groups as (
  select
    plan_id,
    transaction_id,
    rule_group,
    sum(share_after - share_before) as share_total,
    max(share_of) as share_of,
    max(share_factor) as share_factor
  from recipients
  group by plan_id, transaction_id, rule_group
),

given as (
  select
    candidates.plan_id,
    candidates.transaction_id,
    candidates.rule_group,
    sum(candidates.candidate_amount) as given_amount
  from candidates
  left join rolling_plans on candidates.plan_id = rolling_plans.plan_id
  where rolling_plans.plan_id is null
  group by candidates.plan_id, candidates.transaction_id, candidates.rule_group
),

wrong_groups as (
  select
    given.plan_id,
    given.transaction_id,
    given.given_amount
  from given
  inner join groups
    on
      given.plan_id = groups.plan_id
      and given.transaction_id = groups.transaction_id
      and given.rule_group = groups.rule_group
  inner join transaction_values
    on
      given.plan_id = transaction_values.plan_id
      and given.transaction_id = transaction_values.transaction_id
  where
    given.given_amount <> case
      when groups.share_total = groups.share_of and groups.share_factor = 1 then transaction_values.value_amount
      when groups.share_of = 1 and groups.share_factor = 1
        then {{ ratio('cast(transaction_values.value_amount as decimal(38, 10)) * groups.share_total', '1', 20, 0) }}
      else given.given_amount
    end
),

wrong_credits as (
  select
    candidates.plan_id,
    candidates.transaction_id,
    candidates.payee_id,
    sum(candidates.candidate_amount) as candidate_amount,
    sum(credits.credited_amount) as credited_amount,
    max(transaction_values.value_amount) as value_amount
  from candidates
  left join credits on candidates.credit_id = credits.credit_id
  inner join transaction_values
    on
      candidates.plan_id = transaction_values.plan_id
      and candidates.transaction_id = transaction_values.transaction_id
  where candidates.reason_code is null
  group by candidates.plan_id, candidates.transaction_id, candidates.payee_id
  having
    sum(credits.credited_amount) is distinct from sum(candidates.candidate_amount)
    and sum(credits.credited_amount) is distinct from max(transaction_values.value_amount)
)

select
  plan_id,
  transaction_id
from wrong_groups
union all
select
  plan_id,
  transaction_id
from wrong_credits
