-- Gives each landed version of a Dynamics 365 user the fields of a CRM user.
-- Grain: one row per user and landed version.
{{ config(enabled=var('crm_system') == 'dynamics') }}

with

systemusers as (
  select * from {{ source('dynamics', 'systemusers') }}
)

select
  systemuserid as "Id",
  employeeid as "EmployeeNumber",
  internalemailaddress as "Email",
  domainname as "Username",
  fullname as "Name",
  _source_file,
  _source_row,
  _row_hash,
  _dlt_valid_from,
  _dlt_valid_to
from systemusers
