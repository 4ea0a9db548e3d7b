"""Load the extracts: python -m ingestion [--full] [system ...]"""

import argparse
import sys

from ingestion.api.config import ConfigError
from ingestion.api.errors import ApiError
from ingestion.landing.settings import Settings, SettingsError
from ingestion.load import InputError, LandingError, LoadResult, WarehouseBusyError, load_system
from ingestion.registry import SYSTEMS

LINE = "{:<34} {:>9} {:>13} {:>9} {:>9}"


def report(result: LoadResult) -> str:
    """Return the result of one system as lines of text."""
    lines = [
        LINE.format(f"raw_{result.system}.{name}", row.in_file, row.new_versions, row.retired, row.live)
        for name, row in result.tables.items()
    ]
    if result.fixed:
        lines.append(f"raw_{result.system}: an interrupted load was taken back first ({result.fixed} rows)")
    return "\n".join([*lines, *(f"notice: {notice}" for notice in result.notices)])


def main() -> int:
    """Load the named systems, by default all; 1 when one cannot be loaded."""
    try:
        return _load()
    except (ConfigError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1


def _load() -> int:
    parser = argparse.ArgumentParser(prog="python -m ingestion", description="Load the extracts.")
    parser.add_argument("systems", nargs="*", metavar="system", help=f"default: all of {', '.join(SYSTEMS)}")
    parser.add_argument("--full", action="store_true", help="land unchanged files as well")
    arguments = parser.parse_args()
    systems = arguments.systems or list(SYSTEMS)
    if unknown := [name for name in systems if name not in SYSTEMS]:
        parser.error(f"unknown system {', '.join(unknown)}; known are {', '.join(SYSTEMS)}")
    settings = Settings.from_env()
    print(LINE.format("table", "in source", "new versions", "retired", "live"))
    for name in systems:
        try:
            print(report(load_system(name, settings, full=arguments.full)), flush=True)
        except (InputError, ApiError, WarehouseBusyError, LandingError) as error:
            print(f"{name}: {error}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
