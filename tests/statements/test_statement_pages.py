"""Statements of the small company: figures worked by hand, only what is released, refusals, and the pages themselves."""

import os
import shutil
from decimal import Decimal
from html.parser import HTMLParser
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from click.testing import CliRunner

from orchestration.books import acting
from orchestration.books.desk import open_desk
from orchestration.cli.main import main
from orchestration.defs.statement_jobs import STATEMENT_JOBS
from orchestration.plans.situations.build import ROOT, BuildError, calculate
from orchestration.reading.statements import writing
from orchestration.reading.statements.reading import StatementsError
from orchestration.reading.statements.writing import write_statements
from orchestration.warehouse.publish import publish
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.statement_company import CLOSED, HOSTILE, HOSTILE_PLAN, HOSTILE_REASON, MARCH

# Worked by hand in statement_company: earned, from hold, taken back, corrected, adjusted, advanced, recovered, posted, year.
STATEMENTS = {
    "ana|hunting|2013-12|USD": "40 0 0 0 0 0 0 40 40",
    "ana|hunting|2014-01|USD": "320 10 0 0 0 0 0 330 330",
    "ana|hunting|2014-02|USD": "560 80 0 0 0 0 0 640 970",
    "ana|hunting|2014-03|USD": "200 120 -200 -80 25 0 0 65 1035",
    "ben|hunting|2014-02|USD": "80 0 0 0 0 220 0 300 300",
    "ben|hunting|2014-03|USD": "120 20 0 0 0 0 -140 0 300",
    "ana|farming|2014-02|USD": "80 0 0 0 0 0 0 80 80",
}
TAGS = {
    "html", "head", "meta", "link", "title", "style", "body", "main", "header", "footer", "section", "h1", "h2", "h3", "p",
    "br", "strong", "span", "a", "table", "caption", "thead", "tbody", "tr", "th", "td", "details", "summary", "div",
    "figure", "figcaption", "svg", "rect", "line", "path", "text",
}  # fmt: skip


class Page(HTMLParser):
    """The tags, the attributes and the text of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.targets: list[str] = []
        self.parts: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(" ".join(self.parts).split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.targets += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.parts.append(data)


@pytest.fixture(scope="module")
def pages(settings: RunSettings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of March."""
    folder = tmp_path_factory.mktemp("pages") / "2014-03"
    write_statements(settings, "2014-03", to=folder)
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_statements_are_what_was_worked_by_hand(settings: RunSettings) -> None:
    with duckdb.connect(str(settings.published), read_only=True) as marts:
        found = marts.execute(
            "select statement_key, earned_amount, from_hold_amount, clawback_amount, correction_amount, adjustment_amount, "
            "draw_advance_amount, draw_recovery_amount, posted_amount, year_to_date_amount from marts.fct_statements"
        ).fetchall()
        balances = marts.execute(
            "select withheld_opening_amount, withheld_closing_amount, held_amount, draw_opening_amount, draw_closing_amount "
            "from marts.fct_statements where statement_key in ('ana|farming|2014-02|USD', 'ana|hunting|2014-03|USD', "
            "'ben|hunting|2014-03|USD') order by statement_key"
        ).fetchall()
    amounts = {key: row for key, *row in found}
    for key, expected in STATEMENTS.items():
        assert amounts[key] == [Decimal(text) for text in expected.split()], key
    # Farming: 200 less 80 waits. Hunting: 50 of D3 is held. Ben: 220 advanced, 140 taken back.
    assert [tuple(map(int, row)) for row in balances] == [
        (200, 120, 0, 0, 0),
        (0, 0, 50, 0, 0),
        (0, 0, 30, 220, 80),
    ]


def test_statements_equal_ledger_and_payouts_and_a_wrong_cent_is_found(copied: RunSettings) -> None:
    def check() -> None:
        command = ["test", "--select", "assert_statements_equal_ledger_and_payouts"]
        # The seeds are not read by a test; those of the project stand in their place.
        calculate(copied.home, ROOT / "seeds", MARCH, ROOT / "dbt_project", command=command)

    check()
    with duckdb.connect(str(copied.warehouse)) as warehouse:
        warehouse.execute(
            "update marts.fct_payouts set payout_amount = payout_amount + 0.01 where payout_key = 'ana|hunting|2014-03|USD'"
        )
    with pytest.raises(BuildError, match="Got 1 result"):
        check()


def test_commission_that_is_not_released_is_on_no_page(pages: Path) -> None:
    page = Page(pages / "payee-ana.html")
    # March of farming: credits are released, the 40 that E1's second payment earned are not.
    assert "Credited in March 2014: 500.00 USD" in page.text
    assert "commission is shown once it is released too" in page.text
    everything = " ".join(Page(path).text for path in pages.iterdir())
    assert "P4" not in everything
    assert "Waiting for the customer" not in everything
    # The year of all plans: 1,035 of hunting, and the 80 of farming that February posted.
    assert "65.00 USD posted in March 2014; 1,115.00 USD in 2014 so far" in page.text
    assert "waits for the approval of administrator (0 of 1 given)" in everything
    assert "65.00 USD without what is not released" in Page(pages / "index.html").text


def test_a_closed_month_shows_what_it_posted_and_what_changed_since(
    settings: RunSettings, tmp_path: Path
) -> None:
    for period in CLOSED:
        write_statements(settings, period, to=tmp_path / period)
    february = Page(tmp_path / "2014-02" / "payee-ana.html").text
    assert "640.00 USD posted" not in february  # 640 of hunting and 80 of farming
    assert "720.00 USD posted in February 2014" in february
    assert (
        "Later data changed it: today 480.00 USD are owed; −80.00 USD are posted as a correction" in february
    )
    # E2 was never paid: its 20 expired on 19 February, 45 days after the booking.
    ben = Page(tmp_path / "2014-02" / "payee-ben.html").text
    assert "Deals that expired in the month: 1" in ben and "19 February 2014" in ben
    assert "Advances and guarantees: 220.00 USD" in ben


def test_the_payroll_of_a_closed_month_is_what_both_plans_post(
    settings: RunSettings, pages: Path, tmp_path: Path
) -> None:
    write_statements(settings, "2014-02", to=tmp_path / "february")
    ana = Page(tmp_path / "february" / "payee-ana.html").text
    # 640 of hunting and 80 of farming, on top of the 40 and 330 that no file has taken yet.
    assert (
        "Pay cycle 2014-02, paid on 14 March 2014 Carried in from the cycle before 0.00 USD "
        "Approved for this cycle 720.00 USD Handed to payroll already 0.00 USD Still to be paid 720.00 USD "
        "Carried into the next cycle 0.00 USD"
    ) in ana
    assert "Waits for a review" not in ana
    # March is not approved: payroll counts nothing of it.
    assert "With your payroll" not in Page(pages / "payee-ana.html").text


def test_a_month_that_changed_after_its_release_shows_nothing_until_it_is_released_again(
    copied: RunSettings, tmp_path: Path
) -> None:
    with duckdb.connect(str(copied.warehouse)) as warehouse:
        for mart, amount, key in (
            ("fct_ledger_lines", "line_amount", "ledger_line_key = '2014-03|adjustment|' || (select max(adjustment_number) from marts.fct_adjustments)"),
            ("fct_payouts", "payout_amount", "payout_key = 'ana|hunting|2014-03|USD'"),
        ):  # fmt: skip
            warehouse.execute(f"update marts.{mart} set {amount} = {amount} + 1 where {key}")
    publish(warehouse=copied.warehouse, published=copied.published, run={"as_of_date": MARCH.isoformat()})
    write_statements(copied, "2014-03", to=tmp_path / "pages")
    page = Page(tmp_path / "pages" / "payee-ana.html").text
    assert "changed after it was released and is being recalculated" in page
    assert "No amounts are released for March 2014 yet" in page
    assert "65.00" not in page and "66.00" not in page and "200.00" not in page


def test_refusals_name_the_mend_and_write_nothing(copied: RunSettings, tmp_path: Path) -> None:
    def refusal(period: str, **options: object) -> str:
        folder = tmp_path / "pages"
        with pytest.raises(StatementsError) as refused:
            write_statements(copied, period, to=folder, **options)  # type: ignore[arg-type]
        assert not folder.exists()
        return str(refused.value)

    assert refusal("March") == "'March' is not a month; write it as 2014-03"
    assert "2014-04 has no lines" in refusal("2014-04") and "2014-03" in refusal("2014-04")
    assert "there is no payee zoe" in refusal("2014-03", payee_id="zoe")
    assert "Mia Manager (mia) has nothing released in 2014-03" in refusal("2014-03", payee_id="mia")
    assert "leads nobody" in refusal("2014-03", manager_id="ana")
    for plan in ("hunting", "farming"):
        with open_desk(copied) as desk:
            acting.withdraw(desk, "2014-03", plan, "wrong quota", "laura")
    withdrawn = refusal("2014-03")
    assert "2014-03 is not released: farming is draft; hunting is draft" in withdrawn
    assert "commissions release credits 2014-03" in withdrawn
    copied.published.unlink()
    assert "does not exist yet. Start with: commissions run" in refusal("2014-03")


def test_the_command_says_what_it_wrote_or_why_not(copied: RunSettings, tmp_path: Path) -> None:
    env = {"COMMISSIONS_HOME": str(copied.home)}
    done = CliRunner().invoke(main, ["statements", "2014-03"], env=env)
    assert done.exit_code == 0, done.output
    assert "3 statements and 1 team page in" in done.output
    assert (copied.home / "statements" / "2014-03" / "index.html").exists()
    refused = CliRunner().invoke(main, ["statements", "2014-05", "--to", str(tmp_path / "pages")], env=env)
    assert refused.exit_code == 1
    assert (
        refused.output.startswith("Refused: 2014-05 has no lines")
        and "Nothing was written." in refused.output
    )
    assert not (tmp_path / "pages").exists()


def test_names_reasons_and_plans_are_text_and_never_markup(pages: Path) -> None:
    for path in sorted(pages.iterdir()):
        page = Page(path)
        assert page.tags <= TAGS, path.name
        assert not [name for name in page.attributes if name.startswith("on")], path.name
        assert not [
            target for target in page.targets if not target.startswith(("#", "payee-", "manager-"))
        ], path.name
    ana = Page(pages / "payee-ana.html").text
    for text in (HOSTILE, HOSTILE_PLAN, HOSTILE_REASON):
        assert text in ana


def test_an_id_is_never_a_path(pages: Path) -> None:
    assert (pages / "payee-a%2F..%2Fb.html").exists()
    assert "payee-a%252F..%252Fb.html" in Page(pages / "index.html").targets


def test_the_same_marts_give_the_same_bytes_and_a_folder_is_replaced_whole(
    settings: RunSettings, pages: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "again"
    folder.mkdir()
    (folder / "payee-gone.html").write_text("left the company", encoding="utf-8")
    write_statements(settings, "2014-03", to=folder)
    assert contents(folder) == contents(pages)
    assert [path.name for path in tmp_path.iterdir()] == ["again"]


def test_one_page_is_put_beside_the_others(settings: RunSettings, pages: Path, tmp_path: Path) -> None:
    write_statements(settings, "2014-03", payee_id="ana", to=tmp_path / "one")
    assert list(contents(tmp_path / "one")) == ["payee-ana.html"]
    assert contents(tmp_path / "one")["payee-ana.html"] == contents(pages)["payee-ana.html"]
    write_statements(settings, "2014-03", manager_id="mia", to=tmp_path / "one")
    assert set(contents(tmp_path / "one")) == set(contents(pages)) - {"index.html"}


def test_a_folder_of_other_files_is_left_alone(settings: RunSettings, tmp_path: Path) -> None:
    (tmp_path / "letters.txt").write_text("dear", encoding="utf-8")
    with pytest.raises(StatementsError, match=r"holds other files \(letters.txt\)"):
        write_statements(settings, "2014-03", to=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["letters.txt"]


def test_a_full_disk_leaves_the_pages_before(
    settings: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "pages"
    write_statements(settings, "2014-02", to=folder)
    before, written = contents(folder), []

    def full(path: Path, content: bytes) -> None:
        written.append(path)
        if len(written) == 3:
            raise OSError(28, os.strerror(28))
        path.write_bytes(content)

    monkeypatch.setattr(writing, "write_durably", full)
    with pytest.raises(StatementsError, match="No space left"):
        write_statements(settings, "2014-03", to=folder)
    assert contents(folder) == before
    assert [path.name for path in tmp_path.iterdir()] == ["pages"]


@pytest.mark.parametrize("can_exchange", [True, False])
def test_a_command_that_was_killed_is_mended_by_the_next(
    settings: RunSettings, pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, can_exchange: bool
) -> None:
    if can_exchange:
        one, other = tmp_path / "one", tmp_path / "other"
        one.mkdir()
        (other / "inside").mkdir(parents=True)
        assert writing._exchange(one, other) and (one / "inside").exists() and not (other / "inside").exists()
        shutil.rmtree(one)
        other.rmdir()
    else:
        monkeypatch.setattr(writing, "_exchange", lambda *_: False)
    folder = tmp_path / "2014-03"
    # Killed between two renames, and while it wrote: no process has this number.
    shutil.copytree(pages, tmp_path / ".2014-03.before")
    (tmp_path / ".2014-03.4194304999.tmp").mkdir()
    write_statements(settings, "2014-03", payee_id="ana", to=tmp_path / "other")
    for _ in range(2):
        write_statements(settings, "2014-03", to=folder)
        assert contents(folder) == contents(pages)
        assert sorted(path.name for path in tmp_path.iterdir()) == ["2014-03", "other"]


def test_the_job_writes_the_same_pages(
    company_home: Path, pages: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COMMISSIONS_HOME", str(company_home))
    (job,) = STATEMENT_JOBS

    def run(period: str) -> dg.ExecuteInProcessResult:
        config = {"period": period, "to": str(tmp_path / "job")}
        return job.execute_in_process(
            run_config={"ops": {"write_statement_pages": {"config": config}}}, raise_on_error=False
        )

    assert run("2014-03").success
    assert contents(tmp_path / "job") == contents(pages)
    assert not run("2014-07").success
    assert contents(tmp_path / "job") == contents(pages)
