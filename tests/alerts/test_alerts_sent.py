"""Alerts reach a real web server and a real mail server, once in so many hours, and never with a secret."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook

from orchestration.telling.alerts import Alert, Sent, flush, send_alerts
from orchestration.telling.alerts.config import AlertsConfig, read_alerts
from orchestration.telling.alerts.store import open_store
from orchestration.telling.notifications import NotificationsError
from orchestration.warehouse.settings import RunSettings
from tests.support.companies.recorded_company import Clock
from tests.support.servers.fault_server import Answer, FaultServer, Request, status
from tests.support.servers.mail_server import PASSWORD, USER, MailServer, mail_server
from tests.support.servers.receiving import SECRET

FAILED = Alert(
    "run_failed", "error", "Run of daily failed in step land_crm", "The CRM answered <html> & nothing else.", "daily/land_crm"
)  # fmt: skip
STALE = Alert("freshness_overdue", "warning", "Deals are old", "Look at the CRM.", "crm/Opportunity")


@pytest.fixture
def settings(tmp_path: Path) -> RunSettings:
    return RunSettings(home=tmp_path / "home")


@pytest.fixture
def web() -> Iterator[FaultServer]:
    with FaultServer() as server:

        @server.route("POST", r"/\w+")
        def take(_request: Request) -> Answer:
            return Answer(200, "ok")

        yield server


@pytest.fixture(scope="module")
def mail(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MailServer]:
    with mail_server(tmp_path_factory.mktemp("mail")) as server:
        yield server


@pytest.fixture(autouse=True)
def empty(mail: MailServer) -> None:
    mail.messages.clear()


def channels(web: FaultServer, monkeypatch: pytest.MonkeyPatch, **further: Any) -> AlertsConfig:
    """A Slack channel for errors and a webhook for everything."""
    monkeypatch.setenv("ALERTS__OPS__URL", f"{web.url}/slack")
    monkeypatch.setenv("ALERTS__PAGER__SECRET", SECRET)
    ops = {"kind": "slack", "severities": ["error"], "timeout_seconds": 2}
    pager = {"kind": "webhook", "url": f"{web.url}/pager", "timeout_seconds": 2}
    return read_alerts({"alerts": {"channels": {"ops": ops, "pager": pager}, **further}})


def by_mail(
    mail: MailServer, monkeypatch: pytest.MonkeyPatch, password: str = PASSWORD, **further: Any
) -> AlertsConfig:
    monkeypatch.setenv("ALERTS__MAIL__PASSWORD", password)
    channel = {
        "kind": "email", "host": "127.0.0.1", "port": mail.port, "username": USER, "sender": "commissions@example.com",
        "to": ["ana@example.com", "laura@example.com"], "ca_file": str(mail.certificate), **further,
    }  # fmt: skip
    return read_alerts({"alerts": {"channels": {"mail": channel}}})


def test_slack_gets_text_and_blocks_and_the_webhook_is_signed(
    settings: RunSettings, web: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent = send_alerts(FAILED, STALE, settings=settings, config=channels(web, monkeypatch))
    assert sent == [
        Sent("ops", FAILED.title, None),
        Sent("pager", FAILED.title, None),
        Sent("pager", STALE.title, None),
    ]
    (slack,) = web.asked("/slack")
    content = json.loads(slack.body)
    assert content["text"] == "error: Run of daily failed in step land_crm"
    assert content["blocks"][1]["text"] == {"type": "plain_text", "text": FAILED.text}
    failed, stale = web.asked("/pager")
    told = Webhook(SECRET).verify(failed.body, dict(failed.headers))
    assert (told["type"], told["data"]["severity"], told["data"]["subject"]) == (
        "alert.run_failed", "error", "daily/land_crm",
    )  # fmt: skip
    assert told["id"] == failed.headers["webhook-id"] != stale.headers["webhook-id"]


def test_the_same_alert_is_sent_once_in_so_many_hours_and_again_afterwards(
    settings: RunSettings, web: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, clock = channels(web, monkeypatch, repeat_hours=6), Clock()
    for hours, count in ((0, 1), (1, 1), (5, 1), (6, 2), (7, 2), (12, 3)):
        clock.now = Clock().now + timedelta(hours=hours)
        again = Alert(FAILED.kind, FAILED.severity, FAILED.title, f"Attempt at hour {hours}.", FAILED.subject)
        send_alerts(again, settings=settings, config=config, now=clock)
        assert len(web.asked("/slack")) == count, hours
    with open_store(settings.alerts) as store:
        told = [row["became"] for row in store.latest(10)]
    assert told[0] == "ops sent, pager sent"
    assert told.count("held back: a repetition, or no channel wants it") == 3


def test_what_a_channel_does_not_take_is_kept_and_sent_later(
    settings: RunSettings, web: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, clock = channels(web, monkeypatch), Clock()
    pauses: list[float] = []
    web.fault("/slack", *[status(500, "a secret answer")] * 3)
    sent = send_alerts(FAILED, settings=settings, config=config, now=clock, sleep=pauses.append)
    assert sent == [Sent("ops", FAILED.title, "answered 500"), Sent("pager", FAILED.title, None)]
    assert pauses == [1.0, 1.0]
    assert flush(settings, config=config, now=clock) == [], "not at once"
    # The same failure an hour later is a repetition, and the first one is still on its way.
    clock.pass_by(3600)
    assert send_alerts(FAILED, settings=settings, config=config, now=clock) == [
        Sent("ops", FAILED.title, None)
    ]
    assert flush(settings, config=config, now=clock) == []
    assert (len(web.asked("/slack")), len(web.asked("/pager"))) == (4, 1)


def test_what_fails_for_a_day_is_given_up(
    settings: RunSettings, web: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, clock = channels(web, monkeypatch), Clock()
    web.fault("/slack", *[status(500)] * 9)
    for hours in (0, 23, 2):
        clock.pass_by(hours * 3600)
        send_alerts(settings=settings, config=config, now=clock, sleep=lambda _seconds: None)
        if not hours:
            send_alerts(FAILED, settings=settings, config=config, now=clock, sleep=lambda _seconds: None)
    assert len(web.asked("/slack")) == 9
    assert flush(settings, config=config, now=clock) == []
    with open_store(settings.alerts) as store:
        assert store.latest(1)[0]["became"] == "ops failed (answered 500), pager sent"


def test_mail_is_encrypted_logged_in_and_says_what_to_do(
    settings: RunSettings, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_lines = Alert(
        "run_failed", "error", "José's run\nBcc: eve@example.com", "Zażółć gęślą jaźń.", "daily/land_crm"
    )
    (sent,) = send_alerts(two_lines, settings=settings, config=by_mail(mail, monkeypatch))
    assert sent.problem is None
    (message,) = mail.messages
    assert mail.was_encrypted == [True]
    assert message["Subject"] == "[commissions] error: José's run Bcc: eve@example.com"
    assert message["To"] == "ana@example.com, laura@example.com"
    assert message["Bcc"] is None
    assert (
        message.get_content()
        .replace("\r", "")
        .startswith("Zażółć gęślą jaźń.\n\nrun_failed, about daily/land_crm")
    )


@pytest.mark.parametrize(
    ("password", "further", "problem"),
    [
        ("not it", {}, "user name or password was refused (535)"),
        (PASSWORD, {"ca_file": None}, "its certificate is not valid: self-signed certificate"),
        (PASSWORD, {"tls": "none"}, "the mail server"),
        (
            "",
            {},
            "the secret password of mail is not set; set the environment variable ALERTS__MAIL__PASSWORD",
        ),
    ],
    ids=("wrong_password", "unknown_certificate", "not_encrypted", "no_password"),
)
def test_mail_that_cannot_be_sent_says_why(
    settings: RunSettings,
    mail: MailServer,
    monkeypatch: pytest.MonkeyPatch,
    password: str,
    further: Any,
    problem: str,
) -> None:
    config = by_mail(mail, monkeypatch, password, **further)
    pauses: list[float] = []
    (sent,) = send_alerts(FAILED, settings=settings, config=config, sleep=pauses.append)
    assert sent.problem is not None
    assert sent.problem.startswith(problem)
    assert mail.messages == []
    # A password that is wrong is not tried three times: the account would be locked.
    assert bool(pauses) == (further.get("tls") == "none")


def test_a_mail_server_that_refuses_for_now_is_tried_again(
    settings: RunSettings, mail: MailServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.refusals = 2
    (sent,) = send_alerts(
        FAILED, settings=settings, config=by_mail(mail, monkeypatch), sleep=lambda _seconds: None
    )
    assert sent.problem is None
    assert len(mail.messages) == 1


def test_no_secret_of_the_environment_leaves_the_machine(
    settings: RunSettings, web: FaultServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__CRM__CLIENT_SECRET", "of-the-crm-4711")
    leaking = Alert(
        "run_failed",
        "error",
        "of-the-crm-4711 was refused",
        "GET ?key=of-the-crm-4711 " + "x" * 5000,
        "daily/x",
    )
    send_alerts(leaking, settings=settings, config=channels(web, monkeypatch))
    assert len(web.requests) == 2
    for request in web.requests:
        assert b"of-the-crm" not in request.body
        assert b"*** was refused" in request.body
        assert len(request.body) < 3000
    assert b"of-the-crm" not in settings.alerts.read_bytes()


@pytest.mark.parametrize(
    ("alerts", "refusal"),
    [
        ({"channels": {"ops": {"kind": "pigeon"}}}, r"\[alerts\.channels\.ops\] kind must be one of webhook, slack, email"),
        ({"channels": {"ops": {"kind": "slack", "url": "https://x"}}}, r"\[alerts\.channels\.ops\] url is not known"),
        ({"channels": {"ops": {"kind": "slack", "severities": ["fatal"]}}}, r"severities\.0: input should be 'error'"),
        ({"channels": {"w": {"kind": "webhook", "url": "http://example.com"}}}, r"url: it must begin with https://"),
        ({"channels": {"w": {"kind": "webhook", "url": "file:///etc/passwd"}}}, r"url: it must begin with https://"),
        ({"channels": {"m": {"kind": "email", "password": "x"}}}, r"password looks like a secret"),
        ({"channels": {"m": {"kind": "email", "host": "h", "sender": "a@b", "to": ["c@d"], "tls": "none"}}}, r"in the clear"),
        ({"repeat": 3}, r"\[alerts\] repeat is not known; known are repeat_hours, channels"),
    ],
)  # fmt: skip
def test_a_channel_that_cannot_be_used_is_refused_with_its_place(alerts: Any, refusal: str) -> None:
    with pytest.raises(NotificationsError, match=refusal):
        read_alerts({"alerts": alerts})


def test_without_channels_nothing_is_done_and_a_broken_file_breaks_nothing(
    settings: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert send_alerts(FAILED, settings=settings, config=read_alerts({})) == []
    assert not settings.alerts.exists()
    monkeypatch.setenv("COMMISSIONS_NOTIFICATIONS", str(tmp_path / "none.toml"))
    (sent,) = send_alerts(FAILED, settings=settings)
    assert sent.problem is not None
    assert "none.toml is not there; correct COMMISSIONS_NOTIFICATIONS" in sent.problem
