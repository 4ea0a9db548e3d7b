-- Somebody is assigned to a plan and unknown to the HRIS, so nothing can be credited to them. Fix: correct the
-- payee_id in seeds/plans/plan_assignments.csv, or add the person to the HRIS.
{{ config(severity='warn') }}

select
  assignments.plan_id,
  assignments.payee_id
from {{ ref('plan_assignments') }} as assignments
left join {{ ref('int_parameters__payees') }} as payees on assignments.payee_id = payees.payee_id
where payees.payee_id is null
