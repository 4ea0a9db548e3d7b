"""Sign requests with NetSuite's token-based authentication (OAuth 1.0a, HMAC-SHA256)."""

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable
from urllib.parse import parse_qsl, quote, urlsplit, urlunsplit

from requests import PreparedRequest
from requests.auth import AuthBase


def _escape(text: str) -> str:
    return quote(text, safe="-._~")


def signature(
    method: str, address: str, oauth: dict[str, str], consumer_secret: str, token_secret: str
) -> str:
    """Return the signature of RFC 5849, section 3.4: over the method, the address and all its parameters."""
    parts = urlsplit(address)
    query = parse_qsl(parts.query, keep_blank_values=True)
    pairs = sorted((_escape(name), _escape(value)) for name, value in [*query, *oauth.items()])
    normalised = "&".join(f"{name}={value}" for name, value in pairs)
    plain = urlunsplit((parts.scheme.lower(), parts.netloc.lower(), parts.path, "", ""))
    base = "&".join((method.upper(), _escape(plain), _escape(normalised)))
    key = f"{_escape(consumer_secret)}&{_escape(token_secret)}".encode()
    return base64.b64encode(hmac.new(key, base.encode(), hashlib.sha256).digest()).decode()


class TokenBasedAuth(AuthBase):
    """Adds the Authorization header; each request has a new nonce, so a repeated one is signed again.

    Attributes:
        account: the account id, as `1234567` or `1234567_SB1`; it is the realm.
    """

    def __init__(
        self,
        account: str,
        consumer_key: str,
        consumer_secret: str,
        token_id: str,
        token_secret: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.account, self._clock = account, clock
        self._consumer_key, self._consumer_secret = consumer_key, consumer_secret
        self._token_id, self._token_secret = token_id, token_secret

    def __repr__(self) -> str:
        return f"TokenBasedAuth(account={self.account!r})"

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        """Sign the request."""
        oauth = {
            "oauth_consumer_key": self._consumer_key,
            "oauth_token": self._token_id,
            "oauth_nonce": secrets.token_hex(16),
            "oauth_timestamp": str(int(self._clock())),
            "oauth_signature_method": "HMAC-SHA256",
            "oauth_version": "1.0",
        }
        signed = signature(
            request.method or "GET", request.url or "", oauth, self._consumer_secret, self._token_secret
        )
        fields = {**oauth, "oauth_signature": signed}
        listed = ", ".join(f'{name}="{_escape(value)}"' for name, value in fields.items())
        realm = self.account.upper().replace("-", "_")
        request.headers["Authorization"] = f'OAuth realm="{realm}", {listed}'
        return request
