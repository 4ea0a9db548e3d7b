"""The one client for all systems: dlt's RESTClient over a session that retries, waits and renews tokens.

One request passes these layers, from the outside in:
  answer    an HTTP error or a lost connection becomes an ApiError without secrets;
  retry     429, 5xx, lost connections, time-outs and broken bodies are tried again: after the wait that the
            system asks for (Retry-After, seconds or date), else with growing waits, up to `attempts`;
  attempt   the current token is put on; after a 401 it is renewed once and the same request repeated.
JSON numbers with a point are exact decimals.
"""

import copy
import json as jsonlib
import re
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

from dlt.common import jsonpath
from dlt.sources.helpers.requests.retry import (
    DEFAULT_RETRY_EXCEPTIONS,
    retry_if_status,
    wait_exponential_retry_after,
)
from dlt.sources.helpers.requests.session import Session as DltSession
from dlt.sources.helpers.rest_client import RESTClient
from dlt.sources.helpers.rest_client.client import PageData
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from requests import PreparedRequest, RequestException, Response
from requests.adapters import HTTPAdapter
from requests.auth import AuthBase
from requests.exceptions import InvalidJSONError
from tenacity import (
    RetryCallState,
    Retrying,
    retry_any,
    retry_if_exception_type,
    stop_after_attempt,
    stop_any,
)
from tenacity.stop import stop_base

from ingestion.api.auth import Credentials
from ingestion.api.errors import (
    RETRY_STATUSES,
    ApiError,
    AuthError,
    ForbiddenError,
    NotFoundError,
    RateLimitError,
    Redactor,
    UnavailableError,
    without_query,
)

Record = dict[str, Any]

_BODY_SHOWN_CHARACTERS = 500


@dataclass(frozen=True)
class ClientOptions:
    """How patient a client is.

    Attributes:
        connect_seconds, read_seconds: time-outs of one attempt.
        attempts: attempts of one request, the first one included.
        backoff_seconds: the first wait; each further one is twice as long, up to `wait_seconds_max`.
        wait_seconds_max: longest single wait. A system that asks for a longer one ends the load with an error.
        retry_after: finds the wait (seconds) in an answer whose vendor has a header of its own for it.
        retry_statuses: statuses that are tried again.
    """

    connect_seconds: float = 10
    read_seconds: float = 60
    attempts: int = 5
    backoff_seconds: float = 1
    wait_seconds_max: float = 300
    retry_after: Callable[[Response], float | None] | None = None
    retry_statuses: tuple[int, ...] = RETRY_STATUSES


def exact_json(content: bytes) -> Any:
    """Parse JSON; a number with a point becomes a Decimal, digit for digit.

    Raises:
        ValueError: not JSON, or a number that is none (NaN, Infinity).
    """

    def refuse(name: str) -> Any:
        raise ValueError(f"{name} is not a number")

    return jsonlib.loads(content, parse_float=Decimal, parse_constant=refuse)


def wait_asked_for(response: Response) -> float | None:
    """Return the seconds that `Retry-After` asks for, None when there is no such header.

    A date is measured against the server's own clock (`Date`), where it tells it.
    """
    header = response.headers.get("Retry-After", "").strip()
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", header):
        return float(header)
    try:
        until = parsedate_to_datetime(header).timestamp()
    except ValueError:
        return None
    try:
        now = parsedate_to_datetime(response.headers.get("Date", "")).timestamp()
    except ValueError:
        now = time.time()
    return max(until - now, 0.0)


class _Wait(wait_exponential_retry_after):
    """dlt's waits, with fractions of a second and the vendor's own header."""

    def __init__(self, options: ClientOptions) -> None:
        super().__init__(multiplier=options.backoff_seconds, max=options.wait_seconds_max)
        self._options = options

    def _get_retry_after(self, retry_state: RetryCallState) -> float | None:
        outcome = retry_state.outcome
        if outcome is None or outcome.failed:
            return None
        asked = _asked(outcome.result(), self._options)
        return None if asked is None else min(asked, self._options.wait_seconds_max)


class _AsksTooMuch(stop_base):
    """Stops when the system asks for a longer wait than is allowed: an earlier attempt would be refused."""

    def __init__(self, options: ClientOptions) -> None:
        self._options = options

    def __call__(self, retry_state: RetryCallState) -> bool:
        outcome = retry_state.outcome
        if outcome is None or outcome.failed:
            return False
        return (_asked(outcome.result(), self._options) or 0) > self._options.wait_seconds_max


def _asked(response: Response, options: ClientOptions) -> float | None:
    asked = wait_asked_for(response)
    if asked is None and options.retry_after is not None:
        asked = options.retry_after(response)
    return asked


def _origin(url: str) -> tuple[str, str, int | None]:
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme, parts.hostname or "", port


class _Attempt(DltSession):
    """One attempt: puts the credentials on, renews them once after a 401, reads the body whole.

    Without `origins` it is the session for token requests, which bring what they need themselves.
    """

    def __init__(self, credentials: AuthBase, options: ClientOptions, origins: frozenset[Any] | None) -> None:
        super().__init__(timeout=(options.connect_seconds, options.read_seconds), raise_for_status=False)
        self._credentials, self._origins = credentials, origins
        # Without this, requests would look into ~/.netrc for a password.
        self.auth = _unchanged

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        if self._origins is None:
            return _parsed(super().send(request, **kwargs))
        if _origin(str(request.url)) not in self._origins:
            # After a redirect: the credentials stay at home.
            request.headers.pop("Authorization", None)
            return super().send(request, **kwargs)  # type: ignore[no-any-return]
        signed = self._credentials(request)
        used = getattr(self._credentials, "token", None)
        response = super().send(signed, **kwargs)
        renew = getattr(self._credentials, "renew", None)
        if response.status_code == 401 and renew is not None and renew(used):
            response.close()
            response = super().send(self._credentials(request), **kwargs)
        return _parsed(response)


def _unchanged(request: PreparedRequest) -> PreparedRequest:
    return request


def _parsed(response: Response) -> Response:
    """Give the response a `json` that is exact and parsed once, None where there is no body.

    A broken body is a failed attempt.
    """
    if not response.content:
        response.json = lambda **_options: None  # type: ignore[method-assign]
        return response
    is_json = "json" in response.headers.get("Content-Type", "")
    if not (is_json and response.status_code < 300):
        response.json = lambda **_options: exact_json(response.content)  # type: ignore[method-assign]
        return response
    try:
        body = exact_json(response.content)
    except ValueError as error:
        raise InvalidJSONError(f"the answer is no complete JSON ({type(error).__name__})") from None
    response.json = lambda **_options: body  # type: ignore[method-assign]
    return response


class Client:
    """Talks to one system.

    Args:
        system: name used in messages.
        base_url: what relative paths are appended to.
        credentials: see `ingestion.api.auth`; any `requests` authenticator will do, it is called on each attempt.
        headers: sent with every request.
        further_hosts: origins (`https://host`) beside that of `base_url` which may receive the credentials.
    """

    def __init__(
        self,
        system: str,
        base_url: str,
        credentials: AuthBase | None = None,
        *,
        headers: Mapping[str, str] | None = None,
        options: ClientOptions | None = None,
        further_hosts: tuple[str, ...] = (),
    ) -> None:
        self.system, self.base_url = system, base_url.rstrip("/")
        self.options = options or ClientOptions()
        self.redactor = Redactor()
        self._origins = frozenset(_origin(url) for url in (base_url, *further_hosts))
        self._credentials = credentials or Credentials()
        if isinstance(self._credentials, Credentials):
            # Token requests are retried as others are, without credentials of their own.
            token_session = self._session(Credentials(), None)
            self._credentials.connect(system, token_session, self.redactor)
        session = self._session(self._credentials, self._origins)
        session.send = self._answer(session.send)  # type: ignore[method-assign]
        self._rest = RESTClient(self.base_url, headers=dict(headers or {}), session=session)

    def __repr__(self) -> str:
        return f"Client({self.system!r}, {without_query(self.base_url)!r})"

    def _session(self, credentials: AuthBase, origins: frozenset[Any] | None) -> _Attempt:
        session = _Attempt(credentials, self.options, origins)
        for scheme in ("http://", "https://"):
            session.mount(scheme, HTTPAdapter())

        retrying = Retrying(
            wait=_Wait(self.options),
            retry=retry_any(
                retry_if_status(self.options.retry_statuses),
                retry_if_exception_type((*DEFAULT_RETRY_EXCEPTIONS, InvalidJSONError)),
            ),
            stop=stop_any(stop_after_attempt(self.options.attempts), _AsksTooMuch(self.options)),
            reraise=True,
            retry_error_callback=lambda state: state.outcome.result() if state.outcome else None,
        )
        session.send = retrying.wraps(session.send)  # type: ignore[method-assign]
        return session

    def _answer(self, send: Callable[..., Response]) -> Callable[..., Response]:
        def answered(request: PreparedRequest, **kwargs: Any) -> Response:
            if _origin(str(request.url)) not in self._origins:
                raise ApiError(
                    self.system,
                    f"{request.method} {self._shown(request)}: the address is of another host than "
                    f"{without_query(self.base_url)}; the credentials are not sent there",
                )
            response, fault = _outcome(send, request, kwargs)
            if response is None:
                raise UnavailableError(
                    self.system,
                    f"{request.method} {self._shown(request)}: no answer in {self.options.attempts} attempts "
                    f"({fault}); check the address and the network, then load again",
                )
            if response.status_code >= 400:
                raise self._error(request, response)
            return response

        return answered

    def _shown(self, request: PreparedRequest) -> str:
        return self.redactor(without_query(str(request.url)))

    def _error(self, request: PreparedRequest, response: Response) -> ApiError:
        status, text = response.status_code, self.redactor(response.text)
        try:
            body = exact_json(text.encode())
        except ValueError:
            body = text
        kinds = {401: AuthError, 403: ForbiddenError, 404: NotFoundError, 429: RateLimitError}
        asked = _asked(response, self.options)
        wait = f"; it asks to wait {asked:g} s" if asked and asked > self.options.wait_seconds_max else ""
        shown = " ".join(text.split())[:_BODY_SHOWN_CHARACTERS]
        return kinds.get(status, ApiError)(
            self.system,
            f"{request.method} {self._shown(request)}: status {status}{wait}"
            + (f": {shown}" if shown else ""),
            status=status,
            body=body,
        )

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Response:
        """Return the answer itself, for those who need its headers or its text. Errors as in `get`."""
        return self._rest.request(
            path,
            method=method,  # type: ignore[arg-type]
            params=dict(params) if params else None,
            json=json,
            data=data,
            headers=dict(headers) if headers else None,
        )

    def get(
        self, path: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None
    ) -> Any:
        """Return the parsed body of a GET; None when the answer has none (204, 304).

        Args:
            path: below `base_url`, or a whole address of the same host.

        Raises:
            AuthError, ForbiddenError, NotFoundError, RateLimitError: by status; all are ApiErrors.
            ApiError: any other status from 400 on, no answer, or an answer that is no JSON.
        """
        return self._body(self.request("GET", path, params=params, headers=headers))

    def post(
        self,
        path: str,
        json: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        data: Any = None,
    ) -> Any:
        """Return the parsed body of a POST, see `get`. It is retried: use it for queries, not for changes."""
        return self._body(self.request("POST", path, params=params, json=json, data=data, headers=headers))

    def _body(self, response: Response) -> Any:
        try:
            return response.json()
        except ValueError:
            raise self._no_json(response.url, response) from None

    def _no_json(self, url: str, response: Response | None = None) -> ApiError:
        content = response.headers.get("Content-Type") if response is not None else None
        return ApiError(
            self.system,
            f"{without_query(url)}: the answer is no JSON ({content or 'unknown content'}); check base_url",
            status=response.status_code if response is not None else None,
        )

    def pages(
        self,
        path: str,
        paginator: BasePaginator,
        records: str,
        *,
        method: str = "GET",
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[list[Record]]:
        """Yield the records of each page.

        Args:
            paginator: one of dlt's (`dlt.sources.helpers.rest_client.paginators`), new for each call.
            records: JSON path of the list of records in the answer (`records`, `data.items`, `$`).

        Raises:
            ApiError: as `get`; an answer without `records`; a page that leads back to an earlier one.
        """
        for page in self._paginate(path, paginator, records, method, params, json, headers):
            if not jsonpath.find_values(records, page.response.json()):
                raise ApiError(
                    self.system, f"{without_query(page.response.url)}: the answer has no '{records}'"
                )
            yield list(page)

    def bodies(
        self,
        path: str,
        paginator: BasePaginator,
        *,
        method: str = "GET",
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[Any]:
        """Yield the parsed body of each page, for a system whose pages say more than their records; else as `pages`."""
        for page in self._paginate(path, paginator, "$", method, params, json, headers):
            yield page.response.json()

    def _paginate(
        self,
        path: str,
        paginator: BasePaginator,
        selector: str,
        method: str,
        params: Mapping[str, Any] | None,
        json: Any,
        headers: Mapping[str, str] | None,
    ) -> Iterator[PageData[Any]]:
        """Yield dlt's pages; the next one is not asked for when it was asked for before."""
        pages = self._rest.paginate(
            path,
            method=method,  # type: ignore[arg-type]
            params=dict(params) if params else None,
            # A paginator writes its place into the body.
            json=copy.deepcopy(json),
            headers=dict(headers) if headers else None,
            paginator=paginator,
            data_selector=selector,
            # The session raises by itself, and without secrets.
            hooks={"response": []},
        )
        seen: set[str] = set()
        while (page := self._next(pages, path)) is not None:
            yield page
            following = page.request
            place = repr((following.url, following.params, following.json))
            if paginator.has_next_page and place in seen:
                raise ApiError(
                    self.system,
                    f"{without_query(page.response.url)}: a page leads back to an earlier one; load again later",
                )
            seen.add(place)

    def _next(self, pages: Iterator[PageData[Any]], path: str) -> PageData[Any] | None:
        # dlt's own words quote the answer, with the records in it: only ours leave this function.
        try:
            return next(pages, None)
        except (jsonlib.JSONDecodeError, UnicodeDecodeError):
            raise self._no_json(path) from None
        except ValueError:
            raise ApiError(
                self.system,
                f"{without_query(path)}: the answer does not say whether more pages follow; load again later",
            ) from None


def _outcome(
    send: Callable[..., Response], request: PreparedRequest, kwargs: Mapping[str, Any]
) -> tuple[Response | None, str]:
    # The exception of the library holds the request with its token: only its name leaves this function.
    try:
        return send(request, **kwargs), ""
    except RequestException as error:
        return None, type(error).__name__
