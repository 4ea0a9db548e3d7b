{# True where the day lies in the half-open range of the row: valid_from <= day < valid_to, null = open.
   Every dated join goes through here. #}
{% macro in_force(day, relation_alias, valid_from='valid_from', valid_to='valid_to') -%}
  ({{ relation_alias }}.{{ valid_from }} <= {{ day }}
    and ({{ relation_alias }}.{{ valid_to }} is null or {{ day }} < {{ relation_alias }}.{{ valid_to }}))
{%- endmacro %}
