"""A service of exchange rates, played by the fault server."""

from decimal import Decimal
from typing import Any

from tests.support.servers.fault_server import FaultServer, Request

SECTION = '[rates.options]\nbase = "USD"\nfirst_day = "2024-12-30"\nsymbols = ["EUR", "JPY"]\n'
RATES: dict[str, dict[str, Any]] = {
    "2024-12-27": {"EUR": Decimal("0.95886"), "JPY": Decimal("157.83")},
    "2024-12-30": {"EUR": Decimal("0.95877"), "JPY": Decimal("157.93")},
    "2025-01-02": {"EUR": Decimal("0.9689"), "JPY": 157},
}


class Service:
    """The service: of a range it gives the days it has, and the last day before one that begins on a holiday."""

    def __init__(self, server: FaultServer) -> None:
        self.server, self.rates, self.base = server, {day: dict(r) for day, r in RATES.items()}, "USD"
        server.route("GET", r"/v1/(?P<first>[-0-9]+)\.\.(?P<last>[-0-9]+)")(self._range)

    def _range(self, request: Request) -> Any:
        assert request.query == {"base": "USD", "symbols": "EUR,JPY"}
        start = max(day for day in self.rates if day <= request.found["first"])
        days = {day: rates for day, rates in self.rates.items() if start <= day <= request.found["last"]}
        return {"amount": Decimal("1.0"), "base": self.base, "rates": days}
