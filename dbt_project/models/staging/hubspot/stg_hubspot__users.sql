-- Gives each landed version of a HubSpot owner the fields of a CRM user.
-- Grain: one row per owner and landed version.
{{ config(enabled=var('crm_system') == 'hubspot') }}

with

owners as (
  select * from {{ source('hubspot', 'owners') }}
)

select
  id as "Id",
  null::varchar as "EmployeeNumber",
  email as "Email",
  email as "Username",
  concat_ws(' ', "firstName", "lastName") as "Name",
  _source_file,
  _source_row,
  _row_hash,
  _dlt_valid_from,
  _dlt_valid_to
from owners
