-- An owner fits several employees equally well (two with one e-mail, or namesakes), and no manual alias says which one is
-- meant. Fix: correct the HRIS, or add a row to seeds/crediting/payee_aliases.csv.
select
  matches.source_system,
  matches.alias,
  matches.match_rule_code,
  matches.payee_id
from {{ ref('int_parameters__alias_matches') }} as matches
left join {{ ref('payee_aliases') }} as manual_aliases
  on
    matches.source_system = manual_aliases.source_system
    and matches.alias = manual_aliases.alias
where
  matches.payee_count > 1
  and manual_aliases.alias is null
