"""Break the stage models, and the macros they use, one token at a time and report the breaks that nothing notices.

    make mutants                                     all of them
    python -m tests.mutants.run --sample 300         300 of them, the same each time
    python -m tests.mutants.run --only int_rewards__rounded curve_at

A break counts as noticed (killed) when, with it, the situations and random companies no longer give the figures that
they give without it: those are known to be what the situations expect and what the oracle calculates, because
`make test` compares them. What they let through is given to the unit tests. `equivalent.txt` lists breaks that cannot
change a result, each with its reason; they are not counted.

Exit code 1 when fewer than 95 % are killed.
"""

import argparse
import os
import random
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

from orchestration.plans.situations.build import build_warehouse, calculate
from orchestration.plans.situations.case import read_cases
from orchestration.plans.situations.rows import groups_of, tables_of
from tests.calculation.batches import merged, random_companies
from tests.mutants.mutations import Mutation, marked
from tests.mutants.warehouse import Project, UnitTests, Warehouse
from tests.support.companies.random_company import AS_OF

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]

AIM = 0.95
COMPANIES = 60
# These load seeds, name schemas and make a function: no SQL of a model.
NOT_BROKEN = {"check_own_models", "divide", "duckdb__load_csv_rows", "generate_schema_name"}
EQUIVALENT = HERE / "equivalent.txt"


def copy_marked(project: Path) -> list[Mutation]:
    """Copy the dbt project and its seeds to a folder, every token marked that can be broken; return the breaks."""
    shutil.copytree(ROOT / "seeds", project / "seeds")
    shutil.copytree(ROOT / "dbt_project", project / "dbt_project", ignore=shutil.ignore_patterns("target"))
    found: list[Mutation] = []
    for path in sources(project / "dbt_project"):
        text, of_source = marked(path.stem, path.read_text(encoding="utf-8"), len(found))
        path.write_text(text, encoding="utf-8")
        found += of_source
    return found


def sources(dbt_project: Path) -> list[Path]:
    """Return the files that are broken: the models of the stages, and the macros."""
    macros = [path for path in dbt_project.glob("macros/*.sql") if path.stem not in NOT_BROKEN]
    return sorted(dbt_project.glob("models/intermediate/**/*.sql")) + sorted(macros)


def breaks() -> list[Mutation]:
    """Return the breaks in the order in which `copy_marked` numbers them."""
    found: list[Mutation] = []
    for path in sources(ROOT / "dbt_project"):
        found += marked(path.stem, path.read_text(encoding="utf-8"), len(found))[1]
    return found


def build(home: Path) -> None:
    """Calculate what the breaks are held against: all situations, some random companies, and the unit tests."""
    project = home / "project"
    copy_marked(project)
    for position, group in enumerate(groups_of(read_cases(HERE.parent / "calculation" / "situations"))):
        print(f"Building {len(group)} situations ...", flush=True)
        build_warehouse(tables_of(group), home / f"situations_{position}", group[0].as_of, project=project)
    print(f"Building {COMPANIES} random companies ...", flush=True)
    companies = merged(random_companies(1, 0, COMPANIES).values())
    build_warehouse(companies, home / "random", AS_OF, project=project)
    print("Compiling the unit tests ...", flush=True)
    units = home / "units"
    shutil.copytree(home / "random", units)
    command = ["test", "--select", "test_type:unit"]
    calculate(units, units / "seeds", AS_OF, project / "dbt_project", command=command)


class Judge:
    """Tells of a break whether it is noticed; one for each process."""

    def __init__(self, home: Path) -> None:
        own = Path(tempfile.mkdtemp(dir=home))
        self.warehouses = []
        for build_home in sorted(home.glob("situations_*")) + [home / "random"]:
            self.warehouses.append(Warehouse(_copied(build_home, own), Project(build_home / "target")))
        self.units = UnitTests(_copied(home / "units", own), home / "units" / "target")

    def is_killed(self, mutation: Mutation) -> bool:
        """Whether unit tests, situations or random companies notice the break."""
        return self.units.is_noticed(mutation) or any(each.is_noticed(mutation) for each in self.warehouses)


def _copied(build_home: Path, own: Path) -> Path:
    # The file's name is the catalog's, which the compiled SQL names.
    copy = own / build_home.name / "warehouse.duckdb"
    copy.parent.mkdir()
    shutil.copy(build_home / "warehouse.duckdb", copy)
    return copy


_JUDGES: list[Judge] = []


def _start(home: Path) -> None:
    _JUDGES.append(Judge(home))


def _judge(mutation: Mutation) -> bool:
    return _JUDGES[0].is_killed(mutation)


def equivalents() -> set[str]:
    """Return the breaks that cannot change a result, as `equivalent.txt` writes them before ` # `."""
    if not EQUIVALENT.exists():
        return set()
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    return {line.partition(" # ")[0].strip() for line in lines if line and not line.startswith("#")}


def report(judged: Sequence[tuple[Mutation, bool]]) -> Iterator[str]:
    """Yield the count of each model and macro, the survivors, and the rate."""
    tried = Counter(mutation.name for mutation, _ in judged)
    killed = Counter(mutation.name for mutation, is_killed in judged if is_killed)
    for name, count in tried.items():
        yield f"{name:<45} {killed[name]:>4} of {count:>4}"
    survivors = [mutation for mutation, is_killed in judged if not is_killed]
    if survivors:
        yield "\nNothing notices:"
        yield from (f"  {mutation}" for mutation in survivors)
    rate = 100 * len(judged) - 100 * len(survivors)
    yield f"\n{len(judged) - len(survivors)} of {len(judged)} killed, {rate / max(len(judged), 1):.1f} %"


def judged(tried: Sequence[Mutation], home: Path, jobs: int) -> list[tuple[Mutation, bool]]:
    """Try breaks in several processes, saying from time to time how far it is."""
    results: list[tuple[Mutation, bool]] = []
    with get_context("spawn").Pool(jobs, _start, (home,)) as pool:
        for mutation, is_killed in zip(tried, pool.imap(_judge, tried, chunksize=4), strict=True):
            results.append((mutation, is_killed))
            if len(results) % 100 == 0:
                print(f"  {len(results)} done, {sum(killed for _, killed in results)} killed", flush=True)
    return results


def main() -> int:
    """Build, break, report."""
    parser = argparse.ArgumentParser(description="Break the stage models one token at a time.")
    parser.add_argument("--only", nargs="*", default=[], help="only these models and macros")
    parser.add_argument("--sample", type=int, default=0, help="this many, chosen by --seed (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--home", type=Path, help="keep the builds here, and use those that are here")
    options = parser.parse_args()
    found = breaks()
    if unknown := set(options.only) - {mutation.name for mutation in found}:
        parser.error(f"no models or macros of the stages: {', '.join(sorted(unknown))}")
    known = equivalents()
    found = [m for m in found if str(m) not in known and m.name in (options.only or [m.name])]
    if options.sample:
        found = sorted(random.Random(options.seed).sample(found, min(len(found), options.sample)))
    with tempfile.TemporaryDirectory() as folder:
        home = (options.home or Path(folder)).resolve()
        if not (home / "units" / "target" / "manifest.json").exists():
            home.mkdir(parents=True, exist_ok=True)
            build(home)
        print(f"{len(found)} breaks in {len({m.name for m in found})} models and macros", flush=True)
        results = judged(found, home, options.jobs)
    print("\n".join(report(results)))
    return 0 if sum(is_killed for _, is_killed in results) >= AIM * len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
