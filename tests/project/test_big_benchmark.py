"""What `make big` calls a failure."""

from dataclasses import replace

from benchmarks.big import FILES, SCREEN_LINES, Result, problems, report
from benchmarks.project import Cost
from orchestration.warehouse.compaction import DROP_BYTES_MIN

COST = Cost(seconds=90.4, cpu_seconds=120.0, peak_bytes=2_900_000_000)
RUN = Result(
    COST,
    "",
    dict.fromkeys(FILES, 2 * DROP_BYTES_MIN),
    (3, "12.5000", 7),
    1_000_000,
    ["x"] * SCREEN_LINES,
    COST,
)


def test_two_equal_runs_are_well() -> None:
    assert problems(RUN, RUN) == []
    assert "90 s, CPU 120 s, peak 2900 MB" in report("first", RUN)


def test_growth_a_changed_payout_and_a_long_summary_are_named() -> None:
    grown = {**RUN.sizes, FILES[0]: 3 * DROP_BYTES_MIN}
    second = replace(RUN, sizes=grown, payouts=(3, "12.5100", 8), summary=["x"] * (SCREEN_LINES + 1))
    found = "\n".join(problems(RUN, second))
    assert f"{SCREEN_LINES + 1} lines" in found
    assert "changed payouts" in found
    assert f"made {FILES[0]} longer: 537 MB became 805 MB" in found
    assert FILES[1] not in found
