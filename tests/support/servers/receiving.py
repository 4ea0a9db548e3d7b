"""A receiving server for the tests: verifies every signature with the library of Standard Webhooks, notes what it accepts.

Faults are those of `FaultServer`; a fault that answers after the handler is one whose acknowledgement is lost.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from standardwebhooks import Webhook

from tests.support.servers.fault_server import Answer, FaultServer, Request

# Split, so that nobody takes it for a real one.
SECRET = "whsec_" + "dGhlIHNlY3JldCBvZiB0aGUgdGVzdHMsIDMyIGJ5dGVz"


@dataclass
class Accepted:
    """One request that was accepted: `is_repeat` when its id was accepted before."""

    webhook_id: str
    event: dict[str, Any]
    is_repeat: bool


@dataclass
class Receiving:
    """A server and what it accepted, in the order in which it accepted it."""

    server: FaultServer
    accepted: list[Accepted] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    # Called after an event was accepted, before it is acknowledged.
    before_answer: Callable[[Accepted], Answer | None] = lambda accepted: None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"{self.server.url}/hooks"

    @property
    def first_time(self) -> list[dict[str, Any]]:
        """What a receiver that throws repeats away has processed."""
        return [one.event for one in self.accepted if not one.is_repeat]

    def by_subject(self) -> dict[str, list[int]]:
        """The sequences of the events as they were first accepted, by subject."""
        found: dict[str, list[int]] = {}
        for event in self.first_time:
            found.setdefault(event["subject"], []).append(event["sequence"])
        return found

    def receive(self, request: Request) -> Answer:
        body, headers = request.body.decode(), request.headers
        moment = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        signature = Webhook(SECRET).sign(headers["webhook-id"], moment, body)
        if signature not in headers["webhook-signature"].split(" "):
            self.refused.append(headers["webhook-id"])
            return Answer(401)
        with self.lock:
            seen = {one.webhook_id for one in self.accepted}
            accepted = Accepted(headers["webhook-id"], json.loads(body), headers["webhook-id"] in seen)
            self.accepted.append(accepted)
        return self.before_answer(accepted) or Answer(204)

    def acknowledged(self, request: Request) -> Any:
        after = int(request.query["after"])
        return {"events": sorted({one.webhook_id for one in self.accepted if one.event["sequence"] > after})}


def listening(server: FaultServer) -> Receiving:
    """Give a server the routes of a receiver."""
    receiving = Receiving(server)
    server.route("POST", "/hooks")(receiving.receive)
    server.route("GET", "/acknowledged")(receiving.acknowledged)
    return receiving
