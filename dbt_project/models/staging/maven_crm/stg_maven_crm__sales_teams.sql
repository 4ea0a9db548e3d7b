-- Keeps the latest version of each Maven sales agent under the source's own field names.
-- Grain: one row per agent.
with

current_rows as (
  {{ current_rows(source('maven_crm', 'sales_teams'), ['sales_agent']) }}
)

select *
from current_rows
