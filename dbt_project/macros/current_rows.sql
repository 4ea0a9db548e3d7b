{# The latest landed version of each key, with every original field: the live one, or, where the source no
   longer sends the row, the last one seen (is_deleted_in_source). #}
{% macro current_rows(relation, keys) -%}
  select
    columns(lambda name: name not in ('version_number', '_row_hash') and not starts_with(name, '_dlt_')),
    _dlt_valid_to is not null as is_deleted_in_source
  from (
    select
      *,
      row_number() over (
        partition by {{ keys | join(', ') }}
        order by _dlt_valid_to is null desc, _dlt_valid_to desc, _dlt_valid_from desc, _row_hash
      ) as version_number
    from {{ relation }}
  )
  where version_number = 1
{%- endmacro %}
