"""One request to a receiver: sent whole, cut off after its time, never redirected. Only the status of the answer counts."""

from __future__ import annotations

import http.client
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from urllib.parse import urlsplit

from orchestration.telling.notifications import check_url

USER_AGENT = "commission-warehouse"
CUT_AGAIN_SECONDS = 0.2
BODY_BYTES_MAX = 16_000_000


@dataclass(frozen=True)
class Answer:
    """The status of an answer, its `Retry-After` as it was written, and its body where that was asked for."""

    status: int
    retry_after: str | None = None
    body: bytes = b""


class NoAnswer(Exception):
    """No answer came, or none in time. The message holds neither address nor body."""


def send(
    method: str,
    url: str,
    *,
    body: bytes = b"",
    headers: Mapping[str, str],
    timeout_seconds: float,
    ca_file: Path | None = None,
    reads_body: bool = False,
) -> Answer:
    """Send one request and return the answer. ``timeout_seconds`` is for everything, however slowly bytes trickle.

    Raises:
        NoAnswer: the receiver could not be reached, hung up, took too long, or answered no HTTP.
    """
    parts = urlsplit(check_url(url))
    secure = parts.scheme == "https"
    connection: http.client.HTTPConnection
    if secure:
        context = ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
        connection = http.client.HTTPSConnection(
            parts.hostname or "", parts.port, timeout=timeout_seconds, context=context
        )
    else:
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=timeout_seconds)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    sockets: list[socket.socket] = []
    with _cut_after(connection, sockets, timeout_seconds) as was_cut:
        try:
            connection.request(
                method, target, body=body or None, headers={"User-Agent": USER_AGENT, **headers}
            )
            # The connection releases it when the answer will close it.
            sockets.append(connection.sock)
            response = connection.getresponse()
            content = response.read(BODY_BYTES_MAX) if reads_body else b""
            return Answer(response.status, response.getheader("Retry-After"), content)
        except (OSError, http.client.HTTPException) as error:
            raise NoAnswer(_in_words(error, was_cut.is_set(), timeout_seconds)) from None
        finally:
            connection.close()


@contextmanager
def _cut_after(
    connection: http.client.HTTPConnection, sockets: list[socket.socket], seconds: float
) -> Iterator[threading.Event]:
    """Shut the connection down when the time is over: a socket's own timeout starts again with each byte."""
    is_done, was_cut = threading.Event(), threading.Event()

    def watch() -> None:
        wait = seconds
        while not is_done.wait(wait):
            was_cut.set()
            wait = CUT_AGAIN_SECONDS
            for sock in [*sockets, connection.sock]:
                with suppress(OSError, AttributeError):
                    sock.shutdown(socket.SHUT_RDWR)

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    try:
        yield was_cut
    finally:
        is_done.set()


def _in_words(error: Exception, was_cut: bool, timeout_seconds: float) -> str:
    if was_cut or isinstance(error, TimeoutError):
        return f"no answer within {timeout_seconds:g} s"
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    if isinstance(error, socket.gaierror):
        return "its name is not known"
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, http.client.RemoteDisconnected | ConnectionResetError | BrokenPipeError):
        return "the connection was closed without an answer"
    return f"no answer: {type(error).__name__}"


def retry_after_seconds(value: str | None, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, given as seconds or as a date; None when it says nothing usable."""
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except ValueError:
            return None
        seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return max(seconds, 0.0) if seconds < float("inf") else None
