"""An edit of a deal after its close counts once one person has asked for it and another one has approved it."""

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from orchestration.books import acting
from orchestration.books.desk import Desk, open_desk
from orchestration.plans.situations.build import ROOT, calculate, write_seeds
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.publish import publish
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.company_files import Tables
from tests.support.companies.contract_company import AS_OF, company, install

DEAL = "crm/Opportunity/D9"
ASKED = datetime(2014, 4, 10, 9, tzinfo=UTC)


def tables() -> Tables:
    """D9 was won at 1,200 on 3 April, is 1,500 from the 5th and 1,800 from the 11th; ben, its owner, has a role too, and lau is laura."""
    made = dict(company())
    closed = [{**plan, "amount_basis_code": "as_of_close", "settle_days": "0"} for plan in made["plans"]]
    deals: list[Any] = []
    for deal in made["crm/Opportunity"]:
        if deal["Id"] != "D9":
            deals.append(deal)
            continue
        for landed, amount in (("2014-04-03", "1200"), ("2014-04-05", "1500"), ("2014-04-11", "1800")):
            deals.append({**deal, "Amount": amount, "_dlt_valid_from": landed})
    roles = [
        {"role_code": "administrator", "actor": name, "valid_from": "2012-01-01"}
        for name in ("laura", "lau", "ben", "theo")
    ]
    second_name = [
        {"actor": name, "payee_id": "fay", "valid_from": "2012-01-01"} for name in ("laura", "lau")
    ]
    return {**made, "plans": closed, "crm/Opportunity": deals, "approvers": roles, "actors": second_name}


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> RunSettings:
    return install(tmp_path_factory.mktemp("home"), tables())


def act(settings: RunSettings, what: Callable[[Desk], list[str]]) -> str:
    with open_desk(settings, acted_at=ASKED) as desk:
        return "\n".join(what(desk))


def run_again(settings: RunSettings) -> None:
    write_seeds(tables(), settings.home / "seeds", ROOT / "seeds")
    calculate(settings.home, settings.home / "seeds", AS_OF, ROOT / "dbt_project")
    publish(warehouse=settings.warehouse, published=settings.published, run={"as_of_date": AS_OF.isoformat()})


def ask(settings: RunSettings, query: str) -> list[Any]:
    with duckdb.connect(str(settings.published), read_only=True) as marts:
        return marts.execute(query).fetchall()


def credited(settings: RunSettings) -> list[Any]:
    query = f"select plan_id, credited_amount from fct_credits where transaction_id = '{DEAL}' order by all"
    return ask(settings, query)


def edits(settings: RunSettings) -> list[Any]:
    return ask(
        settings,
        "select field_name, cast(value_at_close as decimal(18, 2)), cast(value_now as decimal(18, 2)), read_code "
        f"from rpt_post_close_edits where transaction_id = '{DEAL}' and plan_id = 'deals'",
    )


def test_an_edit_counts_after_two_people_and_only_what_was_there_when_it_was_asked_for(
    settings: RunSettings,
) -> None:
    before = credited(settings)
    assert Decimal(1200) in {amount for _, amount in before}
    assert edits(settings) == [("Amount", Decimal(1200), Decimal(1800), "close")]
    with pytest.raises(BooksError, match="has no edits that a plan leaves out"):
        act(settings, lambda desk: acting.accept_edits(desk, "crm/Opportunity/D1", "right", "ana"))
    said = act(settings, lambda desk: acting.accept_edits(desk, DEAL, "signed at 1,500", "laura"))
    assert said.startswith(f"request 1: that the edits of {DEAL} count (Amount ")
    with pytest.raises(BooksError, match="waits for a decision already"):
        act(settings, lambda desk: acting.accept_edits(desk, DEAL, "again", "theo"))

    def decide(actor: str) -> str:
        return act(
            settings,
            lambda desk: acting.decide_edits(desk, 1, is_approved=True, reason="", actor=actor),
        )

    run_again(settings)
    assert credited(settings) == before, "nobody has approved it"
    for actor, why in (
        ("laura", "was made by laura: another person has to decide it"),
        ("lau", "was made by laura: another person has to decide it"),
        ("mia", "mia has no role"),
        ("ben", "ben is credited for"),
    ):
        with pytest.raises(BooksError, match=why):
            decide(actor)
    assert decide("theo").endswith("They count from the next run on")
    with pytest.raises(BooksError, match="request 1 is decided already, by theo"):
        decide("laura")
    run_again(settings)
    assert credited(settings) == [
        (plan, Decimal(1500) if amount == 1200 else amount) for plan, amount in before
    ]
    assert edits(settings) == [("Amount", Decimal(1500), Decimal(1800), "close")]


def test_a_request_that_is_not_there_is_refused(settings: RunSettings) -> None:
    with pytest.raises(BooksError, match="there is no request 99 to count edits"):
        act(settings, lambda desk: acting.decide_edits(desk, 99, is_approved=True, reason="", actor="theo"))
