{# True where a payee who has left still gets what the customer pays on the day, by the terms in the row: leaver_code, leaver_days
   and left_date, the day of leaving. `default_code` is what holds without a code. #}
{% macro is_paid_to_leaver(default_code, day, relation_alias) -%}
  case coalesce({{ relation_alias }}.leaver_code, {{ default_code }})
    when 'pay' then {{ relation_alias }}.left_date is not null
    when 'days' then {{ day }} < {{ add_days(relation_alias ~ '.left_date', relation_alias ~ '.leaver_days') }}
    else false
  end
{%- endmacro %}
