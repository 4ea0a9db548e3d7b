{# The end of a union that has no rows of its own: typed columns, by name. `relation`: what the other selects read, so that
   it is read without them too. #}
{% macro no_rows(columns, relation=none) -%}
select
  {%- for name, type in columns.items() %}
  cast(null as {{ type }}) as {{ name }}{{ ',' if not loop.last }}
  {%- endfor %}
{%- if relation %}
from {{ relation }}
{%- endif %}
where false
{%- endmacro %}
