"""Files for single viewers: each row by hand, and no trace of anybody whom the viewer does not see."""

import json
import re
from collections.abc import Callable, Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestration.reading.audiences import LISTING, share
from orchestration.reading.visibility import AudienceError, Declaration, declarations, rows_of_payees
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.contract_company import PEOPLE
from tests.support.companies.viewer_company import build

# Payee, day and amount of each ledger line in the viewer's file. Every deal pays 10 %; Ana and Eve a bonus of 50 for March.
ANA_UNTIL_14 = ("ana", "03-05", "999.97")
ANA_FROM_15 = [("ana", "03-20", "33.33"), ("ana", "03-20", "20.00"), ("ana", "03-31", "50.00")]
BEN, BEN_DRAFT = ("ben", "03-10", "-50.00"), ("ben", "04-02", "120.00")
CY, CY_DRAFT = ("cy", "03-11", "123.45"), ("cy", "04-03", "10.00")
DEE, DEE_FOR_BEN = ("dee", "03-12", "-3.00"), ("dee", "03-10", "10.00")
EVE = [("eve", "03-13", "1000.00"), ("eve", "03-31", "50.00")]
FAY = ("fay", "03-14", "77.78")
LINES = {
    "ana": [ANA_UNTIL_14, *ANA_FROM_15],
    "ben": [BEN],
    "cy": [CY],
    "dee": [DEE, DEE_FOR_BEN, ANA_UNTIL_14, BEN],
    "eve": [*EVE, *ANA_FROM_15],
    "fay": [FAY, DEE, DEE_FOR_BEN, *EVE, ANA_UNTIL_14, *ANA_FROM_15, BEN],
    "lou": [CY, CY_DRAFT],
    "meg": [("ana", "03-20", "20.00")],
    "ned": [DEE, DEE_FOR_BEN, ANA_UNTIL_14, BEN, BEN_DRAFT],
    "pat": [DEE, DEE_FOR_BEN],
}
# Months' totals: of Ana's March neither of her two managers sees one.
PAYOUTS = {
    "ana": {("ana", "deals", "1083.30"), ("ana", "euro_deals", "20.00")},
    "dee": {("dee", "deals", "-3.00"), ("dee", "pound_deals", "10.00"), ("ben", "deals", "-50.00")},
    "eve": {("eve", "deals", "1050.00")},
    "meg": {("ana", "euro_deals", "20.00")},
    "ned": {
        ("dee", "deals", "-3.00"),
        ("dee", "pound_deals", "10.00"),
        ("ben", "deals", "-50.00"),
        ("ben", "deals", "120.00"),
    },
}
EVERYTHING = {*LINES, "laura", "kim"}


@pytest.fixture(scope="module")
def home(build_once: Callable[[str, Callable[[Path], Path]], Path]) -> RunSettings:
    return RunSettings(home=build_once("viewer_company", build).parent)


@pytest.fixture(scope="module")
def declared(home: RunSettings) -> dict[str, Declaration]:
    return declarations(json.loads((home.home / "target" / "manifest.json").read_text()))


@pytest.fixture(scope="module")
def files(
    home: RunSettings, declared: Mapping[str, Declaration], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    """Everybody's file, by viewer."""
    shared = share(home, declared, folder=tmp_path_factory.mktemp("audiences"))
    return {audience.viewer_id: audience.path for audience in shared}


def ask(path: Path, query: str) -> list[Any]:
    with duckdb.connect(str(path), read_only=True) as connection:
        return connection.execute(query).fetchall()


def test_everybody_who_has_figures_to_see_has_a_file(files: Mapping[str, Path]) -> None:
    assert set(files) == EVERYTHING


@pytest.mark.parametrize("viewer", LINES)
def test_the_lines_of_a_viewer_are_those_worked_out_by_hand(files: Mapping[str, Path], viewer: str) -> None:
    found = ask(
        files[viewer], "select payee_id, strftime(event_date, '%m-%d'), line_amount from fct_ledger_lines"
    )
    expected = [(payee, day, Decimal(amount)) for payee, day, amount in LINES[viewer]]
    assert sorted(found) == sorted(expected)
    explained = ask(
        files[viewer],
        "select payee_id, strftime(event_date, '%m-%d'), line_amount from rpt_line_explanations",
    )
    assert sorted(explained) == sorted(expected)


@pytest.mark.parametrize("viewer", PAYOUTS)
def test_a_months_total_is_seen_by_whoever_sees_the_whole_month(
    files: Mapping[str, Path], viewer: str
) -> None:
    found = ask(files[viewer], "select payee_id, plan_id, payout_amount from fct_payouts")
    assert set(found) == {(payee, plan, Decimal(amount)) for payee, plan, amount in PAYOUTS[viewer]}


def test_drafts_and_todays_calculation_are_for_limited_admins(files: Mapping[str, Path]) -> None:
    query = "select credited_amount, commission_amount from fct_credits order by credit_date"
    assert ask(files["cy"], query) == [(Decimal("1234.5"), None)]
    assert ask(files["lou"], query) == [(Decimal("1234.5"), Decimal("123.45")), (Decimal(100), Decimal(10))]
    assert ask(files["cy"], "select count(*) from fct_commission_lines") == [(0,)]
    assert ask(files["lou"], "select count(*) from fct_commission_lines") == [(2,)]


def test_admins_and_auditors_see_every_mart_whole(
    home: RunSettings, files: Mapping[str, Path], declared: Mapping[str, Declaration]
) -> None:
    for viewer in ("laura", "kim"):
        with duckdb.connect(str(files[viewer]), read_only=True) as mine, home.open_published() as all_of_it:
            assert {
                name for (name,) in mine.execute("select table_name from duckdb_tables()").fetchall()
            } == set(declared)
            for name in declared:
                rows = f"select * from {name} order by all"
                if mine.execute(rows).fetchall() != all_of_it.execute(rows).fetchall():
                    pytest.fail(f"{viewer}: {name} differs from the published mart", pytrace=False)


def test_others_have_no_mart_for_administrators(
    files: Mapping[str, Path], declared: Mapping[str, Declaration]
) -> None:
    kept = {name for name, declaration in declared.items() if declaration.rows == "administrators"}
    assert {"fct_journal_lines", "rpt_skipped_transactions", "fct_visibility"} <= kept
    for viewer in LINES:
        names = {name for (name,) in ask(files[viewer], "select table_name from duckdb_tables()")}
        assert names == set(declared) - kept


# Meg sees everybody who is on the plan of her scope.
@pytest.mark.parametrize("viewer", [viewer for viewer in LINES if viewer != "meg"])
def test_no_text_of_a_file_names_anybody_who_is_not_seen(files: Mapping[str, Path], viewer: str) -> None:
    seen = {payee for payee, _, _ in LINES[viewer]} | ({viewer} & set(PEOPLE))
    words = [word for payee, names in PEOPLE.items() if payee not in seen for word in (payee, *names)]
    # As a word of its own: U-ana and ana|deals are traces of Ana, analysis and a hash with ...1ana8... are none.
    trace = re.compile(
        "|".join(rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])" for word in words), re.IGNORECASE
    )
    with duckdb.connect(str(files[viewer]), read_only=True) as connection:
        texts = connection.execute(
            "select table_name, column_name from duckdb_columns() where data_type = 'VARCHAR' and not internal"
        ).fetchall()
        assert len(texts) > 50
        found = [
            f"{table}.{column}: {value}"
            for table, column in texts
            for (value,) in connection.execute(f"select distinct {column} from {table}").fetchall()
            if value is not None and trace.search(value)
        ]
    assert found[:5] == []


def test_for_whom_somebody_is_paid_is_told_to_who_sees_both(files: Mapping[str, Path]) -> None:
    query = "select credited_payee_id from fct_ledger_lines where plan_id = 'pound_deals'"
    assert ask(files["dee"], query) == [("ben",)]
    assert ask(files["pat"], query) == [(None,)]
    deals = "select source_record_id, owner_alias from dim_transactions where currency_code = 'GBP'"
    assert ask(files["pat"], deals) == [("D11", None)]


def test_marks_join_the_tables_of_one_file_and_of_no_other(files: Mapping[str, Path]) -> None:
    join = (
        "select count(*) from fct_ledger_lines as ledger inner join fct_credits as credits using (credit_id)"
    )
    assert ask(files["eve"], join) == [(3,)]  # Eve's deal and Ana's two; bonuses are of no credit
    one, other = (ask(files[viewer], "select credit_id from fct_credits") for viewer in ("fay", "eve"))
    assert not set(one) & set(other)


def test_who_may_see_nothing_is_refused(
    home: RunSettings, declared: Mapping[str, Declaration], tmp_path: Path
) -> None:
    for viewer in ("nobody", "old", ""):
        with pytest.raises(AudienceError, match=r"may see nothing: no such employee.*nothing was written"):
            share(home, declared, viewer=viewer, folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_file_of_somebody_who_lost_the_view_is_deleted_and_foreign_files_stay(
    home: RunSettings, declared: Mapping[str, Declaration], tmp_path: Path
) -> None:
    share(home, declared, viewer="lou", folder=tmp_path)
    (tmp_path / "lou.duckdb").rename(tmp_path / "old.duckdb")
    (tmp_path / LISTING).write_text('["old.duckdb"]')
    (tmp_path / "mine.txt").write_text("a note")
    share(home, declared, folder=tmp_path)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"{viewer}.duckdb" for viewer in EVERYTHING} | {LISTING, "mine.txt"}
    assert {path.stat().st_mode & 0o777 for path in tmp_path.glob("*.duckdb")} == {0o400}


def test_a_mart_that_declares_nothing_is_in_no_file(
    home: RunSettings, declared: Mapping[str, Declaration], tmp_path: Path
) -> None:
    fewer = {name: declaration for name, declaration in declared.items() if name != "fct_payouts"}
    (shared,) = share(home, fewer, viewer="laura", folder=tmp_path)
    assert "fct_payouts" not in {
        name for (name,) in ask(shared.path, "select table_name from duckdb_tables()")
    }


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"rows": "all"}, "has rows: all; write one of administrators, everybody, payees, referenced"),
        ({"rows": "payees"}, "names a payee exactly where it has rows: payees"),
        ({"rows": "everybody", "payee": "payee_id"}, "names a payee exactly where it has rows: payees"),
        ({"rows": "payees", "payee": "payee"}, "names columns that the mart does not have: payee"),
        (
            {"rows": "payees", "payee": "payee_id", "day": "d", "period": "p"},
            "has day and period; a row has one span",
        ),
        (
            {"rows": "payees", "payee": "payee_id", "released": "paid"},
            "has released: paid; write credits, rewards or none",
        ),
        ({"rows": "everybody", "hiden": []}, "has the unknown keys hiden; known are"),
    ],
)
def test_a_wrong_declaration_is_named(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(AudienceError, match=re.escape(f"fct_x: meta.visibility {told}")):
        Declaration.read("fct_x", ["payee_id", "d", "p"], wrong)


# The same rule once more, in plain Python, over random views and rows.
DAYS = st.integers(0, 9).map(lambda days: date(2014, 1, 28) + timedelta(days=days))
ENDS = st.none() | DAYS
PAYEES, PLANS = st.sampled_from(["ana", "ben"]), st.sampled_from(["deals", "euros"])
VIEWS = st.lists(st.tuples(PAYEES, st.none() | PLANS, ENDS, ENDS, st.booleans()), max_size=4)
ROWS = st.lists(st.tuples(PAYEES, PAYEES, PLANS, DAYS), max_size=6)
STATES = st.dictionaries(
    st.tuples(PLANS, st.sampled_from(["2014-01", "2014-02"])),
    st.sampled_from(["draft", "credits_released", "rewards_released", "paid"]),
)
LINE_OF_A_DAY = {
    "rows": "payees",
    "payee": "payee_id",
    "others": ["other_id"],
    "day": "day",
    "released": "rewards",
}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(views=VIEWS, rows=ROWS, states=STATES)
def test_random_views_show_what_plain_python_says(views: Any, rows: Any, states: Any) -> None:
    def sees(payee: str, plan: str, day: date) -> bool:
        return any(
            seen == payee
            and of_plan in (None, plan)
            and (start is None or start <= day)
            and (end is None or day < end)
            and (drafts or states.get((plan, f"{day:%Y-%m}")) in ("rewards_released", "paid"))
            for seen, of_plan, start, end, drafts in views
        )

    expected = [
        (payee, other if other == payee or sees(other, plan, day) else None, plan, day)
        for payee, other, plan, day in rows
        if sees(payee, plan, day)
    ]
    columns = [("payee_id", "varchar"), ("other_id", "varchar"), ("plan_id", "varchar"), ("day", "date")]
    declaration = Declaration.read("line", [name for name, _ in columns], LINE_OF_A_DAY)
    with duckdb.connect(":memory:") as connection:
        connection.execute("attach ':memory:' as marts")
        connection.execute(
            "create table visible (payee_id varchar, plan_id varchar, visible_from date, visible_to date, has_drafts boolean)"
        )
        connection.execute(
            "create table marts.fct_calculations (plan_id varchar, period_code varchar, state_code varchar)"
        )
        connection.execute(
            "create table marts.line (payee_id varchar, other_id varchar, plan_id varchar, day date)"
        )
        for table, values in {
            "visible": views,
            "marts.fct_calculations": [(*key, state) for key, state in states.items()],
            "marts.line": rows,
        }.items():
            for row in values:
                connection.execute(f"insert into {table} values ({', '.join('?' * len(row))})", list(row))
        found = connection.execute(rows_of_payees("line", columns, declaration)).fetchall()
    assert sorted(found, key=str) == sorted(expected, key=str)
