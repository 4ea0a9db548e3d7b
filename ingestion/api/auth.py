"""Credentials: dlt's authenticators, with a renewal on demand and without a word about their contents.

An authenticator is called on every attempt of every request, so a token that is renewed during a wait is used
by the next attempt.
"""

import hashlib
import json
import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlt.common.pendulum import pendulum
from dlt.sources.helpers.rest_client.auth import (
    APIKeyAuth,
    BearerTokenAuth,
    HttpBasicAuth,
    OAuth2ClientCredentials,
)
from requests import PreparedRequest, RequestException, Response, Session
from requests.auth import AuthBase

from ingestion.api.errors import AuthError, Redactor, UnavailableError

# A token is renewed this long before its end, so that it does not die under a request.
RENEW_EARLY_SECONDS = 60


class Credentials(AuthBase):
    """One kind of credentials. Its text form tells the kind and nothing else."""

    kind = "none"

    def __init__(self) -> None:
        self.redactor = Redactor()

    def connect(self, system: str, session: Session, redactor: Redactor) -> None:
        """Take what renewing needs; called once by the client."""
        self.redactor = redactor

    def renew(self, rejected: str | None) -> bool:
        """Get a new token unless `rejected` is no longer the current one; False when there is none to get."""
        return False

    @property
    def token(self) -> str | None:
        """The token now in use, where there is one that can be renewed."""
        return None

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        return request

    def __repr__(self) -> str:
        return f"<{self.kind} credentials>"

    __str__ = __repr__


class Fixed(Credentials):
    """Credentials that never change, around one of dlt's authenticators."""

    def __init__(self, kind: str, inner: AuthBase, *secrets: str) -> None:
        super().__init__()
        self.kind, self._inner, self._secrets = kind, inner, secrets

    def connect(self, system: str, session: Session, redactor: Redactor) -> None:
        super().connect(system, session, redactor)
        for secret in self._secrets:
            redactor.add(secret)

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        signed: PreparedRequest = self._inner(request)
        redact = request.headers.get("Authorization")
        if redact:
            self.redactor.add(str(redact).partition(" ")[2])
        return signed


def bearer(token: str) -> Credentials:
    """Return credentials that send `Authorization: Bearer <token>`."""
    return Fixed("bearer token", BearerTokenAuth(token=token), token)


def basic(username: str, password: str) -> Credentials:
    """Return HTTP basic credentials."""
    return Fixed("basic", HttpBasicAuth(username=username, password=password), password)


def api_key(key: str, header: str = "Authorization") -> Credentials:
    """Return credentials that send `key` in a header. A key in an address would end in logs: not offered."""
    return Fixed("API key", APIKeyAuth(name=header, api_key=key, location="header"), key)


class TokenStore:
    """Keeps a refresh token that the vendor has replaced, in a file that only its owner may read.

    Some vendors give a new refresh token with each access token and let the old one die. The configured token
    counts again as soon as it is changed.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    @staticmethod
    def _mark(configured: str) -> str:
        return hashlib.sha256(configured.encode()).hexdigest()

    def load(self, configured: str) -> str:
        """Return the newest refresh token that came from `configured`."""
        if not self._path.exists():
            return configured
        kept = json.loads(self._path.read_text(encoding="utf-8"))
        return str(kept["refresh_token"]) if kept["configured"] == self._mark(configured) else configured

    def save(self, configured: str, newest: str) -> None:
        """Keep `newest`; the file is replaced whole, so a kill leaves the old or the new one."""
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        new = self._path.with_suffix(".new")
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump({"configured": self._mark(configured), "refresh_token": newest}, file)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, self._path)

    def __repr__(self) -> str:
        return "TokenStore()"


class OAuth2(Credentials):
    """OAuth2 by client credentials, or by refresh token when one is given.

    Args:
        token_url: where tokens are given out.
        extra: further fields of the token request (scope, audience).
        client_in_header: send the client's id and secret as basic authentication, as some vendors demand.
        store: where a replaced refresh token is kept; needed with vendors that replace it.
    """

    def __init__(
        self,
        token_url: str,
        client_id: str,
        client_secret: str,
        *,
        refresh_token: str | None = None,
        extra: Mapping[str, str] | None = None,
        client_in_header: bool = False,
        store: TokenStore | None = None,
    ) -> None:
        super().__init__()
        self.kind = "OAuth2 refresh token" if refresh_token else "OAuth2 client credentials"
        self._url, self._configured, self._store = token_url, refresh_token, store
        self._refresh = store.load(refresh_token) if store and refresh_token else refresh_token
        self._lock = threading.Lock()
        self._system = ""
        self._flow = _TokenFlow(
            access_token_url=token_url,
            client_id=client_id,
            client_secret=client_secret,
            access_token_request_data=dict(extra or {}),
            session=Session(),
        )
        self._flow.client_in_header = client_in_header

    def connect(self, system: str, session: Session, redactor: Redactor) -> None:
        super().connect(system, session, redactor)
        self._system, self._flow.session = system, session
        for secret in (self._flow.client_secret, self._configured, self._refresh):
            redactor.add(secret)

    @property
    def token(self) -> str | None:
        """The access token now in use."""
        return self._flow.access_token

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        if self.token is None or self._flow.is_token_expired():
            self.renew(self.token)
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request

    def renew(self, rejected: str | None) -> bool:
        """Get a new access token, unless that was done meanwhile.

        Raises:
            AuthError: the token endpoint refuses; its error code is in the message.
        """
        with self._lock:
            if self.token != rejected:
                return True
            answer = self._ask()
            self._flow.access_token = answer["access_token"]
            self.redactor.add(self._flow.access_token)
            seconds = self._flow.parse_expiration_in_seconds(answer)
            early = min(RENEW_EARLY_SECONDS, seconds // 10)
            self._flow.token_expiry = pendulum.now().add(seconds=seconds - early)
            return True

    def _ask(self) -> dict[str, Any]:
        response, fault = _post(self._flow, self._refresh)
        if response is None:
            raise UnavailableError(
                self._system, f"the token endpoint {self._url} does not answer ({fault}); check the address"
            )
        body = _json(response)
        if response.status_code >= 300 or not body.get("access_token"):
            code = body.get("error") or f"status {response.status_code}"
            told = self.redactor(str(body.get("error_description") or ""))
            raise AuthError(
                self._system,
                f"the token endpoint {self._url} refuses: {code}{f' ({told})' if told else ''}; "
                f"check the secrets of the {self.kind}, and that the app is still authorised",
                status=response.status_code,
            )
        newest = body.get("refresh_token")
        if self._configured and newest and newest != self._refresh:
            self._refresh = str(newest)
            self.redactor.add(self._refresh)
            if self._store:
                self._store.save(self._configured, self._refresh)
        return body


class _TokenFlow(OAuth2ClientCredentials):
    """dlt's flow, with the grant by refresh token beside it."""

    client_in_header: bool = False

    def request_for(self, refresh_token: str | None) -> dict[str, Any]:
        """Return the arguments of the token request."""
        request = self.build_access_token_request()
        data: dict[str, Any] = request["data"]
        if refresh_token:
            data |= {"grant_type": "refresh_token", "refresh_token": refresh_token}
        if self.client_in_header:
            request["auth"] = (data.pop("client_id"), data.pop("client_secret"))
        return request

    def __repr__(self) -> str:
        return "<token flow>"

    __str__ = __repr__


def _post(flow: _TokenFlow, refresh_token: str | None) -> tuple[Response | None, str]:
    # The exception of the library holds the request with its secrets: only its name leaves this function.
    try:
        # No redirect: it could carry the secrets to another host.
        request = flow.request_for(refresh_token)
        return flow.session.post(flow.access_token_url, allow_redirects=False, **request), ""
    except RequestException as error:
        return None, type(error).__name__


def _json(response: Response) -> dict[str, Any]:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
