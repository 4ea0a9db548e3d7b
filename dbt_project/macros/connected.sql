{# The landed rows behind a staging model of the CRM: those of raw_crm, or, where var crm_system names another system,
   its rows with the fields of the CRM added. #}
{% macro crm_rows(table, model) -%}
  {%- if var('crm_system') == 'files' -%}
    {{ source('crm', table) }}
  {%- else -%}
    {{ ref('stg_' ~ var('crm_system') ~ '__' ~ model) }}
  {%- endif -%}
{%- endmacro %}

{# All columns of a relation but those that the select list gives by itself, whatever the case of their letters. #}
{% macro columns_except(names) -%}
  columns(lambda name: lower(name) not in ({% for name in names %}'{{ name }}'{{ ', ' if not loop.last }}{% endfor %}))
{%- endmacro %}

{# The stage of a deal: Closed Won where the system's own mark says that it is won, and nowhere else. A stage of that name
   which the system does not count as won gets another name. #}
{% macro stage_name(is_won, stage) -%}
  case
    when {{ is_won }} then 'Closed Won'
    when {{ stage }} = 'Closed Won' then 'Closed Won (not won)'
    else {{ stage }}
  end
{%- endmacro %}

{# The day of an instant in the company's time zone. #}
{% macro day_of(instant, zone) -%}
  ({{ instant }} at time zone '{{ zone }}')::date
{%- endmacro %}
