"""Run the situations of a folder: python -m orchestration.plans.situations FOLDER"""

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from orchestration.plans.situations.build import BuildError
from orchestration.plans.situations.case import SituationError
from orchestration.plans.situations.run import report, run_folder


def main(arguments: Sequence[str] | None = None) -> int:
    """Print each situation with the expected and the calculated figures. Returns 0, 1 (differences) or 2 (mistakes)."""
    parser = argparse.ArgumentParser(
        prog="commissions situations",
        description="Calculate the situations of a folder and compare them with the figures that they expect.",
    )
    parser.add_argument("folder", type=Path, help="folder with *.yaml files, or one file")
    parser.add_argument("--only", help="only the situations whose title contains this text")
    parser.add_argument("--keep", type=Path, help="folder in which the calculated warehouse is kept")
    parsed = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            results = run_folder(parsed.folder, parsed.keep or Path(scratch), parsed.only)
        except (SituationError, BuildError) as error:
            print(error, file=sys.stderr)
            return 2
    print("\n".join(report(results)))
    return 0 if results and all(result.is_met for result in results) else 1


if __name__ == "__main__":
    sys.exit(main())
