"""All source systems, in the order in which they are loaded."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path

import dlt
from dlt.sources import DltSource

from ingestion.api.config import Configured, read_sources
from ingestion.api.sync import make_source
from ingestion.landing.pipeline import make_pipeline
from ingestion.landing.settings import Settings
from ingestion.landing.tables import SourceSystem
from ingestion.systems import billing, crm, fx, hris, maven_crm

# The systems of the bundled sample, from files.
FILE_SYSTEMS: dict[str, SourceSystem] = {
    system.name: system for system in (crm.SYSTEM, hris.SYSTEM, billing.SYSTEM, fx.SYSTEM, maven_crm.SYSTEM)
}


def connected_system(configured: Configured) -> SourceSystem:
    """Return a system that is read by a connector; it loads as one of files does."""
    name = configured.config.name

    def source(_extract_dir: Path | None = None, settings: Settings | None = None) -> DltSource:
        return make_source(configured, settings)

    def pipeline(settings: Settings | None = None) -> dlt.Pipeline:
        return make_pipeline(name, settings)

    return SourceSystem(
        name,
        configured.connector.title,
        (*configured.tables, *configured.empty),
        source,
        pipeline,
        reads_files=False,
    )


def configured_systems(settings: Settings) -> list[Configured]:
    """Return the systems that sources.toml switches on.

    Raises:
        ConfigError: the file cannot be used; the message names the place and the fix.
    """
    return read_sources(settings.sources, FILE_SYSTEMS, settings.home)


def source_systems(settings: Settings) -> dict[str, SourceSystem]:
    """Return the systems of files, those of sources.toml in their place or behind them; without the replaced ones."""
    connected = configured_systems(settings)
    replaced = {configured.replaces for configured in connected}
    return {name: system for name, system in FILE_SYSTEMS.items() if name not in replaced} | {
        configured.config.name: connected_system(configured) for configured in connected
    }


class Systems(Mapping[str, SourceSystem]):
    """The systems of this process's settings, read from sources.toml when first asked for.

    Importing this module therefore never fails; the first use raises ConfigError where sources.toml cannot be used.
    """

    @cached_property
    def _found(self) -> dict[str, SourceSystem]:
        return source_systems(Settings.from_env())

    def __getitem__(self, name: str) -> SourceSystem:
        return self._found[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


SYSTEMS: Mapping[str, SourceSystem] = Systems()
