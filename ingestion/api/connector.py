"""The frame that the package of a system fills in: its tables, how each is read, what its credentials are."""

from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import dlt

from ingestion.api.auth import Credentials, OAuth2, TokenStore, api_key, basic, bearer
from ingestion.api.client import Client, ClientOptions, Record
from ingestion.api.errors import ApiError, AuthError, FullReadNeeded
from ingestion.landing.tables import ColumnType, Table

__all__ = ["Connector", "Deleted", "Finding", "FullReadNeeded", "Reading", "SourceConfig"]


@dataclass(frozen=True)
class Reading:
    """How the rows of a table are kept up to date.

    Attributes:
        incremental: `read` is asked for the changes since (cursor - overlap). Otherwise, and each time that
            `since` is None, it yields all rows, and a row that is absent is retired.
        overlap: how far before the cursor the next read begins. Choose it by how late the system shows a
            change; rows that come again unchanged make no version.
        full_every: an incremental table is read whole again after this time, which finds rows that came too
            late for the overlap and rows that were erased without a trace. None: never.
        omits_empty: the system leaves empty fields out of its records, so that an absent field in a few
            records is no sign of a vanished one.
    """

    incremental: bool = False
    overlap: timedelta = timedelta(hours=1)
    full_every: timedelta | None = None
    omits_empty: bool = False


@dataclass(frozen=True)
class Deleted:
    """Yielded by `read` between pages of records: these rows are gone at the source and are retired.

    Attributes:
        keys: one tuple a row, in the order of the table's primary key, values as the records have them.
    """

    keys: Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Finding:
    """One thing that was checked at a system.

    Attributes:
        subject: what was looked at: "credentials", "Opportunity", "Opportunity.Amount".
        fix: what to do when it is not in order; empty when it is.
    """

    system: str
    subject: str
    message: str
    is_ok: bool
    fix: str = ""

    def __str__(self) -> str:
        mark = "ok     " if self.is_ok else "PROBLEM"
        return f"{mark} {self.system:<12} {self.subject}: {self.message}" + (
            f"; {self.fix}" if self.fix else ""
        )


@dataclass(frozen=True)
class SourceConfig:
    """One system of sources.toml.

    Attributes:
        name: name of the system; its rows land in `raw_<name>`.
        read: the tables to read, empty for all of the connector.
        options: what the connector itself understands.
        table_options: the same for single tables, by their names.
        token_dir: folder for refresh tokens that the vendor replaces.
    """

    name: str
    connector: str
    base_url: str
    auth: str = ""
    read: tuple[str, ...] = ()
    options: Mapping[str, Any] = field(default_factory=dict)
    table_options: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    client: ClientOptions = field(default_factory=ClientOptions)
    token_dir: Path | None = None

    def secret(self, name: str) -> str:
        """Return a secret from the environment or another of dlt's secret providers; it is looked up each time.

        Raises:
            MissingSecretError: it is not set; the message names the environment variable.
        """
        value = looked_up(("sources", self.name), name)
        if not value:
            raise MissingSecretError(
                self.name,
                f"the secret {name} is not set; set the environment variable {secret_variable(self.name, name)} "
                f"or {name} under [sources.{self.name}] in dlt's secrets.toml",
            )
        return value


def looked_up(sections: tuple[str, ...], name: str) -> str:
    """Return a secret from the environment (SECTION__SUBSECTION__NAME) or another of dlt's providers; empty when unset."""
    # `dlt.secrets.get` would keep the value for the pipeline's trace, which dlt writes to a file.
    for provider in dlt.secrets.config_providers:
        value, _ = (None, "") if provider.is_empty else provider.get_value(name, str, "", *sections)
        if value is not None:
            return str(value)
    return ""


class MissingSecretError(ApiError):
    """A credential is not configured."""


def secret_variable(system: str, name: str) -> str:
    """Return the environment variable that holds a secret."""
    return f"SOURCES__{system.upper()}__{name.upper()}"


# The secrets of each way to prove who we are; client_secret may be absent where a vendor has none.
AUTH_SECRETS: Mapping[str, tuple[str, ...]] = {
    "client_credentials": ("client_id", "client_secret"),
    "refresh_token": ("client_id", "client_secret", "refresh_token"),
    "bearer": ("token",),
    "basic": ("username", "password"),
    "api_key": ("api_key",),
}


class Connector(ABC):
    """A system's package: one instance serves one load of one configured system.

    Class attributes:
        name, title: as in sources.toml, and for people.
        tables: what can be read, with the source's own names for tables and columns.
        readings: how, by table name; a table that is not there is read whole.
        auths: the ways to prove who we are (keys of AUTH_SECRETS), the usual one first.
        token_path: where OAuth2 tokens are given out: below base_url, or a whole address.
        needs_base_url: whether it talks to an address; one that reads files does not.
        further_secrets: secrets the package needs beside those of its auth.

    Attributes:
        memory: what `read` wants to find again at the next load, by table (a delta link, say). It is kept with
            the load: after a load that failed it is as it was before.
    """

    name: ClassVar[str]
    title: ClassVar[str]
    tables: tuple[Table, ...]
    readings: Mapping[str, Reading] = {}
    auths: ClassVar[tuple[str, ...]] = ("bearer",)
    token_path: ClassVar[str] = ""
    needs_base_url: ClassVar[bool] = True
    further_secrets: ClassVar[tuple[str, ...]] = ()

    def __init__(self, config: SourceConfig) -> None:
        self.config = config
        self.memory: dict[str, dict[str, Any]] = defaultdict(dict)

    @abstractmethod
    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield the rows of a table in pages, the source's names as keys, values as JSON gave them.

        Args:
            table: the declaration, with the columns that sources.toml adds.
            since: None to read all rows; else (UTC) everything changed at or after this instant.

        Raises:
            FullReadNeeded: the changes are not to be had any more; `read` is called again with None.
            ApiError: from the client.
        """

    @classmethod
    def further_table(cls, name: str, details: Mapping[str, Any]) -> Table | None:
        """Return a table that is not in `tables` and can be read all the same; None: there is none.

        Args:
            details: what sources.toml says of the table (columns, key, stamp, options).
        """
        return None

    def fields(self, table: Table, client: Client) -> Mapping[str, ColumnType | None] | None:
        """Return the fields that the source says the table has, with the type it says (None: any).

        Default: None, the source has no such description; vanished fields are then found in the records.
        """
        return None

    def check(self, client: Client, tables: Sequence[Table]) -> list[Finding]:
        """Prove credentials and permissions with a small request a table.

        Credentials that are refused are one finding, the only one, where the source says how to fix them.
        """
        findings = []
        for table in tables:
            try:
                findings.append(self.probe(table, client))
            except ApiError as error:
                fix = self.credentials_fix(error) if isinstance(error, AuthError) else None
                if fix is not None:
                    return [Finding(self.config.name, "credentials", str(error), False, fix)]
                findings.append(
                    Finding(self.config.name, table.name, str(error), False, self.fix(table, error))
                )
        return findings

    def probe(self, table: Table, client: Client) -> Finding:
        """Make the small request that proves a table can be read; by default its first page.

        Raises:
            ApiError: from the client; `check` makes a finding of it.
        """
        first = next(iter(self.read(table, client, None)), [])
        seen = len(first.keys if isinstance(first, Deleted) else first)
        return Finding(self.config.name, table.name, f"readable ({seen} rows in the first page)", True)

    def credentials_fix(self, error: AuthError) -> str | None:
        """Return how to fix credentials that were refused; None: the error is one of the table alone."""
        return None

    def fix(self, table: Table, error: ApiError) -> str:
        """Return what to do about an error met on a table."""
        return f"give the user of the credentials the right to read {table.name}"

    def reading(self, table: Table) -> Reading:
        """Return how a table is read."""
        return self.readings.get(table.name, Reading())

    def client(self) -> Client:
        """Return the client for the configured system.

        Raises:
            MissingSecretError: a credential is not set.
        """
        return Client(
            self.config.name,
            self.config.base_url,
            self.credentials(),
            headers=self.headers(),
            options=self.config.client,
        )

    def headers(self) -> Mapping[str, str]:
        """Return headers for every request."""
        return {"Accept": "application/json"}

    def credentials(self) -> Credentials:
        """Return the credentials of the configured kind; a package with a kind of its own overrides this."""
        kind, secret = self.auth, self.config.secret
        match kind:
            case "bearer":
                return bearer(secret("token"))
            case "basic":
                return basic(secret("username"), secret("password"))
            case "api_key":
                return api_key(
                    secret("api_key"), str(self.config.options.get("api_key_header", "Authorization"))
                )
            case _:
                return self.oauth2(secret("refresh_token") if kind == "refresh_token" else None)

    def oauth2(self, refresh_token: str | None, **options: Any) -> OAuth2:
        """Return OAuth2 credentials with the secrets of the system; `options` as of `OAuth2`."""
        directory = self.config.token_dir
        store = TokenStore(directory / f"{self.config.name}.json") if directory and refresh_token else None
        return OAuth2(
            self.token_url,
            self.config.secret("client_id"),
            self.config.secret("client_secret"),
            refresh_token=refresh_token,
            store=store,
            **options,
        )

    @property
    def auth(self) -> str:
        """The kind of credentials in use."""
        return self.config.auth or self.auths[0]

    @property
    def token_url(self) -> str:
        """Where OAuth2 tokens are given out."""
        path = str(self.config.options.get("token_url") or self.token_path)
        return path if "://" in path else self.config.base_url.rstrip("/") + path
