-- Holds the lines of the file that the next export of a pay cycle writes, in the layout of the pay group: a head and
-- the rows, as text. Empty for a cycle without anything new to pay.
-- Grain: one row per pay group, pay cycle, currency and line of the file. Rule: docs/rules/payroll.md
with

payroll_lines as (
  select * from {{ ref('fct_payroll_lines') }}
  where new_amount <> 0
),

pay_groups as (
  select * from {{ ref('pay_groups') }}
),

payroll_layouts as (
  select * from {{ ref('payroll_layouts') }}
),

layout_columns as (
  select * from {{ ref('payroll_layout_columns') }}
),

worker_ids as (
  select * from {{ ref('worker_ids') }}
),

payees as (
  select * from {{ ref('dim_payees') }}
),

currencies as (
  select * from {{ ref('currencies') }}
),

files_before as (
  select
    pay_group_id,
    export_period_code as pay_cycle_code,
    currency_code,
    max(sequence_number) as sequence_number
  from {{ ref('stg_books__exports') }}
  where export_code = 'payroll'
  group by pay_group_id, export_period_code, currency_code
),

files as (
  select
    payroll_lines.pay_group_id,
    payroll_lines.pay_cycle_code,
    payroll_lines.currency_code,
    payroll_lines.layout_id,
    payroll_lines.pay_date,
    pay_groups.company_code,
    payroll_layouts.rows_code,
    payroll_layouts.file_name as file_pattern,
    coalesce(files_before.sequence_number, 0) + 1 as sequence_number,
    concat_ws(
      '_', 'payroll', payroll_lines.pay_group_id, payroll_lines.pay_cycle_code, payroll_lines.currency_code,
      coalesce(files_before.sequence_number, 0) + 1
    ) as export_name
  from payroll_lines
  inner join pay_groups
    on
      payroll_lines.pay_group_id = pay_groups.pay_group_id
      and {{ in_force('payroll_lines.pay_date', 'pay_groups') }}
  inner join payroll_layouts on payroll_lines.layout_id = payroll_layouts.layout_id
  left join files_before
    on
      payroll_lines.pay_group_id = files_before.pay_group_id
      and payroll_lines.pay_cycle_code = files_before.pay_cycle_code
      and payroll_lines.currency_code = files_before.currency_code
  group by all
),

rows_of_files as (
  select
    files.*,
    payroll_lines.payee_id,
    case when files.rows_code = 'earnings' then payroll_lines.earnings_code end as row_code,
    bool_or(payroll_lines.is_deduction) as is_deduction,
    sum(payroll_lines.new_amount) as row_amount
  from files
  inner join payroll_lines
    on
      files.pay_group_id = payroll_lines.pay_group_id
      and files.pay_cycle_code = payroll_lines.pay_cycle_code
      and files.currency_code = payroll_lines.currency_code
  group by all
),

numbered as (
  select
    rows_of_files.*,
    row_number() over (
      partition by rows_of_files.export_name
      order by rows_of_files.payee_id, rows_of_files.is_deduction, rows_of_files.row_code
    ) as row_number,
    coalesce(worker_ids.worker_id, rows_of_files.payee_id) as worker_id,
    coalesce(payees.full_name, rows_of_files.payee_id) as full_name,
    payees.email,
    payees.first_name,
    payees.last_name,
    currencies.minor_unit,
    {{ amount_text('rows_of_files.row_amount', 'currencies.minor_unit') }} as amount_text,
    {{ amount_text('-rows_of_files.row_amount', 'currencies.minor_unit') }} as deducted_text
  from rows_of_files
  left join worker_ids
    on
      rows_of_files.pay_group_id = worker_ids.pay_group_id
      and rows_of_files.payee_id = worker_ids.payee_id
  left join payees on rows_of_files.payee_id = payees.payee_id
  left join currencies on rows_of_files.currency_code = currencies.currency_code
),

cells as (
  select
    numbered.export_name,
    numbered.row_number,
    layout_columns.column_number,
    case layout_columns.value_code
      when 'text' then layout_columns.value_text
      when 'export_name' then numbered.export_name
      when 'company_code' then numbered.company_code
      when 'batch_id' then replace(numbered.pay_cycle_code, '-', '') || numbered.sequence_number
      when 'pay_group_id' then numbered.pay_group_id
      when 'pay_cycle_code' then numbered.pay_cycle_code
      when 'pay_date' then cast(numbered.pay_date as varchar)
      when 'payee_id' then numbered.payee_id
      when 'worker_id' then numbered.worker_id
      when 'full_name' then numbered.full_name
      when 'first_name' then numbered.first_name
      when 'last_name' then numbered.last_name
      when 'email' then numbered.email
      when 'currency_code' then numbered.currency_code
      when 'earnings_code' then case when not numbered.is_deduction then numbered.row_code end
      when 'earnings_amount' then case when not numbered.is_deduction then numbered.amount_text end
      when 'deduction_code' then case when numbered.is_deduction then numbered.row_code end
      when 'deduction_amount' then case when numbered.is_deduction then numbered.deducted_text end
      when 'pay_code' then numbered.row_code
      when 'pay_amount'
        then case when numbered.is_deduction then numbered.deducted_text else numbered.amount_text end
      when 'amount' then numbered.amount_text
      when 'amount_of_code' then {{ amount_text('payroll_lines.new_amount', 'numbered.minor_unit') }}
    end as cell_text
  from numbered
  inner join layout_columns on numbered.layout_id = layout_columns.layout_id
  left join payroll_lines
    on
      layout_columns.value_code = 'amount_of_code'
      and layout_columns.value_text = payroll_lines.earnings_code
      and numbered.payee_id = payroll_lines.payee_id
      and numbered.pay_group_id = payroll_lines.pay_group_id
      and numbered.pay_cycle_code = payroll_lines.pay_cycle_code
      and numbered.currency_code = payroll_lines.currency_code
),

lines_of_files as (
  select
    export_name,
    row_number + 1 as line_number,
    string_agg({{ csv_cell('cell_text') }}, ',' order by column_number) as line_text
  from cells
  group by export_name, row_number
  union all
  select
    files.export_name,
    1 as line_number,
    string_agg({{ csv_cell('layout_columns.column_name') }}, ',' order by layout_columns.column_number) as line_text
  from files
  inner join layout_columns on files.layout_id = layout_columns.layout_id
  group by files.export_name
),

final as (
  select
    (lines_of_files.export_name || '|' || lines_of_files.line_number)::varchar as file_line_key,
    files.export_name::varchar as export_name,
    replace(
      replace(files.file_pattern, '{export_name}', files.export_name), '{company_code}', coalesce(files.company_code, '')
    )::varchar as file_name,
    files.pay_group_id::varchar as pay_group_id,
    files.pay_cycle_code::varchar as pay_cycle_code,
    files.currency_code::varchar as currency_code,
    files.sequence_number::integer as sequence_number,
    lines_of_files.line_number::integer as line_number,
    lines_of_files.line_text::varchar as line_text
  from lines_of_files
  inner join files on lines_of_files.export_name = files.export_name
)

select * from final
