"""The breaks are the ones that are meant, and each is put wherever its token was written to."""

import pytest

from tests.mutants.mutations import MARK, Mutation, broken, marked

SOURCE = """-- a = b
{# a = b #}
with

deals as (
  select id, -amount as amount, cast(0 as decimal(18, 0)) as none, count(*) as deals
  from {{ ref('source', 1) }}
  where day >= '2024-01-01' and not deleted and size < 1{{ '0' * 3 }}
),

final as (
  select
    *,
    sum(size) over (
      partition by deals.plan, day
      order by day, size desc, {{ key }}, deals.id
      rows between unbounded preceding and current row
    ) as total
  from deals {% if a > b %}left join{% endif %} plans on deals.plan = plans.plan
    and {{ in_force('deals.day', 'plans') }}
)

select * from final
"""


def test_each_operator_bound_join_number_key_of_a_window_and_day_is_broken_once() -> None:
    found = [(each.before, each.after) for each in marked("model", SOURCE, 0)[1]]
    assert found == [
        ("0", "1"), ("count", "max"), (">=", ">"), ("and", "or"), ("not", ""), ("and", "or"), ("<", "<="),
        ("sum", "max"), ("deals.plan", "null"), ("day", "null"), ("day", "day desc"), ("desc", "asc"),
        ("deals.id", "deals.id desc"), ("and", "or"), ("left", "inner"), ("=", "<>"), ("and", "or"),
        ("deals.day", "(deals.day + 1)"),
    ]  # fmt: skip


def test_a_source_without_its_marks_is_the_source() -> None:
    text, found = marked("model", SOURCE, 7)
    assert MARK.sub("", text) == SOURCE
    assert [each.number for each in found] == list(range(7, 7 + len(found)))


@pytest.mark.parametrize("each", marked("model", SOURCE, 0)[1], ids=str)
def test_one_token_is_replaced_and_nothing_else(each: Mutation) -> None:
    text = MARK.sub("", broken(marked("model", SOURCE, 0)[0], each))
    own, changed = SOURCE.split("\n")[each.line - 1], text.split("\n")[each.line - 1]
    assert text.replace(changed, own) == SOURCE and own != changed and each.text == own


def test_a_token_that_a_loop_wrote_twice_is_broken_twice() -> None:
    text, (each,) = marked("model", "select a < b", 12)
    assert broken(f"{text} union all {text}", each) == "select a <= b union all select a <= b"
