"""A small company with open deals, worked out by hand; see test_projection.py for the figures.

The plan takes US and Canadian dollars; the last rate known is that of 2014-04-11, 1.25 CAD for a USD.
10 % of a month's first 100,000, 20 % above; 50 for a month of 10,000 or more. The last day that counts is 2014-04-15.
"""

from datetime import date
from typing import Any

from tests.support.companies.contract_company import PLAN, START
from tests.support.companies.contract_company import company as contract_company

AS_OF = date(2014, 4, 15)
# id, owner, day, amount, currency, stage
DEALS = (
    ("W1", "ana", "2014-04-10", "80000", "USD", "Closed Won"),
    ("W2", "ben", "2014-04-11", "9500", "USD", "Closed Won"),
    ("W3", "cy", "2014-03-03", "1000", "USD", "Closed Won"),
    ("A", "ana", "2014-04-28", "30000", "USD", "Proposal"),
    ("B", "ana", "2014-04-29", "30000", "USD", "Negotiation"),
    ("C", "ben", "2014-04-30", "600", "USD", "Negotiation"),
    ("D", "cy", "2014-05-20", "333.33", "USD", "Prospecting"),
    ("E", "cy", "2014-04-01", "100", "EUR", "Proposal"),
    ("F", "nobody", "2014-04-20", "5000", "USD", "Proposal"),
    ("X", "fay", "2014-06-20", "1000", "CAD", "Prospecting"),
    ("Q", "dee", "2014-06-19", "700", "EUR", "Proposal"),
    ("L", "cy", "2014-04-20", "5000", "USD", "Closed Lost"),
)
CLOSED = "Closed Won"


def company(**seeds: list[dict[str, str]]) -> dict[str, Any]:
    tables: dict[str, Any] = dict(contract_company([row[:5] for row in DEALS], **seeds))
    stages = {row[0]: row[5] for row in DEALS}
    tables["crm/Opportunity"] = [{**row, "StageName": stages[row["Id"]]} for row in tables["crm/Opportunity"]]
    tables["plans"] = [
        {**plan, "filter_expression": "\"CurrencyIsoCode\" in ('USD', 'CAD')"}
        if plan["plan_id"] == PLAN["plan_id"]
        else plan
        for plan in tables["plans"]
    ]
    tables["fx/CurrencyRate"] = [
        {
            "CurrencyRateDate": "2014-04-11",
            "FromCurrencyCode": "USD",
            "ToCurrencyCode": "CAD",
            "AverageRate": "1.25",
        }
    ]
    tables["tiers"] = [
        {"plan_id": plan, "valid_from": START, "tier_number": number, "tier_from": start, "tier_to": end, "rate_expression": rate}
        for plan, number, start, end, rate in (
            (PLAN["plan_id"], "1", "0", "100000", "0.1"),
            (PLAN["plan_id"], "2", "100000", "", "0.2"),
            ("euro_deals", "1", "0", "", "@@EuroRate"),
        )
    ]  # fmt: skip
    # Nobody has agreed on a rate for deals in euros from June on.
    tables["variables"] = [
        {
            "variable_name": "EuroRate",
            "scope_code": "plan",
            "scope_id": "euro_deals",
            "value": "0.1",
            "valid_from": START,
            "valid_to": "2014-06-01",
        }
    ]
    stage = '"StageName"'
    tables["open_deals"] = [
        {
            "source_object": "crm/Opportunity",
            "open_expression": f"{stage} in ('Prospecting', 'Proposal', 'Negotiation')",
            "close_date_expression": '"CloseDate"',
            "probability_expression": f"case {stage} when 'Negotiation' then 0.75 when 'Proposal' then 0.5 else 0.1 end",
        }
    ]
    tables["won_fields"] = [
        {"source_object": "crm/Opportunity", "field_name": "StageName", "won_expression": f"'{CLOSED}'"},
        {
            "source_object": "crm/Opportunity",
            "field_name": "CloseDate",
            "won_expression": '"expected_close_date"',
        },
    ]
    return tables
