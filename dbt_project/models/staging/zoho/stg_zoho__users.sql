-- Gives each landed version of a Zoho user the fields of a CRM user.
-- Grain: one row per user and landed version.
{{ config(enabled=var('crm_system') == 'zoho') }}

with

users as (
  select * from {{ source('zoho', 'users') }}
)

select
  id as "Id",
  null::varchar as "EmployeeNumber",
  email as "Email",
  email as "Username",
  full_name as "Name",
  _source_file,
  _source_row,
  _row_hash,
  _dlt_valid_from,
  _dlt_valid_to
from users
