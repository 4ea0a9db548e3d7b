"""What must hold in the warehouse for every company, whatever its plans say (no oracle needed)."""

import os
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import duckdb
import pytest

from orchestration.plans.situations.build import build_warehouse, models_in
from tests.calculation.batches import merged, random_companies
from tests.calculation.changed_companies import beside, doubled, shuffled, with_other_ids
from tests.calculation.compared import exact
from tests.support.companies.company_files import Tables
from tests.support.companies.random_company import AS_OF, SHARED

SEED = int(os.environ.get("ORACLE_SEED", "1")) + 1_000_000
COUNT = min(30, int(os.environ.get("ORACLE_COMPANIES", "30")))
MINOR_UNITS = {row["currency_code"]: int(row["minor_unit"] or 0) for row in SHARED["currencies"]}
READ = models_in(Path(__file__).read_text(encoding="utf-8"))

Build = Callable[..., Path]


@pytest.fixture(scope="module")
def build(build_once: Any) -> Build:
    def once(name: str, tables: Tables, wanted: set[str] | None = None) -> Path:
        made: Path = build_once(name, lambda home: build_warehouse(tables, home, AS_OF, wanted=wanted))
        return made

    return once


@pytest.fixture(scope="module")
def companies() -> Tables:
    return merged(random_companies(SEED, 0, COUNT).values())


@pytest.fixture(scope="module")
def warehouse(build: Build, companies: Tables) -> Path:
    return build(f"invariants_{SEED}_{COUNT}", companies)


@pytest.fixture(scope="module")
def thrice(build: Build) -> tuple[dict[str, dict[str, str]], Path]:
    """Plain companies k..., the same with doubled money b... and with other ids of people c..., in one warehouse."""
    plain = random_companies(SEED, 0, COUNT, is_plain=True)
    moved = {name: with_other_ids(tables, name) for name, tables in plain.items()}
    together = [
        *plain.values(),
        *beside({name: doubled(tables) for name, tables in plain.items()}, "b").values(),
        *beside({name: tables for name, (tables, _) in moved.items()}, "c").values(),
    ]
    return {name: ids for name, (_, ids) in moved.items()}, build(
        f"thrice_{SEED}_{COUNT}", merged(together), READ
    )


def rows_of(warehouse: Path, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return [tuple(exact(cell) for cell in row) for row in connection.execute(sql).fetchall()]


def none(warehouse: Path, sql: str) -> None:
    assert rows_of(warehouse, f"select * from ({sql}) limit 5") == []


def test_every_won_deal_is_credited_or_listed(warehouse: Path) -> None:
    none(
        warehouse,
        """
        select transaction_id, plan_id from intermediate.int_crediting__dispositions
        where (reason_code is null) <> (credit_count > 0)
        """,
    )
    none(
        warehouse,
        """
        select deals."Id" from raw_crm."Opportunity" as deals
        where
            not exists (
                select 1 from intermediate.int_crediting__dispositions as settled
                where settled.transaction_id = 'crm/Opportunity/' || deals."Id"
            )
        """,
    )


def test_credits_and_refused_candidates_add_up_to_the_value(warehouse: Path) -> None:
    """Where each group of rules gives the whole deal away: Σ credits + Σ refused = value × groups."""
    none(
        warehouse,
        """
        with whole_plans as (
            select plan_id from seeds.credit_rules
            where plan_id not in (select plan_id from seeds.rollup_levels)
            group by plan_id
            having bool_and(
                share_expression is null and (recipient_code <> 'splits' or coalesce(split_total_code, 'whole') = 'whole')
            )
        ),
        capped as (select distinct plan_id from seeds.plans where is_rollup_capped),
        given as (
            select
                plan_id, transaction_id, count(distinct rule_group) as groups, sum(candidate_amount) as amount,
                bool_or(reason_code in (
                    'split_sum_differs', 'missing_share_variable', 'missing_territory', 'no_territory_member'
                )) as has_nobody,
                bool_and(reason_code is not distinct from 'no_plan_assignment') as is_off_plan
            from intermediate.int_crediting__candidates
            group by plan_id, transaction_id
        )
        select plan_id, transaction_id, amount, groups, value_amount
        from given
        inner join whole_plans using (plan_id)
        inner join intermediate.int_crediting__dispositions using (plan_id, transaction_id)
        where
            plan_id not in (select plan_id from capped)
            and not has_nobody
            and not is_off_plan
            and transaction_id || plan_id not in (
                select transaction_id || plan_id
                from intermediate.int_crediting__candidates
                where credit_type_code = 'territory'
                group by all
                having bool_and(reason_code is not distinct from 'no_plan_assignment')
            )
            and amount <> value_amount * groups
        """,
    )


def test_lines_add_up_to_commissions_and_payouts(warehouse: Path) -> None:
    none(
        warehouse,
        """
        select plan_id, commission_key, commission_amount
        from intermediate.int_rewards__commissions as earned
        inner join seeds.plans using (plan_id)
        where
            earned.plan_valid_from = plans.valid_from
            and (payout_event_code = 'booking' or reward_kind_code <> 'credit')
            and commission_amount is distinct from (
                select sum(line_amount) from intermediate.int_ledger__lines as lines
                where
                    lines.reward_id = earned.reward_id
                    and lines.payee_id = earned.payee_id
                    and lines.event_code not in ('clawback', 'clawback_return')
            )
        """,
    )
    none(
        warehouse,
        """
        with due as (
            select
                lines.payee_id, lines.plan_id, strftime(parts.due_date, '%Y-%m') as period_code,
                lines.currency_code, parts.part_amount as amount
            from intermediate.int_ledger__due_lines as parts
            inner join intermediate.int_ledger__lines as lines on parts.line_key = lines.line_key
            where parts.is_due
            union all
            select payee_id, plan_id, period_code, currency_code, line_amount
            from intermediate.int_ledger__draw_lines
        ),
        paid as (
            select payee_id, plan_id, period_code, currency_code, sum(amount) as amount
            from due
            group by all
        )
        select * from paid full join marts.fct_payouts using (payee_id, plan_id, period_code, currency_code)
        where coalesce(amount, 0) <> coalesce(payout_amount, 0)
        """,
    )


def test_parts_of_a_line_add_up_to_it(warehouse: Path) -> None:
    none(
        warehouse,
        """
        select lines.line_key, line_amount, sum(part_amount) as amount
        from intermediate.int_ledger__lines as lines
        left join intermediate.int_ledger__due_lines as parts on lines.line_key = parts.line_key
        group by lines.line_key, line_amount
        having line_amount <> coalesce(sum(part_amount), 0)
        """,
    )


def test_no_more_is_earned_than_established(warehouse: Path) -> None:
    """What is due of a commission lies between nothing and all of it, whatever was paid and paid back."""
    none(
        warehouse,
        """
        select earned.commission_key, earned.commission_amount, sum(lines.line_amount) as due
        from intermediate.int_rewards__commissions as earned
        inner join intermediate.int_ledger__lines as lines
            on earned.reward_id = lines.reward_id and earned.payee_id = lines.payee_id
        where earned.plan_id not in (select plan_id from seeds.payout_terms where overpayment_code = 'earned')
        group by earned.commission_key, earned.commission_amount
        having due not between least(earned.commission_amount, 0) and greatest(earned.commission_amount, 0)
        """,
    )


def test_commissions_of_a_window_are_the_rounded_sum_of_its_rewards(warehouse: Path) -> None:
    none(
        warehouse,
        """
        with windows as (
            select window_key, currency_code, sum(commission_amount) as paid
            from intermediate.int_rewards__rounded
            where reward_kind_code = 'credit'
            group by all
        ),
        rewards as (
            select window_key, sum(reward_amount) as earned
            from intermediate.int_rewards__year_limited
            where reward_kind_code = 'credit'
            group by all
        )
        select window_key, paid, earned
        from windows
        inner join rewards using (window_key)
        inner join seeds.currencies using (currency_code)
        where abs(paid - earned) * 2 > 1 / pow(10, minor_unit)
        """,
    )


COMPARED_MARTS = """
    select table_schema, table_name from information_schema.tables
    where table_schema = 'marts'
    order by all
"""


def test_shuffled_rows_give_the_same_marts(companies: Tables, warehouse: Path, build: Build) -> None:
    other = build(f"shuffled_{SEED}_{COUNT}", shuffled(companies, Random(SEED)))
    marts = rows_of(warehouse, COMPARED_MARTS)
    assert len(marts) > 5
    columns = "columns(lambda name: name not in ('source_file', 'source_row') and not starts_with(name, '_'))"
    for schema, mart in marts:
        # Each file by itself: a view names the database of the file that it was made in.
        rows, shuffled_rows = (
            Counter(rows_of(path, f'select {columns} from {schema}."{mart}"')) for path in (warehouse, other)
        )
        assert rows == shuffled_rows, f"{mart} depends on the order of the input"


Payouts = dict[tuple[str, str, str], tuple[Fraction, int, str]]


def payouts_of(warehouse: Path, letter: str) -> Payouts:
    """Return amount, number of lines and currency by payee, plan and period, with ids that begin with k."""
    found: Payouts = {}
    sql = "select payee_id, plan_id, period_code, payout_amount, line_count, currency_code from marts.fct_payouts"
    for payee_id, plan_id, period, amount, lines, currency in rows_of(warehouse, sql):
        if plan_id.startswith(letter):
            found["k" + payee_id[1:], "k" + plan_id[1:], period] = (amount, lines, currency)
    return found


def test_doubled_money_doubles_payouts(thrice: tuple[Any, Path]) -> None:
    """A line is a difference of two rounded totals, at most of a commission that is one too.

    Each total doubles to within one minor unit. What rounds to nothing is no line when it is taken back.
    """
    _, warehouse = thrice
    once, twice = payouts_of(warehouse, "k"), payouts_of(warehouse, "b")
    assert len(once) > 100
    for key in {*once, *twice}:
        nothing = (Fraction(0), 0, (once.get(key) or twice[key])[2])
        (amount, lines, currency), (amount_twice, lines_twice, _) = (
            once.get(key, nothing),
            twice.get(key, nothing),
        )
        unit = Fraction(1, 10 ** MINOR_UNITS[currency])
        assert abs(amount_twice - 2 * amount) <= 4 * max(lines, lines_twice) * unit, key


def test_other_ids_of_payees_move_payouts_with_them(thrice: tuple[dict[str, dict[str, str]], Path]) -> None:
    moved, warehouse = thrice
    renamed_ids = {old: new for ids in moved.values() for old, new in ids.items()}
    totals: dict[str, Fraction] = defaultdict(Fraction)
    expected = {
        (renamed_ids.get(payee, payee), plan, period): amount
        for (payee, plan, period), (amount, _, _) in payouts_of(warehouse, "k").items()
    }
    found = {key: amount for key, (amount, _, _) in payouts_of(warehouse, "c").items()}
    for (payee, _, _), amount in found.items():
        totals[payee] += amount
    assert any(totals[old] != totals[new] for old, new in renamed_ids.items()), "nobody's payout has moved"
    assert found == expected


def test_as_of_is_inside_the_random_companies_time() -> None:
    """Else nothing would be cut off by it."""
    assert date(2024, 7, 1) < AS_OF < date(2024, 7, 31)
