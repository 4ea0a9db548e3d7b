"""The figures of docs/sample_month.md are those of the marts."""

from decimal import Decimal
from pathlib import Path

import duckdb

DOC = Path(__file__).resolve().parents[2] / "docs" / "sample_month.md"

FIGURES = {
    "what the month posts, by plan": """
        select sum(payout_amount) from marts.fct_payouts where period_code = '2013-03' group by plan_id
        union all select sum(payout_amount) from marts.fct_payouts where period_code = '2013-03'
    """,
    "the payee's month": """
        select sum(line_amount) from marts.fct_ledger_lines
        where payee_id = '275' and plan_id = 'reseller' and posted_period_code = '2013-03'
        group by grouping sets ((), (event_code = 'refund'))
    """,
    "the deal": """
        select commission_amount from marts.fct_credits
        where transaction_id = 'crm/Opportunity/SO49837' and plan_id = 'reseller'
        union all
        select sum(line_amount) from marts.fct_ledger_lines
        where transaction_id = 'crm/Opportunity/SO49837' and plan_id = 'sales_management'
    """,
    "the journal": """
        select abs(sum(debit_amount - credit_amount)) from marts.fct_journal_lines
        where period_code = '2013-03' and account_code in ('6110', '6120', '1410') group by posting_code, account_code
    """,
    "the schedule": """
        select unnest([amortisation_amount, closing_amount]) from marts.rpt_amortisation_schedule
        where transaction_id = 'crm/Opportunity/SO49837' and plan_id = 'reseller' and period_code between '2013-03' and '2013-05'
    """,
}


def test_the_documented_month_is_the_calculated_one(sample_warehouse: Path) -> None:
    text = DOC.read_text(encoding="utf-8")
    with duckdb.connect(str(sample_warehouse), read_only=True) as warehouse:
        found = {
            name: [row[0] for row in warehouse.execute(query).fetchall()] for name, query in FIGURES.items()
        }
    assert all(found.values()), "each query finds its rows"
    absent = {
        name: amount for name, amounts in found.items() for amount in amounts if f"{amount:,.2f}" not in text
    }
    assert absent == {}
    assert sorted(found["the payee's month"]) == [Decimal("-196.28"), Decimal("2706.68"), Decimal("2902.96")]
