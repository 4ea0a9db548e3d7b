-- Shows what each payee was credited against quota.
-- Grain: one row per plan, payee and window.
with

windows as (
  select * from {{ ref('int_attainment__windows') }}
)

select * exclude (is_there) from windows
