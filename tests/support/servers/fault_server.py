"""A real HTTP server on this machine that behaves as a vendor's API does, and misbehaves when told to.

    with FaultServer() as server:
        server.oauth("/token", client_id="id", client_secret="secret")     # gives out bearer tokens
        server.protect("/api/")                                            # 401 without a live token

        @server.route("GET", r"/api/deals/(?P<id>[0-9]+)")
        def deal(request: Request) -> Any:                                 # JSON value, None (204) or Answer
            return {"id": request.found["id"], "since": request.query.get("since")}

        server.fault(r"/api/deals", status(500), retry_after(0.3))         # the next two matching requests
        server.fault(r"/api/deals", expire_token(), skip=2)                # the third one from now
        ... Client("x", server.url, ...)
        server.requests                                                    # what was asked, when, and answered

Faults (each is used up by one request that matches its pattern, in the order given):

    status(code, body=None, headers=None)   that answer
    retry_after(seconds, code=429)          429 or 503 with `Retry-After: <seconds>`, fractions allowed
    retry_at(seconds, code=429)             the same with an HTTP date; dates have whole seconds only
    no_answer(seconds)                      silence; give the client a shorter time-out
    hang_up()                               the connection is closed without an answer
    cut_body(share=0.5)                     the right answer, its connection lost in mid body (length was announced)
    cut_text(share=0.5)                     the right answer cut short without a trace: no length, closed as if whole
    expire_token()                          all tokens die, and this request meets 401
    change(function)                        function(body) replaces the JSON body: repeat, reorder, rename, retype
    earlier(pattern, number)                the number-th earlier answer (0: the first) below this path again

`Recorded`: method, path, query, headers, body, at (monotonic seconds), status. `server.asked(pattern)` filters by
path. Numbers in answers may be Decimal: they are written digit for digit. All state may be changed between requests.
"""

import json
import re
import threading
import time
from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Request:
    """One request as a handler sees it; `found` holds the groups of the route's pattern."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    found: Mapping[str, str] = field(default_factory=dict)

    @property
    def json(self) -> Any:
        return json.loads(self.body, parse_float=Decimal)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass
class Answer:
    """What is sent back; `body` is JSON unless it is bytes or text. `cut`: see the faults."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    cut: float | None = None
    is_cut_announced: bool = True
    is_hung_up: bool = False

    def content(self) -> bytes:
        if self.body is None:
            return b""
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else exact(self.body)).encode()


@dataclass
class Recorded:
    """A request, as it came in; `status` is 0 until it is answered, and stays 0 when the connection is lost."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    at: float
    status: int = 0
    answer: Answer | None = None


def exact(value: Any) -> str:
    """Write JSON with Decimals digit for digit."""
    numbers: dict[str, str] = {}

    def mark(number: Any) -> str:
        if not isinstance(number, Decimal):
            raise TypeError(type(number).__name__)
        name = f"@number-{len(numbers)}@"
        numbers[f'"{name}"'] = format(number, "f")
        return name

    written = json.dumps(value, default=mark, ensure_ascii=False)
    return re.sub(r'"@number-[0-9]+@"', lambda match: numbers[match[0]], written)


Handler = Callable[[Request], Any]
Fault = Callable[["FaultServer", Request, Callable[[], Answer]], Answer]


def status(code: int, body: Any = None, headers: Mapping[str, str] | None = None) -> Fault:
    return lambda _server, _request, _answer: Answer(code, body, dict(headers or {}))


def retry_after(seconds: float, code: int = 429) -> Fault:
    return status(code, {"error": "too many requests"}, {"Retry-After": f"{seconds:g}"})


def retry_at(seconds: float, code: int = 429) -> Fault:
    def fault(_server: "FaultServer", _request: Request, _answer: Callable[[], Answer]) -> Answer:
        return Answer(code, {}, {"Retry-After": formatdate(time.time() + seconds, usegmt=True)})

    return fault


def no_answer(seconds: float) -> Fault:
    def fault(_server: "FaultServer", _request: Request, _answer: Callable[[], Answer]) -> Answer:
        time.sleep(seconds)
        return Answer(is_hung_up=True)

    return fault


def hang_up() -> Fault:
    return lambda _server, _request, _answer: Answer(is_hung_up=True)


def _cut(share: float, is_announced: bool) -> Fault:
    def fault(_server: "FaultServer", _request: Request, answer: Callable[[], Answer]) -> Answer:
        right = answer()
        right.cut, right.is_cut_announced = share, is_announced
        return right

    return fault


def cut_body(share: float = 0.5) -> Fault:
    return _cut(share, True)


def cut_text(share: float = 0.5) -> Fault:
    return _cut(share, False)


def expire_token() -> Fault:
    def fault(server: "FaultServer", _request: Request, _answer: Callable[[], Answer]) -> Answer:
        server.tokens.clear()
        return Answer(401, [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}])

    return fault


def change(function: Callable[[Any], Any]) -> Fault:
    def fault(_server: "FaultServer", _request: Request, answer: Callable[[], Answer]) -> Answer:
        right = answer()
        right.body = function(right.body)
        return right

    return fault


def earlier(pattern: str, number: int) -> Fault:
    def fault(server: "FaultServer", _request: Request, _answer: Callable[[], Answer]) -> Answer:
        answer = server.asked(pattern)[number].answer
        assert answer is not None
        return answer

    return fault


@dataclass
class _Planned:
    pattern: re.Pattern[str]
    fault: Fault
    skip: int


class FaultServer:
    """See the head of this file."""

    def __init__(self) -> None:
        self.requests: list[Recorded] = []
        self.tokens: set[str] = set()
        self.refresh_token: str | None = None
        self._routes: list[tuple[str, re.Pattern[str], Handler]] = []
        self._protected: list[str] = []
        self._planned: list[_Planned] = []
        self._given = 0
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._http.daemon_threads = True
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.05,), daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> "FaultServer":
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    def route(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        """Answer requests whose whole path matches with what the decorated function returns."""

        def register(handler: Handler) -> Handler:
            self._routes.append((method, re.compile(pattern), handler))
            return handler

        return register

    def fault(self, pattern: str, *faults: Fault, skip: int = 0) -> None:
        """Plan faults for the next requests whose path contains the pattern, after letting `skip` pass."""
        with self._lock:
            for number, fault in enumerate(faults):
                self._planned.append(_Planned(re.compile(pattern), fault, skip if number == 0 else 0))

    def faults(self, pattern: str, *faults: Fault, skip: int = 1) -> None:
        """Plan faults for one read: each meets a request of its own, and the next request is let pass."""
        for number, fault in enumerate(faults):
            self.fault(pattern, fault, skip=1 if number else skip)

    @property
    def faults_left(self) -> int:
        """Faults that no request has met yet: a test of a fault should end with none."""
        return len(self._planned)

    def asked(self, pattern: str) -> list[Recorded]:
        """Return the requests whose path contains the pattern."""
        return [request for request in self.requests if re.search(pattern, request.path)]

    def protect(self, prefix: str) -> None:
        """Answer 401 below this path unless the request has a live token."""
        self._protected.append(prefix)

    def oauth(
        self,
        path: str,
        *,
        client_id: str,
        client_secret: str,
        refresh_token: str | None = None,
        rotates: bool = False,
        expires_in: int | None = None,
    ) -> None:
        """Give out tokens: by client credentials, or by refresh token, replaced at each use when it `rotates`.

        The client's id and secret are taken from the form or from basic authentication.
        """
        self.refresh_token = refresh_token

        @self.route("POST", re.escape(path))
        def token(request: Request) -> Any:
            form = request.form
            sent = request.headers.get("authorization", "")
            if sent.startswith("Basic "):
                form["client_id"], _, form["client_secret"] = b64decode(sent[6:]).decode().partition(":")
            if (form.get("client_id"), form.get("client_secret")) != (client_id, client_secret):
                return Answer(
                    400, {"error": "invalid_client", "error_description": f"no {form.get('client_secret')}"}
                )
            grant = "refresh_token" if refresh_token else "client_credentials"
            if form.get("grant_type") != grant or form.get("refresh_token") != self.refresh_token:
                return Answer(
                    400, {"error": "invalid_grant", "error_description": "expired access/refresh token"}
                )
            given: dict[str, Any] = {"access_token": self.new_token(), "token_type": "Bearer"}
            if rotates:
                self.refresh_token = given["refresh_token"] = f"refresh-{self._given}-of-many"
            if expires_in is not None:
                given["expires_in"] = expires_in
            return given

    def new_token(self) -> str:
        """Give out a further token; those before stay alive."""
        self._given += 1
        token = f"access-token-number-{self._given}"
        self.tokens.add(token)
        return token

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request, a planned fault's if one matches."""
        fault = self._next_fault(request)
        if fault is not None:
            return fault(self, request, lambda: self._right_answer(request))
        return self._right_answer(request)

    def _next_fault(self, request: Request) -> Fault | None:
        with self._lock:
            for planned in self._planned:
                if planned.pattern.search(request.path):
                    if planned.skip:
                        planned.skip -= 1
                        return None
                    self._planned.remove(planned)
                    return planned.fault
        return None

    def _right_answer(self, request: Request) -> Answer:
        bearer = request.headers.get("authorization", "").removeprefix("Bearer ")
        if any(request.path.startswith(prefix) for prefix in self._protected) and bearer not in self.tokens:
            return Answer(401, [{"errorCode": "INVALID_SESSION_ID", "message": f"no session for {bearer}"}])
        for method, pattern, handler in self._routes:
            match = pattern.fullmatch(request.path)
            if match and method == request.method:
                found = {name: value or "" for name, value in match.groupdict().items()}
                given = handler(Request(**{**request.__dict__, "found": found}))
                if isinstance(given, Answer):
                    return given
                return Answer(204) if given is None else Answer(200, given)
        return Answer(404, [{"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}])

    def record(self, request: Request) -> Recorded:
        """Note a request as it comes in."""
        recorded = Recorded(
            request.method, request.path, request.query, request.headers, request.body, time.monotonic()
        )
        with self._lock:
            self.requests.append(recorded)
        return recorded


def _handler(server: FaultServer) -> type[BaseHTTPRequestHandler]:
    class Handle(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        # An answer leaves in one piece: a head sent before its body waits for the client's delayed acknowledgement (40 ms).
        wbufsize = -1
        disable_nagle_algorithm = True

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            request = Request(self.command, parts.path, query, headers, body)
            recorded = server.record(request)
            recorded.answer = answer = server.answer(request)
            recorded.status = 0 if answer.is_hung_up else answer.status
            self._send(answer)

        def _send(self, answer: Answer) -> None:
            if answer.is_hung_up:
                self.close_connection = True
                return
            content = answer.content()
            self.send_response(answer.status)
            headers = {"Content-Type": "application/json;charset=UTF-8", **answer.headers}
            if answer.cut is None or answer.is_cut_announced:
                headers["Content-Length"] = str(len(content))
            else:
                headers["Connection"] = "close"
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if answer.cut is not None:
                content, self.close_connection = content[: int(len(content) * answer.cut)], True
            self.wfile.write(content)

        do_GET = do_POST = do_DELETE = do_PUT = do_PATCH = _serve

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    return Handle
