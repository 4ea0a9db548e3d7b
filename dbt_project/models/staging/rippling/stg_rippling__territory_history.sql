-- Stands for the territories of the HR extracts: Rippling has none. Name who sells where in seeds/crediting.
-- Grain: one row per employee, territory and start date.
{{ config(enabled=var('hris_system') == 'rippling') }}

select
  null::varchar as "employeeId",
  null::varchar as "territoryId",
  null::date as "startDate",
  null::date as "endDate",
  null::boolean as is_deleted_in_source,
  null::varchar as _source_file,
  null::bigint as _source_row
where false
