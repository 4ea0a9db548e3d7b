-- Gives each landed version of a Pipedrive user the fields of a CRM user.
-- Grain: one row per user and landed version.
{{ config(enabled=var('crm_system') == 'pipedrive') }}

with

users as (
  select * from {{ source('pipedrive', 'users') }}
)

select
  id::varchar as "Id",
  null::varchar as "EmployeeNumber",
  email as "Email",
  email as "Username",
  "name" as "Name",
  _source_file,
  _source_row,
  _row_hash,
  _dlt_valid_from,
  _dlt_valid_to
from users
