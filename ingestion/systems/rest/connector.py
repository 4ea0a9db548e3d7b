"""Read a REST API that has no package of its own: paths, pages, keys and changes are described in sources.toml.

Paginators are dlt's, named and configured as in its own REST source; everything else is as for all systems.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from dlt.common import jsonpath
from dlt.sources.helpers.rest_client.paginators import BasePaginator
from dlt.sources.rest_api.config_setup import PAGINATOR_MAP, create_paginator

from ingestion.api.auth import Credentials
from ingestion.api.client import Client, Record
from ingestion.api.config import ConfigError
from ingestion.api.connector import Connector, Deleted, Reading
from ingestion.api.errors import ApiError
from ingestion.landing.tables import Table, text

_OPTIONS = {
    "path",
    "records",
    "method",
    "params",
    "json",
    "paginator",
    "fields",
    "since_param",
    "since_format",
}
_SINCE_ISO, _SINCE_EPOCH = "iso", "epoch"


class Rest(Connector):
    """The connector for one API; each table of sources.toml is one list of it."""

    name: ClassVar[str] = "rest"
    title: ClassVar[str] = "Any REST API, described in sources.toml"
    tables = ()
    auths: ClassVar[tuple[str, ...]] = (
        "none", "bearer", "api_key", "basic", "client_credentials", "refresh_token",
    )  # fmt: skip

    @classmethod
    def further_table(cls, name: str, details: Mapping[str, Any]) -> Table | None:
        """Return a table of sources.toml; it needs a path and a key.

        Raises:
            ConfigError: an option is missing or cannot be used.
        """
        options, key, place = (
            details.get("options", {}),
            tuple(details.get("key", ())),
            f"tables.{name}.options",
        )
        if unknown := sorted(set(options) - _OPTIONS):
            raise ConfigError(f"{place}.{unknown[0]} is not known; known are {', '.join(sorted(_OPTIONS))}")
        if not isinstance(options.get("path"), str):
            raise ConfigError(
                f'{place}.path is missing; write the path below base_url, for example path = "/v1/orders"'
            )
        if not key:
            raise ConfigError(f'tables.{name}.key is missing; name the fields of a row\'s key, key = ["id"]')
        if options.get("method", "GET") not in ("GET", "POST"):
            raise ConfigError(f"{place}.method must be GET, or POST for a query that changes nothing")
        if options.get("since_param") and not details.get("stamp"):
            raise ConfigError(
                f"{place}.since_param needs tables.{name}.stamp, the field with the last change"
            )
        for part in ("params", "json", "fields"):
            if not isinstance(options.get(part, {}), dict):
                raise ConfigError(f"{place}.{part} must have keys of its own, write {part} = {{ ... }}")
        _paginator(options.get("paginator", "single_page"), f"{place}.paginator")
        return Table(name, text(*key), key)

    def reading(self, table: Table) -> Reading:
        """Return how a table is read: by changes where the request carries `since_param`, else whole."""
        is_incremental = bool(self._options(table).get("since_param"))
        # Without a description by the source only a full read finds rows that were erased.
        return Reading(incremental=is_incremental, full_every=timedelta(days=7), omits_empty=True)

    def credentials(self) -> Credentials:
        """Return the credentials; an open API needs none."""
        return Credentials() if self.auth == "none" else super().credentials()

    def read(self, table: Table, client: Client, since: datetime | None) -> Iterator[list[Record] | Deleted]:
        """Yield the records of each page, nested fields by the names that `fields` gives them."""
        options = self._options(table)
        params = dict(options.get("params", {}))
        if since is not None:
            params[options["since_param"]] = _written(since, options.get("since_format", _SINCE_ISO))
        pages = client.pages(
            options["path"],
            _paginator(options.get("paginator", "single_page"), table.name),
            options.get("records", "$"),
            method=options.get("method", "GET"),
            params=params,
            json=options.get("json"),
        )
        for page in pages:
            yield [self._record(table, record, options.get("fields", {})) for record in page]

    def _record(self, table: Table, record: Any, fields: Mapping[str, str]) -> Record:
        if not isinstance(record, dict):
            raise ApiError(
                self.config.name,
                f"{table.name}: the list holds {type(record).__name__} instead of records; set records to the path of "
                "the list in the answer",
            )
        return record | {name: _found(path, record) for name, path in fields.items()}

    def _options(self, table: Table) -> Mapping[str, Any]:
        return self.config.table_options.get(table.name, {})


def _found(path: str, record: Record) -> Any:
    values = jsonpath.find_values(path, record)
    return values[0] if len(values) == 1 else (values or None)


def _written(since: datetime, form: str) -> str:
    if form == _SINCE_EPOCH:
        return str(int(since.timestamp()))
    since = since.astimezone(UTC)
    return since.strftime("%Y-%m-%dT%H:%M:%SZ") if form == _SINCE_ISO else since.strftime(form)


def _paginator(described: Any, place: str) -> BasePaginator:
    """Return a new paginator of dlt, from its name or from its name and settings."""
    kind = described.get("type") if isinstance(described, dict) else described
    known = [name for name in PAGINATOR_MAP if name != "auto"]
    if kind not in known:
        raise ConfigError(f"{place}: the paginator {kind} is not known; known are {', '.join(known)}")
    try:
        settings: Any = dict(described) if isinstance(described, dict) else described
        made = create_paginator(settings)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"{place}: {str(error).splitlines()[0]}; see dlt's paginators for its settings"
        ) from None
    if made is None:
        raise ConfigError(f"{place}: the paginator {kind} cannot be made of these settings")
    return made
