"""What `make breaks` takes for the reason of a failed run."""

import pytest

from benchmarks.breaks import BREAKS, Break, caught_by
from benchmarks.project import ROOT

STATE = "The published marts are unchanged: var/published/marts.duckdb of 2026-12-01 04:11 UTC.\nFull log: var/logs/a.log"


def test_the_first_thing_that_a_failed_run_names_is_told() -> None:
    assert (
        caught_by(
            "  12.0 s  preflight  ok\nFAILED calculate: 1 dbt nodes failed\n- test assert_a on b: 1 failing row. "
            f"The rows: run the query in /tmp/x/a.sql\n- test c\n{STATE}"
        )
        == "test assert_a on b: 1 failing row"
    )
    assert (
        caught_by(f"FAILED preflight: 1 problems\nseeds/a.csv\n  seeds/a.csv row 2: no such plan\n{STATE}")
        == "seeds/a.csv row 2: no such plan"
    )


def test_a_reason_in_the_line_of_the_failure_itself_is_told() -> None:
    assert caught_by(f"FAILED calculate: 3 payouts differ\n{STATE}") == "FAILED calculate: 3 payouts differ"


def test_twelve_things_are_broken_each_under_a_name_of_its_own() -> None:
    assert len({one.name for one in BREAKS}) == len(BREAKS) == 12


@pytest.mark.parametrize("one", BREAKS, ids=lambda one: one.name)
def test_there_is_something_to_break(one: Break) -> None:
    [path] = ROOT.glob(one.path)
    before = path.read_bytes()
    assert one.change(before) != before
