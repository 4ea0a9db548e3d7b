"""The breaks are the ones that are meant, and each is put where it was found."""

import pytest
from mutations import Mutation, mutated, mutations, start_of_own

SQL = """-- a = b
with

deals as (
  select id, -amount as amount, cast(0 as decimal(18, 0)) as none, count(*) as deals
  from source
  where day >= '2024-01-01' and not deleted
),

final as (
  select * from deals left join plans on deals.plan = plans.plan
)

select * from final
"""


def test_each_operator_bound_join_and_number_is_broken_once() -> None:
    broken = [(found.before, found.after) for found in mutations("model", SQL)]
    assert broken == [
        ("0", "1"), ("count", "max"), (">=", ">"), ("and", "or"), ("not", ""), ("left", "inner"), ("=", "<>"),
    ]  # fmt: skip


@pytest.mark.parametrize("found", list(mutations("model", SQL)), ids=str)
def test_one_token_is_replaced_and_nothing_else(found: Mutation) -> None:
    text = mutated(SQL, found, start_of_own(SQL))
    assert text is not None
    own, changed = SQL.split("\n")[found.line - 1], text.split("\n")[found.line - 1]
    assert text.replace(changed, own) == SQL and own != changed
    assert own.replace(found.before, found.after, 1) == changed or found.before in ("0", "=")


def test_the_same_token_is_found_behind_what_a_unit_test_puts_before_the_model() -> None:
    given = "with __dbt__cte__source as (\n  select 1 as id where 1 = 1\n)," + SQL.split("with", 1)[1]
    found = list(mutations("model", SQL))[2]
    moved = found._replace(position=found.position - 1)
    text = mutated(given, moved, start_of_own(given, "deals"))
    assert text is not None and "day > '2024-01-01'" in text and "where 1 = 1" in text
