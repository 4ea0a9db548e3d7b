-- An event of the ledger has no kind of entry, so that payroll and accounting do not know it. Fix: add it to
-- seeds/reference/entry_kinds.csv.
select distinct ledger_lines.event_code
from {{ ref('fct_ledger_lines') }} as ledger_lines
left join {{ ref('entry_kinds') }} as entry_kinds on ledger_lines.event_code = entry_kinds.event_code
where entry_kinds.event_code is null
