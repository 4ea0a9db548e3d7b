"""The same calculation as plain DuckDB SQL, written by hand for exactly this company: nothing general in it.

It reads the raw tables and the seeds' CSV files and writes one table per stage into a file of its own. Every part is
a difference of rounded running totals, as in the project, so that both pay the same cents.
"""

from __future__ import annotations

import time
from pathlib import Path

import duckdb

from benchmarks.company import FIRST_DAY, LAST_DAY
from benchmarks.plans import PLANS

SEEDS = ("plan_assignments", "tiers", "variables")

# Stage of the project, table, SQL.
STEPS: tuple[tuple[str, str, str], ...] = (
    (
        "parameters",
        "people",
        """select "User"."Id" as user_id, employees.id as payee_id, "hireDate" as hired_on,
          coalesce("terminationDate", date '9999-01-01') as left_on
        from raw.raw_crm."User" inner join raw.raw_hris.employees on "User"."EmployeeNumber" = employees."employeeNumber"
        where "User"._dlt_valid_to is null and employees._dlt_valid_to is null""",
    ),
    (
        "parameters",
        "lines_of_report",
        """with recursive managers as (
          select "employeeId" as payee_id, "reportsTo" as manager_id, "date" as since,
            coalesce(lead("date") over (partition by "employeeId" order by "date"), date '9999-01-01') as until
          from raw.raw_hris.job_info where _dlt_valid_to is null),
        walk as (
          select payee_id, payee_id as earner_id, 0 as level, date '0001-01-01' as since, date '9999-01-01' as until from people
          union all
          select walk.payee_id, manager_id, level + 1, greatest(walk.since, managers.since), least(walk.until, managers.until)
          from walk inner join managers
            on earner_id = managers.payee_id and managers.since < walk.until and walk.since < managers.until)
        select walk.payee_id, earner_id, plan_id,
          greatest(walk.since, valid_from, hired_on) as since,
          least(walk.until, coalesce(valid_to, date '9999-01-01'), left_on) as until
        from walk
        inner join plan_assignments on earner_id = plan_assignments.payee_id
        inner join people on earner_id = people.payee_id
        inner join (select distinct plan_id, level from scopes) as levels using (plan_id, level)
        where greatest(walk.since, valid_from, hired_on) < least(walk.until, coalesce(valid_to, date '9999-01-01'), left_on)""",
    ),
    (
        "parameters",
        "rates",
        f"""select "ToCurrencyCode" as currency, day, cast("AverageRate" * 100000000 as hugeint) as units
        from (select unnest(generate_series(date '{FIRST_DAY}', date '{LAST_DAY}', interval 1 day))::date as day) as days
        inner join raw.raw_fx."CurrencyRate"
          on day >= "CurrencyRateDate" and day <= "CurrencyRateDate" + 7 and _dlt_valid_to is null
        qualify row_number() over (partition by "ToCurrencyCode", day order by "CurrencyRateDate" desc) = 1
        union all
        select 'USD', unnest(generate_series(date '{FIRST_DAY}', date '{LAST_DAY}', interval 1 day))::date, 100000000""",
    ),
    (
        "01_filtering",
        "won_deals",
        f"""select "Id" as deal_id, "OwnerId" as owner_id, "CloseDate" as closed_on, "CurrencyIsoCode" as currency,
          cast("Amount" as decimal(18, 4)) as amount, "Type" as segment, "Product_Tier__c" as product
        from raw.raw_crm."Opportunity"
        where _dlt_valid_to is null and not "IsDeleted" and "StageName" = 'Closed Won' and "Amount" > 0
          and "CloseDate" between '{FIRST_DAY}' and '{LAST_DAY}'""",
    ),
    (
        "02_valuation",
        "valued_deals",
        """select won_deals.*, (cast(amount * 10000 as hugeint) * 100000000000000 // units)::decimal(38, 0)
          * 0.0000000001::decimal(10, 10) as value
        from won_deals inner join rates on won_deals.currency = rates.currency and closed_on = day""",
    ),
    (
        "03_crediting",
        "shares",
        """with splits as (
          select "OpportunityId" as deal_id, "SplitOwnerId" as user_id, "SplitPercentage" as part,
            sum("SplitPercentage") over (partition by "OpportunityId" order by "SplitOwnerId") as part_after
          from raw.raw_crm."OpportunitySplit" where _dlt_valid_to is null and not "IsDeleted"),
        stretches as (
          select deal_id, user_id, cast(part_after * 100 as hugeint) as part_after,
            cast((part_after - part) * 100 as hugeint) as part_before
          from splits)
        select deal_id, people.payee_id as recipient_id, closed_on, segment, product,
          case when stretches.deal_id is null then cast(value as decimal(28, 10))
            else cast((cast(value * 10000000000 as hugeint) * part_after // 10000
              - cast(value * 10000000000 as hugeint) * part_before // 10000)::decimal(38, 0)
              * 0.0000000001::decimal(10, 10) as decimal(28, 10)) end as value
        from valued_deals
        left join stretches using (deal_id)
        inner join people on coalesce(stretches.user_id, owner_id) = people.user_id""",
    ),
    (
        "03_crediting",
        "credits",
        """select deal_id, recipient_id, earner_id, plan_id, closed_on, date_trunc('quarter', closed_on)::date as quarter, value
        from shares
        inner join lines_of_report as lines
          on recipient_id = lines.payee_id and closed_on >= since and closed_on < until
        inner join scopes using (plan_id, segment, product)""",
    ),
    (
        "04_attainment",
        "running_credits",
        """select *, cast(sum(value) over (
            partition by earner_id, plan_id, quarter order by closed_on, deal_id, recipient_id
            rows unbounded preceding) as decimal(28, 10)) as value_after
        from credits""",
    ),
    (
        "05_rewards",
        "curves",
        """with quotas as (
          select distinct earner_id, plan_id, quarter, variables.value as quota
          from credits
          inner join quota_names using (plan_id)
          inner join variables on variable_name = quota_name and scope_id = earner_id and valid_from = quarter),
        bounds as (
          select earner_id, plan_id, quarter, tier_number, rate,
            cast(quota * tier_from as decimal(28, 10)) as from_value,
            coalesce(cast(quota * tier_to as decimal(28, 10)), 99999999999999999) as to_value
          from quotas inner join tiers using (plan_id)
          where quarter >= valid_from and (valid_to is null or quarter < valid_to))
        select *, cast(coalesce(sum((to_value - from_value)::decimal(28, 10) * rate) over (
            partition by earner_id, plan_id, quarter order by tier_number
            rows between unbounded preceding and 1 preceding), 0) as decimal(38, 16)) as commission_before
        from bounds""",
    ),
    (
        "05_rewards",
        "tier_commissions",
        """with parts as (
          select deal_id, recipient_id, earner_id, plan_id, quarter, closed_on, tier_number, rate, commission_before, from_value,
            greatest(value_after - value, from_value) as part_from, least(value_after, to_value) as part_to
          from running_credits inner join curves using (earner_id, plan_id, quarter)
          where value_after > from_value and value_after - value < to_value)
        select deal_id, recipient_id, earner_id, plan_id, tier_number, rate, part_to - part_from as tier_value,
          cast(round(commission_before + (part_to - from_value)::decimal(28, 10) * rate, 2)
            - round(commission_before + (part_from - from_value)::decimal(28, 10) * rate, 2) as decimal(18, 2)) as commission
        from parts""",
    ),
    (
        "05_rewards",
        "commissions",
        """select deal_id, recipient_id, earner_id, plan_id, cast(sum(commission) as decimal(18, 2)) as commission
        from tier_commissions group by all""",
    ),
    (
        "06_ledger",
        "collections",
        f"""with paid as (
          select payment_id, invoices.opportunity_id as deal_id, paid_date, won_deals.amount as deal_amount,
            cast(subtotal_amount * 10000 as hugeint) as net, cast(total_amount * 10000 as hugeint) as total,
            cast(payments.amount * 10000 as hugeint) as paid, cast(sum(payments.amount * 10000) over (
              partition by payments.invoice_id order by paid_date, payment_id rows unbounded preceding) as hugeint) as paid_after
          from raw.raw_billing.payments
          inner join raw.raw_billing.invoices using (invoice_id)
          inner join won_deals on invoices.opportunity_id = won_deals.deal_id
          where payments._dlt_valid_to is null and invoices._dlt_valid_to is null and paid_date <= '{LAST_DAY}'),
        netted as (
          select payment_id, deal_id, paid_date, cast(deal_amount * 10000 as hugeint) * 1000000 as whole,
            paid_after * net * 1000000 // total - (paid_after - paid) * net * 1000000 // total as collected
          from paid),
        running as (
          select *, cast(sum(collected) over (
            partition by deal_id order by paid_date, payment_id rows unbounded preceding) as hugeint) as collected_after
          from netted)
        select payment_id, deal_id, strftime(paid_date, '%Y-%m') as month, whole,
          least(greatest(collected_after - collected, 0), whole) as due_before, least(greatest(collected_after, 0), whole) as due_after
        from running""",
    ),
    (
        "06_ledger",
        "lines",
        """with cents as (
          select *, cast(commission * 100 as hugeint) as cents from commissions)
        select deal_id, recipient_id, earner_id, plan_id, payment_id, month,
          cast((2 * cents * due_after + whole) // (2 * whole) - (2 * cents * due_before + whole) // (2 * whole) as bigint)
            * 0.01::decimal(18, 2) as amount
        from cents inner join collections using (deal_id)""",
    ),
    (
        "marts",
        "payouts",
        """select earner_id as payee_id, plan_id, month, cast(sum(amount) as decimal(18, 2)) as amount, count(*) as line_count
        from lines group by all""",
    ),
)


def load_seeds(connection: duckdb.DuckDBPyConnection, seeds: Path) -> None:
    """Load what is written by hand: assignments, tiers, quotas, and which deals each plan takes from which level."""
    for seed in SEEDS:
        connection.execute(
            f"create or replace table {seed} as from read_csv('{seeds}/plans/{seed}.csv', all_varchar = true)"
        )
    connection.execute("""
        create or replace table plan_assignments as select plan_id, payee_id, valid_from::date as valid_from,
          valid_to::date as valid_to from plan_assignments;
        create or replace table tiers as select plan_id, valid_from::date as valid_from, valid_to::date as valid_to,
          tier_number::integer as tier_number, tier_from::decimal(10, 4) as tier_from, tier_to::decimal(10, 4) as tier_to,
          rate_expression::decimal(10, 6) as rate from tiers;
        create or replace table variables as select variable_name, scope_id, value::decimal(18, 2) as value,
          valid_from::date as valid_from from variables;
        create or replace table scopes (plan_id varchar, level integer, segment varchar, product varchar);
        create or replace table quota_names (plan_id varchar, quota_name varchar);
    """)
    scopes = ", ".join(
        f"('{plan.name}', {5 - plan.rank}, 'Segment {segment}', 'Product {product}')"
        for plan in PLANS
        for segment in plan.segments or range(10)
        for product in plan.products or range(10)
    )
    quotas = ", ".join(f"('{plan.name}', '{plan.quota}')" for plan in PLANS)
    connection.execute(f"insert into scopes values {scopes}; insert into quota_names values {quotas}")


def run(warehouse: Path, seeds: Path, results: Path) -> dict[str, float]:
    """Calculate into the file `results`; returns the seconds of each stage, `seeds` (loading them) among them."""
    seconds: dict[str, float] = {}
    with duckdb.connect(str(results)) as connection:
        connection.execute("set threads = 2")
        connection.execute(f"attach '{warehouse}' as raw (read_only)")
        started = time.perf_counter()
        load_seeds(connection, seeds)
        seconds["seeds"] = time.perf_counter() - started
        for stage, table, select in STEPS:
            started = time.perf_counter()
            connection.execute(f"create or replace table {table} as {select}")
            seconds[stage] = seconds.get(stage, 0) + time.perf_counter() - started
        started = time.perf_counter()
        connection.execute("checkpoint")
        seconds["marts"] += time.perf_counter() - started
    return seconds
