"""A real mail server on this machine: STARTTLS with a certificate of its own, and a login."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope, LoginPassword, Session

from tests.support.servers.certificates import own_certificate

USER, PASSWORD = "commissions", "of the mail server"


@dataclass
class MailServer:
    """What it received, and how often it refuses before it takes a message."""

    port: int = 0
    certificate: Path = Path()
    messages: list[EmailMessage] = field(default_factory=list)
    was_encrypted: list[bool] = field(default_factory=list)
    refusals: int = 0

    async def handle_DATA(self, _server: Any, session: Session, envelope: Envelope) -> str:
        if self.refusals:
            self.refusals -= 1
            return "451 try again later, Ana"
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self.was_encrypted.append(session.ssl is not None)
        return "250 OK"


def _authenticated(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
    right = isinstance(data, LoginPassword) and (data.login, data.password) == (
        USER.encode(),
        PASSWORD.encode(),
    )
    return AuthResult(success=right, handled=right)


@contextmanager
def mail_server(folder: Path) -> Iterator[MailServer]:
    """Start the server; its certificate is in ``folder``."""
    certificate, context = own_certificate(folder)
    server = MailServer(certificate=certificate)
    with socket.create_server(("127.0.0.1", 0)) as free:
        server.port = free.getsockname()[1]
    controller = Controller(
        server, hostname="127.0.0.1", port=server.port, tls_context=context, require_starttls=True,
        authenticator=_authenticated, auth_required=True,
    )  # fmt: skip
    controller.start()
    try:
        yield server
    finally:
        controller.stop()
