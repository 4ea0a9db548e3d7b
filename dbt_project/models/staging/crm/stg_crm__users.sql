-- Keeps the latest version of each CRM user under the source's own field names; from another CRM where var crm_system
-- says so.
-- Grain: one row per user.
with

current_rows as (
  {{ current_rows(crm_rows('User', 'users'), ['"Id"']) }}
)

select *
from current_rows
