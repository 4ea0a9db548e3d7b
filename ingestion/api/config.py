"""sources.toml: which systems are read by a connector, and how.

    [crm]                                   # the rows land in raw_crm
    connector = "salesforce"
    base_url = "https://example.my.salesforce.com"
    auth = "client_credentials"             # default: the connector's usual one
    read = ["Opportunity", "User"]          # default: all tables of the connector
    replaces = "billing"                    # a system of files that is then not loaded
    without = ["Territory2", "Opportunity.*__c"]   # what the models declare and this company has not: it lands empty
    [crm.options]                           # the connector's own
    [crm.client]                            # patience: attempts, read_seconds, ...
    [crm.tables.Opportunity]
    columns = { Region__c = "text" }        # typed; other fields land as text
    key = ["Id"]                            # for tables that the connector does not declare
    overlap = "2 hours"
    full_every = "7 days"
    max_age = "3 days"

Secrets are never in this file: SOURCES__CRM__CLIENT_SECRET in the environment, or dlt's secrets.
"""

import fnmatch
import importlib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

from ingestion.api.client import ClientOptions
from ingestion.api.connector import AUTH_SECRETS, Connector, Reading, SourceConfig
from ingestion.landing.tables import AMOUNT_SCALE, Column, ColumnType, SourceSystem, Table

_UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
# What looks like a secret in the name of a setting.
SECRET_WORDS = re.compile(r"secret|password|token$|api_?key$|credential", re.IGNORECASE)
_KEYS = {"connector", "base_url", "auth", "read", "replaces", "without", "options", "client", "tables"}
_TABLE_KEYS = {"columns", "key", "stamp", "deleted_flag", "overlap", "full_every", "max_age", "options"}


class ConfigError(ValueError):
    """sources.toml cannot be used as it is."""


@dataclass(frozen=True)
class Configured:
    """A system of sources.toml with its connector and its tables.

    Attributes:
        absent: tables that the models read from this system and that the connector does not bring.
        empty: tables that the models read and that the company says it has not; they land empty.
        without: columns, as "Opportunity.Territory2Id", of which the same holds.
        replaces: the system of files that is not loaded because of this one; empty: none.
    """

    config: SourceConfig
    connector: type[Connector]
    tables: tuple[Table, ...]
    overlap: Mapping[str, timedelta] = field(default_factory=dict)
    full_every: Mapping[str, timedelta] = field(default_factory=dict)
    max_age: Mapping[str, timedelta] = field(default_factory=dict)
    absent: tuple[str, ...] = ()
    empty: tuple[Table, ...] = ()
    without: frozenset[str] = frozenset()
    replaces: str = ""

    def make(self) -> Connector:
        """Return a new connector, good for one load."""
        return self.connector(self.config)

    def sought(self, table: Table) -> Table:
        """Return the table without the columns that the company says it has not: what the source is asked for."""
        kept = [column for column in table.columns if f"{table.name}.{column.name}" not in self.without]
        return table if len(kept) == len(table.columns) else replace(table, columns=tuple(kept))

    def reading(self, connector: Connector, table: Table) -> Reading:
        """Return how a table is read: the connector's way with what sources.toml changes."""
        reading = connector.reading(table)
        if reading.incremental and table.stamp is None:
            raise ConfigError(
                f"{self.config.name}.{table.name} is read by changes and has no stamp; declare one"
            )
        return replace(
            reading,
            overlap=self.overlap.get(table.name, reading.overlap),
            full_every=self.full_every.get(table.name, reading.full_every),
        )


def duration(text: str) -> timedelta:
    """Parse "2 hours", "1 day", "90 seconds".

    Raises:
        ConfigError: it is none of these.
    """
    match = re.fullmatch(r"([0-9]+) (second|minute|hour|day|week)s?", str(text).strip())
    if not match:
        raise ConfigError(f"'{text}' is no duration; write a number and a unit, for example \"2 hours\"")
    return timedelta(seconds=int(match[1]) * _UNITS[match[2]])


def connector_class(name: str) -> type[Connector]:
    """Return the connector of the package `ingestion.systems.<name>`.

    Raises:
        ConfigError: there is none.
    """
    missing = (
        f"there is no connector '{name}'; write the name of a package below ingestion/systems/ that has one"
    )
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(missing)
    try:
        module = importlib.import_module(f"ingestion.systems.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"ingestion.systems.{name}":
            raise
        raise ConfigError(missing) from None
    found = getattr(module, "CONNECTOR", None)
    if not (isinstance(found, type) and issubclass(found, Connector)):
        raise ConfigError(missing)
    return found


def read_sources(
    path: Path | None, declared: Mapping[str, SourceSystem] | None = None, home: Path | None = None
) -> list[Configured]:
    """Return the systems that the file switches on; none when there is no file.

    Args:
        declared: the systems of files. A system with the same name is replaced, and what its tables declare
            stays required, because the models read it.
        home: where replaced refresh tokens are kept.

    Raises:
        ConfigError: the file, a connector or a key is wrong; the message names the place and the fix.
    """
    if path is None:
        return []
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path} is not there; correct COMMISSIONS_SOURCES") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path.name} is not TOML: {error}") from None
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}; correct COMMISSIONS_SOURCES") from None
    found: list[Configured] = []
    for name, entry in content.items():
        try:
            configured = _configured(name, entry, (declared or {}).get(name), home)
            taken = {other.replaces for other in found if other.replaces} | set(content)
            found.append(replace(configured, replaces=_replaced(entry, declared or {}, taken)))
        except ConfigError as error:
            raise ConfigError(f"{path.name} [{name}]: {error}") from None
    return found


def _replaced(entry: Mapping[str, Any], declared: Mapping[str, SourceSystem], taken: set[str]) -> str:
    """Return the system of files that a section replaces; empty where it replaces none."""
    if "replaces" not in entry:
        return ""
    replaced = entry["replaces"]
    if not isinstance(replaced, str) or replaced not in declared:
        raise ConfigError(f"replaces must be a system of files: {', '.join(declared)}")
    if replaced in taken:
        raise ConfigError(f"{replaced} is replaced by another section too; leave one of them")
    return replaced


def _part(entry: Mapping[str, Any], key: str, place: str = "") -> dict[str, Any]:
    """Return a part of a section that has keys of its own; empty where it is not there."""
    part = entry.get(key, {})
    if not isinstance(part, dict):
        raise ConfigError(f"{place}{key} must have keys of its own, write [<system>.{place}{key}]")
    return part


def _names(entry: Mapping[str, Any], key: str, place: str = "") -> tuple[str, ...]:
    names = entry.get(key, [])
    if not (isinstance(names, list) and all(isinstance(name, str) for name in names)):
        raise ConfigError(f'{place}{key} must be a list of names, for example {key} = ["Id"]')
    return tuple(names)


def _refuse_unknown(entry: Mapping[str, Any], known: set[str], place: str) -> None:
    if secret := [key for key in entry if SECRET_WORDS.search(key) and key not in known]:
        raise ConfigError(
            f"{place}{secret[0]} looks like a secret; take it out of the file and set it in the environment"
        )
    if unknown := sorted(set(entry) - known):
        raise ConfigError(f"{place}{unknown[0]} is not known; known are {', '.join(sorted(known))}")


def _configured(name: str, entry: Any, declared: SourceSystem | None, home: Path | None) -> Configured:
    if not isinstance(entry, dict) or not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError("write a section with a name in small letters, for example [crm]")
    _refuse_unknown(entry, _KEYS, "")
    if not isinstance(entry.get("connector"), str):
        raise ConfigError("connector is missing")
    connector = connector_class(entry["connector"])
    if connector.needs_base_url and not isinstance(entry.get("base_url"), str):
        raise ConfigError("base_url is missing")
    options = _part(entry, "options")
    for key in options:
        if SECRET_WORDS.search(key):
            raise ConfigError(
                f"options.{key} looks like a secret; take it out of the file and set it in the environment"
            )
    auth = entry.get("auth", "")
    if auth and auth not in connector.auths:
        raise ConfigError(
            f"auth '{auth}' is not known to {connector.name}; known are {', '.join(connector.auths)}"
        )
    details: Mapping[str, Any] = _part(entry, "tables")
    for table in details:
        detail = _part(details, table, "tables.")
        for key in ("columns", "options"):
            _part(detail, key, f"tables.{table}.")
        _names(detail, "key", f"tables.{table}.")
        _refuse_unknown(detail, _TABLE_KEYS, f"tables.{table}.")
    config = SourceConfig(
        name=name,
        connector=entry["connector"],
        base_url=_base_url(entry["base_url"]) if connector.needs_base_url else "",
        auth=auth,
        read=_names(entry, "read"),
        options=options,
        table_options={table: detail.get("options", {}) for table, detail in details.items()},
        client=_client_options(_part(entry, "client")),
        token_dir=home / "tokens" if home else None,
    )
    tables, absent = _tables(connector, config, details, declared)
    empty, without = _without(_names(entry, "without"), tables, declared)
    durations = {
        key: {table: duration(detail[key]) for table, detail in details.items() if key in detail}
        for key in ("overlap", "full_every", "max_age")
    }
    return Configured(
        config,
        connector,
        tables,
        overlap=durations["overlap"],
        full_every=durations["full_every"],
        max_age=durations["max_age"],
        absent=tuple(table for table in absent if table not in {one.name for one in empty}),
        empty=empty,
        without=without,
    )


def _base_url(url: str) -> str:
    # Without encryption the secrets would travel in the clear; a server on this machine is the exception.
    if not re.match(r"https://[^/@]+|http://(127\.0\.0\.1|localhost)(:|/|$)", url):
        raise ConfigError("base_url must begin with https:// and hold no user name")
    return url.rstrip("/")


def _client_options(entry: Mapping[str, Any]) -> ClientOptions:
    known = {option.name for option in fields(ClientOptions)} - {"retry_after", "retry_statuses"}
    _refuse_unknown(entry, known, "client.")
    for name, value in entry.items():
        wanted = int if name == "attempts" else int | float
        if isinstance(value, bool) or not isinstance(value, wanted) or value <= 0:
            raise ConfigError(f"client.{name} must be a number above 0, without quotation marks")
    return ClientOptions(**entry)


def _columns(entry: Mapping[str, Any]) -> tuple[Column, ...]:
    columns = []
    for name, written in entry.items():
        kind, *further = str(written).split(" ")
        is_computed = kind == "decimal" and further[-1:] == ["computed"]
        scale = further[:-1] if is_computed else further
        if kind not in get_args(ColumnType) or len(scale) > 1 or not all(part.isdigit() for part in scale):
            raise ConfigError(
                f"the type '{written}' of column {name} is not known; known are {', '.join(get_args(ColumnType))}, "
                '"decimal 10" for ten decimals, and "decimal 10 computed" where the source computes the number and it is '
                "to be rounded"
            )
        columns.append(
            Column(name, kind, int(scale[0]) if scale else AMOUNT_SCALE, is_computed)  # type: ignore[arg-type]
        )
    return tuple(columns)


def _tables(
    connector: type[Connector],
    config: SourceConfig,
    details: Mapping[str, Any],
    declared: SourceSystem | None,
) -> tuple[tuple[Table, ...], tuple[str, ...]]:
    own = {table.name: table for table in connector.tables}
    required = {table.name: table for table in (declared.tables if declared else ())}
    names = list(config.read) or [*own, *(name for name in (*required, *details) if name not in own)]
    tables, absent = [], []
    for name in dict.fromkeys(names):
        base = own.get(name) or connector.further_table(name, details.get(name, {}))
        if base is None:
            if name not in required or name in config.read or name in details:
                raise ConfigError(f"{connector.name} has no table {name}; known are {', '.join(own)}")
            absent.append(name)
            continue
        tables.append(_merged(base, required.get(name), details.get(name, {})))
    absent += [name for name in required if name not in names]
    return tuple(tables), tuple(absent)


def _without(
    patterns: Sequence[str], tables: Sequence[Table], declared: SourceSystem | None
) -> tuple[tuple[Table, ...], frozenset[str]]:
    """Return the tables and columns that the models declare and the company has not.

    Raises:
        ConfigError: a pattern fits nothing of them, a table that is read, or a key or stamp.
    """
    read = {table.name: table for table in tables}
    required = {table.name: table for table in (declared.tables if declared else ())}
    columns = {f"{table.name}.{column.name}" for table in required.values() for column in table.columns}
    empty: dict[str, Table] = {}
    without: set[str] = set()
    for pattern in patterns:
        fitting = fnmatch.filter([*required, *columns], pattern)
        if not fitting:
            raise ConfigError(f"without: {pattern} is nothing that the models declare; take it out")
        for name in fitting:
            if name in columns:
                without.add(name)
            elif name in read:
                raise ConfigError(
                    f"without: {name} is read; name the tables of `read` without it, or take it out here"
                )
            else:
                empty[name] = required[name]
    for table in tables:
        for name in filter(None, (*table.primary_key, table.stamp, table.deleted_flag)):
            if f"{table.name}.{name}" in without:
                raise ConfigError(
                    f"without: {table.name}.{name} is the key, stamp or mark of deletion; take it out"
                )
    return tuple(empty.values()), frozenset(without)


def _merged(base: Table, required: Table | None, detail: Mapping[str, Any]) -> Table:
    """Return the connector's table with the columns that the models and sources.toml declare."""
    columns = {column.name: column for column in base.columns}
    computed = {column.name for column in base.columns if column.computed}
    columns |= {
        column.name: replace(column, computed=True) if column.name in computed else column
        for column in (required.columns if required else ())
    }
    columns |= {column.name: column for column in _columns(detail.get("columns", {}))}
    key = tuple(detail.get("key", ())) or (required.primary_key if required else base.primary_key)
    if key == base.primary_key[: len(key)]:
        # A connector may tell rows apart further than the company's key does.
        key = base.primary_key
    try:
        return Table(
            base.name,
            tuple(columns.values()),
            tuple(key),
            stamp=detail.get("stamp", base.stamp),
            deleted_flag=detail.get("deleted_flag", base.deleted_flag),
            further_key=base.further_key,
        )
    except (ValueError, StopIteration) as error:
        raise ConfigError(str(error)) from None


def auth_secrets(configured: Configured) -> tuple[str, ...]:
    """Return the names of the secrets that the system needs."""
    kind = configured.config.auth or configured.connector.auths[0]
    return (*AUTH_SECRETS.get(kind, ()), *configured.connector.further_secrets)
