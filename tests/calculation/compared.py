"""What is compared between the warehouse and the oracle, table by table, and how a difference is shown."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import duckdb

from tests.calculation.oracle import Result
from tests.calculation.oracle.results import Credit, Line

Key = tuple[Any, ...]
Rows = Mapping[Key, tuple[Any, ...]]
SHOWN = 10


@dataclass(frozen=True)
class Compared:
    """A table of the warehouse and the same rows of the oracle; the first `keys` columns are the key."""

    sql: str
    keys: int
    rows: Callable[[Result], Rows]


def is_shown(kind: str, amount: Fraction) -> bool:
    """A bonus or floor of nothing may have a row or none."""
    return kind == "credit" or amount != 0


def refusal(credit: Credit) -> Key:
    transaction_id = credit.transaction.transaction_id
    plan_id, reason = credit.plan.plan_id, credit.reason
    return plan_id, transaction_id, credit.rule_group, credit.payee_id, credit.level, reason


def summed(rows: Iterable[tuple[Key, Fraction]]) -> Rows:
    """Add up amounts of one key; what comes to nothing may have a row or none."""
    totals: dict[Key, Fraction] = defaultdict(Fraction)
    for key, amount in rows:
        totals[key] += amount
    return {key: (amount,) for key, amount in totals.items() if amount}


def counted(rows: Iterable[tuple[Key, Fraction]]) -> Rows:
    """Add up amounts of one key, and count them."""
    found: dict[Key, list[Fraction]] = defaultdict(list)
    for key, amount in rows:
        found[key].append(amount)
    return {key: (sum(amounts, Fraction(0)), len(amounts)) for key, amounts in found.items()}


def event_of(line: Line) -> Key:
    """Return what tells a line from the others, but for two losses of one deal on one day."""
    return line.reward_id, line.payee_id, line.event, line.event_date, line.payment_id


COMPARED = {
    "dispositions": Compared(
        """
        select transaction_id, plan_id, reason_code, value_amount, credit_count, credited_amount
        from intermediate.int_crediting__dispositions
        """,
        2,
        lambda result: {
            key: (row.reason, row.value, row.credit_count, row.credited)
            for key, row in result.dispositions.items()
        },
    ),
    "candidates": Compared(
        """
        select
            plan_id, transaction_id, rule_group,
            case when reason_code not in ('split_sum_differs', 'missing_share_variable') then payee_id end as payee_id,
            level_number, reason_code
        from intermediate.int_crediting__candidates
        where reason_code is not null
        group by all
        """,
        6,
        lambda result: {refusal(row): () for row in result.refused},
    ),
    "credits": Compared(
        """
        select
            credit_id, plan_id, transaction_id, payee_id, credit_type_code, level_number, credit_date,
            window_key, window_code, currency_code, credited_amount, payable_amount
        from intermediate.int_crediting__credits
        """,
        1,
        lambda result: {
            (row.credit_id,): (
                row.plan.plan_id,
                row.transaction.transaction_id,
                row.payee_id,
                row.credit_type,
                row.level,
                row.credit_date,
                row.window_key,
                row.window and row.window.window_code,
                row.plan.currency_code,
                row.credited,
                row.payable,
            )
            for row in result.credits.values()
        },
    ),
    "windows": Compared(
        """
        select
            window_key, plan_id, plan_valid_from, payee_id, window_code,
            case when window_code <> 'life' then window_from end as window_from,
            case when window_code <> 'life' then window_to end as window_to,
            parameters_date, credited_amount, attained_amount, credit_count, quota_amount, attainment_ratio,
            reason_code
        from intermediate.int_attainment__windows
        """,
        1,
        lambda result: {
            (key,): (
                row.plan.plan_id,
                row.plan.valid_from,
                row.payee_id,
                row.window.window_code,
                row.window.window_from if row.window.window_code != "life" else None,
                row.window.window_to if row.window.window_code != "life" else None,
                row.parameters_date,
                row.credited,
                row.attained,
                len(row.credits),
                row.quota,
                row.ratio,
                row.reason,
            )
            for key, row in result.windows.items()
        },
    ),
    "commissions": Compared(
        """
        select
            reward_id, payee_id, reward_kind_code, credit_id, plan_id, credited_payee_id, reward_date,
            currency_code, commission_amount
        from intermediate.int_rewards__commissions
        where reward_kind_code = 'credit' or commission_amount <> 0
        """,
        2,
        lambda result: {
            key: (
                row.reward.kind,
                row.reward.credit and row.reward.credit.credit_id,
                row.reward.plan.plan_id,
                row.reward.payee_id,
                row.reward.reward_date,
                row.reward.plan.currency_code,
                row.amount,
            )
            for key, row in result.commissions.items()
            if row.payee_id is not None and is_shown(row.reward.kind, row.amount)
        },
    ),
    "collections": Compared(
        """
        select
            payment_id, transaction_id, collected_amount + memo_amount as net_amount, collected_before_amount, collected_after_amount,
            reason_code
        from intermediate.int_pool__collections
        where version_code = 'current'
        """,
        1,
        lambda result: {
            (key,): (row.transaction_id, row.net, row.before, row.after, row.reason)
            for key, row in result.collections.items()
        },
    ),
    "lines": Compared(
        """
        select
            reward_id, payee_id, event_code, event_date, payment_id, plan_id, currency_code,
            sum(line_amount) as line_amount, count(*) as lines
        from intermediate.int_ledger__lines
        where reward_kind_code = 'credit' or line_amount <> 0
        group by all
        """,
        7,
        lambda result: counted(
            ((*event_of(row), row.plan_id, row.currency), row.amount)
            for row in result.lines.values()
            if is_shown(result.rewards[row.reward_id].kind, row.amount)
        ),
    ),
    "clawbacks": Compared(
        """
        select
            reward_id, payee_id, event_date, cause_code, payment_id, plan_id, policy_code,
            lost_before_amount, lost_after_amount, weight_numerator, weight_denominator, clawback_amount
        from intermediate.int_ledger__clawbacks
        """,
        5,
        lambda result: {
            (
                row.commission.reward.reward_id,
                row.commission.payee_id,
                row.change.day,
                row.change.cause,
                row.change.payment_id,
            ): (
                row.commission.reward.plan.plan_id,
                row.policy,
                abs(row.change.lost_before),
                abs(row.change.lost_after),
                *row.change.weight,
                row.amount,
            )
            for row in result.clawbacks
        },
    ),
    "withheld": Compared(
        """
        select
            plan_id, payee_id, reward_id, movement_code, movement_date, currency_code,
            sum(movement_amount) as movement_amount
        from marts.fct_withheld_movements
        group by all
        having sum(movement_amount) <> 0
        """,
        6,
        lambda result: summed(
            (
                (
                    row.commission.reward.plan.plan_id,
                    row.commission.payee_id,
                    row.commission.reward.reward_id,
                    row.code,
                    row.day,
                    row.commission.reward.plan.currency_code,
                ),
                row.amount,
            )
            for row in result.movements
        ),
    ),
    "due_lines": Compared(
        """
        select
            lines.reward_id, lines.payee_id, lines.event_code, lines.event_date, lines.payment_id,
            due_lines.part_code, due_lines.due_date, due_lines.is_due, sum(due_lines.part_amount) as part_amount
        from intermediate.int_ledger__due_lines as due_lines
        inner join intermediate.int_ledger__lines as lines on due_lines.line_key = lines.line_key
        group by all
        having sum(due_lines.part_amount) <> 0
        """,
        8,
        lambda result: summed(
            ((*event_of(row.line), row.code, row.due_date, row.is_due), row.amount) for row in result.parts
        ),
    ),
    "draw_lines": Compared(
        """
        select
            draw_id, payee_id, period_code, event_code, plan_id, currency_code, line_amount,
            balance_after_amount
        from intermediate.int_ledger__draw_lines
        """,
        4,
        lambda result: {
            (row.draw_id, row.payee_id, row.period, row.event): (
                row.plan_id,
                row.currency,
                row.amount,
                row.balance_after,
            )
            for row in result.draws
        },
    ),
    "payouts": Compared(
        """
        select payee_id, plan_id, period_code, currency_code, payout_amount
        from marts.fct_payouts
        where payout_amount <> 0
        """,
        4,
        lambda result: {key: (amount,) for key, amount in result.payouts.items() if amount},
    ),
}


def exact(cell: object) -> object:
    return Fraction(cell) if isinstance(cell, Decimal) else cell


def read(warehouse: Path, sql: str, keys: int) -> tuple[list[str], dict[Key, tuple[Any, ...]]]:
    """Return the column names, and the rows by key with exact numbers."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cursor = connection.execute(sql)
        names = [column[0] for column in cursor.description or []]
        rows = [tuple(exact(cell) for cell in row) for row in cursor.fetchall()]
    by_key = {row[:keys]: row[keys:] for row in rows}
    if len(by_key) < len(rows):
        counts = Counter(row[:keys] for row in rows)
        twice = [key for key, count in counts.items() if count > 1]
        raise AssertionError(f"the key {names[:keys]} occurs more than once: {twice[:SHOWN]}")
    return names, by_key


def written(cell: object) -> str:
    return str(Decimal(cell.numerator) / cell.denominator) if isinstance(cell, Fraction) else str(cell)


def side_by_side(names: list[str], warehouse: Rows, oracle: Rows) -> str:
    """Return the first differing rows, each column that differs on a line of its own; empty = none."""
    sought = sorted({*warehouse, *oracle}, key=lambda key: tuple(str(cell) for cell in key))
    differing = [key for key in sought if warehouse.get(key) != oracle.get(key)]
    if not differing:
        return ""
    said = [
        f"{len(differing)} of {len(sought)} rows differ (warehouse {len(warehouse)}, oracle {len(oracle)} rows)"
    ]
    for key in differing[:SHOWN]:
        said.append(", ".join(f"{name}={cell}" for name, cell in zip(names, key, strict=False)))
        left, right = warehouse.get(key), oracle.get(key)
        for at, name in enumerate(names[len(key) :]):
            ours = "no row" if left is None else written(left[at])
            theirs = "no row" if right is None else written(right[at])
            if ours != theirs:
                said.append(f"    {name:<26} warehouse {ours:<26} oracle {theirs}")
    return "\n".join(said)
