"""Read NetSuite: one SuiteQL query a table, by `lastmodifieddate`; lines with the transactions they belong to."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from ingestion.api.auth import Credentials, Fixed
from ingestion.api.client import Client, Record
from ingestion.api.connector import Connector, Deleted, Finding, Reading, SourceConfig
from ingestion.api.errors import ApiError, AuthError
from ingestion.landing.tables import ColumnType, Table, instant, text
from ingestion.systems.netsuite.oauth1 import TokenBasedAuth
from ingestion.systems.netsuite.reader import (
    INSTANT,
    applied,
    ask,
    deleted,
    in_order,
    literal,
    local,
    select,
    with_utc,
)
from ingestion.systems.netsuite.tables import LINK, TABLES, TRANSACTIONLINE

OPTIONS = {"account", "time_zone", "transaction_types"}
# Types of deleted records that were transactions.
TRANSACTION_TYPES = (
    *("invoice", "creditmemo", "cashsale", "cashrefund", "customerpayment", "customerrefund"),
    *("customerdeposit", "depositapplication", "salesorder", "returnauthorization", "estimate"),
    *("opportunity", "journalentry", "customtransaction"),
)
# Line numbers up to this are tried when a transaction has changed; higher ones are remembered.
LINES_TRIED = 100
# The answer to a column that is not there, in the words of two versions.
_NO_FIELD = re.compile(r"Field '(\w+)' for record|[Ii]dentifier[: ]+'?(?:t\.)?(\w+)'?")
_CHANGES = Reading(incremental=True, overlap=timedelta(hours=2), full_every=timedelta(days=14))


class NetSuite(Connector):
    """The connector for one account."""

    name: ClassVar[str] = "netsuite"
    title: ClassVar[str] = (
        "NetSuite: transactions with their lines and links, customers, employees, currencies"
    )
    tables = TABLES
    auths: ClassVar[tuple[str, ...]] = ("token_based",)
    further_secrets: ClassVar[tuple[str, ...]] = (
        "consumer_key",
        "consumer_secret",
        "token_id",
        "token_secret",
    )

    def __init__(self, config: SourceConfig) -> None:
        super().__init__(config)
        options = config.options
        if unknown := sorted(set(options) - OPTIONS):
            raise ApiError(
                config.name, f"options.{unknown[0]} is not known; known are {', '.join(sorted(OPTIONS))}"
            )
        if lacking := [name for name in ("account", "time_zone") if name not in options]:
            raise ApiError(config.name, f"options.{lacking[0]} is missing; see the README of netsuite")
        try:
            self._zone = ZoneInfo(str(options["time_zone"]))
        except (ZoneInfoNotFoundError, ValueError):
            raise ApiError(
                config.name,
                f"options.time_zone '{options['time_zone']}' is no zone; write one as Europe/Berlin",
            ) from None

    @classmethod
    def further_table(cls, name: str, details: Mapping[str, Any]) -> Table | None:
        """Return any other SuiteQL table, a custom record say, that has an id and a stamp."""
        return Table(name, (*text("id"), *instant("lastmodified")), ("id",), stamp="lastmodified")

    def reading(self, table: Table) -> Reading:
        """Tables with a stamp are read by changes."""
        return _CHANGES if table.stamp else Reading()

    def credentials(self) -> Credentials:
        """Return token-based authentication: each attempt is signed again."""
        consumer, consumer_secret, token, token_secret = (
            self.config.secret(name) for name in self.further_secrets
        )
        account = str(self.config.options["account"])
        signer = TokenBasedAuth(account, consumer, consumer_secret, token, token_secret)
        return Fixed("token-based", signer, consumer, consumer_secret, token, token_secret)

    def fields(self, table: Table, client: Client) -> Mapping[str, ColumnType | None]:
        """Ask for one row with all columns; NetSuite names a column that is not there, and it is left out."""
        columns = list(table.columns)
        while columns:
            asked = ", ".join(select(_with_columns(table, columns)))
            try:
                ask(client, f"SELECT {asked} FROM {table.name} t WHERE ROWNUM <= 1")
            except ApiError as error:
                match = _NO_FIELD.search(str(error))
                lacking = (match[1] or match[2]).lower() if match and error.status == 400 else ""
                left = [column for column in columns if column.name.lower() != lacking]
                if len(left) == len(columns):
                    raise
                columns = left
                continue
            break
        return dict.fromkeys(column.name for column in columns)

    # Rows

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield all rows, or those changed since and the keys of deleted ones."""
        if table.name == TRANSACTIONLINE.name:
            yield from self._lines(table, client, since)
            return
        if table.name == LINK.name:
            yield from applied(client, select(table))
            return
        changed = [] if since is None else [self._since(f"t.{table.stamp}", since)]
        for rows in in_order(client, select(table), f"{table.name} t", changed, "t.id", "id"):
            yield with_utc(rows, table, self._zone)
        if since is not None:
            kinds = self._transaction_types() if table.name == "transaction" else (table.name,)
            if keys := [(key,) for key in deleted(client, kinds, since, self._zone)]:
                yield Deleted(keys)

    def _transaction_types(self) -> Sequence[str]:
        return tuple(self.config.options.get("transaction_types", TRANSACTION_TYPES))

    def _since(self, column: str, since: datetime) -> str:
        return f"{column} >= TO_DATE({literal(local(since, self._zone))}, '{INSTANT}')"

    def _lines(
        self, table: Table, client: Client, since: datetime | None
    ) -> Iterator[list[Record] | Deleted]:
        """Yield all lines, or those of changed transactions; numbers that such a one no longer has are deleted."""
        origin, changed = "transactionline t", []
        if since is not None:
            origin += " JOIN transaction h ON h.id = t.transaction"
            changed = [self._since("h.lastmodifieddate", since)]
        long: dict[str, int] = self.memory[table.name].setdefault("long", {})
        found: dict[str, set[int]] = {}
        for rows in in_order(client, select(table), origin, changed, "t.uniquekey", "uniquekey"):
            yield with_utc(rows, table, self._zone)
            for row in rows:
                transaction, number = str(row["transaction"]), int(row["id"])
                if number > LINES_TRIED:
                    long[transaction] = max(number, long.get(transaction, 0))
                if since is not None:
                    found.setdefault(transaction, set()).add(number)
        if since is None:
            return
        for transaction in deleted(client, self._transaction_types(), since, self._zone):
            found.setdefault(transaction, set())
        for transaction, there in found.items():
            tried = range(max(LINES_TRIED, long.get(transaction, 0)) + 1)
            yield Deleted([(transaction, str(number)) for number in tried if number not in there])

    # Checks

    def check(self, client: Client, tables: Sequence[Table]) -> list[Finding]:
        """Ask for one row of each table and of the deleted records."""
        system, findings = self.config.name, []
        for name in [*(table.name for table in tables), "deletedrecord"]:
            key = "t.recordid" if name == "deletedrecord" else "t.*"
            try:
                ask(client, f"SELECT {key} FROM {name} t WHERE ROWNUM <= 1")
            except AuthError as error:
                fix = "correct the four secrets and options.account; see Setup, Login Audit Trail for the reason"
                return [Finding(system, "credentials", str(error), False, fix)]
            except ApiError as error:
                findings.append(Finding(system, name, str(error), False, _right(name)))
                continue
            findings.append(Finding(system, name, "readable", True))
        return findings

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        return _right(table.name)


def _right(name: str) -> str:
    rights = {"deletedrecord": "Deleted Records"} | dict.fromkeys(
        ("transactionline", LINK.name), "Transactions, Find Transaction"
    )
    right = rights.get(name, f"View on {name}")
    return f"give the role {right}, REST Web Services, SuiteAnalytics Workbook and Log in using Access Tokens"


def _with_columns(table: Table, columns: Sequence[Any]) -> Table:
    """Return the table with fewer columns, for a query; it has no key to follow."""
    return replace(
        table, columns=tuple(columns), primary_key=(columns[0].name,), stamp=None, deleted_flag=None
    )
