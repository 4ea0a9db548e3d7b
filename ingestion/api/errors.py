"""What can go wrong on the way to a system, and how secrets are kept out of it."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

HIDDEN = "***"
# Statuses that a later attempt may not meet.
RETRY_STATUSES = (408, 429, 500, 502, 503, 504)
# A shorter text is no secret and would blacken ordinary words.
_SECRET_CHARACTERS_MIN = 6


class Redactor:
    """Knows the secrets of one client and takes them out of texts."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str | None) -> None:
        """Hide `secret` from now on."""
        if secret and len(secret) >= _SECRET_CHARACTERS_MIN:
            self._secrets.add(secret)

    def __call__(self, text: str) -> str:
        """Return the text with each known secret replaced."""
        for secret in sorted(self._secrets, key=len, reverse=True):
            text = text.replace(secret, HIDDEN)
        return text

    def __repr__(self) -> str:
        return f"Redactor({len(self._secrets)} secrets)"


def without_query(url: str) -> str:
    """Return a URL as it may be shown: the query, which can hold names and addresses, is dropped."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


class ApiError(Exception):
    """A request failed for good. Nothing of the system was written.

    Attributes:
        status: HTTP status, None when there was no answer.
        body: the parsed answer (JSON) or its text, without secrets: vendors' error codes are found here.
    """

    def __init__(self, system: str, message: str, *, status: int | None = None, body: Any = None) -> None:
        self.system, self.status, self.body = system, status, body
        super().__init__(f"{system}: {message}")

    @property
    def may_pass(self) -> bool:
        """Whether the network or the system is to blame, so that the same request may succeed in a while."""
        return self.status in RETRY_STATUSES


class UnavailableError(ApiError):
    """No answer after all attempts."""

    @property
    def may_pass(self) -> bool:
        return True


class AuthError(ApiError):
    """The credentials are missing, wrong or expired."""


class ForbiddenError(ApiError):
    """The credentials are right and lack a permission (403)."""


class NotFoundError(ApiError):
    """The address or object does not exist, or is hidden from this user (404)."""


class RateLimitError(ApiError):
    """The system still refuses for too many requests after all waits (429)."""


class FullReadNeeded(Exception):
    """Raised by a connector's `read`: the changes since then are not to be had, read the table whole."""
