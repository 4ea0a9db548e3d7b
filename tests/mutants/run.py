"""Break the stage models one token at a time and report the breaks that nothing notices.

    make mutants                                     up to 100 a model, about half an hour
    python tests/mutants/run.py --sample 300         300 of them, the same each time
    python tests/mutants/run.py --models int_rewards__rounded    all of these

A break counts as noticed (killed) when, with it, the situations and random companies no longer give the figures that
they give without it: those are known to be what the situations expect and what the oracle calculates, because
`make test` compares them. What they let through is given to the model's unit tests. `equivalent.txt` lists breaks that
cannot change a result, each with its reason; they are not counted.

Exit code 1 when fewer than 95 % are killed.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from multiprocessing import get_context
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path[:0] = [str(ROOT), str(HERE), str(HERE.parent / "calculation")]

from batches import merged, random_companies  # noqa: E402
from mutations import Mutation, mutated, mutations, start_of_own  # noqa: E402
from random_company import AS_OF  # noqa: E402
from warehouse import Project, UnitTests, Warehouse, first_cte  # noqa: E402

from orchestration.situations.build import build_warehouse  # noqa: E402
from orchestration.situations.case import read_cases  # noqa: E402
from orchestration.situations.rows import groups_of, tables_of  # noqa: E402

AIM = 0.95
COMPANIES = 60
PER_MODEL = 100
EQUIVALENT = HERE / "equivalent.txt"


def build(home: Path) -> None:
    """Calculate what the breaks are held against: all situations, some random companies, and the unit tests."""
    for position, group in enumerate(groups_of(read_cases(HERE.parent / "calculation" / "situations"))):
        print(f"Building {len(group)} situations ...", flush=True)
        build_warehouse(tables_of(group), home / f"situations_{position}", group[0].as_of)
    print(f"Building {COMPANIES} random companies ...", flush=True)
    build_warehouse(merged(random_companies(1, 0, COMPANIES).values()), home / "random", AS_OF)
    print("Compiling the unit tests ...", flush=True)
    shutil.copytree(home / "random", home / "units")
    env = os.environ | {"COMMISSIONS_HOME": str(home / "units"), "DO_NOT_TRACK": "1"}
    env["COMMISSIONS_SEEDS"] = str(home / "units" / "seeds")
    dbt = [str(Path(sys.executable).parent / "dbt"), "--quiet", "test", "--select", "test_type:unit"]
    subprocess.run(
        [*dbt, "--target-path", str(home / "units" / "target"), "--log-path", str(home / "logs")],
        cwd=ROOT / "dbt_project", env=env, check=True,
    )  # fmt: skip


class Judge:
    """Tells of a break whether it is noticed; one for each process."""

    def __init__(self, home: Path) -> None:
        own = Path(tempfile.mkdtemp(dir=home))
        self.warehouses = []
        for build_home in sorted(home.glob("situations_*")) + [home / "random"]:
            # The file's name is the catalog's, which the compiled SQL names.
            copy = own / build_home.name / "warehouse.duckdb"
            copy.parent.mkdir()
            shutil.copy(build_home / "warehouse.duckdb", copy)
            self.warehouses.append(Warehouse(copy, Project(build_home / "target")))
        target = home / "units" / "target"
        self.units = UnitTests(target, Project(target))

    def is_killed(self, mutation: Mutation) -> bool:
        """Whether situations, random companies or unit tests notice the break."""
        for warehouse in self.warehouses:
            own = warehouse.project.sql[mutation.model]
            broken = mutated(own, mutation, start_of_own(own))
            if broken is not None and warehouse.is_noticed(mutation.model, broken):
                return True
        return self._is_killed_by_units(mutation)

    def _is_killed_by_units(self, mutation: Mutation) -> bool:
        own = self.warehouses[0].project.sql[mutation.model]
        # The tokens before the first CTE's name are `with` and, perhaps, `recursive`.
        lead = 2 if own[start_of_own(own) :].split()[1].lower() == "recursive" else 1
        moved = mutation._replace(position=mutation.position - lead)
        for sql, columns in self.units.of(mutation.model):
            broken = mutated(sql, moved, start_of_own(sql, first_cte(own)))
            if broken is not None and self.units.rows(broken, columns) != self.units.rows(sql, columns):
                return True
        return False


_JUDGES: list[Judge] = []


def _start(home: Path) -> None:
    _JUDGES.append(Judge(home))


def _judge(mutation: Mutation) -> bool:
    return _JUDGES[0].is_killed(mutation)


def chosen(project: Project, models: Sequence[str], sample: int, seed: int) -> list[Mutation]:
    """Return the breaks to try, in the order of the models."""
    names = models or project.stage_models()
    found = []
    for name in names:
        tried = list(mutations(name, project.sql[name]))
        # Models that write every plan's expressions out are mostly the situations' own text.
        some = tried if models else random.Random(seed).sample(tried, min(len(tried), PER_MODEL))
        found += sorted(some, key=lambda mutation: mutation.position)
    if sample and sample < len(found):
        kept = set(random.Random(seed).sample(range(len(found)), sample))
        found = [mutation for number, mutation in enumerate(found) if number in kept]
    return found


def equivalents() -> set[str]:
    """Return the breaks that cannot change a result, as `equivalent.txt` writes them before ` # `."""
    if not EQUIVALENT.exists():
        return set()
    lines = EQUIVALENT.read_text(encoding="utf-8").splitlines()
    return {line.partition(" # ")[0].strip() for line in lines if line and not line.startswith("#")}


def report(judged: Sequence[tuple[Mutation, bool]]) -> Iterator[str]:
    """Yield the count of each model, the survivors, and the rate."""
    tried = Counter(mutation.model for mutation, _ in judged)
    killed = Counter(mutation.model for mutation, is_killed in judged if is_killed)
    for model, count in tried.items():
        yield f"{model:<45} {killed[model]:>4} of {count:>4}"
    survivors = [mutation for mutation, is_killed in judged if not is_killed]
    if survivors:
        yield "\nNothing notices:"
        yield from (f"  {mutation}" for mutation in survivors)
    rate = 100 * len(judged) - 100 * len(survivors)
    yield f"\n{len(judged) - len(survivors)} of {len(judged)} killed, {rate / max(len(judged), 1):.1f} %"


def main() -> int:
    """Build, break, report."""
    parser = argparse.ArgumentParser(description="Break the stage models one token at a time.")
    parser.add_argument("--models", nargs="*", default=[], help="only these models")
    parser.add_argument("--sample", type=int, default=0, help="this many, chosen by --seed (default: all)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    parser.add_argument("--home", type=Path, help="keep the builds here, and use those that are here")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = (options.home or Path(folder)).resolve()
        if not (home / "units" / "target" / "manifest.json").exists():
            home.mkdir(parents=True, exist_ok=True)
            build(home)
        project = Project(home / "random" / "target")
        if unknown := set(options.models) - set(project.stage_models()):
            parser.error(f"no stage models: {', '.join(sorted(unknown))}")
        known = equivalents()
        tried = [
            m for m in chosen(project, options.models, options.sample, options.seed) if str(m) not in known
        ]
        print(f"{len(tried)} breaks in {len({m.model for m in tried})} models", flush=True)
        with get_context("spawn").Pool(options.jobs, _start, (home,)) as pool:
            results = []
            for number, is_killed in enumerate(pool.imap(_judge, tried, chunksize=4), start=1):
                results.append((tried[number - 1], is_killed))
                if number % 200 == 0:
                    print(f"  {number} done, {sum(k for _, k in results)} killed", flush=True)
        print("\n".join(report(results)))
        return 0 if sum(is_killed for _, is_killed in results) >= AIM * len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
