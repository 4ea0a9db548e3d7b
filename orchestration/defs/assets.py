"""The assets, from the inputs to the published marts. Each wraps a function that works without Dagster."""

import warnings
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import dagster as dg
import duckdb
from dagster_dlt.translator import DltResourceTranslatorData
from pydantic import PrivateAttr

from ingestion.api.config import ConfigError
from ingestion.api.errors import ApiError
from ingestion.landing.settings import Settings as IngestionSettings
from ingestion.landing.tables import SourceSystem
from ingestion.load import InputError, LandingError, WarehouseBusyError, load_system
from ingestion.registry import FILE_SYSTEMS, SYSTEMS
from orchestration.books.archive import archive_landings
from orchestration.books.configuration import record_configuration
from orchestration.books.landed import TABLES as BOOKS_TABLES
from orchestration.books.landed import land_books
from orchestration.books.publications import record_publication
from orchestration.books.verify import restore_lost_warehouse
from orchestration.calculation.checks import (
    PASS,
    CheckResult,
    required_columns,
    shown_at,
)
from orchestration.calculation.dbt_process import DbtError, current
from orchestration.calculation.manifest import ensure_manifest, manifest_digest, read_manifest, ready_soon
from orchestration.calculation.step import Calculated, Calculation, CalculationError
from orchestration.defs.column_lineage import ColumnLineage, landed_columns
from orchestration.defs.dbt_apart import dagster_dbt
from orchestration.defs.dead_runs import clear_dead_runs
from orchestration.defs.losses import LOSSES, losses_landed
from orchestration.defs.row_counts import check_spec, rows_before, rows_kept
from orchestration.defs.run_figures import run_figures
from orchestration.defs.translator import (
    ARCHIVE_GROUP,
    ARCHIVE_KEY,
    BOOKS,
    CALCULATION_KEY,
    FULL_TAG,
    MARTS,
    PREFLIGHT_GROUP,
    PREFLIGHT_KEY,
    PUBLISHED_GROUP,
    PUBLISHED_KEY,
    ModelTranslator,
    RawTranslator,
    dbt_group,
    dbt_key,
    dbt_layer,
    raw_group,
    raw_key,
)
from orchestration.operating.cadences import cadences_file, read_cadences
from orchestration.operating.inputs import forget_run, read_books, read_inputs, record_run
from orchestration.operating.settings_files import settings_files
from orchestration.plans.checks import PreflightError, check_inputs, seeds_folder
from orchestration.warehouse.compaction import CompactionError, compact
from orchestration.warehouse.dbt_failures import read_failures, render
from orchestration.warehouse.files import BooksError
from orchestration.warehouse.lock import RunLock
from orchestration.warehouse.machine_limits import empty_spill, limits
from orchestration.warehouse.marts_file import MartsFileError, open_marts
from orchestration.warehouse.publish import PublishError, put_candidate_in_place
from orchestration.warehouse.settings import (
    DBT_PROJECT_DIR,
    PROJECT_ROOT,
    RunSettings,
    dbt_as_of_date,
    is_full,
)

COUNTS = ("file", "new", "retired", "live")
# How often a step is tried again after the network or a connected system failed it, and the seconds between.
RETRIES = 2
# The jobs that land and calculate everything (schedules.py).
WHOLE_RUNS = ("daily", "full")
RETRY_SECONDS = 60
NOT_PUBLISHED = "the marts were calculated and checked, and are not what people see yet; the asset published_marts publishes them"

ensure_manifest()
MANIFEST = read_manifest()
MANIFEST_DIGEST = manifest_digest()


class RunResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Held for the whole run: the lock that keeps a second run out, and the settings, read once.

    `today` as the as_of_date is therefore the same day in all steps.
    """

    _settings: RunSettings | None = PrivateAttr(default=None)
    _calculated: Calculated | None = PrivateAttr(default=None)
    _inputs: str = PrivateAttr(default="")
    _is_full: bool = PrivateAttr(default=False)
    _books: str = PrivateAttr(default="")

    @property
    def settings(self) -> RunSettings:
        """The settings of this run."""
        if self._settings is None:
            raise RuntimeError("the run has not started")
        return self._settings

    @property
    def calculated(self) -> Calculated | None:
        """What the calculation of this run has made, once it has."""
        return self._calculated

    @property
    def inputs(self) -> str:
        """A hash of all inputs as they were when the run began, and of the books as they were landed."""
        return f"{self._inputs} {self._books}"

    @property
    def is_full(self) -> bool:
        """Whether everything is done from scratch, whatever has changed."""
        return self._is_full

    def note_books(self) -> None:
        """Note what the books say, right after they were landed."""
        self._books = read_books(self.settings)

    def keep(self, calculated: Calculated) -> None:
        """Pass the calculation on to the step that publishes it."""
        self._calculated = calculated

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator["RunResource"]:
        """Take the lock, waiting for a run that holds it, and prepare the folders."""
        settings = RunSettings.from_env()
        settings.prepare()

        def tell(holder: str) -> None:
            if context.log:
                context.log.info(f"Waiting for another run to end: {holder}")

        with RunLock(settings.lock, wait=True, on_wait=tell):
            if restore_lost_warehouse(settings) and context.log:
                context.log.info(
                    f"The warehouse was gone: its landed tables are restored from {settings.landings}"
                )
            if context.instance:
                for run_id in clear_dead_runs(context.instance, context.run_id or ""):
                    if context.log:
                        context.log.info(f"Run {run_id} was killed; it is marked as failed")
            self._settings = settings
            self._calculated = None
            tags = context.run.tags if context.run else {}
            self._is_full = is_full() or FULL_TAG in tags
            empty_spill(settings.home)
            # As they are before anything is read: what is edited during the run is news to the next one.
            self._inputs = read_inputs(settings, seeds_folder(PROJECT_ROOT)).digest
            forget_run(settings)
            # dbt is imported and parses while the inputs are checked and landed.
            ready_soon(seeds_folder(PROJECT_ROOT))
            yield self


@dg.asset(key=PREFLIGHT_KEY, group_name=PREFLIGHT_GROUP, kinds={"python"})
def preflight(run: RunResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """All seed files and extracts, checked before anything is written."""
    try:
        run.settings.check_key()
        checked = check_inputs(PROJECT_ROOT, IngestionSettings.from_env(), full=run.is_full)
    except (ConfigError, MartsFileError) as error:
        raise dg.Failure(f"{error}; nothing was written.", allow_retries=False) from None
    except PreflightError as error:
        raise dg.Failure(
            f"{len(error.problems)} problems in the inputs; nothing was written.\n{error}",
            metadata={"problems": dg.MetadataValue.json([str(problem) for problem in error.problems])},
            allow_retries=False,
        ) from None
    return dg.MaterializeResult(metadata={"seed_files": checked.seeds, "extract_files": checked.extracts})


def raw_assets(system: SourceSystem, shrink_ratio_max: Decimal) -> dg.AssetsDefinition:
    """The landed tables of one system: one step, because a system lands whole or not at all."""
    translator = RawTranslator()
    # No pipeline yet: making one writes into the run's folder, and loading definitions writes nothing.
    specs = [
        translator.get_asset_spec(DltResourceTranslatorData(resource=resource, pipeline=None))
        for resource in system.source(None, None).resources.values()
    ]

    @dg.multi_asset(
        name=f"land_{system.name}",
        specs=specs,
        check_specs=[check_spec(spec.key) for spec in specs],
        can_subset=False,
    )
    def land(context: dg.AssetExecutionContext, run: RunResource) -> Iterator[Any]:
        before = {spec.key: rows_before(context.instance, spec.key) for spec in specs}
        try:
            result = load_system(system.name, IngestionSettings.from_env(), full=run.is_full)
        except (ApiError, ConfigError, InputError, LandingError, WarehouseBusyError) as error:
            # Wrong data stays wrong: only what the network or the system failed is tried again.
            if isinstance(error, ApiError) and error.may_pass and context.retry_number < RETRIES:
                context.log.warning(f"{system.title}: {error}; tried again in {RETRY_SECONDS} s")
                raise dg.RetryRequested(RETRIES, RETRY_SECONDS) from None
            raise dg.Failure(f"{system.title}: {error}", allow_retries=False) from None
        losses = losses_landed(run.settings.warehouse)
        columns = landed_columns(run.settings.warehouse, system.name)
        for table, counts in result.tables.items():
            yield dg.MaterializeResult(
                asset_key=raw_key(system.name, table),
                metadata={
                    "file": counts.in_file,
                    "new": counts.new_versions,
                    "retired": counts.retired,
                    "live": counts.live,
                    "dagster/row_count": counts.live,
                    "dagster/column_schema": columns[table],
                    **({} if losses is None else {LOSSES: losses}),
                    **({"notices": "\n".join(result.notices)} if result.notices else {}),
                },
            )
            key = raw_key(system.name, table)
            yield rows_kept(key, before[key], counts.live, shrink_ratio_max)

    return land


@dg.multi_asset(
    name="land_books",
    specs=[
        dg.AssetSpec(
            raw_key(BOOKS, table),
            deps=[PREFLIGHT_KEY],
            group_name=raw_group(BOOKS),
            description=f"{table} of the books: the logs and what closed periods posted.",
            kinds={"duckdb"},
        )
        for table in BOOKS_TABLES
    ],
    can_subset=False,
)
def books(run: RunResource) -> Iterator[dg.MaterializeResult]:  # type: ignore[type-arg]
    """The log of actions, that of the configuration and the books, their chains checked, landed whole.

    What changed in seeds and settings since the last run is written to the log of the configuration before.
    """
    try:
        record_configuration(
            run.settings.books / "configuration",
            seeds_folder(PROJECT_ROOT),
            recorded_at=datetime.now(UTC),
            settings=settings_files(),
        )
        with duckdb.connect(str(run.settings.warehouse)) as connection:
            counts = land_books(connection, run.settings.books)
        run.note_books()
    except BooksError as error:
        raise dg.Failure(f"{error}; nothing was written.", allow_retries=False) from None
    for table, count in counts.items():
        yield dg.MaterializeResult(asset_key=raw_key(BOOKS, table), metadata={"live": count})


def known_systems() -> Mapping[str, SourceSystem]:
    """The systems of the graph. With a sources.toml that cannot be used: those of files.

    The graph then loads all the same, and each run fails in its first step with the fix, before anything is written.
    """
    try:
        return dict(SYSTEMS)
    except ConfigError as error:
        warnings.warn(f"sources.toml cannot be used, runs will fail: {error}", stacklevel=1)
        return FILE_SYSTEMS


PROJECT = dagster_dbt.DbtProject(project_dir=DBT_PROJECT_DIR, profiles_dir=DBT_PROJECT_DIR)
NODES = {name: node for name, node in MANIFEST["nodes"].items() if node["resource_type"] in ("seed", "model")}
KEYS = {name: dbt_key(node) for name, node in NODES.items()}


def _marts() -> list[dg.AssetKey]:
    nodes = [node for node in MANIFEST["nodes"].values() if node["resource_type"] == "model"]
    return sorted(dbt_key(node) for node in nodes if dbt_layer(node) == MARTS)


def _tested() -> list[str]:
    """The layers whose tables have data tests in a run."""
    shown = {
        shown_at(node, MANIFEST) for node in MANIFEST["nodes"].values() if node["resource_type"] == "test"
    }
    views = {name for name, node in NODES.items() if required_columns(node)}
    return sorted({dbt_group(NODES[name]) for name in shown | views if name in NODES})


def _check_name(group: str) -> str:
    return f"data_tests_of_{group}"


def model_specs() -> list[dg.AssetSpec]:
    """The assets that dbt builds. None of them has to come out of a run: what has not changed is not built."""
    translator = ModelTranslator()
    specs = [
        translator.get_asset_spec(MANIFEST, name, PROJECT).replace_attributes(skippable=True)
        for name in sorted(NODES)
    ]
    whole = dg.AssetSpec(
        CALCULATION_KEY,
        deps=_marts(),
        group_name=PUBLISHED_GROUP,
        kinds={"dbt", "duckdb"},
        # Skipped only where single tables are built by hand.
        skippable=True,
        description="The calculation as a whole, in every run: how many tables it built and left, and what it checked.",
    )
    return [*specs, whole]


@dg.multi_asset(
    name="calculate",
    specs=model_specs(),
    # One per layer, with the failed tests by name in it: one per test would be a thousand events per run.
    check_specs=[
        dg.AssetCheckSpec(
            _check_name(group),
            asset=CALCULATION_KEY,
            description=f"The data tests of {group} that can fail because of what the run has changed.",
        )
        for group in _tested()
    ],
    can_subset=True,
)
def models(context: dg.AssetExecutionContext, run: RunResource) -> Iterator[Any]:
    """What has changed of seeds, staging, stages and marts, built by dbt; the next copy of the marts; the data tests."""
    settings = run.settings
    calculation = _calculation(run)
    # It reads the warehouse, so before dbt holds the file.
    lineage = ColumnLineage(MANIFEST, calculation.target / "compiled", settings.warehouse, context.log)
    failed: Exception | None = None
    try:
        if context.is_subset:
            calculation.run_some([name for name, key in KEYS.items() if key in context.selected_asset_keys])
        else:
            run.keep(calculation.run())
            # Where only these assets were asked for, nobody publishes them.
            settings.begin_writing(NOT_PUBLISHED)
    except (CalculationError, DbtError, MartsFileError, PublishError) as error:
        failed = error
    for node in calculation.built:
        if node.is_good and node.unique_id in KEYS:
            yield dg.MaterializeResult(
                asset_key=KEYS[node.unique_id],
                metadata={"Execution Duration": node.seconds, **lineage.metadata_of(node.unique_id)},
            )
    lineage.keep()
    yield from _check_results(calculation.checks, context.selected_asset_check_keys)
    if failed is None:
        if run.calculated:
            yield dg.MaterializeResult(
                asset_key=CALCULATION_KEY,
                metadata={
                    "built": len(calculation.built),
                    "unchanged": run.calculated.unchanged,
                    "marts_copied": len(run.calculated.candidate.copied),
                    "checks": len(calculation.checks),
                },
            )
        return
    if isinstance(failed, PublishError):
        raise dg.Failure(f"{failed}. The marts published before are unchanged.", allow_retries=False)
    failures = read_failures(calculation.target, MANIFEST)
    text = render(failures) or str(failed)
    raise dg.Failure(
        f"{len(failures) or 'some'} dbt nodes failed; everything built on them was skipped.\n{text}",
        metadata={"failures": dg.MetadataValue.json([failure.as_dict() for failure in failures])},
        allow_retries=False,
    )


def _calculation(run: RunResource) -> Calculation:
    return Calculation(
        run.settings, MANIFEST, current(), seeds_folder(PROJECT_ROOT), MANIFEST_DIGEST, run.is_full
    )


def _check_results(
    checks: Sequence[CheckResult], selected: Collection[dg.AssetCheckKey]
) -> Iterator[dg.AssetCheckResult]:
    """One result per layer: how many tests were asked, and the failed ones by name with their rows."""
    by_layer: dict[str, list[CheckResult]] = defaultdict(list)
    for check in checks:
        if check.node in NODES:
            by_layer[dbt_group(NODES[check.node])].append(check)
    for layer, asked in sorted(by_layer.items()):
        if dg.AssetCheckKey(CALCULATION_KEY, _check_name(layer)) not in selected:
            continue
        wrong = [one for one in asked if one.status != PASS]
        yield dg.AssetCheckResult(
            check_name=_check_name(layer),
            asset_key=CALCULATION_KEY,
            passed=not wrong,
            severity=(
                dg.AssetCheckSeverity.WARN
                if all(one.is_good for one in wrong)
                else dg.AssetCheckSeverity.ERROR
            ),
            description="; ".join(_told(one) for one in wrong) or None,
            metadata={"asked": len(asked), "failing_rows": sum(one.failing_rows for one in wrong)},
        )


def _told(check: CheckResult) -> str:
    node = MANIFEST["nodes"][check.unique_id]
    table = KEYS[check.node].path[-1]
    if check.error:
        return f"{node['name']} on {table}: {check.error}"
    rows = "1 failing row" if check.failing_rows == 1 else f"{check.failing_rows:,} failing rows"
    if check.unique_id == check.node:
        return f"{table}: {rows}, a column that its contract requires is empty"
    described = " ".join(str(node.get("description") or "").split())
    return f"{node['name']} on {table}: {rows}{f' ({described})' if described else ''}"


@dg.asset(key=PUBLISHED_KEY, group_name=PUBLISHED_GROUP, kinds={"duckdb"}, deps=[CALCULATION_KEY])
def published_marts(context: dg.AssetExecutionContext, run: RunResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The marts as readers see them: a read-only copy, replaced whole after a green build."""
    settings = run.settings
    facts = {
        "run_id": context.run_id,
        "as_of_date": settings.as_of_date or dbt_as_of_date(),
        "published_at": datetime.now(UTC).replace(microsecond=0, tzinfo=None).isoformat(),
    }
    try:
        # Asked for by itself, it is calculated and checked first all the same.
        calculated = run.calculated or _calculation(run).run()
        # The copy of a run that was killed before it was recorded: it is about to be replaced.
        record_publication(settings)
        publication = put_candidate_in_place(
            calculated.candidate,
            published=settings.published,
            run=facts,
            landed=list(_landed(context.instance)),
            nodes=calculated.nodes,
            key=settings.published_key(),
        )
    except (BooksError, CalculationError, DbtError, MartsFileError, PublishError) as error:
        raise dg.Failure(f"{error}. The marts published before are unchanged.", allow_retries=False) from None
    settings.end_writing()
    try:
        record_publication(settings)
    except BooksError as error:
        raise dg.Failure(f"{error}. The marts are published.", allow_retries=False) from None
    with open_marts(settings.published, settings.published_key()) as marts:
        figures = run_figures(marts, settings.home / "dbt", MANIFEST)
    shown = [change.__dict__ for change in publication.changes[:100]]
    return dg.MaterializeResult(
        metadata={
            "path": dg.MetadataValue.path(str(publication.path)),
            "marts": len(publication.row_counts),
            "marts_copied": len(calculated.candidate.copied),
            "rows": sum(publication.row_counts.values()),
            "checks": len(calculated.checks),
            "payouts_added": publication.count("added"),
            "payouts_changed": publication.count("changed"),
            "payouts_removed": publication.count("removed"),
            **figures,
            "first_payout_changes": dg.MetadataValue.json(
                [
                    {name: None if value is None else str(value) for name, value in row.items()}
                    for row in shown
                ]
            ),
        }
    )


@dg.asset(key=ARCHIVE_KEY, group_name=ARCHIVE_GROUP, kinds={"parquet"}, deps=[PUBLISHED_KEY])
def archived_landings(context: dg.AssetExecutionContext, run: RunResource) -> dg.MaterializeResult:  # type: ignore[type-arg]
    """The landed tables as files beside the warehouse, from which it can be rebuilt."""
    try:
        with duckdb.connect(str(run.settings.warehouse)) as connection:
            archive = archive_landings(connection, run.settings.landings)
    except BooksError as error:
        raise dg.Failure(f"{error}. The marts are published.", allow_retries=False) from None
    try:
        compacted = compact(run.settings.warehouse, config=limits(run.settings.home))
    except CompactionError as error:
        context.log.warning("The warehouse file keeps its size: %s", error)
    else:
        context.log.info(str(compacted))
    if context.run.job_name in WHOLE_RUNS:
        # The last step of a run that has landed and calculated everything.
        record_run(run.settings, run.inputs)
    return dg.MaterializeResult(metadata={"tables": archive.tables, "rows": archive.rows})


def _landed(instance: dg.DagsterInstance) -> Iterator[Mapping[str, object]]:
    """What the last load of each table counted."""
    for system in SYSTEMS.values():
        for table in system.tables:
            event = instance.get_latest_materialization_event(raw_key(system.name, table.name))
            if event and event.asset_materialization:
                metadata = event.asset_materialization.metadata
                counts = {name: int(str(metadata[name].value)) for name in COUNTS if name in metadata}
                if len(counts) == len(COUNTS):
                    yield {"source_system": system.name, "table_name": table.name, **counts}


SOURCE_SYSTEMS = known_systems()
CADENCES = read_cadences(cadences_file(), frozenset(SOURCE_SYSTEMS) | frozenset(FILE_SYSTEMS))

ASSETS = [
    preflight,
    *(raw_assets(system, CADENCES.shrink_ratio_max) for system in SOURCE_SYSTEMS.values()),
    books,
    models,
    published_marts,
    archived_landings,
]
