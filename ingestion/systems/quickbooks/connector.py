"""Read QuickBooks Online: all records from the query endpoint, then changes and deletions from change data capture."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import ClassVar

from ingestion.api.auth import Credentials
from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding, FullReadNeeded, Reading
from ingestion.api.errors import ApiError, AuthError
from ingestion.landing.tables import Table
from ingestion.systems.quickbooks.reader import CDC_REACH, ListMoved, changes, count, query
from ingestion.systems.quickbooks.tables import ALWAYS_SENT, TABLES

LIST_READS_MAX = 3

_CHANGES = Reading(incremental=True, overlap=timedelta(hours=1), full_every=timedelta(days=28))


class QuickBooks(Connector):
    """The connector for one company of QuickBooks Online."""

    name: ClassVar[str] = "quickbooks"
    title: ClassVar[str] = "QuickBooks Online: invoices, payments, credit memos, refunds, customers"
    tables = TABLES
    readings: Mapping[str, Reading] = {table.name: _CHANGES for table in TABLES}
    auths: ClassVar[tuple[str, ...]] = ("refresh_token", "bearer")
    token_path: ClassVar[str] = "https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"

    def credentials(self) -> Credentials:
        """Return the credentials; Intuit wants the client's id and secret as basic authentication."""
        if self.auth != "refresh_token":
            return super().credentials()
        return self.oauth2(self.config.secret("refresh_token"), client_in_header=True)

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all records, or the changed and the deleted ones."""
        memory = self.memory[table.name]
        read_on = memory.get("read_on")
        memory["read_on"] = datetime.now(UTC).date().isoformat()
        if since is None:
            for page in self._all(table, client):
                yield [_row(table, record) for record in page]
            return
        found = changes(client, table.name, _reachable(since, read_on))
        if found is None:
            raise FullReadNeeded("more has changed than change data capture gives out")
        yield [_row(table, record) for record in found.changed]
        if found.deleted:
            yield Deleted([(key,) for key in found.deleted])

    def _all(self, table: Table, client: Client) -> list[list[Record]]:
        """Return the pages of a list that stood still while it was read."""
        for _ in range(LIST_READS_MAX):
            before = count(client, table.name)
            try:
                pages = list(query(client, table.name))
            except ListMoved:
                continue
            if len({record["Id"] for page in pages for record in page}) == before:
                return pages
        raise ApiError(
            self.config.name,
            f"{table.name}: the list moved in each of {LIST_READS_MAX} reads; load again when nobody works in it",
        )

    def probe(self, table: Table, client: Client) -> Finding:
        """Count the records."""
        found = count(client, table.name)
        return Finding(self.config.name, table.name, f"readable, {found} records", True)

    def credentials_fix(self, error: AuthError) -> str | None:
        return "authorise the app again and set the new refresh token; see that base_url names the company"

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        return (
            "let an administrator of the company authorise the app with the scope "
            "com.intuit.quickbooks.accounting, and see that base_url ends in /v3/company/<realm id>"
        )


def _reachable(since: datetime, read_on: str | None) -> datetime:
    """Return from when on to ask for changes.

    A table may rest for longer than change data capture reaches back: then the time since the last load counts.

    Raises:
        FullReadNeeded: that is too long ago as well.
    """
    now = datetime.now(UTC)
    if now - since < CDC_REACH:
        return since
    if read_on is None or now.date() - date.fromisoformat(read_on) >= CDC_REACH - timedelta(days=1):
        raise FullReadNeeded("change data capture reaches back 30 days, and the last load is longer ago")
    return now - CDC_REACH


def _row(table: Table, record: Record) -> Record:
    """Return the record with the stamp lifted out, and the fields that Intuit leaves out when they are empty."""
    empty = {column.name: None for column in table.columns if column.name not in ALWAYS_SENT}
    return {**empty, **record, "LastUpdatedTime": (record.get("MetaData") or {}).get("LastUpdatedTime")}
