-- Holds the lines of the file that the next export of a month's journal writes: a head, and each account of an entry
-- whose amount is not what files of the month have journalised already. Empty for a month without anything new.
-- Grain: one row per month, currency and line of the file. Rule: docs/rules/accounting.md
with

journal_lines as (
  select * from {{ ref('fct_journal_lines') }}
),

exported_lines as (
  select
    *,
    coalesce(plan_id, '') as plan_code,
    coalesce(entry_kind_code, '') as kind_code
  from {{ ref('stg_books__exported_lines') }}
  where line_kind_code = 'journal'
),

exported as (
  select
    concat_ws('|', period_code, posting_code, plan_code, kind_code, currency_code) as journal_entry_key,
    period_code,
    posting_code,
    plan_code as plan_id,
    kind_code as entry_kind_code,
    account_code,
    currency_code,
    sum(line_amount) as exported_amount
  from exported_lines
  group by all
),

accounts as (
  select * from {{ ref('accounts') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

journal_columns as (
  select * from {{ ref('journal_columns') }}
),

files_before as (
  select
    export_period_code as period_code,
    currency_code,
    max(sequence_number) as sequence_number
  from {{ ref('stg_books__exports') }}
  where export_code = 'journal'
  group by export_period_code, currency_code
),

differences as (
  select
    coalesce(journal_lines.journal_entry_key, exported.journal_entry_key) as journal_entry_key,
    coalesce(journal_lines.period_code, exported.period_code) as period_code,
    coalesce(journal_lines.posting_code, exported.posting_code) as posting_code,
    coalesce(journal_lines.plan_id, exported.plan_id) as plan_id,
    coalesce(journal_lines.entry_kind_code, exported.entry_kind_code) as entry_kind_code,
    coalesce(journal_lines.account_code, exported.account_code) as account_code,
    coalesce(journal_lines.currency_code, exported.currency_code) as currency_code,
    coalesce(journal_lines.debit_amount - journal_lines.credit_amount, 0)
    - coalesce(exported.exported_amount, 0) as new_amount
  from journal_lines
  full outer join exported
    on
      journal_lines.journal_entry_key = exported.journal_entry_key
      and journal_lines.account_code = exported.account_code
),

files as (
  select
    differences.*,
    accounts.account_name,
    {{ add_days(dbt.dateadd('month', 1, first_of_month('differences.period_code')), -1) }} as entry_date,
    coalesce(files_before.sequence_number, 0) + 1 as sequence_number,
    concat_ws(
      '_', 'journal', differences.period_code, differences.currency_code, coalesce(files_before.sequence_number, 0) + 1
    ) as export_name,
    case
      when differences.new_amount > 0 then {{ amount_text('differences.new_amount', 'currencies.minor_unit') }}
    end as debit_text,
    case
      when differences.new_amount < 0 then {{ amount_text('-differences.new_amount', 'currencies.minor_unit') }}
    end as credit_text,
    {{ amount_text('differences.new_amount', 'currencies.minor_unit') }} as signed_text
  from differences
  left join accounts on differences.account_code = accounts.account_code
  left join currencies on differences.currency_code = currencies.currency_code
  left join files_before
    on
      differences.period_code = files_before.period_code
      and differences.currency_code = files_before.currency_code
  where differences.new_amount <> 0
),

numbered as (
  select
    *,
    row_number() over (
      partition by export_name
      order by journal_entry_key, new_amount < 0, account_code
    ) as row_number
  from files
),

cells as (
  select
    numbered.export_name,
    numbered.row_number + 1 as line_number,
    journal_columns.column_number,
    case journal_columns.value_code
      when 'export_name' then numbered.export_name
      when 'period_code' then numbered.period_code
      when 'entry_date' then cast(numbered.entry_date as varchar)
      when 'journal_entry_key' then numbered.journal_entry_key
      when 'posting_code' then numbered.posting_code
      when 'account_code' then numbered.account_code
      when 'account_name' then numbered.account_name
      when 'plan_id' then numbered.plan_id
      when 'entry_kind_code' then numbered.entry_kind_code
      when 'currency_code' then numbered.currency_code
      when 'debit_amount' then numbered.debit_text
      when 'credit_amount' then numbered.credit_text
      when 'signed_amount' then numbered.signed_text
    end as cell_text
  from numbered
  cross join journal_columns
  union all
  select distinct
    files.export_name,
    1 as line_number,
    journal_columns.column_number,
    journal_columns.column_name as cell_text
  from files
  cross join journal_columns
),

lines_of_files as (
  select
    export_name,
    line_number,
    string_agg({{ csv_cell('cell_text') }}, ',' order by column_number) as line_text
  from cells
  group by export_name, line_number
),

names as (
  select distinct
    export_name,
    period_code,
    currency_code,
    sequence_number
  from files
),

final as (
  select
    (lines_of_files.export_name || '|' || lines_of_files.line_number)::varchar as file_line_key,
    names.export_name::varchar as export_name,
    (names.export_name || '.csv')::varchar as file_name,
    names.period_code::varchar as period_code,
    names.currency_code::varchar as currency_code,
    names.sequence_number::integer as sequence_number,
    lines_of_files.line_number::integer as line_number,
    numbered.journal_entry_key::varchar as journal_entry_key,
    numbered.posting_code::varchar as posting_code,
    numbered.plan_id::varchar as plan_id,
    numbered.entry_kind_code::varchar as entry_kind_code,
    numbered.account_code::varchar as account_code,
    coalesce(greatest(numbered.new_amount, 0), 0)::decimal(18, 4) as debit_amount,
    coalesce(greatest(-numbered.new_amount, 0), 0)::decimal(18, 4) as credit_amount,
    lines_of_files.line_text::varchar as line_text
  from lines_of_files
  inner join names on lines_of_files.export_name = names.export_name
  left join numbered
    on
      lines_of_files.export_name = numbered.export_name
      and lines_of_files.line_number = numbered.row_number + 1
)

select * from final
