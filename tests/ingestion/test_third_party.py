"""The real source code against servers that other people wrote. Each test needs one that runs already.

    LOCALSTRIPE_URL      localstripe, a Stripe with a memory:   localstripe --port 8420 --from-scratch
    STRIPE_MOCK_URL      Stripe's specification as a mock:      prism mock -p 4010 <stripe specification>
    RIPPLING_MOCK_URL    Rippling's specification as a mock:    prism mock -p 4011 <rippling specification>
    BAMBOOHR_MOCK_URL    BambooHR's specification as a mock:    prism mock -p 4012 <bamboohr specification>

prism refuses a request that the vendor's specification does not allow; it keeps nothing and does not page. BambooHR's
needs one line more: `"explode": false` at the parameter `fields` of GET /api/v1/employees. Its text and its own clients
(bhr-api-python, `"fields": "csv"`) join the fields with commas and warn of repeated keys, which lose all but the last;
its files up to 2026-04 forgot to say so in the schema.
"""

import json
import os
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ingestion.load import TableResult
from ingestion.systems.rippling.tables import TABLES as RIPPLING
from ingestion.systems.stripe.tables import TABLES as STRIPE
from tests.support.companies.connected_company import Connected, Row, assert_same
from tests.support.fakes.bamboohr import KEY as BAMBOOHR_KEY
from tests.support.fakes.bamboohr import Hr
from tests.support.servers.fault_server import Answer, FaultServer, Recorded, Request

KEY = "sk_test_12345"


def running(variable: str) -> str:
    url = os.environ.get(variable)
    if not url:
        pytest.skip(f"{variable} is not set: start the server that the head of this file names")
    return url.rstrip("/")


def connected(name: str, url: str, home: Path, more: str = "") -> Connected:
    """A system at a server that is not ours."""
    company = Connected(FaultServer(), name, home)
    assert company.settings.sources
    company.settings.sources.write_text(f'[{name}]\nconnector = "{name}"\nbase_url = "{url}"\n{more}')
    return company


def asked(url: str, path: str, form: Row | None = None, method: str = "GET") -> Any:
    """Ask the server itself, without any of our code."""
    data = urllib.parse.urlencode(form).encode() if form is not None else None
    request = urllib.request.Request(f"{url}{path}", data, method="POST" if form is not None else method)
    request.add_header("Authorization", "Basic " + b64encode(f"{KEY}:".encode()).decode())
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


# localstripe

SHOWN = ("customers", "invoices", "charges", "refunds")


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[FaultServer, str]]:
    """localstripe with the fields that it does not know added empty, and filters that it does not know left out."""
    url = running("LOCALSTRIPE_URL")
    monkeypatch.setenv("SOURCES__STRIPE__TOKEN", KEY)
    declared = {table.name: [column.name for column in table.columns] for table in STRIPE}

    def passed_on(request: Request) -> Any:
        known = {name: value for name, value in request.query.items() if name != "created[gte]"}
        if request.path == "/v1/events" and "created[gte]" in request.query:
            known["created[gte]"] = request.query["created[gte]"]
        try:
            body = asked(url, f"{request.path}?{urllib.parse.urlencode(known)}")
        except urllib.error.HTTPError as error:
            return Answer(error.code, json.load(error))
        parts = request.path.split("/")
        for record in body.get("data", [body]):
            for name in declared.get(parts[2], []):
                record.setdefault(name, None)
        return body

    with FaultServer() as server:
        server.route("GET", r"/v1/.*")(passed_on)
        yield server, url


def test_localstripe_lands_as_it_answers_and_follows_its_events(
    complete: tuple[FaultServer, str], tmp_path: Path
) -> None:
    server, url = complete
    made = [asked(url, "/v1/customers", {"email": f"c{number}@example.com"})["id"] for number in range(120)]
    company = Connected(server, "stripe", tmp_path, section=f"read = {json.dumps(SHOWN)}\n")
    first = company.load().tables
    assert first["customers"].live >= 120
    for name in SHOWN:
        for record in asked(url, f"/v1/{name}?limit=100")["data"]:
            landed = company.live(name)[record["id"]]
            # What localstripe sends expanded is landed as its id, and object fields as JSON.
            flat = {field: value for field, value in record.items() if not isinstance(value, dict | list)}
            assert_same({field: landed[field] for field in flat if field in landed}, {
                field: value for field, value in flat.items() if field in landed
            })  # fmt: skip
    assert company.load().load_ids == (), "nothing has changed"
    asked(url, f"/v1/customers/{made[0]}", {"email": "changed@example.com"})
    asked(url, f"/v1/customers/{made[1]}", method="DELETE")
    asked(url, "/v1/customers", {"email": "late@example.com"})
    count = first["customers"].live
    assert company.load().tables["customers"] == TableResult(count + 1, 2, 0, count + 1)
    assert company.live("customers")[made[0]]["email"] == "changed@example.com"
    # localstripe tells nobody of a deletion, other than Stripe: the whole read finds it.
    company.configure(f'{company.section}[stripe.tables.customers]\nfull_every = "0 days"')
    assert company.load().tables["customers"] == TableResult(count, 0, 1, count)
    assert made[1] not in company.live("customers")


def test_stripes_specification_accepts_every_request(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    url = running("STRIPE_MOCK_URL")
    monkeypatch.setenv("SOURCES__STRIPE__TOKEN", KEY)
    # The specification is of 2023, without invoice payments.
    names = [table.name for table in STRIPE if table.name != "invoice_payments"]
    company = connected("stripe", url, tmp_path, f"read = {json.dumps(names)}\n")
    assert company.check().endswith("All in order.")
    assert {name: counts.live for name, counts in company.load().tables.items()} == dict.fromkeys(names, 1)
    assert company.load().load_ids == (), "a second load, by changes, asks for nothing that is not allowed"


def test_ripplings_specification_accepts_every_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = running("RIPPLING_MOCK_URL")
    monkeypatch.setenv("SOURCES__RIPPLING__TOKEN", "any.key")
    company = connected("rippling", url, tmp_path)
    assert company.check().endswith("All in order.")
    counts = company.load().tables
    assert set(counts) == {table.name for table in RIPPLING}
    assert all(table.live for table in counts.values())
    assert company.load().load_ids == ()


def repeated(url: str, request: Recorded) -> int:
    """Send a request of ours again, to another server and with a token; the status of the answer."""
    again = urllib.request.Request(
        f"{url}{request.path}?{urllib.parse.urlencode(request.query)}",
        request.body or None,
        method=request.method,
    )
    again.add_header("Authorization", "Bearer any.key")
    again.add_header("Content-Type", "application/json")
    try:
        with urllib.request.urlopen(again, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_bamboohrs_specification_accepts_every_request(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = running("BAMBOOHR_MOCK_URL")
    monkeypatch.setenv("SOURCES__BAMBOOHR__API_KEY", BAMBOOHR_KEY)
    # Its answers are placeholders, so the rows come from the company of the tests, and the same requests go to prism.
    with FaultServer() as server:
        hr = Hr(server)
        for number in range(3):
            hr.hire(str(number))
            hr.dataset.append({"eeid": str(number), "employeeNumber": f"E-{number}"})
        company = Connected(server, "bamboohr", tmp_path)
        company.configure(
            '[bamboohr.tables.numbers]\nkey = ["eeid"]\noptions = { dataset = "employee" }\n'
            'columns = { employeeNumber = "text" }\n'
        )
        assert company.check().endswith("All in order.")
        company.load()
        asked = list(server.requests)
    assert {request.path for request in asked} == {
        "/api/v1/employees", "/api/v1/employees/all/tables/jobInfo", "/api/v1/employees/all/tables/employmentStatus",
        "/api/v2/datasets/employee/data",
    }  # fmt: skip
    assert [(request.path, request.query) for request in asked if repeated(url, request) != 200] == []
    wrong = next(request for request in asked if "fields" in request.query)
    unknown = Recorded("GET", wrong.path, {**wrong.query, "fields": "workEmail,salary"}, {}, b"", 0)
    assert repeated(url, unknown) in (400, 422), "prism does look at each field"
