"""Disputes of a small company: filed, answered, decided, settled; refused; killed; a closed month; never the ledger."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from click.testing import CliRunner

from orchestration.books import acting, disputes
from orchestration.books.actions import append, read_actions
from orchestration.books.desk import Desk, open_desk
from orchestration.books.verify import verify
from orchestration.cli.main import main
from orchestration.plans.situations.build import ROOT, Tables, calculate, write_seeds
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.publish import publish
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.contract_company import AS_OF, START, company, install

# Ana's two deals of March bring 10,333.00 x 10 %; each line is its part of the rounded total, the bonus of 50 apart.
LINE = "2014-03|deals|crm/Opportunity/D1|direct|ana|0|main|ana|ana|booking"
ACTED = datetime(2014, 4, 5, 9, 0, tzinfo=UTC)
LEDGER = "select md5(string_agg(ledger_line_key || line_amount, '|' order by ledger_line_key)) from marts.fct_ledger_lines"
# Two actions as they were written before actions could tell of disputes.
OLD_ACTIONS = (
    '{"acted_at":"2014-04-03T08:30:00","action_code":"adjust",'
    '"action_hash":"f774460981456d936fbfdf45deb2eb145b61b25b65710b4c2695279be1613748","action_number":1,'
    '"actor":"ana","amount":"-12.34","currency_code":"USD","lines_fingerprint":null,"payee_id":"275",'
    '"period_code":"2014-03","plan_id":"deals","previous_hash":"","reason":"paid twice","reference_number":null,'
    '"role_code":null}\n',
    '{"acted_at":"2014-04-03T09:00:00","action_code":"approve_adjustment",'
    '"action_hash":"dc61eb0679da4618723698c4d39b4c5a20c676412d5357781810970d232f4bc8","action_number":2,'
    '"actor":"laura","amount":null,"currency_code":null,"lines_fingerprint":null,"payee_id":null,'
    '"period_code":null,"plan_id":null,'
    '"previous_hash":"f774460981456d936fbfdf45deb2eb145b61b25b65710b4c2695279be1613748","reason":null,'
    '"reference_number":1,"role_code":null}\n',
)
# Kills the process at its Nth durable step.
KILLED = """
import os, pathlib, signal, sys
left = int(sys.argv[2])
def counted(original):
    def step(*arguments, **options):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*arguments, **options)
    return step
from orchestration.books import disputes
from orchestration.books.desk import open_desk
from orchestration.warehouse.settings import RunSettings
for name in ("fsync", "link", "replace", "rename"):
    setattr(os, name, counted(getattr(os, name)))
with open_desk(RunSettings(home=pathlib.Path(sys.argv[1]))) as desk:
    disputes.file_line(desk, sys.argv[3], claim=None, reason="too low", actor="ana")
"""


def tables() -> Tables:
    """Ben manages Ana and approves as manager; Mia is a name of Cy; Laura is the administrator."""
    given = company(
        approval_steps=[
            {"step_number": "1", "role_code": "manager"},
            {"step_number": "2", "role_code": "administrator"},
            {"plan_id": "euro_deals", "step_number": "1", "role_code": "treasurer"},
        ],
        approvers=[
            {"role_code": "administrator", "actor": "laura", "valid_from": START},
            {"role_code": "manager", "actor": "ben", "valid_from": START},
            {"role_code": "manager", "actor": "cy", "valid_from": START},
            {"role_code": "treasurer", "actor": "theo", "valid_from": START, "valid_to": "2014-04-01"},
        ],
        actors=[{"actor": "mia", "payee_id": "cy", "valid_from": START, "valid_to": "2014-05-01"}],
    )
    return {**given, "hris/job_info": [{"employeeId": "ana", "date": "2012-01-01", "reportsTo": "ben"}]}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The company, calculated and published."""
    folder = tmp_path_factory.mktemp("home")
    install(folder, tables())
    return folder


@pytest.fixture
def settings(home: Path, tmp_path: Path) -> RunSettings:
    """A copy of it."""
    shutil.copytree(home, tmp_path / "home", ignore=shutil.ignore_patterns("target", "logs"))
    return RunSettings(home=tmp_path / "home", as_of_date=AS_OF.isoformat())


def act(settings: RunSettings, what: Callable[[Desk], list[str]], *, at: datetime = ACTED) -> str:
    with open_desk(settings, acted_at=at) as desk:
        return "\n".join(what(desk))


def file_line(settings: RunSettings, line: str = LINE, actor: str = "ana", claim: str | None = None) -> str:
    return act(
        settings, lambda desk: disputes.file_line(desk, line, claim=claim, reason="too low", actor=actor)
    )


def payout(desk: Desk, **facts: Any) -> list[str]:
    given = {
        "plan_id": None, "transaction_id": None, "currency_code": None, "claim": None, "reason": "deal missing",
        "period_code": "2014-03", **facts,
    }  # fmt: skip
    return disputes.file_payout(desk, **given)


def decide(settings: RunSettings, number: int, actor: str, **facts: Any) -> str:
    given = {"is_accepted": True, "adjustment_number": None, "reason": "right", **facts}
    return act(settings, lambda desk: disputes.decide(desk, number, actor=actor, **given))


def ask(settings: RunSettings, query: str) -> list[Any]:
    with duckdb.connect(str(settings.published), read_only=True) as marts:
        return marts.execute(query.replace("marts.fct", "fct").replace("marts.rpt", "rpt")).fetchall()


def run_again(settings: RunSettings) -> None:
    """What a run does with the same inputs."""
    # dbt writes what it compiles over seeds outside its project.
    write_seeds(tables(), settings.home / "seeds", ROOT / "seeds")
    calculate(settings.home, settings.home / "seeds", AS_OF, ROOT / "dbt_project")
    publish(warehouse=settings.warehouse, published=settings.published, run={"as_of_date": AS_OF.isoformat()})


def test_a_dispute_is_filed_answered_accepted_and_settled_by_an_adjustment(settings: RunSettings) -> None:
    ledger = ask(settings, LEDGER)
    assert file_line(settings, claim="1012.31").splitlines() == [
        f"dispute 1: filed by ana against line {LINE}, 999.97 USD: too low"
    ]
    told = act(settings, lambda desk: disputes.answer(desk, 1, reason="we look", actor="laura"))
    assert told == "dispute 1: answered by laura as administrator: we look"
    act(
        settings,
        lambda desk: acting.adjust(
            desk, payee_id="ana", plan_id="deals", period_code="2014-03", amount="12.34", currency_code="USD",
            reason="dispute 1", actor="laura",
        ),
    )  # fmt: skip
    told = decide(settings, 1, "laura", adjustment_number=3)
    assert told == (
        "dispute 1: accepted by laura as administrator: right. Adjustment 3 settles it once it is approved and posted"
    )
    columns = "state_code, disputed_amount, claimed_amount, current_amount, adjustment_number, settled_amount, open_days"
    before = (Decimal("999.97"), Decimal("1012.31"), Decimal("999.97"), 3)
    assert ask(settings, f"select {columns} from fct_disputes") == [("accepted", *before, None, 0)]
    assert ask(settings, LEDGER) == ledger, "a dispute moves no money"
    act(
        settings,
        lambda desk: acting.decide_adjustment(desk, 3, is_approved=True, reason="", actor="ben"),
    )
    assert ask(settings, f"select {columns} from fct_disputes") == [
        ("accepted", *before, Decimal("12.34"), 0)
    ]
    run_again(settings)
    assert ask(settings, "select settled_amount, settled_period_code from fct_disputes") == [
        (Decimal("12.34"), "2014-03")
    ]
    assert ask(settings, "select sum(line_amount) from fct_ledger_lines where line_key = 'adjustment|3'") == [
        (Decimal("12.34"),)
    ]
    assert [row[0] for row in ask(settings, "select action_code from rpt_dispute_events order by 1")] == [
        "dispute_accepted", "dispute_answered", "dispute_filed",
    ]  # fmt: skip
    assert "actions: 5 in one chain" in verify(settings, is_rebuilt=False)


def test_the_manager_files_and_somebody_else_of_the_approvers_decides(settings: RunSettings) -> None:
    file_line(settings, actor="ben")
    with pytest.raises(BooksError, match="dispute 1 was filed by ben: another person has to decide it"):
        decide(settings, 1, "ben")
    with pytest.raises(BooksError, match=r"decided by manager or administrator; eve has no such role"):
        decide(settings, 1, "eve")
    # Cy has the role of the manager.
    assert "rejected by cy as manager" in decide(settings, 1, "cy", is_accepted=False, reason="no")
    with pytest.raises(BooksError, match="dispute 1 is rejected already"):
        decide(settings, 1, "laura")
    with pytest.raises(BooksError, match="dispute 1 is rejected already"):
        act(settings, lambda desk: disputes.withdraw_dispute(desk, 1, reason="x", actor="ben"))
    with pytest.raises(BooksError, match="there is no dispute 9; open ones: none"):
        decide(settings, 9, "laura")


def test_nobody_decides_about_his_own_pay_under_any_name(settings: RunSettings) -> None:
    own = "2014-03|deals|crm/Opportunity/D5|direct|cy|0|main|cy|cy|booking"
    assert "filed by mia" in file_line(settings, own, actor="mia")
    with pytest.raises(BooksError, match="is about cy's own pay"):
        decide(settings, 1, "cy")
    assert "withdrawn by cy" in act(
        settings, lambda desk: disputes.withdraw_dispute(desk, 1, reason="solved", actor="cy")
    )
    assert ask(settings, "select state_code, decided_by from fct_disputes") == [("withdrawn", "cy")]
    with pytest.raises(BooksError, match="mia is not a payee on 2014-05-01"):
        act(
            settings,
            lambda desk: disputes.file_line(desk, own, claim=None, reason="x", actor="mia"),
            at=datetime(2014, 5, 1, tzinfo=UTC),
        )


def test_the_roles_of_the_plans_own_steps_decide(settings: RunSettings) -> None:
    line = "2014-03|euro_deals|crm/Opportunity/D3|direct|ana|0|main|ana|ana|booking"
    file_line(settings, line)
    with pytest.raises(BooksError, match="decided by treasurer; laura has no such role"):
        decide(settings, 1, "laura")
    with pytest.raises(BooksError, match=r"decided by treasurer; theo has no such role on 2014-04-05"):
        decide(settings, 1, "theo")


def test_a_payout_and_a_missing_deal_are_disputed(settings: RunSettings) -> None:
    """Ana is paid in two currencies: one is named. D9 is Ben's deal of April, and brings Ana nothing."""
    with pytest.raises(BooksError, match="is paid in EUR and USD for 2014-03; name one with --currency"):
        act(settings, lambda desk: payout(desk, payee_id="ana", actor="ana"))
    told = act(settings, lambda desk: payout(desk, payee_id="ana", actor="ana", currency_code="USD"))
    # 1,033.30 of commission and the bonus of 50.
    assert "against the payout of ana for 2014-03 under deals, 1,083.30 USD: deal missing" in told
    told = act(
        settings,
        lambda desk: payout(
            desk, payee_id="ana", actor="ana", transaction_id="crm/Opportunity/D9", period_code="2014-04"
        ),
    )
    assert "for the deal crm/Opportunity/D9, nothing" in told
    rows = ask(
        settings,
        "select dispute_number, subject_code, plan_id, currency_code, disputed_amount from fct_disputes order by 1",
    )
    assert rows == [(1, "payout", "deals", "USD", Decimal("1083.30")), (2, "deal", None, None, Decimal(0))]
    # Without a plan the common steps decide.
    assert "accepted by laura as administrator" in decide(settings, 2, "laura")
    with pytest.raises(BooksError, match="--claim names no currency and nothing was paid"):
        act(
            settings,
            lambda desk: payout(desk, payee_id="fay", actor="fay", period_code="2014-04", claim="1"),
        )


@pytest.mark.parametrize(
    ("line", "facts", "said"),
    [
        (LINE.replace("D1", "D11"), {}, rf"there is no line .*near it: {LINE[:40]}".replace("|", r"\|")),
        (LINE, {"actor": "dee"}, "only payee ana or the manager files.*dee acts for payee dee"),
        (LINE, {"actor": "zoe"}, r"zoe is not a payee on 2014-04-05\. .*seeds/operations/actors\.csv"),
        (LINE, {"claim": "12.345"}, r"'12\.345' has more decimals than USD \(2\)"),
        (LINE, {"claim": "much"}, "'much' is not a decimal number"),
    ],
)
def test_a_filing_is_refused_with_its_fix(
    settings: RunSettings, line: str, facts: dict[str, str], said: str
) -> None:
    with pytest.raises(BooksError, match=said):
        file_line(settings, line, **facts)
    assert read_actions(settings.books / "actions") == []


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"payee_id": "anna", "actor": "ana"}, "there is no payee 'anna'; near it: ana"),
        ({"payee_id": "ana", "actor": "ana", "plan_id": "deal"}, "no plan deal; known: deals, euro_deals"),
        ({"payee_id": "ana", "actor": "ana", "period_code": "03/2014"}, "is not a month"),
        (
            {"payee_id": "ana", "actor": "ana", "transaction_id": "D9"},
            "no deal 'D9'; near it: .*named in --reason",
        ),
        ({"payee_id": "fay", "actor": "fay", "reason": " "}, "--reason is empty"),
    ],
)
def test_a_filing_against_a_payout_is_refused_with_its_fix(
    settings: RunSettings, facts: dict[str, str], said: str
) -> None:
    with pytest.raises(BooksError, match=said):
        act(settings, lambda desk: payout(desk, **facts))
    assert read_actions(settings.books / "actions") == []


def test_the_same_is_not_disputed_twice_at_once(settings: RunSettings) -> None:
    file_line(settings)
    with pytest.raises(BooksError, match="dispute 1 about this is open already"):
        file_line(settings, actor="ben")
    decide(settings, 1, "laura", is_accepted=False, reason="no")
    assert "dispute 3: filed" in file_line(settings)


def test_an_adjustment_that_does_not_fit_settles_nothing(settings: RunSettings) -> None:
    file_line(settings)

    def asked(payee_id: str, currency_code: str) -> None:
        act(
            settings,
            lambda desk: acting.adjust(
                desk, payee_id=payee_id, plan_id="deals", period_code="2014-03", amount="1",
                currency_code=currency_code, reason="x", actor="laura",
            ),
        )  # fmt: skip

    asked("ben", "USD")
    asked("ana", "EUR")
    asked("ana", "USD")
    with pytest.raises(BooksError, match="there is no adjustment 99"):
        decide(settings, 1, "laura", adjustment_number=99)
    with pytest.raises(BooksError, match="adjustment 2 is of payee ben, dispute 1 of ana"):
        decide(settings, 1, "laura", adjustment_number=2)
    with pytest.raises(BooksError, match="adjustment 3 is in EUR, dispute 1 in USD"):
        decide(settings, 1, "laura", adjustment_number=3)
    decide(settings, 1, "laura", adjustment_number=4)
    file_line(settings)
    with pytest.raises(BooksError, match="adjustment 4 settles dispute 1 already"):
        decide(settings, 6, "laura", adjustment_number=4)


def test_a_closed_month_is_disputed_and_stays_as_it_is(settings: RunSettings) -> None:
    period, march = "2014-03", datetime(2014, 3, 31, tzinfo=UTC)
    act(settings, lambda desk: acting.release(desk, "credits", period, None, "laura"))
    act(settings, lambda desk: acting.release(desk, "rewards", period, None, "laura"))
    act(settings, lambda desk: acting.approve(desk, period, None, "ben"))
    act(settings, lambda desk: acting.approve(desk, period, None, "laura"))
    act(settings, lambda desk: acting.approve(desk, period, None, "theo"), at=march)
    act(settings, lambda desk: acting.close(desk, period, "laura"))
    told = file_line(settings)
    assert told.splitlines()[-1] == ("2014-03 is closed and stays as it is: a remedy is posted in 2014-04")
    assert ask(settings, "select is_period_closed from fct_disputes") == [(True,)]
    verify(settings, is_rebuilt=False)


def test_a_dry_run_writes_nothing(settings: RunSettings) -> None:
    with open_desk(settings, is_dry_run=True, acted_at=ACTED) as desk:
        (told,) = disputes.file_line(desk, LINE, claim=None, reason="too low", actor="ana")
    assert told.startswith("dispute 1: would be filed by ana")
    assert read_actions(settings.books / "actions") == []


@pytest.mark.parametrize("step", range(1, 7) if "KILL_ROUNDS" in os.environ else (2, 5))
def test_a_killed_filing_is_whole_or_not_there(settings: RunSettings, step: int) -> None:
    """Whatever was done is shown by the next command; what was not is filed then."""
    subprocess.run(
        [sys.executable, "-c", KILLED, str(settings.home), str(step), LINE],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
    )
    filed = len(read_actions(settings.books / "actions"))
    if filed:
        with pytest.raises(BooksError, match="dispute 1 about this is open already"):
            file_line(settings)
    else:
        file_line(settings)
    assert ask(settings, "select count(*) from fct_disputes") == [(1,)]
    verify(settings, is_rebuilt=False)


def test_actions_of_an_earlier_version_stay_valid_and_are_followed(tmp_path: Path) -> None:
    for number, text in enumerate(OLD_ACTIONS, start=1):
        (tmp_path / f"{number:06}.json").write_text(text)
    old = read_actions(tmp_path)
    assert [action.ledger_line_key for action in old] == [None, None]
    append(tmp_path, old, action_code="approve", acted_at=ACTED, actor="laura", plan_id="deals")
    append(
        tmp_path,
        read_actions(tmp_path),
        action_code="dispute_filed",
        acted_at=ACTED,
        actor="ana",
        ledger_line_key=LINE,
    )
    assert read_actions(tmp_path)[3].ledger_line_key == LINE
    # An action of a kind that there was before is written as it was before.
    third = json.loads((tmp_path / "000003.json").read_text())
    assert set(third) == set(json.loads(OLD_ACTIONS[0]))
    fourth = tmp_path / "000004.json"
    fourth.write_text(fourth.read_text().replace("D1", "D2"))
    with pytest.raises(BooksError, match=r"000004\.json was changed after it was written"):
        read_actions(tmp_path)


def test_the_commands_say_what_they_need_and_list(
    settings: RunSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from orchestration.cli.main import main

    monkeypatch.setenv("COMMISSIONS_HOME", str(settings.home))

    def typed(*words: str) -> tuple[int, str]:
        answer = CliRunner().invoke(main, words)
        return answer.exit_code, answer.output

    code, said = typed("dispute", "file", LINE, "--payee", "ana", "--reason", "x", "--by", "ana")
    assert code == 2 and "not both" in said
    assert typed("disputes")[1] == "No dispute.\n"
    code, said = typed("dispute", "file", LINE, "--claim", "1100", "--reason", "too low", "--by", "ana")
    assert code == 0, said
    listed = typed("disputes", "--open")[1]
    assert "filed" in listed and "999.97" in listed and "1,100.00" in listed
    code, said = typed("dispute", "reject", "1", "--reason", "no", "--by", "eve")
    assert code == 1 and said.startswith("Refused: dispute 1 is decided by manager or administrator")
    assert typed("dispute", "reject", "1", "--reason", "no", "--by", "laura")[0] == 0
    assert typed("disputes", "--open")[1] == "No open dispute.\n"


def test_the_same_actions_are_dagster_jobs(settings: RunSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    from orchestration.defs.dispute_jobs import DISPUTE_JOBS

    monkeypatch.setenv("COMMISSIONS_HOME", str(settings.home))
    jobs = {job.name: job for job in DISPUTE_JOBS}

    def done(job: str, **config: Any) -> bool:
        (op,) = jobs[job].graph.nodes
        return (
            jobs[job]
            .execute_in_process(run_config={"ops": {op.name: {"config": config}}}, raise_on_error=False)
            .success
        )

    assert not done("file_dispute", reason="x", by="ana")
    assert done("file_dispute", line=LINE, reason="too low", by="ana")
    assert done("answer_dispute", number=1, reason="we look", by="laura")
    assert not done("decide_dispute", number=1, is_accepted=True, reason="mine", by="ana")
    assert done("withdraw_dispute", number=1, reason="solved", by="ana")
    assert ask(settings, "select state_code from fct_disputes") == [("withdrawn",)]


@pytest.mark.parametrize("claim", ["999999999999999", "1000000000000", "-1000000000000", "1e400"])
def test_a_claim_that_no_table_holds_is_refused_before_it_is_written(
    settings: RunSettings, claim: str
) -> None:
    with pytest.raises(
        BooksError, match=r"is not an amount that anybody is paid: write one below 1,000,000,000,000"
    ):
        file_line(settings, claim=claim)
    assert read_actions(settings.books / "actions") == []
    assert "dispute 1" in file_line(settings, claim="999999999999.99")


def test_an_adjustment_of_twenty_digits_is_refused_and_stops_nobody(settings: RunSettings) -> None:
    def adjust(amount: str) -> str:
        return act(
            settings,
            lambda desk: acting.adjust(
                desk, payee_id="ana", plan_id="deals", period_code="2014-03", amount=amount, currency_code="USD",
                reason="a bonus", actor="laura",
            ),
        )  # fmt: skip

    with pytest.raises(BooksError, match="is not an amount that anybody is paid"):
        adjust("12345678901234567890")
    assert read_actions(settings.books / "actions") == []
    assert "adjustment 1: 12.50 USD" in adjust("12.50")


def test_an_older_log_with_an_action_that_cannot_be_landed_says_how_to_go_on(settings: RunSettings) -> None:
    folder = settings.books / "actions"
    append(folder, [], action_code="dispute_filed", acted_at=ACTED, actor="ana", payee_id="ana",
           period_code="2014-03", claimed_amount="999999999999999")  # fmt: skip
    environment = {"COMMISSIONS_HOME": str(settings.home), "COMMISSIONS_AS_OF_DATE": AS_OF.isoformat()}

    def command(*arguments: str) -> str:
        answer = CliRunner().invoke(main, arguments, env=environment)
        assert not answer.exception or isinstance(answer.exception, SystemExit), answer.exception
        return answer.output

    for stuck in (command("periods"), command("verify")):
        assert "action 1 (" in stuck and "commissions supersede 1 --reason TEXT --by NAME" in stuck
    assert "action 1 (dispute_filed by ana) is set aside" in command("supersede", "1", "--reason", "digits", "--by", "laura")  # fmt: skip
    assert "2014-03" in command("periods")
    assert "Verified." in command("verify")
    assert "dispute 3" in file_line(settings, claim="10")
    told = ask(
        settings,
        "select action_code, subject from marts.rpt_audit_log where action_code like 'supersede%' order by all",
    )
    assert told == [("supersede", "2014-03"), ("superseded", "2014-03 ana")]
