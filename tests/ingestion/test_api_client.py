"""The client meets a real server that fails in every way a vendor's does."""

import logging
import time
import traceback
from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from dlt.sources.helpers.rest_client.paginators import JSONLinkPaginator, JSONResponseCursorPaginator

from ingestion.api.auth import Credentials, OAuth2, TokenStore, api_key, basic, bearer
from ingestion.api.client import Client, ClientOptions
from ingestion.api.errors import ApiError, AuthError, ForbiddenError, NotFoundError, RateLimitError
from tests.support.servers.fault_server import (
    Answer,
    Fault,
    FaultServer,
    Request,
    change,
    cut_body,
    cut_text,
    expire_token,
    hang_up,
    no_answer,
    retry_after,
    retry_at,
    status,
)

SECRET = "very.secret.of.the.app"
FAST = ClientOptions(read_seconds=0.4, attempts=4, backoff_seconds=0.05, wait_seconds_max=3)
ROWS = [{"id": str(number), "amount": Decimal(number) + Decimal("0.10")} for number in range(10)]


@pytest.fixture
def server() -> Iterator[FaultServer]:
    with FaultServer() as running:
        running.oauth("/token", client_id="app", client_secret=SECRET)
        running.protect("/api/")

        @running.route("GET", "/api/rows")
        def rows(request: Request) -> Any:
            start = int(request.query.get("start", "0"))
            page: dict[str, Any] = {"rows": ROWS[start : start + 3]}
            if start + 3 < len(ROWS):
                page["next"] = f"/api/rows?start={start + 3}"
            return page

        @running.route("POST", "/api/query")
        def query(request: Request) -> Any:
            return {"asked": request.json}

        yield running


def oauth(server: FaultServer, **options: Any) -> OAuth2:
    return OAuth2(f"{server.url}/token", "app", SECRET, **options)


def client(server: FaultServer, options: ClientOptions = FAST) -> Client:
    return Client("crm", server.url, oauth(server), options=options)


def read(made: Client) -> list[dict[str, Any]]:
    return [row for page in made.pages("/api/rows", JSONLinkPaginator("next"), "rows") for row in page]


def test_pages_are_followed_and_numbers_are_exact(server: FaultServer) -> None:
    rows = read(client(server))
    assert rows == ROWS
    assert {type(row["amount"]) for row in rows} == {Decimal}
    assert [request.query for request in server.asked("/api/rows")] == [{}, *({"start": n} for n in "369")]


def test_a_post_sends_json_and_returns_the_parsed_body(server: FaultServer) -> None:
    assert client(server).post("/api/query", {"q": "all"}) == {"asked": {"q": "all"}}


@pytest.mark.parametrize(
    "fault",
    [
        status(500),
        status(503, "<html>busy</html>", {"Content-Type": "text/html"}),
        no_answer(0.8),
        hang_up(),
        cut_body(),
        cut_text(),
    ],
    ids=["500", "503", "time-out", "hang up", "body cut off", "text cut off"],
)
def test_a_failing_page_is_asked_for_again(server: FaultServer, fault: Fault) -> None:
    server.fault("/api/rows", fault, skip=1)
    assert read(client(server)) == ROWS
    assert server.faults_left == 0
    starts = [request.query.get("start") for request in server.asked("/api/rows")]
    assert starts == [None, "3", "3", "6", "9"]


def test_attempts_are_bounded_and_wait_longer_each_time(server: FaultServer) -> None:
    server.fault("/api/rows", *[status(500)] * 9)
    with pytest.raises(ApiError, match="status 500"):
        read(client(server))
    at = [request.at for request in server.asked("/api/rows")]
    waits = [after - before for before, after in pairwise(at)]
    assert len(at) == FAST.attempts
    assert all(wait >= expected for wait, expected in zip(waits, (0.05, 0.1, 0.2), strict=True)), waits


@pytest.mark.parametrize("fault", [retry_after(0.6), retry_after(0.6, 503)], ids=["429", "503"])
def test_a_rate_limit_is_waited_for(server: FaultServer, fault: Fault) -> None:
    server.fault("/api/rows", fault, skip=1)
    assert read(client(server)) == ROWS
    refused, again = server.asked("/api/rows")[1:3]
    assert (refused.status, again.status) in {(429, 200), (503, 200)}
    assert refused.query == again.query
    assert 0.6 <= again.at - refused.at < 2


def test_a_rate_limit_with_a_date_is_waited_for(server: FaultServer) -> None:
    server.fault("/api/rows", retry_at(2))
    assert read(client(server)) == ROWS
    refused, again = server.asked("/api/rows")[:2]
    # A date has whole seconds: up to one of the two may have passed.
    assert 1 <= again.at - refused.at < 3.5


def test_a_vendors_own_limit_header_is_waited_for(server: FaultServer) -> None:
    options = ClientOptions(
        backoff_seconds=0.01,
        retry_after=lambda response: float(response.headers.get("X-Reset-In-Ms", "0")) / 1000 or None,
    )
    server.fault("/api/rows", status(429, {}, {"X-Reset-In-Ms": "500"}))
    assert read(client(server, options)) == ROWS
    refused, again = server.asked("/api/rows")[:2]
    assert 0.5 <= again.at - refused.at < 2


def test_a_wait_beyond_the_bound_ends_at_once(server: FaultServer) -> None:
    server.fault("/api/rows", retry_after(7200))
    began = time.monotonic()
    with pytest.raises(RateLimitError, match="asks to wait 7200 s"):
        read(client(server))
    assert time.monotonic() - began < 2
    assert len(server.asked("/api/rows")) == 1


def test_a_token_that_expires_in_mid_paging_is_renewed_once(server: FaultServer) -> None:
    server.fault("/api/rows", expire_token(), skip=2)
    assert read(client(server)) == ROWS
    assert [request.status for request in server.asked("/api/rows")] == [200, 200, 401, 200, 200]
    assert len(server.asked("/token")) == 2


def test_a_token_that_dies_during_a_wait_is_renewed(server: FaultServer) -> None:
    def limit_and_expire(running: FaultServer, _request: Request, _answer: Any) -> Answer:
        running.tokens.clear()
        return Answer(429, {}, {"Retry-After": "0.2"})

    server.fault("/api/rows", limit_and_expire, skip=1)
    assert read(client(server)) == ROWS
    assert [request.status for request in server.asked("/api/rows")] == [200, 429, 401, 200, 200, 200]


def test_a_second_401_is_an_error_without_a_loop(server: FaultServer) -> None:
    server.fault("/api/rows", status(401, {"error": "no"}), status(401, {"error": "no"}))
    with pytest.raises(AuthError, match="status 401"):
        read(client(server))
    assert len(server.asked("/api/rows")) == 2


def test_a_token_is_renewed_before_its_end(server: FaultServer) -> None:
    server.oauth("/short", client_id="app", client_secret=SECRET, expires_in=1)
    made = Client("crm", server.url, OAuth2(f"{server.url}/short", "app", SECRET), options=FAST)
    made.get("/api/rows")
    time.sleep(1.1)
    made.get("/api/rows")
    assert [request.status for request in server.asked("/api/rows")] == [200, 200]
    assert len(server.asked("/short")) == 2


def test_a_token_that_was_just_renewed_and_is_refused_is_renewed_again(server: FaultServer) -> None:
    server.oauth("/short", client_id="app", client_secret=SECRET, expires_in=1)
    made = Client("crm", server.url, OAuth2(f"{server.url}/short", "app", SECRET), options=FAST)
    made.get("/api/rows")
    time.sleep(1.1)
    server.fault("/api/rows", expire_token())
    assert made.get("/api/rows")["rows"] == ROWS[:3]
    assert len(server.asked("/short")) == 3


def test_the_clients_secret_may_travel_in_a_header(server: FaultServer) -> None:
    made = Client("crm", server.url, oauth(server, client_in_header=True), options=FAST)
    assert read(made) == ROWS
    (asked,) = server.asked("/token")
    assert asked.headers["authorization"].startswith("Basic ") and SECRET not in asked.body.decode()


def test_a_token_endpoint_that_is_busy_is_asked_again(server: FaultServer) -> None:
    server.fault("/token", retry_after(0.3), status(500))
    assert read(client(server)) == ROWS
    assert [request.status for request in server.asked("/token")] == [429, 500, 200]


def test_a_replaced_refresh_token_is_kept_for_the_next_load(server: FaultServer, tmp_path: Path) -> None:
    server.oauth(
        "/rotating", client_id="app", client_secret=SECRET, refresh_token="refresh.at.first", rotates=True
    )
    path = tmp_path / "tokens" / "crm.json"

    def load(configured: str) -> None:
        credentials = OAuth2(
            f"{server.url}/rotating", "app", SECRET, refresh_token=configured, store=TokenStore(path)
        )
        Client("crm", server.url, credentials, options=FAST).get("/api/rows")

    load("refresh.at.first")
    load("refresh.at.first")
    sent = [request.body.decode() for request in server.asked("/rotating")]
    assert ["refresh.at.first" in body for body in sent] == [True, False]
    assert path.stat().st_mode & 0o077 == 0
    assert "refresh.at.first" not in path.read_text()
    server.refresh_token = "configured.anew"
    load("configured.anew")


@pytest.mark.parametrize(
    ("credentials", "header", "value"),
    [
        (bearer("the-bearer-token"), "authorization", "Bearer the-bearer-token"),
        (basic("user", "pass-word"), "authorization", "Basic dXNlcjpwYXNzLXdvcmQ="),
        (api_key("the-api-key", "X-API-Key"), "x-api-key", "the-api-key"),
    ],
    ids=["bearer", "basic", "api key"],
)
def test_fixed_credentials_are_sent_in_a_header(
    server: FaultServer, credentials: Credentials, header: str, value: str
) -> None:
    server.route("GET", "/open")(lambda _request: [1])
    assert Client("crm", server.url, credentials, options=FAST).get("/open") == [1]
    assert server.requests[-1].headers[header] == value
    assert "the-" not in repr(credentials) and "pass-word" not in repr(credentials)


@pytest.mark.parametrize(("code", "kind"), [(400, ApiError), (403, ForbiddenError), (404, NotFoundError)])
def test_other_statuses_are_errors_with_the_vendors_body(
    server: FaultServer, code: int, kind: type[ApiError]
) -> None:
    server.fault("/api/rows", status(code, [{"errorCode": "INVALID_FIELD"}]))
    with pytest.raises(kind) as caught:
        read(client(server))
    assert (caught.value.status, caught.value.body) == (code, [{"errorCode": "INVALID_FIELD"}])
    assert len(server.asked("/api/rows")) == 1


def test_an_empty_body_is_none(server: FaultServer) -> None:
    server.route("GET", "/nothing")(lambda _request: None)
    assert client(server).get("/nothing") is None


def test_a_page_of_no_json_is_an_error(server: FaultServer) -> None:
    server.fault("/api/rows", status(200, "<html>please log in</html>", {"Content-Type": "text/html"}))
    with pytest.raises(ApiError, match="no JSON"):
        client(server).get("/api/rows")


def test_a_number_that_is_none_is_an_error(server: FaultServer) -> None:
    server.fault("/api/rows", *[status(200, b'{"rows": [{"amount": NaN}]}')] * 4)
    with pytest.raises(ApiError, match="no answer in 4 attempts"):
        read(client(server))


def test_an_answer_without_the_list_is_an_error(server: FaultServer) -> None:
    server.fault("/api/rows", change(lambda body: {"result": body["rows"]}))
    with pytest.raises(ApiError, match="no 'rows'"):
        read(client(server))


def test_pages_that_run_in_a_circle_are_an_error(server: FaultServer) -> None:
    server.fault("/api/rows", change(lambda body: body | {"next": "/api/rows?start=3"}), skip=2)
    with pytest.raises(ApiError, match="leads back"):
        read(client(server))


def test_a_list_of_no_json_is_an_error_in_our_words(server: FaultServer) -> None:
    server.fault("/api/rows", status(200, "<html>please log in</html>", {"Content-Type": "text/html"}))
    with pytest.raises(ApiError, match="no JSON"):
        read(client(server))


def test_the_body_of_a_request_for_pages_stays_as_it_was(server: FaultServer) -> None:
    server.route("POST", "/api/search")(
        lambda request: {"rows": [], "next": {"0": "5", "5": None}[request.json["after"]]}
    )
    query = {"after": "0"}
    pages = JSONResponseCursorPaginator("next", cursor_body_path="after")
    assert len(list(client(server).bodies("/api/search", pages, method="POST", json=query))) == 2
    assert query == {"after": "0"}


def test_credentials_stay_at_home(server: FaultServer) -> None:
    with FaultServer() as stranger:
        stranger.route("GET", "/api/rows")(lambda _request: {"rows": []})
        server.fault("/api/rows", change(lambda body: body | {"next": f"{stranger.url}/api/rows"}))
        with pytest.raises(ApiError, match="another host"):
            read(client(server))
        assert stranger.requests == []
        server.fault("/api/rows", status(302, None, {"Location": f"{stranger.url}/api/rows"}))
        with pytest.raises(ApiError, match="another host"):
            read(client(server))
        assert stranger.requests == []


def test_secrets_do_not_follow_a_redirect_of_the_token_endpoint(server: FaultServer) -> None:
    with FaultServer() as stranger:
        server.fault("/token", status(307, None, {"Location": f"{stranger.url}/token"}))
        with pytest.raises(AuthError, match="status 307"):
            read(client(server))
        assert stranger.requests == []


def everything_said(caught: pytest.ExceptionInfo[BaseException], caplog: pytest.LogCaptureFixture) -> str:
    """Return all that could reach a log: messages, chained exceptions, their attributes, log lines."""
    error: BaseException | None = caught.value
    said = ["".join(traceback.format_exception(caught.value)), caplog.text]
    while error is not None:
        said += [repr(error), repr(vars(error))]
        error = error.__cause__ or error.__context__
    return "\n".join(said)


def echo(_server: FaultServer, request: Request, _answer: Any) -> Answer:
    """Answer with all that was sent, as some systems do."""
    return Answer(400, {"message": request.headers["authorization"], "form": SECRET})


@pytest.mark.parametrize("case", ["echo", "hang up", "token endpoint", "token endpoint down"])
def test_no_secret_in_errors_and_logs(
    server: FaultServer, caplog: pytest.LogCaptureFixture, case: str
) -> None:
    caplog.set_level(logging.DEBUG)
    dlt_log = logging.getLogger("dlt")
    kept, dlt_log.propagate = dlt_log.propagate, True
    match case:
        case "echo":
            server.fault("/api/rows", echo)
        case "hang up":
            server.fault("/api/rows", *[hang_up()] * 4)
        case "token endpoint":
            server.fault("/token", status(400, {"error": "invalid_client", "error_description": SECRET}))
        case _:
            server.fault("/token", *[hang_up()] * 4)
    made = client(server)
    with pytest.raises(ApiError) as caught:
        read(made)
    dlt_log.propagate = kept
    said = (
        everything_said(caught, caplog) + repr(made) + repr(made.__dict__) + repr(made._credentials.__dict__)
    )
    assert SECRET not in said
    assert not [token for token in ("access-token-number", "Bearer access") if token in said]
