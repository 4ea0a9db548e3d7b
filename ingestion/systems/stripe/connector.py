"""Read Stripe: lists for what is new, events for what has changed or gone.

Data flow: the newest event is noted -> objects created since the cursor, from the list -> objects that events since
the noted one are about, each as it is now -> rows. A full read is the list alone.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar

from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding, FullReadNeeded, Reading, SourceConfig
from ingestion.api.errors import ApiError, AuthError, ForbiddenError
from ingestion.landing.tables import Table
from ingestion.systems.stripe.reader import (
    invoice_lines,
    listed,
    listed_since,
    newest_event,
    one,
    row,
    touched_ids,
)
from ingestion.systems.stripe.tables import TABLES

API_VERSION = "2025-09-30.clover"
# Stripe keeps events for 30 days; a day less, so that a load at the edge misses none.
EVENTS_REACH = timedelta(days=29)
# Above this many changed objects, reading the list whole takes fewer requests than one for each.
CHANGED_MAX = 2000
OPTIONS = {"api_version", "account", "changed_max"}


@dataclass(frozen=True)
class Source:
    """Where a table comes from.

    Attributes:
        events: the types of events that report a change.
        item: the type of the objects of the table, and of those that such events name.
        filters_created: whether the list can be asked for objects created since an instant.
    """

    path: str
    events: tuple[str, ...]
    item: str
    filters_created: bool = True


_INVOICE_EVENTS = ("invoice.*", "invoice_payment.*", "credit_note.*")
SOURCES: Mapping[str, Source] = {
    "customers": Source("/v1/customers", ("customer.*",), "customer"),
    "invoices": Source("/v1/invoices", _INVOICE_EVENTS, "invoice"),
    "invoice_line_items": Source("/v1/invoices", ("invoice.*",), "invoice"),
    "charges": Source("/v1/charges", ("charge.*",), "charge"),
    "refunds": Source("/v1/refunds", ("refund.*", "charge.refund.updated"), "refund"),
    "credit_notes": Source("/v1/credit_notes", ("credit_note.*",), "credit_note", filters_created=False),
    "balance_transactions": Source("/v1/balance_transactions", (), "balance_transaction"),
    "payment_intents": Source("/v1/payment_intents", ("payment_intent.*",), "payment_intent"),
    "invoice_payments": Source(
        "/v1/invoice_payments", ("invoice_payment.*",), "invoice_payment", filters_created=False
    ),
    "disputes": Source("/v1/disputes", ("charge.dispute.*",), "dispute"),
}

_CHANGES = Reading(incremental=True, overlap=timedelta(hours=1), full_every=timedelta(days=28))
# No event tells that a balance transaction has become available; that takes up to some weeks.
_YOUNG = Reading(incremental=True, overlap=timedelta(days=35), full_every=timedelta(days=90))


class Stripe(Connector):
    """The connector for one Stripe account."""

    name: ClassVar[str] = "stripe"
    title: ClassVar[str] = (
        "Stripe: customers, invoices, charges, refunds, credit notes, balance transactions, payments"
    )
    tables = TABLES
    readings: Mapping[str, Reading] = {
        table.name: _YOUNG if table.name == "balance_transactions" else _CHANGES for table in TABLES
    }
    auths: ClassVar[tuple[str, ...]] = ("bearer",)

    def __init__(self, config: SourceConfig) -> None:
        super().__init__(config)
        if unknown := sorted(set(config.options) - OPTIONS):
            raise ApiError(
                config.name, f"options.{unknown[0]} is not known; known are {', '.join(sorted(OPTIONS))}"
            )

    def headers(self) -> Mapping[str, str]:
        """Pin the API version, so that the fields do not depend on the account's setting."""
        options = self.config.options
        made = {"Accept": "application/json", "Stripe-Version": str(options.get("api_version", API_VERSION))}
        return made | ({"Stripe-Account": str(options["account"])} if "account" in options else {})

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all objects; or those created since, and those that events report, as they are now."""
        source, memory = SOURCES[table.name], self.memory[table.name]
        before = dict(memory)
        if source.events:
            # Noted before anything is read: what happens from here on is found by the next load.
            # The day suffices for EVENTS_REACH, and a load that finds nothing new has nothing new to remember.
            memory |= {"event": newest_event(client), "read_on": datetime.now(UTC).date().isoformat()}
        if since is None:
            for page in listed(client, source.path, {}):
                yield from self._rows(table, client, page)
            return
        touched = self._touched(client, source, before)
        known: set[str] = set()
        for page in self._young(client, source, since):
            known |= {str(record["id"]) for record in page}
            yield from self._rows(table, client, page)
        for key in touched:
            if key not in known:
                yield from self._as_it_is_now(table, client, source, key)

    def _young(self, client: Client, source: Source, since: datetime) -> Iterator[list[Record]]:
        created = int(since.timestamp())
        if source.filters_created:
            return listed(client, source.path, {"created[gte]": str(created)})
        return listed_since(client, source.path, created)

    def _touched(self, client: Client, source: Source, before: Mapping[str, Any]) -> list[str]:
        """Return the ids that events report since the last load."""
        if not source.events:
            return []
        if "read_on" not in before:
            raise FullReadNeeded("no event was noted at the last load")
        if datetime.now(UTC).date() - date.fromisoformat(before["read_on"]) >= EVENTS_REACH:
            raise FullReadNeeded("Stripe keeps events for 30 days, and the last load is longer ago")
        start = max(int(before["event"]) - int(_CHANGES.overlap.total_seconds()), 0)
        touched = touched_ids(client, source.events, source.item, start)
        if len(touched) > int(self.config.options.get("changed_max", CHANGED_MAX)):
            raise FullReadNeeded(f"{len(touched)} changed objects")
        return touched

    def _as_it_is_now(
        self, table: Table, client: Client, source: Source, key: str
    ) -> Iterator[list[Record] | Deleted]:
        record = one(client, source.path, key)
        if record is not None:
            yield from self._rows(table, client, [record])
        elif table.name == "invoice_line_items":
            yield self._forget_lines(key)
        else:
            yield Deleted([(key,)])

    # Lines

    def _rows(self, table: Table, client: Client, page: Sequence[Record]) -> Iterator[list[Record] | Deleted]:
        if table.name != "invoice_line_items":
            yield [row(table, record) for record in page]
            return
        for invoice in page:
            lines = invoice_lines(client, invoice)
            gone = self._remember_lines(invoice, lines)
            yield [row(table, line) for line in lines]
            if gone.keys:
                yield gone

    def _drafts(self) -> dict[str, list[str]]:
        """Return the line ids of the invoices that are drafts: only those can lose a line."""
        drafts: dict[str, list[str]] = self.memory["invoice_line_items"].setdefault("drafts", {})
        return drafts

    def _remember_lines(self, invoice: Record, lines: Sequence[Record]) -> Deleted:
        gone = self._forget_lines(str(invoice["id"]), {str(line["id"]) for line in lines})
        if invoice.get("status") == "draft":
            self._drafts()[str(invoice["id"])] = sorted(str(line["id"]) for line in lines)
        return gone

    def _forget_lines(self, invoice: str, left: set[str] | None = None) -> Deleted:
        before = self._drafts().pop(invoice, [])
        return Deleted([(invoice, line) for line in before if line not in (left or set())])

    # Checks

    def check(self, client: Client, tables: Sequence[Table]) -> list[Finding]:
        """Ask for one object of each list, and for one event."""
        system, findings = self.config.name, []
        wanted = {SOURCES[table.name].path: table for table in tables}
        for path, table in [("/v1/events", None), *wanted.items()]:
            subject = table.name if table else "events"
            try:
                found = client.get(path, {"limit": "1"})["data"]
            except AuthError as error:
                fix = "set the token to a live secret or restricted key of the account"
                return [Finding(system, "credentials", str(error), False, fix)]
            except ApiError as error:
                findings.append(Finding(system, subject, str(error), False, self._right(subject, error)))
                continue
            is_test = bool(found) and found[0].get("livemode") is False
            told = "readable" + (", in test mode: the key is of a sandbox" if is_test else "")
            findings.append(Finding(system, subject, told, True))
        return findings

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        return self._right(table.name, error)

    def _right(self, subject: str, error: ApiError) -> str:
        if isinstance(error, ForbiddenError):
            return f"give the restricted key the permission Read on {subject.replace('_', ' ')}"
        return "look at the answer, and at options.api_version and options.account"
