{# A text as a cell of a CSV file (RFC 4180): in double quotes where it holds a comma, a quote or a line end. Null is empty. #}
{% macro csv_cell(content) -%}
  case
    when {{ content }} is null then ''
    when regexp_matches({{ content }}, '[",\r\n]') then '"' || replace({{ content }}, '"', '""') || '"'
    else {{ content }}
  end
{%- endmacro %}
