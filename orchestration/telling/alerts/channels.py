"""Sends one alert to one channel."""

from __future__ import annotations

import json
import smtplib
import ssl
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime

from orchestration.telling.alerts.alert import Alert
from orchestration.telling.alerts.config import EmailChannel, SlackChannel, WebhookChannel
from orchestration.telling.notifications import NotificationsError, check_url, needed_secret, secret_variable
from orchestration.telling.signing import SecretError, headers, key_of
from orchestration.telling.transport import NoAnswer, send
from orchestration.warehouse.files import canonical

SLACK_ICONS = {"error": ":red_circle:", "warning": ":large_yellow_circle:"}


class NotSent(Exception):
    """A channel did not take an alert. The message holds no secret and no text of an answer.

    ``may_pass`` is false when only a fix of the configuration can change it.
    """

    def __init__(self, message: str, *, may_pass: bool = True) -> None:
        self.may_pass = may_pass
        super().__init__(message)


def send_to(
    channel: WebhookChannel | SlackChannel | EmailChannel,
    alert: Alert,
    alert_id: str,
    raised_at: datetime,
    now: datetime,
) -> None:
    """Send an alert, once. Raises NotSent when the channel did not take it, or cannot be used as it is set up."""
    try:
        if isinstance(channel, EmailChannel):
            _email(channel, alert, alert_id, raised_at)
        elif isinstance(channel, SlackChannel):
            _slack(channel, alert)
        else:
            _webhook(channel, alert, alert_id, raised_at, now)
    except NotificationsError as error:
        raise NotSent(str(error), may_pass=False) from None


def _post(
    channel: WebhookChannel | SlackChannel, url: str, body: bytes, further: dict[str, str] | None = None
) -> None:
    try:
        answer = send(
            "POST",
            url,
            body=body,
            headers={"Content-Type": "application/json", **(further or {})},
            timeout_seconds=channel.timeout_seconds,
            ca_file=channel.ca_file,
        )
    except NoAnswer as error:
        raise NotSent(str(error)) from None
    if not 200 <= answer.status < 300:
        raise NotSent(f"answered {answer.status}")


def _webhook(
    channel: WebhookChannel, alert: Alert, alert_id: str, raised_at: datetime, now: datetime
) -> None:
    try:
        key = key_of(needed_secret("alerts", channel.name, "secret"))
    except SecretError as error:
        raise NotSent(
            f"{secret_variable('alerts', channel.name, 'secret')} is not a signing secret: {error}",
            may_pass=False,
        ) from None
    body = canonical(
        {
            "id": alert_id,
            "type": f"alert.{alert.kind}",
            "timestamp": raised_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "data": {
                "severity": alert.severity,
                "title": alert.title,
                "text": alert.text,
                "subject": alert.subject,
            },
        }
    ).rstrip(b"\n")
    _post(channel, channel.url, body, headers([key], alert_id, int(now.timestamp()), body))


def _slack(channel: SlackChannel, alert: Alert) -> None:
    try:
        url = check_url(needed_secret("alerts", channel.name, "url"))
    except ValueError as error:
        if isinstance(error, NotificationsError):
            raise
        raise NotSent(f"{secret_variable('alerts', channel.name, 'url')}: {error}", may_pass=False) from None
    title = f"{SLACK_ICONS[alert.severity]} *{_escaped(alert.title)}*"
    blocks = [
        {"type": "section", "text": {"type": "mrkdwn", "text": title}},
        {"type": "section", "text": {"type": "plain_text", "text": alert.text or alert.subject}},
    ]
    # `text` is what notifications show; Slack reads &, < and > as its own marks there.
    content = {"text": f"{alert.severity}: {_escaped(alert.title)}", "blocks": blocks}
    _post(channel, url, json.dumps(content, ensure_ascii=False).encode())


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _email(channel: EmailChannel, alert: Alert, alert_id: str, raised_at: datetime) -> None:
    message = EmailMessage()
    message["From"] = channel.sender
    message["To"] = ", ".join(channel.to)
    message["Subject"] = f"[commissions] {alert.severity}: {alert.title}"
    message["Date"] = format_datetime(raised_at)
    message["Message-ID"] = f"<{alert_id}@{channel.sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(f"{alert.text}\n\n{alert.kind}, about {alert.subject}\n")
    password = needed_secret("alerts", channel.name, "password") if channel.username else None
    context = ssl.create_default_context(cafile=str(channel.ca_file) if channel.ca_file else None)
    try:
        server: smtplib.SMTP
        if channel.tls == "implicit":
            server = smtplib.SMTP_SSL(
                channel.host, channel.port, timeout=channel.timeout_seconds, context=context
            )
        else:
            server = smtplib.SMTP(channel.host, channel.port, timeout=channel.timeout_seconds)
        with server:
            if channel.tls == "starttls":
                server.starttls(context=context)
            if channel.username and password:
                server.login(channel.username, password)
            refused = server.send_message(message)
    except ssl.SSLCertVerificationError as error:
        raise NotSent(f"its certificate is not valid: {error.verify_message}", may_pass=False) from None
    except smtplib.SMTPAuthenticationError as error:
        raise NotSent(f"user name or password was refused ({error.smtp_code})", may_pass=False) from None
    except smtplib.SMTPRecipientsRefused as error:
        raise NotSent(f"refused for {', '.join(sorted(error.recipients))}") from None
    except smtplib.SMTPResponseException as error:
        raise NotSent(f"the mail server answered {error.smtp_code}") from None
    except TimeoutError:
        raise NotSent(f"no answer within {channel.timeout_seconds:g} s") from None
    except (OSError, smtplib.SMTPException) as error:
        raise NotSent(f"the mail server could not be used: {type(error).__name__}") from None
    if refused:
        raise NotSent(f"refused for {', '.join(sorted(refused))}")
