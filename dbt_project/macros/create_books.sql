{# The landed books, empty where none were landed yet: a period that was never closed has no file to land. #}
{% macro create_books() -%}
  create schema if not exists raw_books;
  create table if not exists raw_books.closings (
    period_code varchar, previous_hash varchar, book_hash varchar, as_of_date date, closed_at timestamp, closed_by varchar,
    line_count bigint, configuration_fingerprint varchar
  );
  create table if not exists raw_books.lines (
    ledger_line_key varchar, line_key varchar, entry_code varchar, event_code varchar, event_date date, due_date date,
    origin_period_code varchar, posted_period_code varchar, payee_id varchar, plan_id varchar, currency_code varchar,
    line_amount decimal(18, 4), reason_code varchar, reward_id varchar, reward_kind_code varchar, credit_id varchar,
    transaction_id varchar, credited_payee_id varchar, payment_id varchar, source_fingerprint varchar,
    numbers_fingerprint varchar, plan_fingerprint varchar, previous_source_fingerprint varchar,
    previous_numbers_fingerprint varchar, previous_plan_fingerprint varchar
  );
  create table if not exists raw_books.held_lines (
    period_code varchar, line_key varchar, event_code varchar, event_date date, payee_id varchar, plan_id varchar,
    transaction_id varchar, currency_code varchar, held_amount decimal(18, 4)
  );
  create table if not exists raw_books.calculations (
    period_code varchar, plan_id varchar, state_code varchar, lines_fingerprint varchar, line_count bigint
  );
  create table if not exists raw_books.actions (
    action_number bigint, action_code varchar, acted_at timestamp, actor varchar, role_code varchar, period_code varchar,
    plan_id varchar, payee_id varchar, currency_code varchar, amount decimal(18, 4), reason varchar, reference_number bigint,
    lines_fingerprint varchar, previous_hash varchar, action_hash varchar
  );
  alter table raw_books.actions add column if not exists ledger_line_key varchar;
  alter table raw_books.actions add column if not exists transaction_id varchar;
  alter table raw_books.actions add column if not exists claimed_amount decimal(18, 4);
  alter table raw_books.actions add column if not exists adjustment_number bigint;
  create table if not exists raw_books.edit_actions (
    action_number bigint, action_code varchar, acted_at timestamp, actor varchar, transaction_id varchar, reference_number bigint
  );
  create table if not exists raw_books.exports (
    export_number bigint, export_code varchar, export_name varchar, pay_group_id varchar, export_period_code varchar,
    currency_code varchar, sequence_number integer, file_name varchar, file_hash varchar, row_count bigint,
    total_amount decimal(18, 4), exported_at timestamp, exported_by varchar, previous_hash varchar, export_hash varchar
  );
  create table if not exists raw_books.exported_lines (
    export_number bigint, line_kind_code varchar, pay_group_id varchar, pay_cycle_code varchar, payee_id varchar,
    plan_id varchar, period_code varchar, entry_kind_code varchar, earnings_code varchar, posting_code varchar,
    account_code varchar, currency_code varchar, line_amount decimal(18, 4)
  );
  create table if not exists raw_books.configuration_changes (
    entry_number bigint, change_number bigint, recorded_at timestamp, file_name varchar, author varchar, commit_id varchar,
    change_code varchar, row_key varchar, column_name varchar, before_value varchar, after_value varchar,
    configuration_fingerprint varchar, previous_hash varchar, entry_hash varchar
  )
{%- endmacro %}
