"""MetricFlow on a DuckDB file: metrics as dbt describes them, asked of a warehouse that nobody writes."""

from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
from metricflow.engine.metricflow_engine import MetricFlowEngine, MetricFlowQueryRequest
from metricflow.protocols.sql_client import SqlEngine
from metricflow.sql.render.duckdb_renderer import DuckDbSqlPlanRenderer
from metricflow.sql.render.sql_plan_renderer import SqlPlanRenderer
from metricflow_semantics.model.dbt_manifest_parser import parse_manifest_from_dbt_generated_manifest
from metricflow_semantics.model.semantic_manifest_lookup import SemanticManifestLookup


class _Dialect:
    """What MetricFlow needs to know to write SQL; the SQL is run here."""

    sql_engine_type = SqlEngine.DUCKDB

    def __init__(self) -> None:
        self.sql_plan_renderer: SqlPlanRenderer = DuckDbSqlPlanRenderer()

    def render_bind_parameter_key(self, bind_parameter_key: str) -> str:
        return f"${bind_parameter_key}"


class Metrics:
    """The metrics of a dbt project over one warehouse file."""

    def __init__(self, semantic_manifest: Path, warehouse: Path) -> None:
        manifest = parse_manifest_from_dbt_generated_manifest(semantic_manifest.read_text())
        self.engine = MetricFlowEngine(SemanticManifestLookup(manifest), _Dialect())  # type: ignore[arg-type]
        self.warehouse = warehouse

    def sql(self, metrics: Sequence[str], by: Sequence[str] = (), where: str | None = None) -> str:
        """The SQL of a metric query."""
        request = MetricFlowQueryRequest.create(
            metric_names=list(metrics),
            group_by_names=list(by) or None,
            where_constraints=[where] if where else None,
        )
        return str(self.engine.explain(request).sql_statement.sql)

    def ask(self, metrics: Sequence[str], by: Sequence[str] = (), where: str | None = None) -> dict[Any, Any]:
        """Values of the metrics by what they are grouped by; single ones bare, floating point cut to 10 decimals."""
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            answer = connection.execute(self.sql(metrics, by, where))
            names = [column[0] for column in answer.description or []]
            rows = [dict(zip(names, map(_plain, row), strict=True)) for row in answer.fetchall()]
        keys = [name for name in names if name not in metrics]
        return {_bare([row[key] for key in keys]): _bare([row[metric] for metric in metrics]) for row in rows}


def _plain(cell: Any) -> Any:
    return Decimal(repr(cell)).quantize(Decimal("1e-10")) if isinstance(cell, float) else cell


def _bare(cells: Sequence[Any]) -> Any:
    return cells[0] if len(cells) == 1 else tuple(cells)
