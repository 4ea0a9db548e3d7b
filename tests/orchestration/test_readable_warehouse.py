"""The warehouse as readers will see it: marts are copied two at a time, each after those that it reads."""

from pathlib import Path

import duckdb
import pytest

from orchestration.warehouse.readable import ReadableWarehouse

LINKS = 12


@pytest.fixture
def warehouse(tmp_path: Path) -> Path:
    """A chain of marts, each over the last through a view that is no mart. The first draws its rows anew when it is read."""
    path = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts; create schema staging")
        connection.execute("create view marts.link_0 as select random() as drawn from range(20)")
        for link in range(1, LINKS):
            connection.execute(f"create view staging.between_{link} as select * from marts.link_{link - 1}")
            connection.execute(f"create view marts.link_{link} as select * from staging.between_{link}")
        connection.execute("create table marts.apart as select range as number from range(1000)")
    return path


def test_each_mart_is_copied_once_after_those_that_it_reads(warehouse: Path, tmp_path: Path) -> None:
    copy = tmp_path / "marts.duckdb"
    with ReadableWarehouse(warehouse, copy) as readable:
        rows = readable.copy_marts(readable.marts)
        readable.close_copy()
    assert rows == {**{f"link_{link}": 20 for link in range(LINKS)}, "apart": 1000}
    with duckdb.connect(str(copy), read_only=True) as connection:
        drawn = {
            tuple(connection.execute(f"select drawn from link_{link} order by all").fetchall())
            for link in range(LINKS)
        }
    assert len(drawn) == 1, "one of them was calculated again"


def test_a_mart_that_cannot_be_copied_stops_the_rest_and_lets_the_files_go(
    warehouse: Path, tmp_path: Path
) -> None:
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create view marts.broken as select error('no such deal') as a from marts.apart")
    with (
        ReadableWarehouse(warehouse, tmp_path / "marts.duckdb") as readable,
        pytest.raises(duckdb.Error, match="no such deal"),
    ):
        readable.copy_marts(readable.marts)
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("create table marts.later (a integer)")


def test_the_answers_of_jobs_come_in_their_order(warehouse: Path, tmp_path: Path) -> None:
    def job(readable: ReadableWarehouse, number: int) -> tuple[int, str, str] | None:
        shown = readable.relation("marts", "apart")
        asked = f"select max(number) + {number}, current_setting('TimeZone'), current_schema() from {shown}"
        row = readable.execute(asked).fetchone()
        return (int(row[0]), str(row[1]), str(row[2])) if row else None

    with ReadableWarehouse(warehouse, tmp_path / "marts.duckdb") as readable:
        found = readable.each([lambda number=number: job(readable, number) for number in range(30)])  # type: ignore[misc]
    assert found == [(999 + number, "UTC", "main") for number in range(30)]
