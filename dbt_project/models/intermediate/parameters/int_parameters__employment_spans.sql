-- Says when each payee is employed and there, and when employed and on leave. Outside of these spans the payee has not come
-- yet, or has left. Where seeds/crediting/employment_spans.csv has employments of a payee, they replace those of the HR
-- system; its leaves are added. A team, and who is on a plan or has a draw and is not in the HRIS, is always there.
-- Grain: one row per payee and span; spans of one payee do not overlap. Rule: docs/rules/crediting.md
with

payees as (
  select * from {{ ref('int_parameters__payees') }}
),

hris_spans as (
  select * from {{ ref('stg_hris__employment_spans') }}
),

own_spans as (
  select * from {{ ref('employment_spans') }}
),

strangers as (
  select named.payee_id
  from (
    select payee_id
    from {{ ref('plan_assignments') }}
    union
    select payee_id
    from {{ ref('draws') }}
  ) as named
  anti join payees on named.payee_id = payees.payee_id
),

own_payees as (
  select distinct payee_id
  from own_spans
  where employment_code = 'employed'
),

stated as (
  select
    payee_id,
    employment_code,
    valid_from,
    valid_to
  from own_spans
  union all
  select
    hris_spans.employee_id as payee_id,
    hris_spans.employment_code,
    hris_spans.valid_from,
    hris_spans.valid_to
  from hris_spans
  left join own_payees on hris_spans.employee_id = own_payees.payee_id
  where
    hris_spans.employment_code = 'leave'
    or own_payees.payee_id is null
),

bounds as (
  select
    payee_id,
    valid_from as bound
  from stated
  union
  select
    payee_id,
    valid_to as bound
  from stated
  where valid_to is not null
),

stretches as (
  select
    payee_id,
    bound as valid_from,
    lead(bound) over (partition by payee_id order by bound) as valid_to
  from bounds
),

judged as (
  select
    stretches.payee_id,
    stretches.valid_from,
    stretches.valid_to,
    bool_or(stated.employment_code = 'employed') as is_employed,
    bool_or(stated.employment_code = 'leave') as is_on_leave
  from stretches
  inner join stated
    on
      stretches.payee_id = stated.payee_id
      and {{ in_force('stretches.valid_from', 'stated') }}
  group by stretches.payee_id, stretches.valid_from, stretches.valid_to
),

united as (
  select
    judged.payee_id,
    case when judged.is_on_leave then 'leave' else 'employed' end as employment_code,
    judged.valid_from,
    judged.valid_to
  from judged
  inner join payees on judged.payee_id = payees.payee_id
  where
    judged.is_employed
    and payees.payee_kind_code = 'person'
  union all
  select
    payee_id,
    'employed' as employment_code,
    cast('-infinity' as date) as valid_from,
    null as valid_to
  from payees
  where payee_kind_code = 'team'
  union all
  select
    payee_id,
    'employed' as employment_code,
    cast('-infinity' as date) as valid_from,
    null as valid_to
  from strangers
),

final as (
  select
    payee_id::varchar as payee_id,
    employment_code::varchar as employment_code,
    valid_from::date as valid_from,
    valid_to::date as valid_to
  from united
)

select * from final
